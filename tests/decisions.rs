//! The enrolment of the examples, over and over: no limit is ever broken.
//!
//! `ANNALS_ROUNDS` sets the number of rounds on each backend (40 unless set;
//! the long form is 1000). In a round sixteen threads enrol and leave at once.

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[allow(dead_code)]
#[path = "../examples/enrolment.rs"]
mod enrolment;

use annals::{Durability, EventStore, MemoryStore, Options};
use std::sync::Arc;

fn rounds() -> u32 {
    let set = std::env::var("ANNALS_ROUNDS").ok();
    set.map_or(40, |text| text.parse().expect("ANNALS_ROUNDS is a number"))
}

fn run(store: &Arc<dyn EventStore>, round: u32) {
    let done = enrolment::round(store, 3 + round % 4, 12).unwrap();
    assert!(done > 0, "nobody enrolled");
    assert_eq!(enrolment::check(&**store).unwrap(), done);
}

#[test]
fn sixteen_threads_break_no_limit_in_memory() {
    for round in 0..rounds() {
        let store: Arc<dyn EventStore> = Arc::new(MemoryStore::new());
        run(&store, round);
    }
}

#[test]
fn sixteen_threads_break_no_limit_on_the_log() {
    for round in 0..rounds() {
        let dir = tempfile::tempdir().unwrap();
        // Parts of all kinds: files, frozen tables, and one that grows.
        let options = Options::new()
            .durability(Durability::Written)
            .checkpoint_events(1 + round as usize % 50);
        let store: Arc<dyn EventStore> = Arc::new(options.open(dir.path()).unwrap());
        run(&store, round);
    }
}
