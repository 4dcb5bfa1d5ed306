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

use annals::{Clock, EventStore, Limits, MemoryStore, Timestamp};
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
    #[allow(dead_code)]
    pub(crate) segment_bytes: u64,
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
        InMemory(MemoryStore::with_clock(clock).with_limits(world.limits))
    }
}

impl Subject for InMemory {
    fn store(&self) -> &dyn EventStore {
        &self.0
    }

    fn reopen(&mut self) {}
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
    segment_bytes: u64,
    operations: &[ops::Op],
) -> Result<(), TestCaseError> {
    let world = World {
        clock: Arc::default(),
        limits: Limits {
            event_bytes: ops::EVENT_LIMIT,
            append_bytes: ops::APPEND_LIMIT,
        },
        segment_bytes,
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
    ) {
        compare(InMemory::new, segment_bytes, &operations)?;
    }

    // The log, once it stands: the same with a subject that opens a directory
    // with the world's clock, limits and segment size.
}
