//! Work in the background.

use super::sync::{Condvar, Mutex};
use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::fmt;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A piece of background work.
pub(crate) type Job = Box<dyn FnOnce() + Send>;

/// Which queue a job waits in. Jobs of one lane run one after the other, jobs
/// of different lanes beside each other, so that a long merge of index files
/// never holds up the next segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Writing out what nobody waits for.
    Flush,
    /// Preparing the next segment.
    Prepare,
    /// Sealing, checkpoints, merging.
    Index,
    /// Merging files of ids, which may be large.
    Ids,
}

/// Runs jobs in the background: on threads, or when a test says so.
pub(crate) trait Tasks: Send + Sync + fmt::Debug {
    /// Runs a job in a lane, not before `delay` has passed.
    fn run(&self, lane: Lane, delay: Duration, job: Job);

    /// Lanes for one more store to have to itself; nothing where a test gives
    /// each store its own anyway.
    fn for_store(&self) -> Option<Arc<dyn Tasks>> {
        None
    }

    /// Runs what is due, drops what is not, and takes no more: returns when
    /// nothing is running any longer.
    fn stop(&self);
}

/// A thread for each lane, started when it is first needed.
#[derive(Debug, Default)]
pub(crate) struct OsTasks {
    lanes: [Worker; 4],
}

impl Tasks for OsTasks {
    fn run(&self, lane: Lane, delay: Duration, job: Job) {
        self.lanes[lane as usize].run(delay, job);
    }

    fn for_store(&self) -> Option<Arc<dyn Tasks>> {
        Some(Arc::new(OsTasks::default()))
    }

    fn stop(&self) {
        for worker in &self.lanes {
            worker.stop();
        }
    }
}

impl Drop for OsTasks {
    fn drop(&mut self) {
        self.stop();
    }
}

#[derive(Debug, Default)]
struct Worker {
    queue: Arc<Queue>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug, Default)]
struct Queue {
    state: Mutex<QueueState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct QueueState {
    jobs: BinaryHeap<Due>,
    /// Jobs with the same due time run in the order in which they came.
    count: u64,
    stopped: bool,
}

struct Due {
    at: Instant,
    order: u64,
    job: Job,
}

impl Worker {
    fn run(&self, delay: Duration, job: Job) {
        {
            let mut state = self.queue.state.lock();
            if state.stopped {
                return;
            }
            let order = state.count;
            state.count += 1;
            let at = Instant::now() + delay;
            state.jobs.push(Due { at, order, job });
        }
        let mut thread = self.thread.lock();
        if thread.is_none() {
            let queue = Arc::clone(&self.queue);
            // Without a thread the work waits until `stop`, which does it.
            *thread = std::thread::Builder::new()
                .name("annals".into())
                .spawn(move || queue.work())
                .ok();
        }
        drop(thread);
        self.queue.changed.notify_one();
    }

    fn stop(&self) {
        self.queue.state.lock().stopped = true;
        self.queue.changed.notify_all();
        let thread = self.thread.lock().take();
        match thread {
            // A job may hold the last handle on the store, and so on this.
            Some(thread) => join(thread),
            None => self.queue.work(),
        }
    }
}

/// Waits until a thread has ended, unless it is the one that asks.
pub(crate) fn join(thread: JoinHandle<()>) {
    if thread.thread().id() != std::thread::current().id() {
        // What it panicked with is not for whoever ends it.
        let _ = thread.join();
    }
}

impl Queue {
    /// Runs jobs as they fall due until stopped and nothing is due.
    fn work(&self) {
        while let Some(job) = self.next() {
            job();
        }
    }

    fn next(&self) -> Option<Job> {
        let mut state = self.state.lock();
        loop {
            let now = Instant::now();
            match state.jobs.peek() {
                Some(first) if first.at <= now => return state.jobs.pop().map(|due| due.job),
                _ if state.stopped => {
                    state.jobs.clear();
                    return None;
                }
                Some(first) => {
                    let until = first.at;
                    self.changed.wait_until(&mut state, until);
                }
                None => self.changed.wait(&mut state),
            }
        }
    }
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    /// The earliest is the greatest, because a heap gives the greatest first.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.order).cmp(&(self.at, self.order))
    }
}

impl fmt::Debug for Due {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Due")
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_of_a_lane_run_in_order_and_all_that_is_due_runs_before_the_stop() {
        let tasks = OsTasks::default();
        let seen = Arc::new(Mutex::new(Vec::new()));
        for number in 0..100 {
            let seen = Arc::clone(&seen);
            let job = Box::new(move || seen.lock().push(number));
            tasks.run(Lane::Index, Duration::ZERO, job);
        }
        tasks.run(Lane::Index, Duration::from_secs(3600), Box::new(|| {}));
        tasks.stop();
        assert_eq!(*seen.lock(), (0..100).collect::<Vec<_>>());
    }
}
