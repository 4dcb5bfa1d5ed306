//! Random operations on two stores, one of them the oracle: no difference may
//! be seen between them.
//!
//! The oracle is `MemoryStore`. Whatever a store answers is compared in full:
//! positions, versions, times, spans, every event of every read, and errors
//! with their fields. `ANNALS_CASES` sets the number of cases (256 unless set).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod compare;
mod faults;
mod ops;
#[cfg(feature = "testing")]
mod queries;

use annals::{Clock, EventStore, Limits, LogStore, MemoryStore, Options, Reads, Timestamp};
use compare::Comparison;
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// A store that is compared with the oracle.
pub(crate) trait Subject {
    /// The store as it is open now.
    fn store(&self) -> &dyn EventStore;

    /// Closes the store and opens it again, where there is something to open.
    fn reopen(&mut self);
}

/// What the subject and the oracle have in common.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) clock: Arc<HandClock>,
    pub(crate) limits: Limits,
    /// For a subject that has segments: how large they are to be, in bytes.
    pub(crate) segment_bytes: u64,
    /// Whether ids are kept unique.
    pub(crate) unique_ids: bool,
}

/// A clock that is moved by hand, in nanoseconds.
#[derive(Debug, Default)]
pub(crate) struct HandClock(AtomicI64);

impl HandClock {
    pub(crate) fn advance(&self, nanos: i64) {
        self.0.fetch_add(nanos, Ordering::Relaxed);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        let nanos = self.0.load(Ordering::Relaxed);
        let second = 1_000_000_000;
        let start = 1_700_000_000;
        let rest = u32::try_from(nanos.rem_euclid(second)).unwrap();
        Timestamp::new(start + nanos.div_euclid(second), rest).unwrap()
    }
}

/// A store in memory: there is nothing to open again.
struct InMemory(MemoryStore);

impl InMemory {
    fn new(world: &World) -> Self {
        let clock = Arc::clone(&world.clock) as Arc<dyn Clock>;
        let store = MemoryStore::with_clock(clock).with_limits(world.limits);
        InMemory(store.with_unique_ids(world.unique_ids))
    }
}

impl Subject for InMemory {
    fn store(&self) -> &dyn EventStore {
        &self.0
    }

    fn reopen(&mut self) {}
}

/// The segmented log in a directory of its own.
struct OnDisk {
    options: Options,
    store: Option<LogStore>,
    dir: tempfile::TempDir,
}

impl OnDisk {
    fn new(world: &World) -> Self {
        let clock = Arc::clone(&world.clock) as Arc<dyn Clock>;
        let odd = world.segment_bytes % 2 == 1;
        let options = Options::new()
            .clock(clock)
            .limits(world.limits)
            .segment_size(world.segment_bytes)
            .unique_ids(world.unique_ids)
            .checkpoint_events(1 + world.segment_bytes as usize % 13)
            .reads(if odd { Reads::Plain } else { Reads::Mapped });
        let dir = directory();
        let store = Some(options.open(dir.path()).expect("a store can be made"));
        OnDisk {
            options,
            store,
            dir,
        }
    }
}

/// A directory in memory where there is one: the operations are what is
/// tested here, not the medium.
fn directory() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .expect("there is room")
}

impl Subject for OnDisk {
    fn store(&self) -> &dyn EventStore {
        self.store.as_ref().expect("the store is open")
    }

    fn reopen(&mut self) {
        let store = self.store.take().expect("the store is open");
        store.close().expect("the store closes");
        drop(store);
        self.store = Some(self.options.open(self.dir.path()).expect("the store opens"));
    }
}

fn config() -> ProptestConfig {
    let cases = std::env::var("ANNALS_CASES")
        .ok()
        .map_or(256, |text| text.parse().expect("ANNALS_CASES is a number"));
    ProptestConfig {
        cases,
        max_shrink_time: 120_000,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(
            "tests/model/regressions.txt",
        ))),
        ..ProptestConfig::default()
    }
}

/// Runs operations on a subject and on the oracle.
pub(crate) fn compare<S: Subject>(
    make: impl Fn(&World) -> S,
    (segment_bytes, unique_ids): (u64, bool),
    operations: &[ops::Op],
) -> Result<(), TestCaseError> {
    let world = World {
        clock: Arc::default(),
        limits: Limits {
            event_bytes: ops::EVENT_LIMIT,
            append_bytes: ops::APPEND_LIMIT,
        },
        segment_bytes,
        unique_ids,
    };
    let oracle = InMemory::new(&world).0;
    let mut comparison = Comparison::new(make(&world), oracle, Arc::clone(&world.clock));
    for operation in operations {
        comparison.step(operation)?;
    }
    comparison.finish()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_store_in_memory_is_like_another(
        operations in ops::operations(),
        segment_bytes in ops::segment_bytes(),
        unique_ids in any::<bool>(),
    ) {
        compare(InMemory::new, (segment_bytes, unique_ids), &operations)?;
    }

    #[test]
    fn the_log_is_like_a_store_in_memory(
        operations in ops::operations(),
        segment_bytes in ops::segment_bytes(),
        unique_ids in any::<bool>(),
    ) {
        compare(OnDisk::new, (segment_bytes, unique_ids), &operations)?;
    }
}
