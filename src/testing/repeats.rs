//! The retry of an append that had succeeded already.

use super::tools::{
    EVERY_DURABILITY, Make, assert_conflict, assert_names_conflict, event, events, everything,
    fill, one, put, read, refused,
};
use crate::error::ErrorKind;
use crate::store::{Append, Appended, EventStore, Query};
use crate::types::{Durability, Expected, Version};
use std::sync::Arc;

fn exact(version: u64) -> Expected {
    Expected::Exact(Version::new(version))
}

/// Appends, lets other things happen, and sees that the retry is a repeat that
/// writes nothing.
fn assert_repeats(store: &Arc<dyn EventStore>, append: Append) -> Appended {
    let first = put(&**store, append.clone());
    assert!(!first.is_repeat());
    assert_repeat_of(store, append.clone(), &first);
    for part in append.streams().to_vec() {
        put(
            &**store,
            Append::to(part.name().to_owned()).events(events(2)),
        );
    }
    assert_repeat_of(store, append, &first);
    first
}

fn assert_repeat_of(store: &Arc<dyn EventStore>, append: Append, first: &Appended) {
    let before = everything(&**store);
    let again = put(&**store, append);
    assert_eq!(again, first.clone().as_repeat());
    assert_eq!(everything(&**store), before);
}

pub(super) fn a_retry_with_an_exact_version_is_a_repeat(make: Make<'_>) {
    for version in [0, 1, 5] {
        for count in [1, 4] {
            let store = make();
            fill(&*store, "a", version);
            let append = Append::to("a").events(events(count));
            assert_repeats(&store, append.expect(exact(version)));
        }
    }
}

pub(super) fn a_retry_that_expected_no_stream_is_a_repeat(make: Make<'_>) {
    let store = make();
    assert_repeats(&store, one("a").expect(Expected::NoStream));
}

pub(super) fn a_retry_over_several_streams_is_a_repeat(make: Make<'_>) {
    let store = make();
    fill(&*store, "b", 3);
    let append = Append::to("a")
        .expect(Expected::NoStream)
        .event(event())
        .and_to("b")
        .expect(exact(3))
        .events(events(2))
        .and_to("a")
        .event(event());
    let first = assert_repeats(&store, append);
    assert_eq!(first.versions(), [2, 5].map(Version::new));
}

pub(super) fn one_exact_version_among_several_streams_is_enough(make: Make<'_>) {
    let store = make();
    fill(&*store, "a", 2);
    let append = one("a")
        .and_to("b")
        .expect(Expected::NoStream)
        .event(event())
        .and_to("c")
        .event(event());
    assert_repeats(&store, append);
}

pub(super) fn a_repeat_is_known_before_other_expectations_are_looked_at(make: Make<'_>) {
    let store = make();
    fill(&*store, "checked", 1);
    // The checked stream has moved on when the retry comes.
    let append = one("a")
        .expect(Expected::NoStream)
        .check("checked", exact(1));
    let first = assert_repeats(&store, append);
    assert_eq!(first.versions(), [1, 1].map(Version::new));
}

/// Sees that an append that is no repeat is refused: because of this stream, or,
/// where a store keeps ids unique, because it has one that is taken.
fn assert_no_repeat(
    store: &dyn EventStore,
    append: Append,
    stream: &str,
    expected: Expected,
    actual: Version,
) {
    let recorded = everything(store);
    let is_taken = |id| recorded.iter().any(|own| own.id() == id);
    let takes = append
        .entries()
        .iter()
        .any(|(_, event)| is_taken(event.id()));
    if !store.capabilities().whole_log_repeats || !takes {
        return assert_conflict(store, append, stream, expected, actual);
    }
    let error = refused(store, append);
    assert!(
        matches!(error.kind(), ErrorKind::DuplicateId { .. }),
        "{error}"
    );
}

pub(super) fn without_an_exact_version_there_is_no_repeat(make: Make<'_>) {
    let store = make();
    if store.capabilities().whole_log_repeats {
        return;
    }
    fill(&*store, "a", 1);
    for expected in [Expected::Any, Expected::Exists] {
        let append = one("a").expect(expected);
        let first = put(&*store, append.clone());
        let second = put(&*store, append);
        assert!(!second.is_repeat());
        assert_eq!(second.version(), first.version().next());
    }
}

