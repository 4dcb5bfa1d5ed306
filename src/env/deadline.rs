//! Until when something is waited for.

use std::time::{Duration, Instant};

/// A moment after which nobody waits any longer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    /// None: too far away to be told, which is never.
    at: Option<Instant>,
}

impl Deadline {
    /// The moment when this much time will have passed.
    pub(crate) fn after(time: Duration) -> Self {
        Deadline {
            at: Instant::now().checked_add(time),
        }
    }

    /// How much time is left; nothing once it has passed.
    pub(crate) fn rest(self) -> Duration {
        self.at.map_or(Duration::MAX, |at| {
            at.saturating_duration_since(Instant::now())
        })
    }

    pub(crate) fn has_passed(self) -> bool {
        self.rest().is_zero()
    }

    /// The moment; `None` if it never comes.
    pub(crate) fn at(self) -> Option<Instant> {
        self.at
    }
}
