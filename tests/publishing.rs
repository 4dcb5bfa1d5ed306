//! Subscriptions and publishers under load, through the trait alone.
//!
//! `ANNALS_ROUNDS` sets how often each is tried: few times unless set.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use annals::cursor::{Cursor, CursorStore, FileCursors, MemoryCursors};
use annals::parked::MemoryParked;
use annals::publisher::{Handler, Publisher};
use annals::subscription::{Subscription, subscribe};
use annals::{Append, Event, EventStore, MemoryStore, Position, Query};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

type TestResult = Result<(), Box<dyn std::error::Error>>;

const WRITERS: u64 = 8;
const EACH: u64 = 40;
const LONG: Duration = Duration::from_secs(60);

fn rounds() -> u64 {
    let set = std::env::var("ANNALS_ROUNDS").ok();
    set.and_then(|text| text.parse().ok()).unwrap_or(20)
}

/// Small, quick and good enough to be unpredictable (xorshift).
fn random(state: &AtomicU64) -> u64 {
    let mut x = state.load(Ordering::Relaxed);
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    state.store(x, Ordering::Relaxed);
    x
}

/// Appends of one to three events, to the writer's own stream.
fn write(store: &dyn EventStore, writer: u64, seed: u64) {
    let state = AtomicU64::new(seed | 1);
    let mut left = EACH;
    while left > 0 {
        let count = (1 + random(&state) % 3).min(left);
        left -= count;
        let events = (0..count).map(|_| Event::new("Written", writer.to_string()));
        let append = Append::to(format!("writer/{writer}")).events(events);
        assert!(store.append(append).is_ok());
        if random(&state).is_multiple_of(4) {
            std::thread::yield_now();
        }
    }
}

/// Takes events until it has all; checks that they come in order.
fn follow(mut events: Subscription, from: Position, up_to: Position) {
    let mut last = from;
    while last < up_to {
        let next = events.next_timeout(LONG);
        assert!(matches!(next, Ok(Some(_))), "{next:?} after {last}");
        if let Ok(Some(event)) = next {
            assert_eq!(event.position(), last.next(), "no gap and no duplicate");
            last = event.position();
        }
    }
}

#[test]
fn a_subscription_started_at_any_moment_gives_every_event_once_and_in_order() {
    for round in 1..=rounds() {
        let seed = AtomicU64::new(round.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let store: Arc<dyn EventStore> = Arc::new(MemoryStore::new());
        let all = Position::new(WRITERS * EACH);
        std::thread::scope(|scope| {
            for writer in 0..WRITERS {
                let (store, seed) = (&store, random(&seed));
                scope.spawn(move || write(&**store, writer, seed));
            }
            for _ in 0..2 {
                let moment = random(&seed) % all.get();
                let batch = 1 + random(&seed) % 20;
                let store = &store;
                scope.spawn(move || {
                    while store.head().get() < moment {
                        std::thread::yield_now();
                    }
                    let from = Position::new(moment / 2);
                    let events = subscribe(Arc::clone(store), Query::all(), from);
                    follow(events.with_batch(batch), from, all);
                });
            }
        });
    }
}

#[test]
fn over_drop_and_resume_from_its_cursor_nothing_is_missed() -> TestResult {
    let dir = tempfile::tempdir()?;
    for round in 1..=rounds() {
        let seed = AtomicU64::new(round.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let store: Arc<dyn EventStore> = Arc::new(MemoryStore::new());
        let all = Position::new(WRITERS * EACH);
        let cursors = FileCursors::open(dir.path().join(round.to_string()), store.id())?;
        let mut given = Vec::new();
        std::thread::scope(|scope| -> TestResult {
            for writer in 0..WRITERS {
                let (store, seed) = (&store, random(&seed));
                scope.spawn(move || write(&**store, writer, seed));
            }
            loop {
                let cursor: Cursor = cursors.load("reader")?.unwrap_or_default();
                if cursor.position == all {
                    return Ok(());
                }
                let events = Subscription::resume(Arc::clone(&store), Query::all(), cursor);
                let count = 1 + random(&seed) as usize % 30;
                for event in events.take(count.min((all.get() - cursor.position.get()) as usize)) {
                    let event = event?;
                    given.push(event.position().get());
                    if random(&seed).is_multiple_of(10) {
                        cursors.save("reader", event.cursor())?;
                    }
                    if event.position() == all {
                        cursors.save("reader", event.cursor())?;
                    }
                }
            }
        })?;
        // What came after the last saving comes again, and nothing else does.
        let mut highest = 0;
        for position in given {
            assert!(position <= highest + 1, "{position} after {highest}");
            highest = highest.max(position);
        }
        assert_eq!(highest, all.get());
    }
    Ok(())
}

#[test]
fn handlers_stopped_and_started_under_load_miss_nothing() -> TestResult {
    for round in 1..=rounds().min(50) {
        let store: Arc<dyn EventStore> = Arc::new(MemoryStore::new());
        let cursors = Arc::new(MemoryCursors::new());
        let counts: Arc<Mutex<HashMap<u64, u32>>> = Arc::default();
        let all = Position::new(WRITERS * EACH);
        std::thread::scope(|scope| -> TestResult {
            for writer in 0..WRITERS {
                let store = &store;
                scope.spawn(move || write(&**store, writer, round * 100 + writer));
            }
            loop {
                let seen = Arc::clone(&counts);
                let handler = Handler::new("counter", Query::all(), move |event| {
                    let mut seen = seen.lock().map_err(|_| "poisoned")?;
                    *seen.entry(event.position().get()).or_default() += 1;
                    Ok(())
                });
                let publishing = Publisher::new(
                    Arc::clone(&store),
                    cursors.clone(),
                    Arc::new(MemoryParked::new()),
                )
                .handler(handler)
                .start()?;
                let done = publishing.wait_for("counter", all, Duration::from_millis(2));
                publishing.stop()?;
                if done.is_ok() {
                    return Ok(());
                }
            }
        })?;
        let counts = counts.lock().map_err(|_| "poisoned")?;
        // Stopped in order, a handler isn't given anything twice either.
        assert_eq!(counts.len() as u64, all.get());
        assert!(counts.values().all(|count| *count == 1));
    }
    Ok(())
}
