//! Locks and atomics, in the one place where a schedule checker swaps them:
//! the tests of `disk/tests/schedules.rs`, compiled with `--cfg annals_shuttle`.

#[cfg(not(all(test, annals_shuttle)))]
pub(crate) use parking_lot::{Condvar, Mutex, MutexGuard, RwLock};
#[cfg(not(all(test, annals_shuttle)))]
pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

#[cfg(all(test, annals_shuttle))]
pub(crate) use super::scheduled::{Condvar, Mutex, MutexGuard, RwLock};
#[cfg(all(test, annals_shuttle))]
pub(crate) use shuttle::sync::atomic::{AtomicBool, AtomicU64, Ordering};

#[cfg(all(test, annals_shuttle))]
use shuttle::thread::{self, Thread};
#[cfg(not(all(test, annals_shuttle)))]
use std::thread::{self, Thread};
use std::time::Duration;

/// A thread that sleeps until another wakes it, with no lock to take again
/// when it wakes: of many that are woken at once none waits for the others.
#[derive(Debug)]
pub(crate) struct Sleeper(Thread);

impl Sleeper {
    /// The thread that calls.
    pub(crate) fn own() -> Self {
        Sleeper(thread::current())
    }

    pub(crate) fn is_own(&self) -> bool {
        self.0.id() == thread::current().id()
    }

    /// Wakes it; if it doesn't sleep, its next sleep ends at once.
    pub(crate) fn wake(&self) {
        self.0.unpark();
    }

    /// Has the thread that calls sleep until it is woken, or this time is up.
    /// It may also wake for no reason.
    pub(crate) fn sleep(most: Option<Duration>) {
        match most {
            // No time passes under the checker: any moment may be that one.
            Some(_) if cfg!(all(test, annals_shuttle)) => thread::yield_now(),
            Some(most) => thread::park_timeout(most),
            None => thread::park(),
        }
    }
}
