//! Reads of what is not in memory: before each of them the operating system is
//! asked to forget the store's files, and the store is opened anew.
//!
//! `cargo bench --bench read_cold`; `EVENTS` in the environment says how many
//! events the store has (1 million). Where there is no call to forget files
//! (anywhere but Linux) the figures are those of a store that is in memory.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use annals::{LogStore, Query, Version};
use common::files::evict;
use common::reading::scan;
use common::setting::{events, fill_at, options, throughput};
use common::workload::stream_name;
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use std::path::Path;

fn reads(criterion: &mut Criterion) {
    let dir = tempfile::tempdir().unwrap();
    fill_at(dir.path(), events());
    // Zipf's law has given the tenth one a hundredth of the events, about.
    let stream = Query::stream(stream_name(10));
    let one = stream.clone().from_version(Version::new(5)).limit(1);
    let queries = [
        ("everything", Query::all()),
        ("one stream", stream),
        ("one event", one),
    ];
    let mut group = criterion.benchmark_group("read_cold");
    group.sample_size(10);
    for (name, query) in queries {
        let queries = [query];
        let store = options().open_read_only(dir.path()).unwrap();
        group.throughput(throughput(&store, &queries));
        drop(store);
        group.bench_function(name, |bencher| {
            let read = |store: LogStore| (scan(&store, &queries[0]), store);
            bencher.iter_batched(|| forgotten(dir.path()), read, BatchSize::PerIteration);
        });
    }
}

/// The store, opened with nothing of its files in memory.
fn forgotten(dir: &Path) -> LogStore {
    evict(dir);
    options().open_read_only(dir).unwrap()
}

criterion_group!(benches, reads);
criterion_main!(benches);
