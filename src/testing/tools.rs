//! What the promises have in common.

use crate::error::{Error, ErrorKind};
use crate::store::{Append, Appended, EventStore, Query};
use crate::types::{Durability, Event, Expected, Position, RecordedEvent, Version};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// Makes new, empty stores.
pub(super) type Make<'a> = &'a dyn Fn() -> Arc<dyn EventStore>;

/// How long something may take that is promised without a time: far longer
/// than it ever does, because only a broken promise waits that long.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// A time that no test waits for.
pub(super) const FOREVER: Duration = Duration::from_secs(1 << 20);

pub(super) const EVERY_DURABILITY: [Durability; 3] = [
    Durability::Buffered,
    Durability::Written,
    Durability::Durable,
];

pub(super) fn event() -> Event {
    Event::new("Happened", "data")
}

pub(super) fn events(count: usize) -> Vec<Event> {
    (0..count).map(|_| event()).collect()
}

/// One event for a stream.
pub(super) fn one(stream: &'static str) -> Append {
    Append::to(stream).event(event())
}

/// Appends so that it is visible afterwards.
pub(super) fn put(store: &dyn EventStore, append: Append) -> Appended {
    store.append(seen(append)).expect("the append is in order")
}

/// The append, visible when acknowledged unless it says what it wants itself.
pub(super) fn seen(append: Append) -> Append {
    match append.wanted_durability() {
        Some(_) => append,
        None => append.durability(Durability::Written),
    }
}

/// Appends events to a stream one by one, up to this version.
pub(super) fn fill(store: &dyn EventStore, stream: &'static str, version: u64) {
    while store.version(stream).unwrap().get() < version {
        put(store, one(stream));
    }
}

pub(super) fn read(store: &dyn EventStore, query: &Query) -> Vec<RecordedEvent> {
    store
        .read(query)
        .collect::<Result<_, _>>()
        .expect("the read is in order")
}

pub(super) fn everything(store: &dyn EventStore) -> Vec<RecordedEvent> {
    read(store, &Query::all())
}

pub(super) fn positions(events: &[RecordedEvent]) -> Vec<Position> {
    events.iter().map(RecordedEvent::position).collect()
}

/// The numbers of the events' versions.
pub(super) fn versions(events: &[RecordedEvent]) -> Vec<u64> {
    events.iter().map(|event| event.version().get()).collect()
}

/// The error that refuses an append, which must leave the store as it was.
pub(super) fn refused(store: &dyn EventStore, append: Append) -> Error {
    let before = (store.head(), everything(store));
    let streams: Vec<_> = append
        .streams()
        .iter()
        .map(|part| part.name().to_owned())
        .collect();
    let versions = || {
        let version = |name: &String| store.version(name).unwrap();
        streams.iter().map(version).collect::<Vec<_>>()
    };
    let versions_before = versions();
    let error = store
        .append(seen(append))
        .expect_err("the append is not in order");
    assert_eq!((store.head(), everything(store)), before, "{error}");
    assert_eq!(versions(), versions_before, "{error}");
    error
}

/// Sees that an append is refused because of this stream.
pub(super) fn assert_conflict(
    store: &dyn EventStore,
    append: Append,
    stream: &str,
    expected: Expected,
    actual: Version,
) {
    let error = refused(store, append);
    assert!(error.is_conflict() && error.is_retryable(), "{error}");
    assert_names_conflict(&error, stream, expected, actual);
}

/// Sees that an error is a conflict that names all this.
pub(super) fn assert_names_conflict(error: &Error, named: &str, asked: Expected, version: Version) {
    match error.kind() {
        ErrorKind::Conflict {
            stream,
            expected,
            actual,
        } => {
            assert_eq!(stream, named);
            assert_eq!(*expected, asked);
            assert_eq!(*actual, version);
        }
        other => panic!("a conflict was due, but: {other}"),
    }
}

/// Sees that the store takes and gives events.
pub(super) fn assert_usable(store: &dyn EventStore) {
    let new = event();
    let id = new.id();
    let done = put(store, Append::to("still usable").event(new));
    let found = read(store, &Query::all().after(done.first().previous()));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].id(), id);
}

/// Waits for something that is promised soon.
pub(super) fn soon(what: &str, mut happened: impl FnMut() -> bool) {
    let pause = Duration::from_millis(2);
    let tries = PATIENCE.as_millis() / pause.as_millis();
    for _ in 0..tries {
        if happened() {
            return;
        }
        thread::sleep(pause);
    }
    panic!("never happened: {what}");
}

/// Gives other threads the time to fall asleep, so that they have to be woken.
/// What is promised holds whether they do or not.
pub(super) fn let_them_sleep() {
    thread::sleep(Duration::from_millis(20));
}

/// The result of work that must come to an end, done in another thread.
pub(super) fn ends<T: Send + 'static>(
    what: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Ending<T> {
    let (sender, receiver) = std::sync::mpsc::channel();
    thread::spawn(move || {
        // Nobody listens any more once the test has given up.
        let _ = sender.send(work());
    });
    Ending {
        what: what.to_owned(),
        receiver,
    }
}

/// Work in another thread.
pub(super) struct Ending<T> {
    what: String,
    receiver: std::sync::mpsc::Receiver<T>,
}

impl<T> Ending<T> {
    pub(super) fn result(self) -> T {
        self.receiver
            .recv_timeout(PATIENCE)
            .unwrap_or_else(|_| panic!("has not come to an end: {}", self.what))
    }
}
