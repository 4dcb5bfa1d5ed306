//! A clock that a test sets.

use crate::env::Clock;
use crate::env::sync::Mutex;
use crate::types::Timestamp;
use std::time::Duration;

/// A clock that stands where it was set, and goes on by a step each time that
/// somebody looks at it.
#[derive(Debug)]
pub struct SimClock {
    time: Mutex<(Timestamp, Duration)>,
}

impl SimClock {
    /// A clock that says `now` first, and goes on by `step` with each look.
    pub fn new(now: Timestamp, step: Duration) -> Self {
        SimClock {
            time: Mutex::new((now, step)),
        }
    }

    /// Sets the time, backwards too.
    pub fn set(&self, now: Timestamp) {
        self.time.lock().0 = now;
    }

    /// Sets how far the clock goes on with each look.
    pub fn set_step(&self, step: Duration) {
        self.time.lock().1 = step;
    }

    /// Lets time pass.
    pub fn advance(&self, by: Duration) {
        let mut time = self.time.lock();
        time.0 = later(time.0, by);
    }
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        let mut time = self.time.lock();
        let now = time.0;
        time.0 = later(now, time.1);
        now
    }
}

/// A moment later, at most the latest that there is.
fn later(time: Timestamp, by: Duration) -> Timestamp {
    let nanos = time.nanos() + by.subsec_nanos();
    i64::try_from(by.as_secs())
        .ok()
        .and_then(|seconds| seconds.checked_add(time.seconds()))
        .and_then(|seconds| seconds.checked_add(i64::from(nanos / 1_000_000_000)))
        .and_then(|seconds| Timestamp::new(seconds, nanos % 1_000_000_000).ok())
        .unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_on_by_a_step_with_each_look_and_can_be_set_back() {
        let start = Timestamp::new(10, 999_999_999).unwrap();
        let clock = SimClock::new(start, Duration::from_nanos(2));
        assert_eq!(clock.now(), start);
        assert_eq!(clock.now(), Timestamp::new(11, 1).unwrap());
        clock.advance(Duration::from_secs(5));
        assert_eq!(clock.now(), Timestamp::new(16, 3).unwrap());
        clock.set(Timestamp::UNIX_EPOCH);
        assert_eq!(clock.now(), Timestamp::UNIX_EPOCH);
        clock.advance(Duration::MAX);
        assert_eq!(clock.now(), Timestamp::MAX);
    }
}
