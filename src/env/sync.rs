//! Locks and atomics, in the one place where a schedule checker swaps them:
//! the tests of `disk/tests/schedules.rs`, compiled with `--cfg annals_shuttle`.

#[cfg(not(all(test, annals_shuttle)))]
pub(crate) use parking_lot::{Condvar, Mutex, RwLock};
#[cfg(not(all(test, annals_shuttle)))]
pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

#[cfg(all(test, annals_shuttle))]
pub(crate) use super::scheduled::{Condvar, Mutex, RwLock};
#[cfg(all(test, annals_shuttle))]
pub(crate) use shuttle::sync::atomic::{AtomicBool, AtomicU64, Ordering};
