//! How safe an append is when it is acknowledged, and when it is seen.

use super::tools::{EVERY_DURABILITY, Make, events, everything, one, put, soon};
use crate::store::Append;
use crate::types::{Durability, Position};

pub(super) fn a_durable_append_is_durable_and_visible(make: Make<'_>) {
    let store = make();
    for count in [1, 3] {
        let append = Append::to("a").events(events(count));
        let done = store
            .append(append.durability(Durability::Durable))
            .unwrap();
        assert!(store.durable() >= done.last());
        assert!(store.head() >= done.last());
        assert_eq!(store.version("a").unwrap(), done.version());
        assert_eq!(everything(&*store).last().unwrap().position(), done.last());
    }
}

pub(super) fn a_written_append_is_visible(make: Make<'_>) {
    let store = make();
    for count in [1, 3] {
        let append = Append::to("a").events(events(count));
        let done = store
            .append(append.durability(Durability::Written))
            .unwrap();
        assert!(store.head() >= done.last());
        assert_eq!(store.version("a").unwrap(), done.version());
        assert_eq!(everything(&*store).last().unwrap().position(), done.last());
    }
}

pub(super) fn a_buffered_append_is_visible_once_it_is_flushed(make: Make<'_>) {
    let store = make();
    for _ in 0..3 {
        let append = one("a").durability(Durability::Buffered);
        let done = store.append(append).unwrap();
        let flushed = store.flush().unwrap();
        assert!(flushed >= done.last());
        assert!(store.head() >= done.last());
        assert!(store.durable() >= done.last());
        assert_eq!(store.version("a").unwrap(), done.version());
        assert_eq!(everything(&*store).last().unwrap().position(), done.last());
    }
}

pub(super) fn a_flush_makes_everything_submitted_durable(make: Make<'_>) {
    let store = make();
    let pending: Vec<_> = (0..30)
        .map(|round| store.submit(one("a").durability(EVERY_DURABILITY[round % 3])))
        .collect();
    let flushed = store.flush().unwrap();
    assert!(store.durable() >= flushed);
    assert_eq!(everything(&*store).len(), 30);
    for own in pending {
        assert!(own.wait().unwrap().last() <= flushed);
    }
    assert_eq!(store.flush().unwrap(), flushed);
}

pub(super) fn an_append_takes_with_it_what_was_submitted_before(make: Make<'_>) {
    for wanted in [Durability::Written, Durability::Durable] {
        let store = make();
        let earlier: Vec<_> = EVERY_DURABILITY
            .into_iter()
            .map(|durability| store.submit(one("a").durability(durability)))
            .collect();
        let done = store.append(one("b").durability(wanted)).unwrap();
        assert!(store.head() >= done.last());
        assert_eq!(everything(&*store).len(), 4);
        if wanted == Durability::Durable {
            assert!(store.durable() >= done.last());
        }
        for own in earlier {
            assert!(own.wait().unwrap().last() < done.first());
        }
    }
}

pub(super) fn what_nobody_waits_for_is_written_and_synced_soon(make: Make<'_>) {
    for durability in EVERY_DURABILITY {
        let store = make();
        drop(store.submit(one("a").durability(durability)));
        soon("the append is visible", || store.head() > Position::START);
        soon("the append is durable", || {
            store.durable() > Position::START
        });
        assert_eq!(everything(&*store).len(), 1);
    }
}

pub(super) fn what_was_only_to_be_written_is_synced_soon(make: Make<'_>) {
    let store = make();
    for _ in 0..3 {
        let done = store.append(one("a").durability(Durability::Written));
        let last = done.unwrap().last();
        soon("the append is durable", || store.durable() >= last);
    }
}

pub(super) fn what_is_durable_is_visible(make: Make<'_>) {
    let store = make();
    for round in 0..60 {
        let append = one("a").durability(EVERY_DURABILITY[round % 3]);
        drop(store.submit(append));
        // In this order, because both only ever grow.
        let durable = store.durable();
        assert!(durable <= store.head());
    }
    put(&*store, one("a"));
    assert_eq!(everything(&*store).len(), 61);
}
