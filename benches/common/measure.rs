//! Rounds, medians and ratios.
#![allow(clippy::print_stdout, clippy::cast_precision_loss)]

use std::hint::black_box;
use std::time::{Duration, Instant};

/// One thing that is measured, once in each round.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) name: String,
    /// What was done in a round, in events.
    pub(crate) events: u64,
    /// And in bytes; 0 if that says nothing.
    pub(crate) bytes: u64,
    times: Vec<Duration>,
    /// Whether only the thread's own time counts: for a machine on which
    /// others work, too.
    cpu_only: bool,
}

impl Line {
    pub(crate) fn new(name: &str) -> Self {
        Line {
            name: name.to_owned(),
            events: 0,
            bytes: 0,
            times: Vec::new(),
            cpu_only: std::env::var_os("CPU_TIME").is_some(),
        }
    }

    /// Adds a round. `work` says how many events and bytes it dealt with.
    pub(crate) fn time(&mut self, work: impl FnOnce() -> (u64, u64)) {
        let (start, own) = (Instant::now(), cpu_time());
        let (events, bytes) = black_box(work());
        self.times.push(match self.cpu_only {
            true => cpu_time().saturating_sub(own),
            false => start.elapsed(),
        });
        (self.events, self.bytes) = (events, bytes);
    }

    /// Adds a round that was timed elsewhere.
    pub(crate) fn add(&mut self, time: Duration, events: u64, bytes: u64) {
        self.times.push(time);
        (self.events, self.bytes) = (events, bytes);
    }

    /// The middle, the shortest and the longest time.
    pub(crate) fn spread(&self) -> (Duration, Duration, Duration) {
        let mut times = self.times.clone();
        times.sort_unstable();
        let at = |index: usize| times.get(index).copied().unwrap_or_default();
        let last = times.len().saturating_sub(1);
        (at(last / 2), at(0), at(last))
    }

    pub(crate) fn median(&self) -> Duration {
        self.spread().0
    }

    /// Events a second, by the median.
    pub(crate) fn rate(&self) -> f64 {
        self.events as f64 / self.median().as_secs_f64()
    }

    /// Prints the line, and beside it how its rate compares with others'.
    pub(crate) fn print(&self, beside: &[(&str, &Line)]) {
        let (middle, least, most) = self.spread();
        let per_second = |events: u64, time: Duration| events as f64 / time.as_secs_f64() / 1e6;
        let megabytes = self.bytes as f64 / middle.as_secs_f64() / 1e6;
        print!(
            "  {:<38} {:>9.3} M/s ({:.3}..{:.3})",
            self.name,
            per_second(self.events, middle),
            per_second(self.events, most),
            per_second(self.events, least),
        );
        if self.bytes > 0 {
            print!(" {megabytes:>8.0} MB/s");
        }
        for (name, line) in beside {
            print!("  {:.2} of {name}", self.rate() / line.rate());
        }
        println!();
    }
}

/// How long this thread has run, not counting when it waited for a processor.
pub(crate) fn cpu_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let first = text.split_whitespace().next();
    Duration::from_nanos(first.and_then(|one| one.parse().ok()).unwrap_or(0))
}

/// The bytes of memory that are this process's own, in pages of no file.
pub(crate) fn anonymous_memory() -> u64 {
    status("RssAnon:")
}

/// The bytes of memory that pages of files take in this process.
pub(crate) fn mapped_memory() -> u64 {
    status("RssFile:")
}

fn status(field: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(field));
    let number = line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().ok());
    number.unwrap_or(0) << 10
}
