//! Who waits for a write or a sync, who does it, and how many are likely to
//! want the next sync.

use super::progress::Progress;
use crate::env::Stopwatch;
use crate::env::sync::Sleeper;
use crate::error::Error;
use crate::types::{Durability, Position};
use std::time::Duration;

/// What somebody waits for: that everything up to a position is visible, and
/// this safe.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub(super) position: Position,
    pub(super) durability: Durability,
}

impl Wanted {
    pub(super) fn is_met(self, progress: &Progress) -> bool {
        progress.visible() >= self.position
            && (self.durability < Durability::Durable || progress.durable() >= self.position)
    }

    /// Whether a sync is needed, and not only a write. What is written and
    /// still not seen is behind something that has to be durable first.
    fn needs_sync(self, progress: &Progress) -> bool {
        self.durability == Durability::Durable || progress.written() >= self.position
    }
}

/// What somebody who waits is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Write what is queued, for all.
    Write,
    /// Write what is queued and sync, for all.
    Sync,
    /// See to it that the sync does not wait too long for its cohort.
    Watch,
    Wait,
}

/// All that wait, and what is being done for them.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    pub(super) writing: bool,
    pub(super) syncing: bool,
    /// Whether somebody looks after the time while the cohort gathers.
    watched: bool,
    /// How many are likely to want the next sync: whom the last one released,
    /// because they tend to come again, and whom it left waiting.
    cohort: usize,
    /// The moving average of the time that a sync takes.
    sync_time: Duration,
    sleepers: Vec<(Wanted, Sleeper)>,
    /// What failed, once something has: nothing is written any more.
    pub(super) poison: Option<Error>,
}

/// How long somebody has watched the cohort gather.
#[derive(Debug)]
pub(super) struct Watch {
    since: Stopwatch,
    last: Stopwatch,
    seen: usize,
}

impl Waiting {
    /// The part of one who waits for this, and is not among the sleepers.
    pub(super) fn part(&self, wanted: Wanted, progress: &Progress, watch: Option<&Watch>) -> Part {
        if self.writing {
            return Part::Wait;
        }
        if !wanted.needs_sync(progress) {
            return Part::Write;
        }
        if self.syncing {
            return Part::Wait;
        }
        let gathered = self.sleepers.len() + 1 >= self.cohort;
        match watch {
            _ if gathered => Part::Sync,
            Some(watch) if self.is_over(watch) => Part::Sync,
            None if self.watched => Part::Wait,
            _ => Part::Watch,
        }
    }

    /// A sync waits as long as its cohort keeps coming: at most a tenth of the
    /// time of a sync for one more, and at most that time for all.
    fn is_over(&self, watch: &Watch) -> bool {
        watch.since.read() >= self.sync_time
            || self.sleepers.len() <= watch.seen && watch.last.read() >= self.pause()
    }

    fn pause(&self) -> Duration {
        self.sync_time / 10
    }

    /// Begins or goes on to watch; says how long to sleep.
    pub(super) fn watch(&mut self, watch: &mut Option<Watch>) -> Duration {
        self.watched = true;
        let now = Stopwatch::start();
        let since = watch.as_ref().map_or(now, |watch| watch.since);
        *watch = Some(Watch {
            since,
            last: now,
            seen: self.sleepers.len(),
        });
        self.pause()
    }

    /// The calling thread watches no longer, so that whoever comes next does.
    pub(super) fn stop_watching(&mut self, watch: &mut Option<Watch>) {
        if watch.take().is_some() {
            self.watched = false;
        }
    }

    /// Enters the calling thread among those who are to be woken.
    pub(super) fn enter(&mut self, wanted: Wanted) {
        self.sleepers.push((wanted, Sleeper::own()));
    }

    /// Takes the calling thread out again, if nobody has.
    pub(super) fn leave(&mut self) {
        self.sleepers.retain(|(_, sleeper)| !sleeper.is_own());
    }

    /// The calling thread begins to write and sync for all.
    pub(super) fn begin_sync(&mut self) {
        self.writing = true;
        self.syncing = true;
        self.watched = false;
    }

    /// A sync has ended, and took this long if there was one.
    pub(super) fn end_sync(&mut self, took: Option<Duration>) {
        self.syncing = false;
        let took = took.unwrap_or(self.sync_time);
        self.sync_time = match self.sync_time {
            Duration::ZERO => took,
            average => (average * 7 + took) / 8,
        };
        self.cohort = self.sleepers.len() + 1;
    }

