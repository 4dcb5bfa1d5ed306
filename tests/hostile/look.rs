//! Looks at a directory in every way, and at what that costs.

use crate::alloc;
use crate::sample::{SAMPLE, lay_out, new_dir, options, real_size};
use annals::{Append, Durability, Event, EventStore, Query};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// How often longer than with a store in order a look may take. Most of what
/// goes wrong here takes for ever; a loaded machine takes some times longer.
const LONGER: u32 = 1000;

/// How much memory may be taken beside that for a store in order: some for
/// buffers, and some for each byte that is there.
const BUFFERS: u64 = 8 << 20;
const FOR_EACH_BYTE: u64 = 16;

/// How the programme was asked to run.
pub struct Settings {
    pub seed: u64,
    /// How many mutations are tried.
    pub cases: u64,
}

impl Settings {
    pub fn from_env() -> Self {
        let number = |name: &str, otherwise| match std::env::var(name) {
            Ok(text) => text
                .parse()
                .unwrap_or_else(|_| panic!("{name} is a number")),
            Err(_) => otherwise,
        };
        Settings {
            seed: number("ANNALS_SEED", 1),
            cases: number("ANNALS_HOSTILE", 200),
        }
    }
}

/// A way to look at a directory; what came of it, in a word.
pub type Way = fn(&Path) -> Result<(), annals::Error>;

/// The ways to look at a store, in the order in which they are tried: the
/// last ones may change it.
pub const WAYS: [(&str, Way); 5] = [
    ("read", read),
    ("verify", verify),
    ("write", write),
    ("repair", repair),
    ("write after the repair", write),
];

fn read(dir: &Path) -> Result<(), annals::Error> {
    let store = options().open_read_only(dir)?;
    let scanned = store.scan(&Query::all(), &mut |_| ControlFlow::Continue(()));
    let asked = store.read(&Query::stream("many/7").backward()).last();
    store.version("many/8")?;
    store.stat()?;
    asked.transpose()?;
    scanned.map(drop)
}

fn verify(dir: &Path) -> Result<(), annals::Error> {
    annals::verify(dir, &mut |_| {}).map(drop)
}

fn write(dir: &Path) -> Result<(), annals::Error> {
    let store = options().open(dir)?;
    let append = Append::to("many/9").event(Event::new("Happened", "again"));
    store.append(append.durability(Durability::Durable))?;
    store.close()
}

fn repair(dir: &Path) -> Result<(), annals::Error> {
    annals::repair(dir).map(drop)
}

/// What a part did, and whether it was fast and frugal enough.
pub struct Report {
    part: &'static str,
    healthy: Cost,
    started: Instant,
    cases: u64,
    outcomes: BTreeMap<&'static str, u64>,
    /// What took the longest, and the most memory.
    slowest: (Duration, String),
    largest: (u64, String),
    violations: Vec<String>,
}

/// What a look took.
#[derive(Clone, Copy, Debug, Default)]
struct Cost {
    time: Duration,
    memory: u64,
}

impl Report {
    /// Begins a part: measures what stores in order take.
    pub fn new(part: &'static str) -> Self {
        let mut report = Report {
            part,
            healthy: Cost::default(),
            started: Instant::now(),
            cases: 0,
            outcomes: BTreeMap::new(),
            slowest: (Duration::ZERO, String::new()),
            largest: (0, String::new()),
            violations: Vec::new(),
        };
        for files in [&SAMPLE.closed, &SAMPLE.left] {
            let dir = new_dir();
            let path = dir.path().join("store");
            lay_out(files, &path);
            for (name, way) in WAYS {
                let (cost, outcome) = cost_of(way, &path, Duration::from_secs(3600));
                assert_eq!(outcome, "done", "{name}");
                report.healthy.time = report.healthy.time.max(cost.time);
                report.healthy.memory = report.healthy.memory.max(cost.memory);
            }
        }
        report
    }

