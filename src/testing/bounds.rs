//! A read sees one fixed upper bound, whatever is appended meanwhile.

use super::tools::{Make, events, everything, fill, one, positions, put};
use crate::store::{Append, Query, QueryItem};
use crate::types::Version;
use std::ops::ControlFlow;

/// Queries that the appends of these tests go on to match.
fn growing() -> Vec<Query> {
    let forward = vec![
        Query::all(),
        Query::stream("a"),
        Query::stream("a").from_version(Version::new(2)),
        Query::category("a"),
        Query::all().with_type("Happened"),
        Query::stream("a").or(QueryItem::all().in_stream("b")),
        Query::all().limit(1000),
    ];
    let backward = forward.clone().into_iter().map(Query::backward);
    forward.iter().cloned().chain(backward).collect()
}

pub(super) fn what_is_appended_during_a_read_does_not_show_up(make: Make<'_>) {
    for query in growing() {
        let store = make();
        fill(&*store, "a", 5);
        let head = store.head();
        let mut events_read = store.read(&query);
        let mut found = vec![events_read.next().unwrap().unwrap()];
        put(&*store, one("a"));
        put(&*store, Append::to("b").events(events(100)));
        found.extend(events_read.map(Result::unwrap));
        assert!(found.iter().all(|event| event.position() <= head));
        let bounded: Vec<_> = store.read(&query.up_to(head)).map(Result::unwrap).collect();
        assert_eq!(found, bounded);
    }
}

pub(super) fn a_read_that_was_not_begun_is_bounded_as_well(make: Make<'_>) {
    for query in growing() {
        let store = make();
        fill(&*store, "a", 5);
        let head = store.head();
        let events_read = store.read(&query);
        fill(&*store, "a", 8);
        let found: Vec<_> = events_read.map(Result::unwrap).collect();
        assert!(!found.is_empty());
        assert!(found.iter().all(|event| event.position() <= head));
    }
}

pub(super) fn a_bound_beyond_the_head_does_not_let_more_in(make: Make<'_>) {
    let store = make();
    fill(&*store, "a", 2);
    let far = store.head().plus(100);
    let all = store.read(&Query::all().up_to(far));
    let ahead = store.read(&Query::stream("a").from_version(Version::new(3)));
    let none = store.read(&Query::stream("later"));
    fill(&*store, "a", 4);
    put(&*store, one("later"));
    assert_eq!(all.count(), 2);
    assert_eq!(ahead.count(), 0);
    assert_eq!(none.count(), 0);
}

pub(super) fn a_visitor_may_append_and_does_not_see_it(make: Make<'_>) {
    for query in growing() {
        let store = make();
        fill(&*store, "a", 3);
        let head = store.head();
        let mut lent = Vec::new();
        store
            .scan(&query, &mut |event| {
                lent.push(event.position());
                put(&*store, one("a"));
                ControlFlow::Continue(())
            })
            .unwrap();
        assert!(!lent.is_empty());
        assert!(lent.iter().all(|position| *position <= head));
    }
}

pub(super) fn the_same_bound_reads_the_same_again(make: Make<'_>) {
    let store = make();
    fill(&*store, "a", 5);
    let bound = store.head();
    let before = everything(&*store);
    put(&*store, Append::to("a").events(events(5)));
    let again: Vec<_> = store
        .read(&Query::all().up_to(bound))
        .map(Result::unwrap)
        .collect();
    assert_eq!(again, before);
    assert_eq!(positions(&everything(&*store))[..5], positions(&before));
}
