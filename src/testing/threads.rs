//! Many threads at once.

use super::tools::{Make, event, events, everything, fill, one, put, read, versions};
use crate::error::ErrorKind;
use crate::store::{Append, EventStore, Query};
use crate::types::{Durability, Event, Expected, Position, RecordedEvent, Version};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

const THREADS: usize = 16;
const EACH: usize = 25;
const STREAMS: [&str; 3] = ["shared/1", "shared/2", "shared/3"];

pub(super) fn exact_versions_let_no_update_be_lost(make: Make<'_>) {
    let store = make();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let readers: Vec<_> = (0..2)
            .map(|_| scope.spawn(|| look_until(&*store, &done)))
            .collect();
        let writers: Vec<_> = (0..THREADS)
            .map(|own| {
                let store = &*store;
                scope.spawn(move || (0..EACH).for_each(|round| count_up(store, own, round)))
            })
            .collect();
        let outcomes: Vec<_> = writers
            .into_iter()
            .map(thread::ScopedJoinHandle::join)
            .collect();
        done.store(true, Ordering::Release);
        for reader in readers {
            reader.join().unwrap();
        }
        outcomes.into_iter().for_each(Result::unwrap);
    });
    let mut total = 0;
    for stream in STREAMS {
        let found = read(&*store, &Query::stream(stream));
        let count = found.len() as u64;
        assert_eq!(versions(&found), (1..=count).collect::<Vec<_>>());
        // Each event says which number its writer had read before it.
        for event in &found {
            let before = event.version().previous().to_string();
            assert_eq!(event.data(), before.as_bytes());
        }
        total += found.len();
    }
    assert_eq!(total, THREADS * EACH);
}

/// Reads a stream's version and appends after it, until nobody was faster.
fn count_up(store: &dyn EventStore, own: usize, round: usize) {
    let stream = STREAMS[(own + round) % STREAMS.len()];
    let mut version = store.version(stream).unwrap();
    loop {
        let event = Event::new("Counted", version.to_string());
        let append = Append::to(stream).expect(version).event(event);
        match store.append(append.durability(Durability::Written)) {
            Ok(done) => {
                assert_eq!(done.version(), version.next());
                assert!(store.version(stream).unwrap() >= done.version());
                return;
            }
            Err(error) => {
                let ErrorKind::Conflict { actual, .. } = error.kind() else {
                    panic!("a conflict was due, but: {error}");
                };
                // Nobody has to look twice: what the conflict says is there.
                assert!(*actual > version);
                version = store.version(stream).unwrap();
                assert!(version >= *actual);
            }
        }
    }
}

/// Sees again and again that what is visible has no holes.
fn look_until(store: &dyn EventStore, done: &AtomicBool) {
    let mut head = Position::START;
    while !done.load(Ordering::Acquire) {
        let before = head;
        head = store.head();
        assert!(before <= head);
        let found = everything(store);
        let last = found
            .last()
            .map_or(Position::START, RecordedEvent::position);
        assert!(
            last >= head,
            "the head is at {head}, but reads end at {last}"
        );
        if store.capabilities().gapless_positions {
            assert_eq!(last.get(), found.len() as u64);
        }
        assert_contiguous(&found);
        assert!(store.durable() <= store.head());
    }
}

/// Sees that in each stream there is every version, in order.
fn assert_contiguous(found: &[RecordedEvent]) {
    assert!(found.is_sorted_by(|one, next| one.position() < next.position()));
    let mut streams = HashMap::new();
    for event in found {
        let version = streams.entry(event.stream()).or_insert(Version::NONE);
        assert_eq!(event.version(), version.next());
        *version = event.version();
    }
}

pub(super) fn nobody_sees_half_an_append(make: Make<'_>) {
    let store = make();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            while !done.load(Ordering::Acquire) {
                let found = everything(&*store);
                if let Some(last) = found.last() {
                    assert_eq!(last.append_last(), last.position());
                }
                let backward = store.read(&Query::stream("b").backward()).next();
                if let Some(newest) = backward {
                    assert_eq!(newest.unwrap().version().get() % 3, 0);
                }
                assert_eq!(store.version("b").unwrap().get() % 3, 0);
            }
        });
        let writers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let append = Append::to("a").events(events(2)).and_to("b");
                        put(&*store, append.events(events(3)).and_to("c").event(event()));
                    }
                })
            })
            .collect();
        let outcomes: Vec<_> = writers
            .into_iter()
            .map(thread::ScopedJoinHandle::join)
            .collect();
        done.store(true, Ordering::Release);
        reader.join().unwrap();
        outcomes.into_iter().for_each(Result::unwrap);
    });
    let found = everything(&*store);
    assert_eq!(found.len(), 1200);
    assert_contiguous(&found);
    for append in found.chunk_by(|one, next| one.append_first() == next.append_first()) {
        assert_eq!(append.len(), 6);
        assert_eq!(append[0].position(), append[0].append_first());
        assert_eq!(append[5].position(), append[0].append_last());
    }
}

pub(super) fn only_one_of_many_makes_a_stream(make: Make<'_>) {
    for round in 0..10 {
        let store = make();
        let won = thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        let append = one("a").expect(Expected::NoStream);
                        let outcome = store.append(append.durability(Durability::Written));
                        assert_eq!(store.version("a").unwrap(), Version::new(1));
                        outcome.is_ok()
                    })
                })
                .collect();
            let joined = threads.into_iter().map(|own| own.join().unwrap());
            joined.filter(|won| *won).count()
        });
        assert_eq!(won, 1, "round {round}");
    }
}

pub(super) fn the_same_append_from_many_threads_is_recorded_once(make: Make<'_>) {
    let store = make();
    fill(&*store, "a", 1);
    let append = Append::to("a").expect(Version::new(1)).events(events(3));
    let repeats = thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| put(&*store, append.clone())))
            .collect();
        let outcomes: Vec<_> = threads.into_iter().map(|own| own.join().unwrap()).collect();
        assert!(outcomes.iter().all(|own| own.last() == outcomes[0].last()));
        outcomes.iter().filter(|own| own.is_repeat()).count()
    });
    assert_eq!(repeats, 7);
    assert_eq!(read(&*store, &Query::stream("a")).len(), 4);
}

pub(super) fn each_thread_keeps_its_order(make: Make<'_>) {
    let store = make();
    thread::scope(|scope| {
        for stream in ["a", "b", "c", "d"] {
            let store = &*store;
            scope.spawn(move || {
                let pending: Vec<_> = (0..100)
                    .map(|number| {
                        let event = Event::new("Numbered", format!("{number}"));
                        let append = Append::to(stream).event(event);
                        store.submit(append.durability(Durability::Written))
                    })
                    .collect();
                for own in pending {
                    own.wait().unwrap();
                }
            });
        }
    });
    for stream in ["a", "b", "c", "d"] {
        let found = read(&*store, &Query::stream(stream));
        let numbers: Vec<_> = found.iter().map(|event| event.data().to_vec()).collect();
        let due: Vec<_> = (0..100).map(|own| format!("{own}").into_bytes()).collect();
        assert_eq!(numbers, due);
    }
}
