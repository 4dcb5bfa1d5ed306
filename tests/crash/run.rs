//! Runs a workload and keeps the model up with it.

use crate::check::{agree, queries, say};
use crate::model::{Expectation, Model};
use crate::plan::{AppendPlan, Plan, Step};
use annals::testing::sim::{Bug, CrashPlan, SimDisk, SimWorld};
use annals::{Append, Appended, Durability, ErrorKind, EventStore, LogStore, Pending};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Where the store is: two directories down, so that both have to be made.
pub const DIR: &str = "/data/events";

/// The model, shared with who looks on at the boundaries.
pub type SharedModel = Arc<Mutex<Model>>;

/// What is to be done whenever the workload goes on on another disk.
pub type Watch<'a> = dyn FnMut(&SimDisk) + 'a;

/// A workload on its way.
pub struct Run<'a> {
    pub plan: &'a Plan,
    pub model: SharedModel,
    pub world: SimWorld,
    store: Option<Arc<LogStore>>,
    last: Vec<(Append, Appended)>,
    /// Whether calls may fail, so that errors are no violations.
    faults: bool,
    /// From where on nothing can be recorded any more, once a write or sync
    /// has failed under this handle.
    poisoned: Option<u64>,
    planted: Option<Bug>,
    worlds: u64,
}

impl<'a> Run<'a> {
    pub fn new(plan: &'a Plan, faults: bool, planted: Option<Bug>) -> Self {
        let disk = SimDisk::new(plan.sector);
        let mut run = Run {
            plan,
            model: SharedModel::default(),
            world: SimWorld::on(disk, plan.tasks, plan.seed),
            store: None,
            last: Vec::new(),
            faults,
            poisoned: None,
            planted,
            worlds: 0,
        };
        run.world.planted = planted;
        run
    }

