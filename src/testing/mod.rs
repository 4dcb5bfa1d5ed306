//! The contract suite: every promise of `EventStore`, as tests that hold for
//! any backend.
//!
//! For the authors of backends. One line in a test file makes one test of
//! each promise, so that a failure has a name:
//!
//! ```
//! use annals::MemoryStore;
//! use std::sync::Arc;
//!
//! annals::contract_suite!(in_memory, Arc::new(MemoryStore::new()));
//! # fn main() {}
//! ```
//!
//! Whoever has no test harness calls `contract`, which runs them one after
//! the other; `PROMISES` lists them.
//!
//! # What the suite asks of a store
//! - Each call of the expression gives a new, empty store, open for writing.
//! - It has the default `Limits`. Its own durability may be any: the suite says
//!   with each append what it wants.
//! - What a store can't do, it says with `EventStore::capabilities`, and the
//!   suite does not ask for it.
//!
//! Nothing here asserts how long something takes. Where a promise is "soon",
//! or that somebody is woken, the suite gives up after a minute.

// A test suite's job is to panic.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod append;
mod bounds;
mod closing;
mod conditions;
mod durability;
mod expectations;
#[doc(hidden)]
pub mod fuzz;
mod limits;
mod names;
#[macro_use]
mod promises;
mod reading;
mod repeats;
#[doc(hidden)]
pub mod sim;
mod threads;
mod times;
mod tools;
mod unique_ids;
mod waiting;
#[doc(hidden)]
pub mod ways;

use crate::store::EventStore;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// One promise of `EventStore`, and how to see whether a backend keeps it.
pub struct Promise {
    theme: &'static str,
    name: &'static str,
    check: fn(tools::Make<'_>),
}

impl Promise {
    /// What the promise is about, such as `repeats`.
    pub fn theme(&self) -> &'static str {
        self.theme
    }

    /// The promise itself, as a name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Sees whether the stores that `make` makes keep the promise.
    ///
    /// # Panics
    /// If they do not.
    pub fn check(&self, make: &dyn Fn() -> Arc<dyn EventStore>) {
        (self.check)(make);
    }
}

impl fmt::Debug for Promise {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}::{}", self.theme, self.name)
    }
}

__contract_promises!(__contract_list {});

/// Runs every promise against the stores that `make` makes.
///
/// ```
/// use annals::{EventStore, MemoryStore, testing};
/// use std::sync::Arc;
///
/// testing::contract(|| Arc::new(MemoryStore::new()));
/// ```
///
/// # Panics
/// If a promise is not kept: after all have been looked at, with the names of
/// those.
pub fn contract(make: impl Fn() -> Arc<dyn EventStore>) {
    let broken: Vec<_> = PROMISES
        .iter()
        .filter(|promise| catch_unwind(AssertUnwindSafe(|| promise.check(&make))).is_err())
        .collect();
    assert!(broken.is_empty(), "promises that are not kept: {broken:?}");
}

/// Runs one promise, by name. What `contract_suite` expands to.
#[doc(hidden)]
pub fn run(theme: &str, name: &str, make: &dyn Fn() -> Arc<dyn EventStore>) {
    let promise = PROMISES
        .iter()
        .find(|promise| promise.theme == theme && promise.name == name)
        .expect("the macro and the list have the same names");
    promise.check(make);
}
