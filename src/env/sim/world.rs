//! A whole world from a seed.

use super::clock::SimClock;
use super::disk::{SectorSize, SimDisk};
use super::random::{Rng, SimRandom};
use super::tasks::{SimTasks, TaskMode};
use crate::env::{Bug, Env};
use crate::types::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// A disk and everything else that a store asks of the world outside.
#[derive(Clone, Debug)]
pub struct SimWorld {
    /// The disk.
    pub disk: SimDisk,
    /// The clock: 2026-01-01 at first, and a microsecond later each time.
    pub clock: Arc<SimClock>,
    /// Randomness for ids and keys.
    pub random: Arc<SimRandom>,
    /// Work in the background.
    pub tasks: Arc<SimTasks>,
    /// A mistake that the store makes in this world.
    pub planted: Option<Bug>,
}

impl SimWorld {
    /// An empty disk with sectors of 512 bytes, and background work inline.
    pub fn new(seed: u64) -> Self {
        let disk = SimDisk::new(SectorSize::Bytes512);
        Self::on(disk, TaskMode::Inline, seed)
    }

    /// A world around a disk, for example one that was left by a crash.
    pub fn on(disk: SimDisk, mode: TaskMode, seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let start = Timestamp::new(1_767_225_600, 0).unwrap_or(Timestamp::UNIX_EPOCH);
        SimWorld {
            disk,
            clock: Arc::new(SimClock::new(start, Duration::from_micros(1))),
            random: Arc::new(SimRandom::new(rng.next_u64())),
            tasks: Arc::new(SimTasks::new(mode, rng.next_u64())),
            planted: None,
        }
    }

    /// What a store is opened with.
    pub(crate) fn env(&self) -> Env {
        Env {
            fs: Arc::new(self.disk.clone()),
            clock: Arc::clone(&self.clock) as _,
            random: Arc::clone(&self.random) as _,
            tasks: Arc::clone(&self.tasks) as _,
            planted: self.planted,
        }
    }

    /// Lets time pass for the clock and for the work that waits.
    pub fn advance(&self, by: Duration) {
        self.clock.advance(by);
        self.tasks.advance(by);
    }
}
