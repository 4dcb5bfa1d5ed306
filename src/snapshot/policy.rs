//! When to take a snapshot.

use std::time::Duration;

/// When a snapshot is to be taken: after so many events, so much time, or so
/// long a replay; whichever comes first of those that are set.
///
/// ```
/// use annals::snapshot::{Replayed, SnapshotPolicy};
/// use std::time::Duration;
///
/// let policy = SnapshotPolicy::every(100).or_age(Duration::from_secs(3600));
/// let replayed = Replayed { events: 99, ..Replayed::default() };
/// assert!(!policy.is_due(&replayed));
/// assert!(policy.is_due(&Replayed { events: 100, ..replayed }));
/// assert!(policy.is_due(&Replayed { age: Duration::from_secs(3600), ..replayed }));
///
/// // A state that equals its snapshot is never due.
/// assert!(!policy.is_due(&Replayed { age: Duration::MAX, ..Replayed::default() }));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SnapshotPolicy {
    events: Option<u64>,
    age: Option<Duration>,
    cost: Option<Duration>,
}

/// What lies between a state and the snapshot that it was loaded from (or the
/// beginning of its stream, where there was none).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// How many events come after the snapshot.
    pub events: u64,
    /// How long ago the snapshot was taken; where there is none, the time
    /// since the first event was recorded.
    pub age: Duration,
    /// How long it took to read and apply those events.
    pub cost: Duration,
}

impl SnapshotPolicy {
    /// Never by itself: only when somebody asks for one.
    pub const fn by_hand() -> Self {
        SnapshotPolicy {
            events: None,
            age: None,
            cost: None,
        }
    }

    /// After this many events since the last one. 0 counts as 1.
    #[must_use]
    pub const fn every(events: u64) -> Self {
        Self::by_hand().or_every(events)
    }

    /// When the last one is at least this old, and there is something new.
    #[must_use]
    pub const fn age(age: Duration) -> Self {
        Self::by_hand().or_age(age)
    }

    /// When replaying what came after the last one took at least this long.
    #[must_use]
    pub const fn cost(cost: Duration) -> Self {
        Self::by_hand().or_cost(cost)
    }

    /// Also after this many events since the last one. 0 counts as 1.
    #[must_use]
    pub const fn or_every(mut self, events: u64) -> Self {
        self.events = Some(events);
        self
    }

    /// Also when the last one is at least this old.
    #[must_use]
    pub const fn or_age(mut self, age: Duration) -> Self {
        self.age = Some(age);
        self
    }

    /// Also when replaying what came after the last one took this long.
    #[must_use]
    pub const fn or_cost(mut self, cost: Duration) -> Self {
        self.cost = Some(cost);
        self
    }

    /// Whether it is time to take one. Never for a state that equals its
    /// snapshot.
    pub fn is_due(&self, replayed: &Replayed) -> bool {
        replayed.events > 0
            && (self.events.is_some_and(|every| replayed.events >= every)
                || self.age.is_some_and(|age| replayed.age >= age)
                || self.cost.is_some_and(|cost| replayed.cost >= cost))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replayed(events: u64, age: u64, cost: u64) -> Replayed {
        Replayed {
            events,
            age: Duration::from_secs(age),
            cost: Duration::from_secs(cost),
        }
    }

    #[test]
    fn by_hand_is_never_due() {
        assert!(!SnapshotPolicy::by_hand().is_due(&replayed(u64::MAX, u64::MAX, u64::MAX)));
        assert_eq!(SnapshotPolicy::default(), SnapshotPolicy::by_hand());
    }

    #[test]
    fn each_bound_counts_by_itself() {
        let second = Duration::from_secs(1);
        let all = SnapshotPolicy::every(2).or_age(second).or_cost(second);
        assert!(!all.is_due(&replayed(1, 0, 0)));
        assert!(all.is_due(&replayed(2, 0, 0)));
        assert!(all.is_due(&replayed(1, 1, 0)));
        assert!(all.is_due(&replayed(1, 0, 1)));
        assert!(!all.is_due(&replayed(0, 1, 1)));
        assert!(SnapshotPolicy::every(0).is_due(&replayed(1, 0, 0)));
        assert!(!SnapshotPolicy::age(second).is_due(&replayed(9, 0, 9)));
        assert!(!SnapshotPolicy::cost(second).is_due(&replayed(9, 9, 0)));
    }
}