    /// Takes out whom to wake: who has what they waited for, and one of the
    /// others for each part that nobody has.
    pub(super) fn release(&mut self, progress: &Progress) -> Vec<Sleeper> {
        let (mut free_write, mut free_sync) = (!self.writing, !self.writing && !self.syncing);
        let poisoned = self.poison.is_some();
        let is_released = |(wanted, _): &mut (Wanted, Sleeper)| {
            if poisoned || wanted.is_met(progress) {
                return true;
            }
            let free = match wanted.needs_sync(progress) {
                true => &mut free_sync,
                false => &mut free_write,
            };
            std::mem::take(free)
        };
        let released = self.sleepers.extract_if(.., is_released);
        released.map(|(_, sleeper)| sleeper).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(position: u64, durability: Durability) -> Wanted {
        Wanted {
            position: Position::new(position),
            durability,
        }
    }

    fn durable(position: u64) -> Wanted {
        wanted(position, Durability::Durable)
    }

    /// Everything up to 10 is visible and durable.
    fn progress() -> Progress {
        Progress::new(Position::new(10), None, None)
    }

    /// A sync has ended for the thread that led it and three more.
    fn after_four(progress: &Progress, took: Duration) -> Waiting {
        let mut waiting = Waiting::default();
        waiting.begin_sync();
        (11..14).for_each(|position| waiting.enter(durable(position)));
        waiting.writing = false;
        progress.set_written(Position::new(14));
        progress.set_durable(Position::new(14));
        progress.set_visible(Position::new(14));
        waiting.end_sync(Some(took));
        assert_eq!(waiting.release(progress).len(), 3);
        waiting
    }

    #[test]
    fn a_lone_thread_waits_for_nobody() {
        let (progress, mut waiting) = (progress(), Waiting::default());
        for position in 11..14 {
            assert_eq!(waiting.part(durable(position), &progress, None), Part::Sync);
            waiting.begin_sync();
            waiting.writing = false;
            waiting.end_sync(Some(Duration::from_secs(9)));
        }
    }

    #[test]
    fn a_sync_waits_for_those_whom_the_last_one_released() {
        let progress = progress();
        let mut waiting = after_four(&progress, Duration::from_secs(9));
        let mut watch = None;
        assert_eq!(waiting.part(durable(15), &progress, None), Part::Watch);
        waiting.watch(&mut watch);
        waiting.enter(durable(15));
        for position in [16, 17] {
            assert_eq!(waiting.part(durable(position), &progress, None), Part::Wait);
            waiting.enter(durable(position));
        }
        // The last one need not be told: it is here.
        assert_eq!(waiting.part(durable(18), &progress, None), Part::Sync);
    }

    #[test]
    fn a_sync_does_not_wait_for_those_who_stay_away() {
        let progress = progress();
        let mut waiting = after_four(&progress, Duration::ZERO);
        let mut watch = None;
        waiting.watch(&mut watch);
        let part = waiting.part(durable(15), &progress, watch.as_ref());
        assert_eq!(part, Part::Sync);
    }

    #[test]
    fn who_needs_no_sync_writes_while_one_goes_on() {
        let (progress, mut waiting) = (progress(), Waiting::default());
        waiting.begin_sync();
        let own = wanted(12, Durability::Written);
        assert_eq!(waiting.part(own, &progress, None), Part::Wait);
        waiting.writing = false;
        assert_eq!(waiting.part(own, &progress, None), Part::Write);
        assert_eq!(waiting.part(durable(13), &progress, None), Part::Wait);
        // It is written and not seen: something before it has to be durable.
        progress.set_written(Position::new(12));
        assert_eq!(waiting.part(own, &progress, None), Part::Wait);
        waiting.end_sync(None);
        assert_eq!(waiting.part(own, &progress, None), Part::Sync);
    }

    #[test]
    fn of_those_who_are_not_released_one_is_woken_for_each_part() {
        let (progress, mut waiting) = (progress(), Waiting::default());
        for position in [11, 12] {
            waiting.enter(durable(position));
            waiting.enter(wanted(position, Durability::Written));
        }
        waiting.writing = true;
        assert!(waiting.release(&progress).is_empty());
        waiting.writing = false;
        assert_eq!(waiting.release(&progress).len(), 2);
        assert_eq!(waiting.sleepers.len(), 2);
    }
}
