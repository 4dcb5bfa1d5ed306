//! Background work that runs when a test says so, and in what order.

use super::random::Rng;
use crate::env::sync::{Condvar, Mutex};
use crate::env::{Lane, Tasks};
use std::fmt;
use std::thread::ThreadId;
use std::time::Duration;

type Job = Box<dyn FnOnce() + Send>;

/// When jobs run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskMode {
    /// A job without a delay runs within `run`, so nobody may call that with a
    /// lock held that a job takes. A job that a job starts runs after it, on
    /// the thread of the outermost `run`; one that another thread starts while
    /// jobs run is run by that thread too. A job with a delay waits until time
    /// has passed: see `advance`.
    Inline,
    /// Every job waits until it is asked for: see `step` and `run_all`.
    Stepped,
}

/// Background work on a simulated time, apart from the clock's.
pub struct SimTasks {
    mode: TaskMode,
    state: Mutex<State>,
    idle: Condvar,
}

struct State {
    jobs: Vec<Waiting>,
    now: Duration,
    order: u64,
    rng: Rng,
    running: Option<ThreadId>,
    stopped: bool,
}

struct Waiting {
    lane: Lane,
    due: Duration,
    order: u64,
    job: Job,
}

impl SimTasks {
    /// No work yet; the seed decides among lanes.
    pub fn new(mode: TaskMode, seed: u64) -> Self {
        SimTasks {
            mode,
            state: Mutex::new(State {
                jobs: Vec::new(),
                now: Duration::ZERO,
                order: 0,
                rng: Rng::new(seed),
                running: None,
                stopped: false,
            }),
            idle: Condvar::new(),
        }
    }

    /// How many jobs wait, due or not.
    pub fn waiting(&self) -> usize {
        self.state.lock().jobs.len()
    }

    /// Runs one job: one that is due, of a lane that the seed chooses, or, if
    /// none is, the next one, for which time passes. `false` if there is none,
    /// or if a job is running.
    pub fn step(&self) -> bool {
        self.run_one(true)
    }

    /// Runs jobs until there are none, letting time pass. A job that starts
    /// itself again would go on for ever: so at most `limit` jobs; the number
    /// that ran is returned.
    pub fn run_all(&self, limit: usize) -> usize {
        (0..limit).take_while(|_| self.step()).count()
    }

    /// Runs what is due now, and what that starts, at most `limit` jobs; the
    /// number that ran is returned.
    pub fn run_due(&self, limit: usize) -> usize {
        (0..limit).take_while(|_| self.run_one(false)).count()
    }

    /// Lets time pass. Inline, what falls due runs.
    pub fn advance(&self, by: Duration) {
        let mut state = self.state.lock();
        state.now = state.now.saturating_add(by);
        drop(state);
        if self.mode == TaskMode::Inline {
            self.drain();
        }
    }

    /// Drops all jobs without running them, as the end of a process does, and
    /// takes no more.
    pub fn kill(&self) {
        let mut state = self.state.lock();
        state.stopped = true;
        let jobs = std::mem::take(&mut state.jobs);
        drop(state);
        // A job may hold the last handle on a store, whose end calls us.
        drop(jobs);
    }

    fn drain(&self) {
        while self.run_one(false) {}
    }

    fn run_one(&self, let_time_pass: bool) -> bool {
        let mut state = self.state.lock();
        if state.running.is_some() {
            return false;
        }
        let Some(job) = state.take(let_time_pass) else {
            return false;
        };
        state.running = Some(std::thread::current().id());
        drop(state);
        let running = Running(self);
        job();
        drop(running);
        true
    }
}

/// While it is there a job runs, also if the job panics.
struct Running<'a>(&'a SimTasks);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.state.lock().running = None;
        self.0.idle.notify_all();
    }
}

impl State {
    /// The job that runs next: of each lane only the first counts.
    fn take(&mut self, let_time_pass: bool) -> Option<Job> {
        let next = self.jobs.iter().map(|one| one.due).min()?;
        if next > self.now {
            if !let_time_pass {
                return None;
            }
            self.now = next;
        }
        let lanes = [Lane::Flush, Lane::Prepare, Lane::Index, Lane::Ids];
        let firsts: Vec<usize> = lanes
            .iter()
            .filter_map(|lane| self.first_due(*lane))
            .collect();
        let chosen = self.rng.below(firsts.len() as u64) as usize;
        let index = *firsts.get(chosen)?;
        Some(self.jobs.remove(index).job)
    }

    fn first_due(&self, lane: Lane) -> Option<usize> {
        let jobs = self.jobs.iter().enumerate();
        jobs.filter(|(_, one)| one.lane == lane && one.due <= self.now)
            .min_by_key(|(_, one)| (one.due, one.order))
            .map(|(index, _)| index)
    }
}

impl Tasks for SimTasks {
    fn run(&self, lane: Lane, delay: Duration, job: Job) {
        let mut state = self.state.lock();
        if state.stopped {
            drop(state);
            drop(job);
            return;
        }
        let due = state.now.saturating_add(delay);
        let order = state.order;
        state.order += 1;
        state.jobs.push(Waiting {
            lane,
            due,
            order,
            job,
        });
        drop(state);
        if self.mode == TaskMode::Inline && delay.is_zero() {
            self.drain();
        }
    }

    fn stop(&self) {
        let me = std::thread::current().id();
        loop {
            let mut state = self.state.lock();
            state.stopped = true;
            match state.running {
                // A job holds the last handle: what is due runs after it.
                Some(thread) if thread == me => return,
                Some(_) => self.idle.wait(&mut state),
                None => {
                    drop(state);
                    if !self.run_one(false) {
                        break;
                    }
                }
            }
        }
        self.kill();
    }
}

impl fmt::Debug for SimTasks {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SimTasks")
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}
