use super::*;
use crate::types::{Event, Expected};

fn one(stream: &'static str, id: u128) -> Append {
    Append::to(stream).event(Event::with_id(uuid::Uuid::from_u128(id), "T", ""))
}

#[test]
fn a_repeat_tells_the_versions_of_then() {
    let store = MemoryStore::new();
    store.append(one("checked", 1)).unwrap();
    let append = one("a", 2)
        .expect(Expected::NoStream)
        .check("checked", Version::new(1));
    let first = store.append(append.clone()).unwrap();
    assert_eq!(first.versions(), [Version::new(1), Version::new(1)]);
    store.append(one("a", 3)).unwrap();
    store.append(one("checked", 4)).unwrap();
    assert_eq!(store.append(append).unwrap(), first.as_repeat());
    assert_eq!(store.head(), Position::new(4));
}

#[test]
fn a_visitor_may_use_the_store() {
    let store = MemoryStore::new();
    store.append(one("a", 1)).unwrap();
    store
        .scan(&Query::all(), &mut |_| {
            store.append(one("a", 2)).unwrap();
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(store.head(), Position::new(2));
}

#[test]
fn the_greatest_version_is_only_a_conflict() {
    let store = MemoryStore::new();
    let refused = store.append(one("a", 1).expect(Version::MAX)).unwrap_err();
    assert!(refused.is_conflict());
    assert_eq!(store.head(), Position::START);
}
