//! Reads of what nobody has looked into since the store was opened: asked ahead
//! over all parts of the index, they find what reads of the same in memory find.

use crate::disk::{LogStore, Options, Reads};
use crate::index::{Search, Way};
use crate::store::{Append, Direction, EventStore, Query, QueryItem};
use crate::types::{Durability, Event, EventRef, Position, Version};
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

const EVENTS: u64 = 2100;
/// So that there are five files, and a table.
const CHECKPOINT: usize = 400;

/// With more segments than a read has readers of.
fn options() -> Options {
    Options::new()
        .segment_size(8 << 10)
        .durability(Durability::Written)
        .checkpoint_events(CHECKPOINT)
        .reads(Reads::Mapped)
}

/// A store that is open, all of its full tables written.
fn store(dir: &Path) -> LogStore {
    let store = options().open(dir).unwrap();
    for number in 0..EVENTS {
        // One stream with many events in each part, some with few, and some that
        // are in a single one.
        let stream = match number % 5 {
            0 | 1 => "some/many".to_owned(),
            2 => format!("some/{}", number % 40),
            _ => format!("some/{}", 100 + number / 20),
        };
        let name = if number % 2 == 0 { "Opened" } else { "Closed" };
        let event = Event::new(name, vec![b'x'; 40]).with_tag(format!("nr:{}", number % 100));
        store.append(Append::to(stream).event(event)).unwrap();
    }
    store.flush().unwrap();
    while !store.shared.index.frozen().is_empty() {
        std::thread::yield_now();
    }
    store
}

/// The store as a kill leaves it, opened: nothing of its index was looked into.
fn opened_again(from: &Path, to: &Path, spoil: bool) -> LogStore {
    let _ = fs::remove_dir_all(to);
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = fs::read(&path).unwrap();
        if spoil && path.extension().is_some_and(|extension| extension == "idx") {
            let middle = bytes.len() / 2;
            bytes[400..middle].fill(0xa5);
        }
        fs::write(to.join(path.file_name().unwrap()), bytes).unwrap();
    }
    options().open(to).unwrap()
}

fn queries() -> Vec<Query> {
    let either = Query::any_of([
        QueryItem::all().in_stream("some/7"),
        QueryItem::all().with_tag("nr:42"),
    ]);
    let mut queries = vec![
        Query::stream("some/many"),
        Query::stream("some/many").from_version(Version::new(300)),
        Query::stream("some/many").to_version(Version::new(300)),
        Query::stream("some/7"),
        Query::stream("some/120"),
        Query::stream("some/none"),
        Query::category("some").with_type("Opened"),
        Query::stream("some/many").with_type("Opened"),
        either,
    ];
    let bounded = |query: &Query| {
        let query = query.clone().after(Position::new(333));
        query.up_to(Position::new(1777))
    };
    queries.extend(queries.clone().iter().map(bounded));
    queries.extend(queries.clone().into_iter().map(Query::backward));
    let limits = [1, 7, 64, 65, 200];
    let limited = queries.iter().enumerate();
    let limited = limited.map(|(index, query)| query.clone().limit(limits[index % limits.len()]));
    let limited: Vec<_> = limited.collect();
    queries.extend(limited);
    queries
}

fn scanned(store: &LogStore, query: &Query) -> Vec<(Position, Version)> {
    let mut lent = Vec::new();
    let visit = &mut |event: EventRef<'_>| {
        assert!(query.matches(&event));
        lent.push((event.position(), event.version()));
        ControlFlow::Continue(())
    };
    store.scan(query, visit).unwrap();
    lent
}

/// The same by looking at every event.
fn filtered(store: &LogStore, query: &Query) -> Vec<(Position, Version)> {
    let mut all = Vec::new();
    let visit = &mut |event: EventRef<'_>| {
        all.extend(
            query
                .matches(&event)
                .then(|| (event.position(), event.version())),
        );
        ControlFlow::Continue(())
    };
    store.scan(&Query::all(), visit).unwrap();
    if query.direction() == Direction::Backward {
        all.reverse();
    }
    all.truncate(usize::try_from(query.max_events()).unwrap_or(usize::MAX));
    all
}

fn is_cold(store: &LogStore, query: &Query) -> bool {
    let (parts, bounds) = (store.shared.index.parts(), (Position::START, store.head()));
    let hasher = &store.shared.hasher;
    let mut search = Search::new(&parts, hasher, query, bounds, Way::Cheaper);
    search.is_cold().unwrap()
}

#[test]
fn what_nobody_has_looked_into_is_found_as_what_is_known() {
    let (dir, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = store(dir.path());
    assert_eq!(store.shared.index.parts().files().count(), 5);
    let mut found = 0;
    for query in queries() {
        let expected = filtered(&store, &query);
        let again = opened_again(dir.path(), &copy.path().join("copy"), false);
        assert_eq!(scanned(&again, &query), expected, "{query:?}");
        assert!(!is_cold(&again, &query), "{query:?}");
        assert_eq!(scanned(&again, &query), expected, "{query:?}");
        found += expected.len();
    }
    assert!(found > 5000, "{found}");
}

#[test]
fn what_was_looked_into_is_not_asked_for_again() {
    let (dir, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    drop(store(dir.path()));
    let query = Query::stream("some/many");
    for _ in 0..2 {
        let again = opened_again(dir.path(), &copy.path().join("copy"), false);
        assert!(is_cold(&again, &query));
        assert!(!is_cold(&again, &query));
    }
}

#[test]
fn what_is_damaged_is_made_anew_on_the_way() {
    let (dir, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = store(dir.path());
    for query in queries().into_iter().step_by(5) {
        let expected = scanned(&store, &query);
        let again = opened_again(dir.path(), &copy.path().join("copy"), true);
        assert_eq!(scanned(&again, &query), expected, "{query:?}");
    }
}
