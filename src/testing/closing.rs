//! What a closed store still does.

use super::tools::{
    EVERY_DURABILITY, Ending, FOREVER, Make, ends, everything, fill, let_them_sleep, one,
    positions, read,
};
use crate::error::{ErrorKind, Result};
use crate::store::{EventStore, Query};
use crate::types::{Durability, Position, Timestamp, Version};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

fn assert_closed<T: std::fmt::Debug>(outcome: Result<T>) {
    let error = outcome.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Closed), "{error}");
}

pub(super) fn a_closed_store_takes_no_appends(make: Make<'_>) {
    let store = make();
    fill(&*store, "a", 2);
    store.close().unwrap();
    for durability in EVERY_DURABILITY {
        assert_closed(store.append(one("a").durability(durability)));
        assert_closed(store.submit(one("a").durability(durability)).wait());
    }
    assert_closed(store.flush());
    assert_eq!(everything(&*store).len(), 2);
}

pub(super) fn reads_go_on_after_the_close(make: Make<'_>) {
    let store = make();
    fill(&*store, "a", 3);
    let (before, id, head) = (everything(&*store), store.id(), store.head());
    let mut begun = store.read(&Query::all());
    begun.next().unwrap().unwrap();
    store.close().unwrap();
    assert_eq!(begun.map(Result::unwrap).count(), 2);
    assert_eq!(everything(&*store), before);
    assert_eq!(read(&*store, &Query::stream("a").backward()).len(), 3);
    let mut lent = 0;
    store
        .scan(&Query::all(), &mut |_| {
            lent += 1;
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(lent, 3);
    assert_eq!(store.version("a").unwrap(), Version::new(3));
    assert_eq!((store.head(), store.durable()), (head, head));
    assert_eq!(store.position_at(Timestamp::MAX).unwrap(), head);
    assert_eq!(store.first(), Position::new(1));
    assert_eq!(store.id(), id);
}

pub(super) fn closing_twice_is_no_error(make: Make<'_>) {
    let store = make();
    fill(&*store, "a", 1);
    store.close().unwrap();
    store.close().unwrap();
    assert_eq!(everything(&*store).len(), 1);
}

pub(super) fn closing_makes_everything_durable(make: Make<'_>) {
    for durability in EVERY_DURABILITY {
        let store = make();
        let awaited = store.submit(one("a").durability(durability));
        drop(store.submit(one("a").durability(durability)));
        store.close().unwrap();
        let found = everything(&*store);
        assert_eq!(found.len(), 2);
        assert_eq!(positions(&found).last(), Some(&store.durable()));
        assert_eq!(awaited.wait().unwrap().version(), Version::new(1));
    }
}

pub(super) fn closing_wakes_all_who_wait(make: Make<'_>) {
    let store = make();
    fill(&*store, "a", 1);
    let head = store.head();
    let waiters: Vec<_> = [head, head.next(), Position::MAX]
        .into_iter()
        .map(|after| {
            let store = Arc::clone(&store);
            ends("a wait that is closed", move || store.wait(after, FOREVER))
        })
        .collect();
    let_them_sleep();
    store.close().unwrap();
    for waiter in waiters {
        assert_closed(waiter.result());
    }
}

pub(super) fn a_closed_store_lets_nobody_wait(make: Make<'_>) {
    let store = make();
    fill(&*store, "a", 2);
    store.close().unwrap();
    let head = store.head();
    assert_closed(store.wait(head, FOREVER));
    assert_closed(store.wait(Position::MAX, Duration::ZERO));
    // Whoever is behind can still catch up.
    assert_eq!(store.wait(Position::START, FOREVER).unwrap(), head);
    assert_eq!(store.wait(head.previous(), Duration::ZERO).unwrap(), head);
}

pub(super) fn an_answer_outlives_the_store(make: Make<'_>) {
    for durability in EVERY_DURABILITY {
        let store = make();
        let pending = store.submit(one("a").durability(durability));
        drop(store);
        assert_eq!(pending.wait().unwrap().version(), Version::new(1));
    }
}

pub(super) fn a_read_outlives_the_store(make: Make<'_>) {
    let store = make();
    fill(&*store, "a", 3);
    let mut begun = store.read(&Query::all());
    let kept = begun.next().unwrap().unwrap();
    let other = store.read(&Query::stream("a").backward());
    drop(store);
    assert_eq!(begun.map(Result::unwrap).count(), 2);
    assert_eq!(other.map(Result::unwrap).count(), 3);
    assert_eq!(kept.data(), b"data");
}

pub(super) fn a_close_beside_appends_loses_no_acknowledged_one(make: Make<'_>) {
    let store = make();
    let writers: Vec<_> = (0..4)
        .map(|_| {
            let store = Arc::clone(&store);
            ends("a writer beside a close", move || {
                append_until_closed(&*store)
            })
        })
        .collect();
    store.wait(Position::new(20), FOREVER).unwrap();
    store.close().unwrap();
    let acknowledged: usize = writers.into_iter().map(Ending::result).sum();
    assert_eq!(everything(&*store).len(), acknowledged);
}

fn append_until_closed(store: &dyn EventStore) -> usize {
    let append = || store.append(one("a").durability(Durability::Written));
    let mut count = 0;
    loop {
        match append() {
            Ok(_) => count += 1,
            Err(error) => {
                assert!(matches!(error.kind(), ErrorKind::Closed), "{error}");
                return count;
            }
        }
    }
}
