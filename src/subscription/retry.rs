//! How often and how patiently something is tried again.

use std::time::Duration;

/// How often a handler is given an event that it failed on, and how long it is
/// left in peace in between: at first `first`, then twice as long each time,
/// but never longer than `longest`.
///
/// ```
/// use annals::subscription::Retry;
/// use std::time::Duration;
/// let retry = Retry { tries: 4, first: Duration::from_millis(10), ..Retry::default() };
/// assert_eq!(retry.after(1), Some(Duration::from_millis(10)));
/// assert_eq!(retry.after(3), Some(Duration::from_millis(40)));
/// assert_eq!(retry.after(4), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// How often an event is tried in all; 0 counts as 1.
    pub tries: u32,
    /// How long to wait after the first failure.
    pub first: Duration,
    /// The longest wait.
    pub longest: Duration,
    /// The part of each wait, in percent, that is left to chance, so that
    /// handlers that failed together don't all come back together. At most
    /// 100: any wait from nothing to the whole.
    pub jitter: u8,
}

impl Default for Retry {
    /// Five tries, waiting 100 ms, 200 ms, 400 ms, 800 ms, of which a fifth
    /// is left to chance; a longer series of tries waits 30 s at most.
    fn default() -> Self {
        Retry {
            tries: 5,
            first: Duration::from_millis(100),
            longest: Duration::from_secs(30),
            jitter: 20,
        }
    }
}

impl Retry {
    /// No second try.
    pub const fn never() -> Self {
        Retry {
            tries: 1,
            first: Duration::ZERO,
            longest: Duration::ZERO,
            jitter: 0,
        }
    }

    /// How long to wait after this many failures (from 1), before chance has
    /// its part; `None` when there is no further try.
    pub fn after(&self, failures: u32) -> Option<Duration> {
        (failures < self.tries).then(|| self.wait(failures))
    }

    /// The wait after this many failures, whether or not a try is left.
    pub(crate) fn wait(&self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        let wait = self.first.saturating_mul(1 << doublings);
        wait.min(self.longest)
    }

    /// Takes chance's part, `chance` out of 255, off a wait.
    pub(crate) fn shortened(&self, wait: Duration, chance: u8) -> Duration {
        let part = f64::from(self.jitter.min(100)) / 100.0 * f64::from(chance) / 255.0;
        wait.mul_f64(1.0 - part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_end() {
        let retry = Retry {
            tries: 100,
            first: Duration::from_secs(1),
            longest: Duration::from_secs(10),
            jitter: 0,
        };
        let waits: Vec<_> = (1..=6)
            .map(|count| retry.after(count).unwrap().as_secs())
            .collect();
        assert_eq!(waits, [1, 2, 4, 8, 10, 10]);
        assert_eq!(retry.after(99).unwrap().as_secs(), 10);
        assert_eq!(retry.after(100), None);
        assert_eq!(Retry::never().after(1), None);
        let endless = Retry {
            longest: Duration::MAX,
            ..retry
        };
        assert!(endless.wait(u32::MAX) > Duration::from_secs(1 << 30));
    }

    #[test]
    fn chance_takes_its_part_and_no_more() {
        let second = Duration::from_secs(1);
        let retry = Retry {
            jitter: 20,
            ..Retry::default()
        };
        assert_eq!(retry.shortened(second, 0), second);
        assert_eq!(retry.shortened(second, 255), Duration::from_millis(800));
        let all = Retry {
            jitter: 255,
            ..retry
        };
        assert_eq!(all.shortened(second, 255), Duration::ZERO);
    }
}
