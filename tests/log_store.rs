//! What the store on the log promises beyond the trait: its files.

#![allow(clippy::unwrap_used)]

use annals::{
    Append, Durability, ErrorKind, Event, EventStore, LogStore, Options, Position, Query, Reads,
    RecordedEvent, Version,
};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

fn small() -> Options {
    Options::new().segment_size(2048).checkpoint_events(10)
}

fn put(store: &LogStore, count: u64) {
    for number in 0..count {
        let event = Event::new(format!("Type{}", number % 3), vec![b'x'; 40])
            .with_tag(format!("tag/{}", number % 5));
        let stream = format!("category{}/{}", number % 2, number % 7);
        let append = Append::to(stream).event(event);
        store
            .append(append.durability(Durability::Written))
            .unwrap();
    }
}

fn all(store: &LogStore) -> Vec<RecordedEvent> {
    store.read(&Query::all()).map(Result::unwrap).collect()
}

fn files(dir: &Path, ending: &str) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_str().unwrap().ends_with(ending))
        .collect();
    paths.sort();
    paths
}

/// A closed store of 200 events over many segments.
fn closed_store() -> (TempDir, Vec<RecordedEvent>) {
    let dir = tempfile::tempdir().unwrap();
    let store = small().open(dir.path()).unwrap();
    put(&store, 200);
    let events = all(&store);
    store.close().unwrap();
    assert!(files(dir.path(), ".seg").len() > 10);
    assert!(!files(dir.path(), ".idx").is_empty());
    (dir, events)
}

fn check(store: &LogStore, events: &[RecordedEvent]) {
    assert_eq!(all(store), events);
    let queries = [
        Query::category("category1").with_type("Type2"),
        Query::all().with_tag("tag/3").with_type("Type1").backward(),
        Query::stream("category0/4").from_version(Version::new(5)),
    ];
    for query in queries {
        let found: Vec<_> = store.read(&query).map(Result::unwrap).collect();
        let mut expected: Vec<_> = events
            .iter()
            .filter(|event| query.matches(&event.as_ref()))
            .cloned()
            .collect();
        if query.direction() == annals::Direction::Backward {
            expected.reverse();
        }
        assert_eq!(found, expected, "{query:?}");
    }
}

#[test]
fn the_index_may_be_thrown_away_at_any_time() {
    let (dir, events) = closed_store();
    for path in files(dir.path(), ".idx") {
        fs::remove_file(path).unwrap();
    }
    check(&small().open_read_only(dir.path()).unwrap(), &events);
    assert!(files(dir.path(), ".idx").is_empty());
    let store = small().open(dir.path()).unwrap();
    check(&store, &events);
    store.close().unwrap();
    assert!(!files(dir.path(), ".idx").is_empty());
    let report = annals::verify(dir.path(), &mut |_| {}).unwrap();
    assert_eq!((report.events, report.faults), (200, vec![]));
}

#[test]
fn an_index_file_that_is_damaged_is_made_anew() {
    for reads in [Reads::Mapped, Reads::Plain] {
        let (dir, events) = closed_store();
        for path in files(dir.path(), ".idx") {
            let mut bytes = fs::read(&path).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            fs::write(&path, bytes).unwrap();
        }
        let report = annals::verify(dir.path(), &mut |_| {}).unwrap();
        assert_eq!(report.faults.len(), files(dir.path(), ".idx").len());
        let options = small().reads(reads);
        check(&options.open_read_only(dir.path()).unwrap(), &events);
        let store = options.open(dir.path()).unwrap();
        check(&store, &events);
        store
            .append(Append::to("category0/4").event(Event::new("T", "")))
            .unwrap();
        store.close().unwrap();
        let report = annals::verify(dir.path(), &mut |_| {}).unwrap();
        assert_eq!((report.events, report.faults), (201, vec![]));
    }
}

#[test]
fn an_index_file_of_another_store_is_not_believed() {
    let (dir, events) = closed_store();
    let (other, _) = closed_store();
    for path in files(dir.path(), ".idx") {
        fs::remove_file(path).unwrap();
    }
    for path in files(other.path(), ".idx") {
        fs::copy(&path, dir.path().join(path.file_name().unwrap())).unwrap();
    }
    check(&small().open(dir.path()).unwrap(), &events);
}

