//! What appends expect of streams.

use super::tools::{
    EVERY_DURABILITY, Make, assert_conflict, assert_names_conflict, assert_usable, events, fill,
    one, put, read,
};
use crate::store::{Append, Query};
use crate::types::{Durability, Expected, Version};

/// All forms, with exact versions around those that the streams have.
fn every_form() -> Vec<Expected> {
    let exact = [0, 1, 2, 3, 4, u64::MAX].map(|own| Expected::Exact(Version::new(own)));
    let mut forms = vec![Expected::Any, Expected::NoStream, Expected::Exists];
    forms.extend(exact);
    forms
}

pub(super) fn each_form_holds_for_the_stream_that_is_written(make: Make<'_>) {
    for version in [0, 1, 3].map(Version::new) {
        for expected in every_form() {
            let store = make();
            fill(&*store, "a", version.get());
            let append = one("a").expect(expected);
            if expected.holds(version) {
                assert_eq!(put(&*store, append).version(), version.next());
            } else {
                assert_conflict(&*store, append, "a", expected, version);
            }
            assert_usable(&*store);
        }
    }
}

pub(super) fn each_form_holds_for_a_stream_that_is_only_checked(make: Make<'_>) {
    for version in [0, 1, 3].map(Version::new) {
        for expected in every_form() {
            let store = make();
            fill(&*store, "checked", version.get());
            let append = one("a").check("checked", expected);
            if expected.holds(version) {
                let versions = [Version::new(1), version];
                assert_eq!(put(&*store, append).versions(), versions);
            } else {
                assert_conflict(&*store, append, "checked", expected, version);
            }
            assert_eq!(store.version("checked").unwrap(), version);
            assert_usable(&*store);
        }
    }
}

pub(super) fn one_failed_expectation_refuses_the_whole_append(make: Make<'_>) {
    let store = make();
    fill(&*store, "b", 2);
    let append = Append::to("a")
        .expect(Expected::NoStream)
        .events(events(2))
        .and_to("b")
        .expect(Version::new(1))
        .events(events(2))
        .and_to("c")
        .events(events(2));
    let expected = Expected::Exact(Version::new(1));
    assert_conflict(&*store, append, "b", expected, Version::new(2));
    assert_eq!(store.version("a").unwrap(), Version::NONE);
    assert_eq!(store.version("c").unwrap(), Version::NONE);
}

pub(super) fn the_first_stream_that_is_not_as_expected_is_named(make: Make<'_>) {
    let store = make();
    fill(&*store, "b", 1);
    let append = one("a")
        .check("c", Expected::Exists)
        .check("b", Expected::NoStream);
    assert_conflict(&*store, append, "c", Expected::Exists, Version::NONE);
}

pub(super) fn expectations_are_about_the_state_before_the_append(make: Make<'_>) {
    let store = make();
    let append = Append::to("a")
        .expect(Expected::NoStream)
        .events(events(3))
        .and_to("b")
        .expect(Expected::NoStream)
        .events(events(2));
    assert_eq!(put(&*store, append).versions(), [3, 2].map(Version::new));
}

pub(super) fn an_expectation_counts_what_was_submitted_before(make: Make<'_>) {
    let store = make();
    for durability in EVERY_DURABILITY {
        let stream = format!("stream of {durability:?}");
        let submit = |expected: u64| {
            let append = Append::to(stream.clone()).events(events(1));
            store.submit(append.expect(Version::new(expected)).durability(durability))
        };
        let (first, second, third) = (submit(0), submit(1), submit(1));
        let fourth = submit(2);
        assert_eq!(first.wait().unwrap().version(), Version::new(1));
        assert_eq!(second.wait().unwrap().version(), Version::new(2));
        let error = third.wait().unwrap_err();
        let expected = Expected::Exact(Version::new(1));
        assert_names_conflict(&error, &stream, expected, Version::new(2));
        assert_eq!(fourth.wait().unwrap().version(), Version::new(3));
    }
}

pub(super) fn a_conflict_answers_once_what_it_saw_is_visible(make: Make<'_>) {
    for first in EVERY_DURABILITY {
        for second in EVERY_DURABILITY {
            let store = make();
            // Its answer is not waited for: the conflict alone has to do.
            let earlier = store.submit(Append::to("a").events(events(2)).durability(first));
            let append = one("a").expect(Expected::NoStream).durability(second);
            let error = store.append(append).unwrap_err();
            assert_names_conflict(&error, "a", Expected::NoStream, Version::new(2));
            assert_eq!(store.version("a").unwrap(), Version::new(2));
            assert_eq!(read(&*store, &Query::stream("a")).len(), 2);
            earlier.wait().unwrap();
        }
    }
}

pub(super) fn a_conflict_over_a_checked_stream_answers_as_late(make: Make<'_>) {
    let store = make();
    let earlier = store.submit(one("checked").durability(Durability::Buffered));
    let append = one("a").check("checked", Expected::NoStream);
    let error = store.append(append).unwrap_err();
    assert_names_conflict(&error, "checked", Expected::NoStream, Version::new(1));
    assert_eq!(read(&*store, &Query::stream("checked")).len(), 1);
    earlier.wait().unwrap();
}
