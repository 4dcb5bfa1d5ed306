//! What a part of the programme did, and whether that was enough.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How the programme was asked to run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long each part may take; what has to be done at least is done.
    pub time: Duration,
    pub seed: u64,
    /// The most workloads of a part.
    pub workloads: u64,
    /// Everything instead of a sample.
    pub all: bool,
    pub threads: u64,
}

impl Settings {
    pub fn from_env() -> Self {
        let number = |name: &str| {
            let text = std::env::var(name).ok()?;
            Some(
                text.parse()
                    .unwrap_or_else(|_| panic!("{name} is a number")),
            )
        };
        let threads = std::thread::available_parallelism().map_or(1, |own| own.get() as u64);
        Settings {
            time: Duration::from_secs(number("ANNALS_CRASH_SECONDS").unwrap_or(8)),
            seed: number("ANNALS_SEED").unwrap_or(1),
            workloads: number("ANNALS_CRASH_WORKLOADS").unwrap_or(u64::MAX),
            all: number("ANNALS_CRASH_ALL").is_some_and(|own| own > 0),
            threads: number("ANNALS_CRASH_THREADS").unwrap_or(threads),
        }
    }
}

/// The counts of a part, gathered by all threads.
#[derive(Debug)]
pub struct Tally {
    pub started: Instant,
    processor: Option<f64>,
    inner: Mutex<Counts>,
}

#[derive(Clone, Debug, Default)]
pub struct Counts {
    pub workloads: u64,
    pub boundaries: u64,
    /// Distinct states of the disk, by the hash of its content.
    pub states: u64,
    /// Those of them in which recovery itself was interrupted.
    pub in_recovery: u64,
    /// The faults that struck, by kind.
    pub fired: BTreeMap<String, u64>,
    pub violations: Vec<String>,
    pub notes: Vec<String>,
}

impl Tally {
    pub fn new() -> Self {
        Tally {
            started: Instant::now(),
            processor: processor_seconds(),
            inner: Mutex::default(),
        }
    }

    pub fn with<T>(&self, act: impl FnOnce(&mut Counts) -> T) -> T {
        act(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn violation(&self, text: String) {
        self.with(|counts| counts.violations.push(text));
    }

    /// Adds the counts of one thread's piece of work.
    pub fn add(&self, other: Counts) {
        self.with(|counts| {
            counts.workloads += other.workloads;
            counts.boundaries += other.boundaries;
            counts.states += other.states;
            counts.in_recovery += other.in_recovery;
            for (kind, count) in other.fired {
                *counts.fired.entry(kind).or_default() += count;
            }
            counts.violations.extend(other.violations);
            counts.notes.extend(other.notes);
        });
    }

    /// The rate by the time that processors spent on it: on a machine that
    /// others use as well it tells more.
    fn per_processor(&self, states: u64) -> String {
        let spent = processor_seconds().zip(self.processor);
        let spent = spent.map(|(now, before)| now - before);
        match spent.filter(|spent| *spent > 0.0) {
            Some(spent) => format!(", {:.0} per second of a processor", states as f64 / spent),
            None => String::new(),
        }
    }

    /// Prints what was done; whether it is a success.
    pub fn print(&self, part: &str, seeds: (u64, u64)) -> bool {
        let counts = self.with(|counts| counts.clone());
        let seconds = self.started.elapsed().as_secs_f64();
        println!("== {part}");
        println!("   seeds {}..{}, {seconds:.1} s", seeds.0, seeds.1);
        println!(
            "   {} workloads, {} boundaries or calls",
            counts.workloads, counts.boundaries
        );
        println!(
            "   {} distinct states ({} inside recovery), {:.0} per second{}",
            counts.states,
            counts.in_recovery,
            counts.states as f64 / seconds,
            self.per_processor(counts.states)
        );
        let fired: Vec<String> = counts
            .fired
            .iter()
            .map(|(kind, count)| format!("{kind} {count}"))
            .collect();
        println!("   faults that struck: {}", fired.join(", "));
        for note in &counts.notes {
            println!("   {note}");
        }
        println!("   {} violations", counts.violations.len());
        for violation in counts.violations.iter().take(20) {
            println!("   ! {violation}");
        }
        if counts.fired.values().sum::<u64>() == 0 {
            println!("   ! nothing struck, so nothing was shown");
            return false;
        }
        counts.violations.is_empty()
    }
}

/// The seconds that processors have spent on this process so far; Linux tells.
fn processor_seconds() -> Option<f64> {
    const TICKS: f64 = 100.0;
    let text = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the process, in brackets, may hold anything.
    let fields: Vec<&str> = text.rsplit_once(") ")?.1.split(' ').collect();
    let ticks: f64 = fields.get(11)?.parse().ok()?;
    let of_the_system: f64 = fields.get(12)?.parse().ok()?;
    Some((ticks + of_the_system) / TICKS)
}

/// The command that runs one seed of a part again.
pub fn replay(part: &str, seed: u64) -> String {
    format!(
        "ANNALS_SEED={seed} ANNALS_CRASH_WORKLOADS=1 ANNALS_CRASH_THREADS=1 \
         cargo test --release --features testing --test crash -- {part}"
    )
}

/// Runs a piece of work for each seed, on all threads, until the time is up;
/// says which seeds were begun.
pub fn for_seeds(
    settings: &Settings,
    tally: &Tally,
    work: impl Fn(u64, Instant) -> Counts + Sync,
) -> (u64, u64) {
    let next = std::sync::atomic::AtomicU64::new(0);
    let until = tally.started + settings.time;
    std::thread::scope(|scope| {
        for _ in 0..settings.threads {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    // The first is always done.
                    if index >= settings.workloads || index > 0 && Instant::now() >= until {
                        break;
                    }
                    tally.add(work(settings.seed.wrapping_add(index), until));
                }
            });
        }
    });
    let begun = next.into_inner().saturating_sub(settings.threads);
    (settings.seed, settings.seed.wrapping_add(begun))
}