#[test]
fn a_second_writer_is_refused_and_a_reader_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let store = annals::open(dir.path()).unwrap();
    let refused = annals::open(dir.path()).unwrap_err();
    assert!(matches!(refused.kind(), ErrorKind::Locked { .. }));
    assert!(refused.is_retryable());
    let reader = Options::new().open_read_only(dir.path()).unwrap();
    store
        .append(Append::to("s").event(Event::new("T", "")))
        .unwrap();
    assert_eq!(all(&reader).len(), 1);
    store.close().unwrap();
    annals::open(dir.path()).unwrap();
}

#[test]
fn a_reader_follows_the_writer_over_rolls_and_checkpoints() {
    for reads in [Reads::Mapped, Reads::Plain] {
        let dir = tempfile::tempdir().unwrap();
        let store = small().open(dir.path()).unwrap();
        put(&store, 20);
        let reader = small().reads(reads).open_read_only(dir.path()).unwrap();
        for round in 0..10 {
            assert_eq!(reader.head(), store.head(), "round {round}");
            assert_eq!(all(&reader), all(&store));
            put(&store, 30);
        }
        check(&reader, &all(&store));
        let refused = reader.append(Append::to("s").event(Event::new("T", "")));
        assert!(matches!(refused.unwrap_err().kind(), ErrorKind::ReadOnly));
    }
}

#[test]
fn a_reader_that_came_before_the_writer_sees_no_more_than_the_writer_shows() {
    let (dir, _) = closed_store();
    let board = dir.path().join("watermark");
    fs::remove_file(&board).unwrap();
    let reader = small().open_read_only(dir.path()).unwrap();
    assert_eq!(reader.head(), Position::new(200));
    let store = small().open(dir.path()).unwrap();
    put(&store, 10);
    // As it is while the last ten are written and not yet synced.
    let file = fs::File::options().write(true).open(&board).unwrap();
    std::io::Write::write_all(&mut &file, &200_u64.to_le_bytes()).unwrap();
    assert_eq!(reader.head(), Position::new(200));
    put(&store, 10);
    assert_eq!(reader.head(), Position::new(220));
    store.close().unwrap();
}

#[test]
fn a_waiting_reader_sees_what_is_appended() {
    let dir = tempfile::tempdir().unwrap();
    let store = annals::open(dir.path()).unwrap();
    let reader = Options::new().open_read_only(dir.path()).unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| reader.wait(Position::START, Duration::from_secs(60)));
        store
            .append(Append::to("s").event(Event::new("T", "")))
            .unwrap();
        assert_eq!(waiting.join().unwrap().unwrap(), Position::new(1));
    });
}

#[test]
fn a_store_that_was_closed_and_is_now_shorter_is_corrupt() {
    let (dir, _) = closed_store();
    for path in files(dir.path(), ".idx") {
        fs::remove_file(path).unwrap();
    }
    let last = files(dir.path(), ".seg")
        .into_iter()
        .rfind(|path| fs::read(path).unwrap().starts_with(b"ANNALSEG"))
        .unwrap();
    fs::write(&last, vec![0; fs::metadata(&last).unwrap().len() as usize]).unwrap();
    for opened in [small().open(dir.path()), small().open_read_only(dir.path())] {
        let error = opened.unwrap_err();
        assert!(error.is_corrupt(), "{error}");
    }
    let report = annals::verify(dir.path(), &mut |_| {}).unwrap();
    assert!(!report.faults.is_empty());
}

#[test]
fn the_figures_are_those_of_the_store() {
    let (dir, _) = closed_store();
    let store = small().open_read_only(dir.path()).unwrap();
    let stat = store.stat().unwrap();
    assert_eq!((stat.events, stat.streams, stat.types), (200, 14, 3));
    assert_eq!(stat.head, Position::new(200));
    let on_disk: u64 = files(dir.path(), ".idx")
        .iter()
        .map(|path| fs::metadata(path).unwrap().len())
        .sum();
    assert_eq!(stat.index_bytes, on_disk);
    assert!(stat.log_bytes <= stat.allocated_bytes);
}
