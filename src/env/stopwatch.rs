//! How long something takes.

use std::time::{Duration, Instant};

/// Started when it is made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Stopwatch(Instant::now())
    }

    pub(crate) fn read(self) -> Duration {
        // No time passes under a schedule checker, or no run could be repeated.
        match cfg!(all(test, annals_shuttle)) {
            true => Duration::ZERO,
            false => self.0.elapsed(),
        }
    }
}
