//! The store's clock.

use crate::types::Timestamp;
use std::fmt;
use std::time::SystemTime;

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
