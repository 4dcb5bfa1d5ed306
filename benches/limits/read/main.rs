//! Reads beside the raw loops that do the same by hand, in one run.
//!
//! `cargo bench --bench limits_read -- [events]` (1 million unless said).
#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used)]

#[path = "../../common/mod.rs"]
mod common;

use annals::{Durability, EventStore, Options};
use common::workload::{Workload, fill};

fn main() -> annals::Result<()> {
    let events = 1000;
    let dir = tempfile::tempdir().unwrap();
    let store = Options::new()
        .durability(Durability::Written)
        .open(dir.path())?;
    let given = fill(&store, Workload::new(events))?;
    println!("{given} bytes given, {} events", store.head());
    store.close()
}
