//! Every boundary: the power goes before each call that changes something, in
//! workloads and inside the recoveries that follow, two deep.

use crate::check::{Depth, abandon, check, open, world};
use crate::model::Model;
use crate::plan::Plan;
use crate::report::{Counts, Settings, Tally, for_seeds, replay};
use crate::run::{DIR, Run, SharedModel};
use annals::EventStore;
use annals::testing::sim::{Bug, Choice, CrashPoint, SimDisk, UnitKind};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// How many states of a boundary are tried, in the workload and inside
/// recovery.
const STATES: [usize; 3] = [96, 10, 4];
/// One state in so many is looked at from all sides; in so many, recovery is
/// interrupted, and in so many of those once more.
const FULL: u64 = 24;
const NESTED: [u64; 2] = [12, 24];
/// The level of a state that only a kill left: its recovery is not interrupted.
const KILLED: usize = 9;

/// Explores the workloads of many seeds.
pub fn run(settings: &Settings) -> bool {
    let tally = Tally::new();
    let seeds = for_seeds(settings, &tally, |seed, until| {
        let plan = Plan::new(seed, 24);
        explore(&plan, None, Some(until)).0
    });
    tally.print("boundaries", seeds)
}

/// Explores one workload, and says what was found first, if anything was.
pub fn explore(
    plan: &Plan,
    planted: Option<Bug>,
    until: Option<Instant>,
) -> (Counts, Option<String>) {
    let mut run = Run::new(plan, false, planted);
    let explorer = Arc::new(Explorer {
        plan: plan.clone(),
        planted,
        until,
        model: Arc::clone(&run.model),
        known: Mutex::default(),
        counts: Mutex::default(),
    });
    let ended = catch_unwind(AssertUnwindSafe(|| {
        run.all(&mut |disk| {
            let explorer = Arc::clone(&explorer);
            disk.on_boundary(move |disk, boundary| {
                explorer.boundary(disk, boundary.number);
            });
        })
    }));
    run.world.disk.no_hook();
    match ended {
        Ok(Ok(())) => {}
        Ok(Err(reason)) => explorer.violation(&format!("the workload itself: {reason}")),
        Err(_) => explorer.violation("the workload itself: a panic"),
    }
    let mut counts = explorer.with_counts(std::mem::take);
    counts.workloads = 1;
    let first = counts.violations.first().cloned();
    (counts, first)
}

struct Explorer {
    plan: Plan,
    planted: Option<Bug>,
    until: Option<Instant>,
    model: SharedModel,
    /// Where the store ended in each state seen so far.
    known: Mutex<HashMap<u64, u64>>,
    counts: Mutex<Counts>,
}

