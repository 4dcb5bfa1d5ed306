//! How far it has come, for a person who waits.

use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

/// Nothing is shown of what is over within this.
const PATIENCE: Duration = Duration::from_secs(1);

/// The clock is asked once in so many calls.
const INTERVAL: u64 = 256;

/// A progress bar: events, rate and time left. Shown only on a terminal, and
/// only once it takes a while.
pub(crate) struct Progress {
    bar: ProgressBar,
    started: Instant,
    calls: u64,
    shown: bool,
    wanted: bool,
}

impl Progress {
    /// Progress towards `total`, in whatever the caller counts; without one
    /// there is no telling how much time is left.
    pub(crate) fn new(total: Option<u64>) -> Self {
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden());
        let template = match total {
            Some(_) => "{wide_bar} {percent}%  {msg}  {eta} left",
            None => "{spinner}  {msg}  {elapsed}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Progress {
            bar,
            started: Instant::now(),
            calls: 0,
            shown: false,
            wanted: io::stderr().is_terminal(),
        }
    }

    /// Like `new`, for a command that writes its data to stdout: where that is
    /// the terminal, the data is progress enough.
    pub(crate) fn beside_output(total: Option<u64>) -> Self {
        let mut progress = Self::new(total);
        progress.wanted &= !io::stdout().is_terminal();
        progress
    }

    /// So many events, so far towards the total.
    pub(crate) fn at(&mut self, events: u64, done: u64) {
        self.calls += 1;
        if !self.wanted || !self.calls.is_multiple_of(INTERVAL) {
            return;
        }
        let elapsed = self.started.elapsed();
        if elapsed < PATIENCE {
            return;
        }
        let rate = u128::from(events) * 1000 / elapsed.as_millis();
        let rate = HumanCount(u64::try_from(rate).unwrap_or(u64::MAX));
        let events = HumanCount(events);
        self.bar.set_message(format!("{events} events, {rate}/s"));
        self.bar.set_position(done);
        if !self.shown {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
            self.shown = true;
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown {
            self.bar.finish_and_clear();
        }
    }
}