    /// Looks at a directory in these ways.
    pub fn look(&mut self, case: &str, dir: &Path, ways: &[(&'static str, Way)]) {
        self.cases += 1;
        let most_time = self.healthy.time * LONGER;
        for (name, way) in ways {
            let most = self.healthy.memory + BUFFERS + FOR_EACH_BYTE * real_size(dir);
            let text = format!("{case}: {name}");
            let (cost, outcome) = cost_of(*way, dir, most_time);
            *self.outcomes.entry(outcome).or_default() += 1;
            if outcome == PANIC || outcome == HANGS {
                self.violations.push(format!("{text}: {outcome}"));
                return;
            }
            if cost.memory > most {
                let taken = cost.memory;
                self.violations
                    .push(format!("{text}: takes {taken} bytes of memory, of {most}"));
            }
            if cost.time > self.slowest.0 {
                self.slowest = (cost.time, text.clone());
            }
            if cost.memory > self.largest.0 {
                self.largest = (cost.memory, text);
            }
        }
    }

    /// Prints what was done; whether it is a success.
    pub fn print(&self) -> bool {
        let seconds = self.started.elapsed().as_secs_f64();
        println!("== {}", self.part);
        println!("   {} directories, {seconds:.1} s", self.cases);
        let outcomes: Vec<String> = self
            .outcomes
            .iter()
            .map(|(outcome, count)| format!("{outcome} {count}"))
            .collect();
        println!("   {}", outcomes.join(", "));
        let line = |what: &str, time: Duration, memory: u64, case: &str| {
            let ms = time.as_secs_f64() * 1e3;
            println!("   {what}: {ms:.1} ms, {} KiB {case}", memory >> 10);
        };
        line(
            "in order",
            self.healthy.time,
            self.healthy.memory,
            "at most",
        );
        line(
            "slowest",
            self.slowest.0,
            0,
            &format!("({})", self.slowest.1),
        );
        line(
            "largest",
            Duration::ZERO,
            self.largest.0,
            &format!("({})", self.largest.1),
        );
        println!("   {} violations", self.violations.len());
        for violation in self.violations.iter().take(20) {
            println!("   ! {violation}");
        }
        if self.cases == 0 {
            println!("   ! nothing was tried, so nothing was shown");
            return false;
        }
        self.violations.is_empty()
    }
}

const PANIC: &str = "a panic";
const HANGS: &str = "it doesn't end";

/// Looks in one way, and waits so long for the end.
fn cost_of(way: Way, dir: &Path, most: Duration) -> (Cost, &'static str) {
    let before = alloc::start();
    let started = Instant::now();
    let (done, wait) = mpsc::channel();
    let path = dir.to_path_buf();
    let thread = std::thread::spawn(move || {
        let outcome = way(&path);
        drop(done.send(outcome));
    });
    let outcome = match wait.recv_timeout(most) {
        Ok(Ok(())) => "done",
        Ok(Err(error)) => kind_of(&error),
        Err(mpsc::RecvTimeoutError::Disconnected) => PANIC,
        Err(mpsc::RecvTimeoutError::Timeout) => HANGS,
    };
    let cost = Cost {
        time: started.elapsed(),
        memory: alloc::most().saturating_sub(before) as u64,
    };
    if outcome != HANGS {
        drop(thread.join());
    }
    (cost, outcome)
}

fn kind_of(error: &annals::Error) -> &'static str {
    use annals::ErrorKind;
    match error.kind() {
        ErrorKind::Corrupt { .. } => "corrupt",
        ErrorKind::NewerFormat { .. } => "newer",
        ErrorKind::NotAStore { .. } => "no store",
        ErrorKind::Io { .. } => "i/o",
        ErrorKind::Overflow { .. } => "overflow",
        ErrorKind::Locked { .. } => "locked",
        ErrorKind::DiskFull { .. } => "full",
        _ => "another error",
    }
}
