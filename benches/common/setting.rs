//! What the Criterion benches have in common: a filled store, and throughput
//! in events and bytes.

use super::workload::{Workload, fill};
use annals::{Durability, EventStore, LogStore, Options, Query};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Throughput};
use std::ops::ControlFlow;
use std::path::Path;
use tempfile::TempDir;

/// How many events a bench works with: what `EVENTS` in the environment says,
/// or a million; next to nothing where only is tried whether it runs.
pub(crate) fn events() -> u64 {
    let given = std::env::var("EVENTS").ok();
    let given = given.and_then(|own| own.parse().ok());
    let is_bench = std::env::args().any(|own| own == "--bench");
    given.unwrap_or(if is_bench { 1_000_000 } else { 2_000 })
}

/// Appends are handed to the operating system, and synced when a bench is over.
pub(crate) fn options() -> Options {
    Options::new().durability(Durability::Written)
}

/// A store with the workload, closed once and opened again: its index is in
/// files. The directory is removed with it.
pub(crate) fn filled(events: u64) -> (TempDir, LogStore) {
    let dir = tempfile::tempdir().unwrap();
    fill_at(dir.path(), events);
    let store = options().open(dir.path()).unwrap();
    (dir, store)
}

/// Makes a store with the workload in this directory, and closes it.
pub(crate) fn fill_at(dir: &Path, events: u64) {
    let store = options().open(dir).unwrap();
    fill(&store, Workload::new(events)).unwrap();
    store.close().unwrap();
}

/// The throughput of something that deals with what these queries find.
pub(crate) fn throughput(store: &dyn EventStore, queries: &[Query]) -> Throughput {
    let (mut elements, mut bytes) = (0, 0);
    for query in queries {
        let count = &mut |event: annals::EventRef<'_>| {
            let names = event.stream().len() + event.event_type().len();
            elements += 1;
            bytes += (16 + names + event.data().len() + event.metadata().len()) as u64;
            ControlFlow::Continue(())
        };
        store.scan(query, count).unwrap();
    }
    Throughput::ElementsAndBytes { elements, bytes }
}

/// Measures reads of all these queries, one after the other, in events and
/// bytes.
pub(crate) fn measure(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    store: &dyn EventStore,
    queries: &[Query],
    read: fn(&dyn EventStore, &Query) -> u64,
) {
    group.throughput(throughput(store, queries));
    group.bench_function(name, |bencher| {
        bencher.iter(|| queries.iter().map(|query| read(store, query)).sum::<u64>());
    });
}
