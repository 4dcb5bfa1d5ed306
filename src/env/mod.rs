//! Floor 3: the only side effects.
//!
//! Files, mappings, the clock, randomness, background work and locks are all
//! reached through here, so that a test can replace every one of them and
//! replay a run from its seed.

mod bugs;
mod clock;
pub(crate) mod fs;
mod map;
mod os;
pub(crate) mod say;
#[cfg(all(test, annals_shuttle))]
mod scheduled;
#[cfg(any(test, feature = "testing"))]
pub(crate) mod sim;
mod stopwatch;
pub(crate) mod sync;
mod tasks;
mod watermark;

#[cfg_attr(not(feature = "testing"), allow(unreachable_pub))]
pub use bugs::Bug;
pub(crate) use clock::Deadline;
pub use clock::{Clock, SystemClock};
pub(crate) use map::{Board, Map, fetch, fetch_address, fetch_item, split_text, text};
pub(crate) use os::{OsFs, temporary_directory};
pub(crate) use stopwatch::Stopwatch;
pub(crate) use tasks::{Lane, OsTasks, Tasks, join};
pub(crate) use watermark::Watermark;

use std::sync::Arc;

/// Everything that a store asks of the world outside.
#[derive(Clone, Debug)]
pub(crate) struct Env {
    pub(crate) fs: Arc<dyn fs::Fs>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) tasks: Arc<dyn Tasks>,
    /// The mistake that a test has planted.
    pub(crate) planted: Option<Bug>,
}

impl Env {
    /// The real world.
    pub(crate) fn os() -> Self {
        Env {
            fs: Arc::new(OsFs),
            clock: Arc::new(SystemClock),
            random: Arc::new(OsRandom),
            tasks: Arc::new(OsTasks::default()),
            planted: None,
        }
    }

    /// Whether a test has planted this mistake: never, outside tests.
    pub(crate) fn bug(&self, bug: Bug) -> bool {
        cfg!(any(test, feature = "testing")) && self.planted == Some(bug)
    }
}

/// A source of randomness for ids and hash keys.
pub(crate) trait Random: Send + Sync + std::fmt::Debug {
    /// Sixteen bytes that nobody can guess.
    fn bytes(&self) -> [u8; 16];
}

/// The operating system's randomness.
#[derive(Debug)]
struct OsRandom;

impl Random for OsRandom {
    fn bytes(&self) -> [u8; 16] {
        uuid::Uuid::new_v4().into_bytes()
    }
}