impl Explorer {
    fn with_counts<T>(&self, act: impl FnOnce(&mut Counts) -> T) -> T {
        act(&mut self.counts.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn violation(&self, text: &str) {
        let seed = self.plan.seed;
        let text = format!("seed {seed}: {text}\n     {}", replay("boundaries", seed));
        self.with_counts(|counts| counts.violations.push(text));
    }

    /// Whether there is no point in going on.
    fn is_over(&self) -> bool {
        self.with_counts(|counts| !counts.violations.is_empty())
            || self.until.is_some_and(|until| Instant::now() > until)
    }

    fn boundary(&self, disk: &SimDisk, number: u64) {
        if self.is_over() {
            return;
        }
        let shown = match number % 4 {
            0 => self.look_on(disk),
            _ => 0,
        };
        let mut model = self.model.lock().unwrap_or_else(PoisonError::into_inner);
        let submitted = model.head();
        model.shown(shown.min(submitted));
        let model = model.clone();
        self.with_counts(|counts| counts.boundaries += 1);
        self.states(disk, &model, 0, &format!("before call {number}"));
        // A kill loses nothing that was written.
        let mut killed = model;
        killed.promise(killed.written);
        let killed_disk = disk.kill_clone();
        self.state(&killed_disk, &killed, KILLED, &|| {
            format!("killed before call {number}")
        });
    }

    /// What a reader beside the writer sees at this moment.
    fn look_on(&self, disk: &SimDisk) -> u64 {
        let world = world(disk, self.planted);
        let options = self.plan.options(&world.options());
        match options.open_read_only(DIR) {
            Ok(reader) => reader.head().get(),
            Err(error) => {
                if error.is_corrupt() {
                    self.violation(&format!("a reader beside the writer: {error}"));
                }
                0
            }
        }
    }

    fn states(&self, disk: &SimDisk, model: &Model, level: usize, place: &str) {
        let point = disk.crash_point();
        let seed = self.plan.seed ^ disk.content_hash();
        for (index, choices) in point.explore(STATES[level], seed).enumerate() {
            let crashed = point.crash(&choices);
            let text = || format!("{place}, choice {index}");
            if self.state(&crashed, model, level, &text) {
                self.count_units(&point, &choices);
            }
            if self.is_over() {
                return;
            }
        }
    }

    /// Checks a state; whether it was a new one.
    fn state(
        &self,
        disk: &SimDisk,
        model: &Model,
        level: usize,
        place: &dyn Fn() -> String,
    ) -> bool {
        let hash = disk.content_hash();
        let known = self
            .known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&hash)
            .copied();
        if let Some(head) = known {
            if let Err(reason) = model.may_end_at(head) {
                self.violation(&format!("{}: {reason}", place()));
            }
            return false;
        }
        self.with_counts(|counts| {
            counts.states += 1;
            counts.in_recovery += u64::from(level == 1 || level == 2);
        });
        let depth = match hash % FULL {
            0 => Depth::Full,
            _ => Depth::Read,
        };
        let nested = NESTED
            .get(level)
            .is_some_and(|one| hash >> 32 & 0xFFFF < 0x10000 / one);
        let copy = nested.then(|| disk.kill_clone());
        let checked = catch_unwind(AssertUnwindSafe(|| {
            check(disk, &self.plan, self.planted, model, depth)
        }));
        match checked.unwrap_or_else(|_| Err("a panic".into())) {
            Ok(head) => {
                let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
                known.insert(hash, head);
            }
            Err(reason) => self.violation(&format!("{}: {reason}", place())),
        }
        if let Some(copy) = copy {
            self.recovery(&copy, model, level + 1, &place());
        }
        true
    }

    /// Interrupts the recovery of a state at each of its boundaries.
    fn recovery(&self, disk: &SimDisk, model: &Model, level: usize, place: &str) {
        let world = world(disk, self.planted);
        let points: Arc<Mutex<Vec<SimDisk>>> = Arc::default();
        let found = Arc::clone(&points);
        disk.on_boundary(move |disk, _| {
            // The disk as it is now, with all that is pending.
            let point = disk.crash_point();
            let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
            found.push(point.kill());
        });
        if let Ok(store) = open(&world, &self.plan) {
            abandon(&world, store);
        }
        disk.no_hook();
        let points = std::mem::take(&mut *points.lock().unwrap_or_else(PoisonError::into_inner));
        for (index, point) in points.iter().enumerate() {
            let place = format!("{place}, recovery call {index}");
            self.states(point, model, level, &place);
        }
    }

    /// Counts what the loss of power did.
    fn count_units(&self, point: &CrashPoint, choices: &[Choice]) {
        self.with_counts(|counts| {
            for (unit, choice) in point.units().iter().zip(choices) {
                let kind = match unit.kind {
                    UnitKind::Name => "name",
                    UnitKind::Emptied => "emptying",
                    UnitKind::Size => "size",
                    UnitKind::Sector => "sector",
                    UnitKind::Board => "board",
                };
                let what = match choice {
                    Choice::Lost => "lost",
                    Choice::Kept(0) => "kept",
                    Choice::Kept(_) => "kept old",
                    Choice::Torn(..) => "torn",
                };
                *counts.fired.entry(format!("{kind} {what}")).or_default() += 1;
            }
        });
    }
}
