//! Locks and atomics, in the one place where a schedule checker may swap them.

pub(crate) use parking_lot::{Condvar, Mutex, RwLock};
pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
