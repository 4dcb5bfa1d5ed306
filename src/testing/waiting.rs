//! Waiting for the head.

use super::tools::{
    EVERY_DURABILITY, Ending, FOREVER, Make, ends, events, everything, fill, let_them_sleep, one,
    put,
};
use crate::error::ErrorKind;
use crate::store::{Append, EventStore, Query};
use crate::types::{Durability, Position};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

pub(super) fn a_head_that_has_passed_is_told_at_once(make: Make<'_>) {
    let store = make();
    fill(&*store, "a", 3);
    let head = store.head();
    for after in [Position::START, head.previous()] {
        for timeout in [Duration::ZERO, FOREVER, Duration::MAX] {
            assert_eq!(store.wait(after, timeout).unwrap(), head);
        }
    }
}

pub(super) fn when_the_time_is_up_the_head_is_told_as_it_is(make: Make<'_>) {
    let store = make();
    fill(&*store, "a", 3);
    let head = store.head();
    for after in [head, head.next(), Position::MAX] {
        for timeout in [Duration::ZERO, Duration::from_millis(5)] {
            assert_eq!(store.wait(after, timeout).unwrap(), head);
        }
    }
}

fn waiting(store: &Arc<dyn EventStore>, after: Position, timeout: Duration) -> Ending<Position> {
    let store = Arc::clone(store);
    ends("a wait for the head", move || {
        let head = store.wait(after, timeout).unwrap();
        // What the head has passed can be read.
        let found = everything(&*store);
        assert!(head == Position::START || found[found.len() - 1].position() >= head);
        head
    })
}

pub(super) fn an_append_wakes_all_who_wait(make: Make<'_>) {
    for durability in [Durability::Written, Durability::Durable] {
        let store = make();
        let waiters: Vec<_> = [FOREVER, Duration::MAX, FOREVER, FOREVER]
            .into_iter()
            .map(|timeout| waiting(&store, Position::START, timeout))
            .collect();
        let_them_sleep();
        let done = store.append(one("a").durability(durability)).unwrap();
        for waiter in waiters {
            assert!(waiter.result() >= done.last());
        }
    }
}

pub(super) fn nobody_is_woken_before_the_head_has_passed(make: Make<'_>) {
    let store = make();
    let first = put(&*store, one("a"));
    let waiter = waiting(&store, first.last().plus(2), FOREVER);
    let_them_sleep();
    fill(&*store, "a", 3);
    put(&*store, Append::to("a").events(events(2)));
    assert!(waiter.result() > first.last().plus(2));
}

pub(super) fn a_flush_wakes_who_waits_for_buffered_events(make: Make<'_>) {
    let store = make();
    let waiter = waiting(&store, Position::START, FOREVER);
    let_them_sleep();
    let pending = store.submit(one("a").durability(Durability::Buffered));
    store.flush().unwrap();
    let done = pending.wait().unwrap();
    assert!(waiter.result() >= done.last());
}

pub(super) fn an_append_that_nobody_waits_for_wakes_too(make: Make<'_>) {
    for durability in EVERY_DURABILITY {
        let store = make();
        let waiter = waiting(&store, Position::START, FOREVER);
        let_them_sleep();
        drop(store.submit(one("a").durability(durability)));
        assert!(waiter.result() > Position::START);
    }
}

pub(super) fn read_then_wait_misses_nothing(make: Make<'_>) {
    let store = make();
    let reader = {
        let store = Arc::clone(&store);
        ends("a reader that catches up and follows", move || {
            let (mut after, mut seen) = (Position::START, 0);
            while seen < 200 {
                for event in store.read(&Query::all().after(after)) {
                    after = event.unwrap().position();
                    seen += 1;
                }
                store
                    .wait(after, if seen < 200 { FOREVER } else { Duration::ZERO })
                    .unwrap();
            }
            seen
        })
    };
    for _ in 0..200 {
        put(&*store, one("a"));
    }
    assert_eq!(reader.result(), 200);
}

pub(super) fn a_wait_ends_when_it_is_over(make: Make<'_>) {
    for timeout in [FOREVER, Duration::MAX] {
        let store = make();
        let head = put(&*store, one("a")).last();
        let flags: Vec<_> = (0..3).map(|_| Arc::new(AtomicBool::new(false))).collect();
        let waiters = flags.iter().map(|flag| {
            let (store, flag) = (Arc::clone(&store), Arc::clone(flag));
            ends("a wait that is called off", move || {
                let is_over = || flag.load(Ordering::Acquire);
                store.wait_unless(head, timeout, &is_over).unwrap()
            })
        });
        let waiters: Vec<_> = waiters.collect();
        // One may be called off before it sleeps, another while it does.
        for (flag, waiter) in flags.iter().zip(waiters) {
            flag.store(true, Ordering::Release);
            store.wake();
            assert_eq!(waiter.result(), head);
            let_them_sleep();
        }
        let over = || true;
        assert_eq!(store.wait_unless(head, timeout, &over).unwrap(), head);
    }
}

pub(super) fn a_wait_that_may_be_over_ends_like_any_other(make: Make<'_>) {
    let store = make();
    let never = || false;
    let wait = |after, timeout| store.wait_unless(after, timeout, &never);
    let short = Duration::from_millis(5);
    assert_eq!(wait(Position::START, short).unwrap(), Position::START);
    let waiter = {
        let store = Arc::clone(&store);
        ends("a wait that nobody calls off", move || {
            let head = store.wait_unless(Position::START, FOREVER, &|| false);
            (
                head.unwrap(),
                store.wait_unless(Position::MAX, FOREVER, &|| false),
            )
        })
    };
    let_them_sleep();
    store.wake();
    let head = put(&*store, one("a")).last();
    assert_eq!(wait(Position::START, FOREVER).unwrap(), head);
    let_them_sleep();
    store.close().unwrap();
    let (seen, closed) = waiter.result();
    assert_eq!(seen, head);
    assert!(matches!(closed.unwrap_err().kind(), ErrorKind::Closed));
}
