//! How the programme was asked to run, and what it says at the end.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

/// How the programme was asked to run.
#[derive(Clone, Debug)]
pub struct Settings {
    pub seed: u64,
    pub kills: u64,
    pub shutdowns: u64,
    /// How often a disk fills up or fails.
    pub disks: u64,
}

impl Settings {
    pub fn from_env() -> Self {
        let number = |name: &str, unless_set: u64| match std::env::var(name) {
            Ok(text) => text
                .parse()
                .unwrap_or_else(|_| panic!("{name} is a number")),
            Err(_) => unless_set,
        };
        Settings {
            seed: number("ANNALS_SEED", 1),
            kills: number("ANNALS_KILLS", 60),
            shutdowns: number("ANNALS_SHUTDOWNS", 10),
            disks: number("ANNALS_DISKS", 2),
        }
    }
}

/// The command that runs a seed of a part again.
pub fn replay(part: &str, seed: u64) -> String {
    format!("ANNALS_SEED={seed} cargo test --all-features --test kernels -- {part}")
}

/// What a part did.
#[derive(Debug)]
pub struct Report {
    part: String,
    started: Instant,
    pub seeds: (u64, u64),
    /// How many faults there were; one may strike several things.
    pub faults: u64,
    /// What struck, by kind.
    pub struck: BTreeMap<String, u64>,
    pub notes: BTreeMap<String, u64>,
    violations: Vec<String>,
}

impl Report {
    pub fn new(part: &str, seed: u64) -> Self {
        Report {
            part: part.into(),
            started: Instant::now(),
            seeds: (seed, seed),
            faults: 0,
            struck: BTreeMap::new(),
            notes: BTreeMap::new(),
            violations: Vec::new(),
        }
    }

    /// A fault that struck these.
    pub fn strike(&mut self, kinds: &[&str]) {
        self.faults += u64::from(!kinds.is_empty());
        for kind in kinds {
            *self.struck.entry((*kind).into()).or_default() += 1;
        }
    }

    pub fn note(&mut self, what: impl Into<String>, count: u64) {
        *self.notes.entry(what.into()).or_default() += count;
    }

    /// Something that must not be. The evidence is kept, if there is any.
    pub fn violation(&mut self, seed: u64, reason: &str, evidence: Option<PathBuf>) {
        // Of a planted mistake nobody needs any.
        let evidence = match crate::planted::is_any() {
            true => evidence.and_then(|path| std::fs::remove_dir_all(path).err().and(None)),
            false => evidence,
        };
        let evidence = evidence.map_or(String::new(), |path: PathBuf| {
            format!("\n     the store is kept in {}", path.display())
        });
        let replay = replay(&self.part, seed);
        let text = format!("seed {seed}: {reason}{evidence}\n     {replay}");
        println!("   ! {}: {text}", self.part);
        self.violations.push(text);
    }

    pub fn add(&mut self, other: Report) {
        self.seeds.0 = self.seeds.0.min(other.seeds.0);
        self.seeds.1 = self.seeds.1.max(other.seeds.1);
        self.faults += other.faults;
        for (kind, count) in other.struck {
            *self.struck.entry(kind).or_default() += count;
        }
        for (what, count) in other.notes {
            self.note(what, count);
        }
        self.violations.extend(other.violations);
    }

    /// Prints what was done; whether it is a success. All of `needed` must
    /// have struck: what did not has not been shown.
    pub fn print(&self, needed: &[&str]) -> bool {
        let seconds = self.started.elapsed().as_secs_f64();
        let total = self.faults;
        println!("== {}", self.part);
        println!(
            "   seeds {}..={}, {seconds:.1} s, {total} faults, {:.1} per second",
            self.seeds.0,
            self.seeds.1,
            total as f64 / seconds
        );
        println!("   struck: {}", list(&self.struck));
        if !self.notes.is_empty() {
            println!("   besides: {}", list(&self.notes));
        }
        println!("   {} violations", self.violations.len());
        for violation in self.violations.iter().take(20) {
            println!("   ! {violation}");
        }
        let mut good = self.violations.is_empty();
        for kind in needed {
            if !self.struck.contains_key(*kind) {
                println!("   ! never struck: {kind}; so nothing was shown of it");
                good = false;
            }
        }
        if total == 0 {
            println!("   ! nothing struck, so nothing was shown");
            good = false;
        }
        good
    }
}

fn list(counts: &BTreeMap<String, u64>) -> String {
    let all: Vec<_> = counts
        .iter()
        .map(|(what, count)| format!("{what} {count}"))
        .collect();
    all.join(", ")
}

/// Says that a part could not be shown here, and why. Never silent.
pub fn skipped(part: &str, reason: &str) -> bool {
    println!("== {part}\n   skipped: {reason}");
    true
}
