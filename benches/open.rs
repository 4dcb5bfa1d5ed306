//! How long opening takes: closed cleanly, as the log grows, and after a kill.
//!
//! `cargo bench --bench open`; `EVENTS` in the environment says how many events
//! the largest store has (1 million). The throughput is that of the whole log,
//! so it ought to grow with it.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use annals::{EventStore, LogStore};
use common::files::copy;
use common::setting::{events, fill_at, options};
use common::workload::{Workload, fill};
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::path::Path;

fn opens(criterion: &mut Criterion) {
    let most = events();
    let sizes = [most / 100, most / 10, most];
    let mut group = criterion.benchmark_group("open");
    group.sample_size(10);
    for events in sizes {
        let dir = tempfile::tempdir().unwrap();
        fill_at(dir.path(), events);
        group.throughput(log(dir.path(), events));
        group.bench_function(BenchmarkId::new("clean", events), |bencher| {
            bencher.iter_batched(|| {}, |()| open(dir.path()), BatchSize::PerIteration);
        });
    }
    for events in sizes {
        // A store that nobody closed is what a kill leaves: a copy of a live
        // one that is at rest.
        let (live, own) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let store = options().open(live.path()).unwrap();
        fill(&store, Workload::new(events)).unwrap();
        group.throughput(log(live.path(), events));
        let killed = own.path().join("store");
        group.bench_function(BenchmarkId::new("killed", events), |bencher| {
            let setup = || copy(live.path(), &killed);
            bencher.iter_batched(setup, |()| open(&killed), BatchSize::PerIteration);
        });
    }
}

fn open(dir: &Path) -> LogStore {
    let store = options().open(dir).unwrap();
    assert!(store.head().get() > 0);
    store
}

/// The throughput of a whole log.
fn log(dir: &Path, events: u64) -> Throughput {
    let files = std::fs::read_dir(dir).unwrap();
    let sizes = files.map(|file| file.unwrap().metadata().unwrap().len());
    Throughput::ElementsAndBytes {
        elements: events,
        bytes: sizes.sum(),
    }
}

criterion_group!(benches, opens);
criterion_main!(benches);
