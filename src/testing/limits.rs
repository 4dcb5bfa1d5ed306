//! What is refused, and leaves the store as it was.

use super::tools::{Make, assert_usable, event, events, everything, fill, one, put, read, refused};
use crate::error::ErrorKind;
use crate::store::{Append, EventStore, Query};
use crate::types::{Event, Expected, Limits, MAX_NAME_BYTES};
use bytes::Bytes;

fn assert_invalid_name(store: &dyn EventStore, append: Append, name_of: &str, bytes: usize) {
    let error = refused(store, append);
    match error.kind() {
        ErrorKind::InvalidName {
            what,
            length,
            limit,
        } => assert_eq!((*what, *length, *limit), (name_of, bytes, MAX_NAME_BYTES)),
        other => panic!("an invalid name was due, but: {other}"),
    }
    assert!(!error.is_retryable());
    assert_usable(store);
}

pub(super) fn names_that_are_empty_or_too_long_are_refused(make: Make<'_>) {
    let store = make();
    fill(&*store, "a", 1);
    let long = "é".repeat(MAX_NAME_BYTES / 2) + "x";
    for name in [String::new(), long] {
        let bytes = name.len();
        let stream = Append::to(name.clone()).event(event());
        assert_invalid_name(&*store, stream, "stream", bytes);
        let second = one("a").and_to(name.clone()).event(event());
        assert_invalid_name(&*store, second, "stream", bytes);
        let checked = one("a").check(name.clone(), Expected::Any);
        assert_invalid_name(&*store, checked, "stream", bytes);
        let typed = Append::to("a").event(Event::new(name.clone(), ""));
        assert_invalid_name(&*store, typed, "event type", bytes);
        let tagged = one("a").event(event().with_tag("fine").with_tag(name));
        assert_invalid_name(&*store, tagged, "tag", bytes);
    }
}

pub(super) fn a_version_may_be_asked_of_any_name(make: Make<'_>) {
    let store = make();
    fill(&*store, "a", 1);
    for name in [String::new(), "x".repeat(MAX_NAME_BYTES + 1)] {
        assert_eq!(store.version(&name).unwrap().get(), 0);
    }
}

pub(super) fn an_append_without_events_is_refused(make: Make<'_>) {
    let store = make();
    let nothing = [
        Append::to("a"),
        Append::to("a").expect(Expected::NoStream),
        Append::to("a").check("b", Expected::NoStream),
        Append::to("a").events([]).and_to("b").events([]),
    ];
    for append in nothing {
        let error = refused(&*store, append);
        assert!(matches!(error.kind(), ErrorKind::EmptyAppend), "{error}");
        assert_usable(&*store);
    }
}

/// An event of this size in a stream with a name of one byte.
fn sized(bytes: u64) -> Event {
    let length = usize::try_from(bytes).unwrap() - 1 - "T".len();
    Event::new("T", Bytes::from(vec![b'x'; length]))
}

fn assert_too_large(store: &dyn EventStore, append: Append, named: &str, bytes: u64, most: u64) {
    let error = refused(store, append);
    match error.kind() {
        ErrorKind::TooLarge { what, size, limit } => {
            assert_eq!((*what, *size, *limit), (named, bytes, most));
        }
        other => panic!("too large was due, but: {other}"),
    }
    assert!(!error.is_retryable());
    assert_usable(store);
}

pub(super) fn an_event_may_be_as_large_as_the_limit_and_no_larger(make: Make<'_>) {
    let store = make();
    let limit = Limits::default().event_bytes;
    let largest = sized(limit);
    put(&*store, Append::to("a").event(largest.clone()));
    let found = read(&*store, &Query::stream("a"));
    assert!(found[0].data() == largest.data());
    let tagged = largest.with_tag("t");
    let append = one("a").event(tagged);
    assert_too_large(&*store, append, "event", limit + 1, limit);
}

pub(super) fn an_append_may_be_no_larger_than_its_limit(make: Make<'_>) {
    let store = make();
    let limits = Limits::default();
    let part = sized(limits.append_bytes / 8);
    let append = Append::to("a").events(vec![part.clone(); 8]);
    let size = limits.append_bytes + 2;
    let append = append.event(Event::new("T", ""));
    assert_too_large(&*store, append, "append", size, limits.append_bytes);
}

pub(super) fn an_append_of_many_events_is_one(make: Make<'_>) {
    let store = make();
    let done = put(&*store, Append::to("a").events(events(20_000)));
    assert_eq!(done.version().get(), 20_000);
    let found = everything(&*store);
    assert_eq!(found.len(), 20_000);
    assert!(found.iter().all(|event| event.append_last() == done.last()));
}
