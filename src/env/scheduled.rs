//! The locks of a schedule checker, with the faces of those that the store is
//! built on: whoever takes one may be made to wait for any other thread.

use shuttle::sync as checked;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::time::{Duration, Instant};

/// A lock.
#[derive(Default)]
pub(crate) struct Mutex<T>(checked::Mutex<T>);

/// Holds a lock. Only while it waits in a condition variable there is nothing
/// in it.
pub(crate) struct MutexGuard<'a, T>(Option<checked::MutexGuard<'a, T>>);

/// A lock that several may read under.
#[derive(Default)]
pub(crate) struct RwLock<T>(checked::RwLock<T>);

/// A condition variable. Time does not pass for the checker: who waits until
/// some moment waits until he is woken, so that a lost wake-up shows.
#[derive(Debug, Default)]
pub(crate) struct Condvar(checked::Condvar);

/// How a wait ended: never by the time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Woken;

impl<T> Mutex<T> {
    pub(crate) const fn new(value: T) -> Self {
        Mutex(checked::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        MutexGuard(Some(self.0.lock().unwrap()))
    }

    pub(crate) fn try_lock_for(&self, _: Duration) -> Option<MutexGuard<'_, T>> {
        Some(self.lock())
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_ref().unwrap()
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.as_mut().unwrap()
    }
}

impl<T> RwLock<T> {
    pub(crate) fn new(value: T) -> Self {
        RwLock(checked::RwLock::new(value))
    }

    pub(crate) fn read(&self) -> checked::RwLockReadGuard<'_, T> {
        self.0.read().unwrap()
    }

    pub(crate) fn write(&self) -> checked::RwLockWriteGuard<'_, T> {
        self.0.write().unwrap()
    }

    pub(crate) fn into_inner(self) -> T {
        self.0.into_inner().unwrap()
    }
}

impl Condvar {
    pub(crate) fn new() -> Self {
        Condvar(checked::Condvar::new())
    }

    pub(crate) fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
        let held = guard.0.take().unwrap();
        guard.0 = Some(self.0.wait(held).unwrap());
    }

    pub(crate) fn wait_until<T>(&self, guard: &mut MutexGuard<'_, T>, _: Instant) -> Woken {
        self.wait(guard);
        Woken
    }

    pub(crate) fn wait_while<T>(
        &self,
        guard: &mut MutexGuard<'_, T>,
        mut condition: impl FnMut(&mut T) -> bool,
    ) {
        while condition(guard) {
            self.wait(guard);
        }
    }

    pub(crate) fn wait_while_for<T>(
        &self,
        guard: &mut MutexGuard<'_, T>,
        condition: impl FnMut(&mut T) -> bool,
        _: Duration,
    ) -> Woken {
        self.wait_while(guard, condition);
        Woken
    }

    pub(crate) fn notify_one(&self) {
        self.0.notify_one();
    }

    pub(crate) fn notify_all(&self) {
        self.0.notify_all();
    }
}

impl Woken {
    pub(crate) fn timed_out(self) -> bool {
        false
    }
}

impl<T> fmt::Debug for Mutex<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Mutex").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for RwLock<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("RwLock").finish_non_exhaustive()
    }
}
