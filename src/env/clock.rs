//! The store's clock.

use crate::types::Timestamp;
use std::fmt;
use std::time::{Duration, Instant, SystemTime};

/// Tells a store the time at which it records events.
///
/// A clock may go backwards; a store never does: it records the latest time
/// that it has seen.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// The operating system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        SystemTime::now().into()
    }
}

/// A moment up to which somebody waits, by a clock that only goes forward.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(Option<Instant>);

impl Deadline {
    /// The moment after this time; one that lies too far ahead never comes.
    pub(crate) fn after(timeout: Duration) -> Self {
        Deadline(Instant::now().checked_add(timeout))
    }

    /// How long it is until then.
    pub(crate) fn left(self) -> Duration {
        match self.0 {
            Some(moment) => moment.saturating_duration_since(Instant::now()),
            None => Duration::MAX,
        }
    }

    /// The moment itself, if it ever comes.
    pub(crate) fn moment(self) -> Option<Instant> {
        self.0
    }
}
