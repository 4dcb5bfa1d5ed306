//! Subscriptions, publishers and projections under load, through the trait
//! alone, on every backend that there is.
//!
//! `ANNALS_ROUNDS` sets how often each is tried: few times unless set.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use annals::cursor::{Cursor, CursorStore, FileCursors, MemoryCursors};
use annals::parked::MemoryParked;
use annals::projection::{Projection, Projector, as_of};
use annals::publisher::{Handler, Publisher};
use annals::subscription::{Delivered, HandlerError, Subscription, subscribe};
use annals::{Append, Event, EventStore, MemoryStore, Position, Query};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::Scope;
use std::time::Duration;

type TestResult = Result<(), Box<dyn std::error::Error>>;

const WRITERS: u64 = 8;
const EACH: u64 = 40;
const LONG: Duration = Duration::from_secs(60);

fn rounds() -> u64 {
    let set = std::env::var("ANNALS_ROUNDS").ok();
    set.and_then(|text| text.parse().ok()).unwrap_or(20)
}

/// An empty store of each backend.
fn stores() -> [Arc<dyn EventStore>; 2] {
    let log = annals::temporary().unwrap();
    [Arc::new(MemoryStore::new()), Arc::new(log)]
}

/// Tries something so many times on each backend, with numbers of its own.
fn each_round(
    rounds: u64,
    test: impl Fn(Arc<dyn EventStore>, AtomicU64) -> TestResult,
) -> TestResult {
    for round in 1..=rounds {
        for store in stores() {
            let seed = AtomicU64::new(round.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
            test(store, seed)?;
        }
    }
    Ok(())
}

/// Eight writers, each on a thread of its own.
fn start_writers<'scope>(
    scope: &'scope Scope<'scope, '_>,
    store: &Arc<dyn EventStore>,
    seed: &AtomicU64,
) {
    for writer in 0..WRITERS {
        let (store, seed) = (Arc::clone(store), random(seed));
        scope.spawn(move || write(&*store, writer, seed));
    }
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
fn a_subscription_started_at_any_moment_gives_every_event_once_and_in_order() -> TestResult {
    each_round(rounds(), |store, seed| {
        let all = Position::new(WRITERS * EACH);
        std::thread::scope(|scope| {
            start_writers(scope, &store, &seed);
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
        Ok(())
    })
}

#[test]
fn over_drop_and_resume_from_its_cursor_nothing_is_missed() -> TestResult {
    let dir = tempfile::tempdir()?;
    each_round(rounds(), |store, seed| {
        let all = Position::new(WRITERS * EACH);
        let cursors = FileCursors::open(dir.path().join(store.id().to_string()), store.id())?;
        let mut given = Vec::new();
        std::thread::scope(|scope| -> TestResult {
            start_writers(scope, &store, &seed);
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
        Ok(())
    })
}

#[test]
fn handlers_stopped_and_started_under_load_miss_nothing() -> TestResult {
    each_round(rounds().min(50), |store, seed| {
        let cursors = Arc::new(MemoryCursors::new());
        let counts: Arc<Mutex<HashMap<u64, u32>>> = Arc::default();
        let all = Position::new(WRITERS * EACH);
        std::thread::scope(|scope| -> TestResult {
            start_writers(scope, &store, &seed);
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
        Ok(())
    })
}

/// How many events there are of each stream.
#[derive(Debug, Default, PartialEq)]
struct Counts(HashMap<String, u64>);

impl Projection for Counts {
    fn handle(&mut self, event: &Delivered) -> Result<(), HandlerError> {
        *self.0.entry(event.stream().to_owned()).or_default() += 1;
        Ok(())
    }
}

impl Counts {
    fn sum(&self) -> u64 {
        self.0.values().sum()
    }
}

#[test]
fn a_projection_rebuilt_under_load_counts_every_event_once() -> TestResult {
    each_round(rounds().min(50), |store, seed| {
        let counts = Projector::new(Arc::clone(&store), Counts::default()).start()?;
        std::thread::scope(|scope| -> TestResult {
            start_writers(scope, &store, &seed);
            let moment = Position::new(random(&seed) % (WRITERS * EACH));
            counts.wait_for(moment, LONG)?;
            // A reader sees what it waited for, and each append whole.
            assert!(counts.read(Counts::sum) >= moment.get());
            let old = counts.rebuild(Counts::default())?;
            assert!(counts.read(Counts::sum) >= old.sum());
            Ok(())
        })?;
        let all = Position::new(WRITERS * EACH);
        counts.wait_for(all, LONG)?;
        let past = as_of(&*store, Counts::default(), all)?;
        assert!(past.0.len() as u64 == WRITERS && past.0.values().all(|count| *count == EACH));
        assert_eq!(counts.stop()?, past);
        Ok(())
    })
}

#[test]
fn over_close_and_reopen_of_the_log_nothing_is_missed() -> TestResult {
    for round in 1..=rounds().min(50) {
        let seed = AtomicU64::new(round);
        let dir = tempfile::tempdir()?;
        let mut given = Vec::new();
        for opening in 1.. {
            let store: Arc<dyn EventStore> = Arc::new(annals::open(dir.path().join("log"))?);
            let cursors = FileCursors::open(dir.path().join("cursors"), store.id())?;
            if opening <= 5 {
                write(&*store, opening, random(&seed));
            }
            let cursor: Cursor = cursors.load("reader")?.unwrap_or_default();
            let mut events = Subscription::resume(store, Query::all(), cursor);
            for _ in 0..random(&seed) % 2 * EACH {
                let Some(event) = events.try_next()? else {
                    break;
                };
                given.push(event.position().get());
                cursors.save("reader", event.cursor())?;
            }
            if given.len() as u64 == 5 * EACH {
                break;
            }
        }
        assert!(given.iter().copied().eq(1..=5 * EACH), "{given:?}");
    }
    Ok(())
}
