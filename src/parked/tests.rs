use super::*;
use crate::types::StoreId;

fn parked(handler: &str, position: u64, error: &str) -> Parked {
    Parked {
        handler: handler.into(),
        position: Position::new(position),
        tries: 3,
        error: error.into(),
        parked: Timestamp::from_micros(5).unwrap(),
    }
}

fn keeps_them_by_handler_and_position(place: &dyn ParkedEvents) {
    for position in [300, 2, 10] {
        place.park(&parked("a", position, "first")).unwrap();
        place.park(&parked("A", position, "other")).unwrap();
    }
    place.park(&parked("a", 10, "second")).unwrap();
    let errors = [(2, "first"), (10, "second"), (300, "first")];
    let expected: Vec<_> = errors.map(|(at, error)| parked("a", at, error)).into();
    assert_eq!(place.list("a").unwrap(), expected);
    place.remove("a", Position::new(2)).unwrap();
    place.remove("a", Position::new(2)).unwrap();
    assert_eq!(place.list("a").unwrap(), expected[1..]);
    assert_eq!(place.list("A").unwrap().len(), 3);
    assert!(place.list("b").unwrap().is_empty());
    assert!(place.list("").is_err());
    let long = "ä".repeat(MAX_ERROR_BYTES);
    place.park(&parked("b", 1, &long)).unwrap();
    assert_eq!(place.list("b").unwrap()[0].error.len(), MAX_ERROR_BYTES);
}

#[test]
fn memory_keeps_them() {
    keeps_them_by_handler_and_position(&MemoryParked::new());
}

#[test]
fn files_keep_them() {
    let dir = tempfile::tempdir().unwrap();
    let place = FileParked::open(dir.path(), StoreId::from_bytes([1; 16])).unwrap();
    keeps_them_by_handler_and_position(&place);
}

#[test]
fn a_damaged_file_still_says_which_event_is_parked() {
    let dir = tempfile::tempdir().unwrap();
    let place = FileParked::open(dir.path(), StoreId::from_bytes([1; 16])).unwrap();
    place.park(&parked("a", 7, "why")).unwrap();
    let file = std::fs::read_dir(dir.path())
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    std::fs::write(file.path(), "rubbish").unwrap();
    let found = place.list("a").unwrap();
    assert_eq!(found[0].position, Position::new(7));
    assert!(
        found[0].error.contains("can't be read"),
        "{}",
        found[0].error
    );
    place.remove("a", Position::new(7)).unwrap();
    assert!(place.list("a").unwrap().is_empty());
}