pub(super) fn other_events_are_a_conflict(make: Make<'_>) {
    let store = make();
    let first = event();
    let expect_none = |append: Append| append.expect(Expected::NoStream);
    let two = Append::to("a").event(first.clone()).event(event());
    put(&*store, expect_none(two.clone()));
    let others = [
        one("a"),
        // The first event alone, with another one, and with one too many.
        Append::to("a").event(first.clone()),
        Append::to("a").event(first).event(event()),
        two.event(event()),
    ];
    for append in others {
        let append = expect_none(append);
        assert_no_repeat(&*store, append, "a", Expected::NoStream, Version::new(2));
    }
}

pub(super) fn the_same_events_at_another_version_are_a_conflict(make: Make<'_>) {
    let store = make();
    if store.capabilities().whole_log_repeats {
        return;
    }
    fill(&*store, "a", 1);
    let append = one("a");
    put(&*store, append.clone().expect(exact(1)));
    fill(&*store, "a", 4);
    for version in [0, 2, 3] {
        let append = append.clone().expect(exact(version));
        assert_conflict(&*store, append, "a", exact(version), Version::new(4));
    }
}

pub(super) fn a_version_within_the_first_append_is_a_conflict(make: Make<'_>) {
    let store = make();
    if store.capabilities().whole_log_repeats {
        return;
    }
    let append = Append::to("a").events(events(3));
    put(&*store, append.clone().expect(Expected::NoStream));
    for version in [1, 2] {
        let append = append.clone().expect(exact(version));
        assert_conflict(&*store, append, "a", exact(version), Version::new(3));
    }
}

pub(super) fn the_same_events_in_other_streams_are_no_repeat(make: Make<'_>) {
    let store = make();
    let (first, second) = (event(), event());
    let to = |one, other| {
        let append = Append::to(one).expect(Expected::NoStream);
        let append = append.event(first.clone()).and_to(other);
        append.event(second.clone())
    };
    put(&*store, to("a", "b"));
    assert_no_repeat(
        &*store,
        to("a", "c"),
        "a",
        Expected::NoStream,
        Version::new(1),
    );
    if store.capabilities().whole_log_repeats {
        return;
    }
    let elsewhere = put(&*store, to("d", "e"));
    assert!(!elsewhere.is_repeat());
}

pub(super) fn a_part_of_an_earlier_append_is_a_conflict(make: Make<'_>) {
    let store = make();
    let (first, second) = (event(), event());
    let whole = Append::to("a").event(first.clone()).and_to("b");
    put(&*store, whole.event(second.clone()));
    let part = Append::to("a").event(first).expect(Expected::NoStream);
    assert_no_repeat(&*store, part, "a", Expected::NoStream, Version::new(1));
    let part = Append::to("b").event(second).expect(Expected::NoStream);
    assert_no_repeat(&*store, part, "b", Expected::NoStream, Version::new(1));
}

pub(super) fn a_repeat_answers_at_the_durability_now_asked(make: Make<'_>) {
    for first in EVERY_DURABILITY {
        for second in EVERY_DURABILITY {
            let store = make();
            let append = one("a").expect(Expected::NoStream);
            // Its answer is not waited for: the repeat alone has to do.
            let earlier = store.submit(append.clone().durability(first));
            let again = store.append(append.durability(second)).unwrap();
            assert!(again.is_repeat());
            assert_eq!(store.version("a").unwrap(), Version::new(1));
            assert_eq!(read(&*store, &Query::stream("a")).len(), 1);
            assert!(store.head() >= again.last());
            if second == Durability::Durable {
                assert!(store.durable() >= again.last());
            }
            assert_eq!(again, earlier.wait().unwrap().as_repeat());
        }
    }
}

pub(super) fn a_refused_append_may_be_retried(make: Make<'_>) {
    let store = make();
    fill(&*store, "b", 1);
    let append = one("a")
        .expect(Expected::NoStream)
        .check("b", Expected::NoStream);
    let error = store.append(append.clone()).unwrap_err();
    assert_names_conflict(&error, "b", Expected::NoStream, Version::new(1));
    let done = put(&*store, append.check("b", Expected::Exists));
    assert!(!done.is_repeat());
}