    pub fn model<T>(&self, act: impl FnOnce(&mut Model) -> T) -> T {
        act(&mut self.model.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Runs all of it.
    pub fn all(&mut self, watch: &mut Watch<'_>) -> Result<(), String> {
        watch(&self.world.disk);
        self.open()?;
        for (index, step) in self.plan.steps.iter().enumerate() {
            self.step(step, watch)
                .map_err(|reason| format!("step {index} ({}): {reason}", name(step)))?;
        }
        self.close()?;
        self.open()?;
        self.close()
    }

    fn open(&mut self) -> Result<(), String> {
        // Background work is a store's own, and ends with it.
        self.worlds += 1;
        let disk = self.world.disk.clone();
        let clock = Arc::clone(&self.world.clock);
        let seed = self.plan.seed ^ (self.worlds << 32);
        self.world = SimWorld::on(disk, self.plan.tasks, seed);
        self.world.clock = clock;
        self.world.planted = self.planted;
        self.poisoned = None;
        let options = self.plan.options(&self.world.options());
        let store = match options.open(DIR) {
            Ok(store) => store,
            Err(error) if self.faults && !error.is_corrupt() => return Ok(()),
            Err(error) => return Err(format!("open: {error}")),
        };
        let store = Arc::new(store);
        let head = store.head().get();
        self.model(|model| {
            model.may_end_at(head)?;
            model.settle(head);
            Ok::<_, String>(())
        })?;
        if !self.faults {
            let model = self.model(|model| model.clone());
            agree(&store, &model)?;
        }
        self.store = Some(store);
        Ok(())
    }

    fn close(&mut self) -> Result<(), String> {
        let Some(store) = self.store.take() else {
            return Ok(());
        };
        match store.close() {
            Ok(()) => self.model(|model| model.promise(model.head())),
            Err(_) if self.faults => {}
            Err(error) => return Err(format!("close: {error}")),
        }
        Ok(())
    }

    fn step(&mut self, step: &Step, watch: &mut Watch<'_>) -> Result<(), String> {
        match step {
            Step::Reopen => {
                self.close()?;
                return self.open();
            }
            Step::Kill => {
                // What the system was handed survives the process.
                let written = self.model(|model| model.written);
                let disk = self.world.disk.kill_clone();
                self.go_on_with(disk, watch)?;
                let head = self.model(|model| model.head());
                return match self.store.is_some() && head < written {
                    true => Err(format!("killed: ends at {head}, {written} were written")),
                    false => Ok(()),
                };
            }
            Step::PowerCut(seed) => {
                let point = self.world.disk.crash_point();
                self.model(|model| model.written = model.required);
                return self.go_on_with(point.crash_by(&CrashPlan::new(*seed)), watch);
            }
            _ => {}
        }
        let Some(store) = self.store.clone() else {
            return self.open();
        };
        match step {
            Step::Appends(plans) => self.appends(&store, plans)?,
            Step::Repeat => self.repeat(&store)?,
            Step::Flush => match store.flush() {
                Ok(durable) => {
                    let all = self.model(|model| {
                        model.promise(model.head());
                        model.head()
                    });
                    if durable.get() != all {
                        return Err(format!("flushed {durable} of {all}"));
                    }
                }
                Err(_) if self.faults => {}
                Err(error) => return Err(format!("flush: {error}")),
            },
            Step::ReadOnly => self.look_on()?,
            Step::Advance => self.world.advance(Duration::from_millis(60)),
            Step::Work(count) => {
                for _ in 0..*count {
                    self.world.tasks.step();
                }
            }
            Step::Reopen | Step::Kill | Step::PowerCut(_) => {}
        }
        self.note_shown(&store)
    }

    /// The process is gone; what it left is on this disk.
    fn go_on_with(&mut self, disk: SimDisk, watch: &mut Watch<'_>) -> Result<(), String> {
        self.world.tasks.kill();
        self.world.disk.no_hook();
        self.world.disk.power_off_at(0);
        self.store = None;
        self.world.disk = disk;
        watch(&self.world.disk);
        let opened = self.open();
        // Where ids are unique, what is still there is still a repeat.
        let head = self.model(|model| model.head());
        let stays = |last: u64| self.plan.unique_ids && last <= head;
        self.last.retain(|(_, done)| stays(done.last().get()));
        opened
    }

    /// What readers have been shown by now has to stay.
    fn note_shown(&self, store: &LogStore) -> Result<(), String> {
        let (head, durable) = (store.head().get(), store.durable().get());
        self.model(|model| {
            model.shown(head);
            model.promise(durable);
            match head > model.head() {
                true => Err(format!("{head} is visible, {} submitted", model.head())),
                false => Ok(()),
            }
        })
    }

    fn appends(&mut self, store: &LogStore, plans: &[AppendPlan]) -> Result<(), String> {
        let mut waiting = Vec::new();
        for plan in plans {
            let default = self.plan.durability;
            let (append, expected) = self.model(|model| {
                let append = plan.append(|stream| model.version(stream));
                let expected = model.submit(&append, default);
                (append, expected)
            });
            let pending = store.submit(append.clone());
            if pending.is_ready() {
                self.outcome(store, append, expected, pending)?;
            } else {
                waiting.push((append, expected, pending));
            }
        }
        for (append, expected, pending) in waiting {
            self.outcome(store, append, expected, pending)?;
        }
        Ok(())
    }

    /// Compares what became of an append with what should have.
    fn outcome(
        &mut self,
        store: &LogStore,
        append: Append,
        expected: Expectation,
        pending: Pending,
    ) -> Result<(), String> {
        let durability = append.wanted_durability().unwrap_or(self.plan.durability);
        let error = match (pending.wait(), expected) {
            (Ok(appended), Expectation::Taken(last)) if appended.last().get() == last => {
                if self.poisoned.is_some_and(|from| last >= from) {
                    return Err("a commit after the poison".into());
                }
                if durability > Durability::Buffered {
                    self.model(|model| model.written = model.written.max(last));
                }
                if durability == Durability::Durable {
                    self.model(|model| model.promise(last));
                    if store.durable().get() < last || store.head().get() < last {
                        return Err("acknowledged, and not said to be durable".into());
                    }
                }
                self.last.push((append, appended));
                return Ok(());
            }
            (Err(error), Expectation::Conflict) if error.is_conflict() => return Ok(()),
            (Err(error), _) if self.faults => error,
            (result, _) => return Err(format!("{result:?}, not {expected:?}")),
        };
        match (error.kind(), expected) {
            (ErrorKind::OutcomeUnknown { .. }, Expectation::Taken(last)) => {
                self.poisoned = Some(self.poisoned.unwrap_or(last).min(last));
            }
            (ErrorKind::Corrupt { .. }, _) => return Err(format!("append: {error}")),
            (_, Expectation::Conflict) => {}
            (_, Expectation::Taken(last)) => {
                // It says that it was not written: it must never show.
                let first = last - append.entries().len() as u64;
                if self.model(|model| model.head()) == last {
                    self.model(|model| model.cut(first));
                } else {
                    return Err(format!("refused only after others were taken: {error}"));
                }
            }
        }
        Ok(())
    }

    /// An append that is there already answers as it did.
    fn repeat(&mut self, store: &LogStore) -> Result<(), String> {
        let Some((append, first)) = self.last.iter().rev().nth(1).cloned() else {
            return Ok(());
        };
        let exact = |part: &annals::StreamPart| part.expected().exact().is_some();
        if !self.plan.unique_ids && !append.streams().iter().any(exact) {
            return Ok(());
        }
        match store.append(append.durability(Durability::Durable)) {
            Ok(again) => {
                self.model(|model| model.promise(first.last().get()));
                let same = again.is_repeat()
                    && (again.first(), again.last()) == (first.first(), first.last())
                    && again.versions() == first.versions();
                same.then_some(())
                    .ok_or_else(|| format!("{again:?} repeats {first:?}"))
            }
            Err(_) if self.faults => Ok(()),
            Err(error) => Err(format!("repeat: {error}")),
        }
    }

    /// Opens for reading beside the writer: it must see what is there, and
    /// change nothing.
    fn look_on(&self) -> Result<(), String> {
        let disk = &self.world.disk;
        let calls = disk.counts().mutating();
        let options = self.plan.options(&self.world.options());
        let reader = match options.open_read_only(DIR) {
            Ok(reader) => reader,
            Err(error) if self.faults && !error.is_corrupt() => return Ok(()),
            Err(error) => return Err(format!("open for reading: {error}")),
        };
        let model = self.model(|model| model.clone());
        let head = reader.head().get();
        let (read, error) = model.compare_all(&reader)?;
        if !self.faults {
            if let Some(error) = error {
                return Err(format!("read: {error}"));
            }
            if read < head || read < model.required {
                return Err(format!("a reader reads {read} of {head}"));
            }
            queries(&reader, &model, head)?;
        }
        self.model(|model| model.shown(head.min(read)));
        reader.close().map_err(say("close the reader"))?;
        drop(reader);
        match disk.counts().mutating() == calls {
            true => Ok(()),
            false => Err("a reader writes".into()),
        }
    }
}

fn name(step: &Step) -> &'static str {
    match step {
        Step::Appends(_) => "appends",
        Step::Repeat => "repeat",
        Step::Flush => "flush",
        Step::Reopen => "reopen",
        Step::ReadOnly => "look on",
        Step::Advance => "advance",
        Step::Work(_) => "work",
        Step::Kill => "kill",
        Step::PowerCut(_) => "power cut",
    }
}
