//! Snapshots: saved and loaded by themselves, and what loading an aggregate
//! costs from a snapshot and by replay.
//!
//! `cargo bench --bench snapshot`; `EVENTS` in the environment says how many
//! events the aggregate has (100,000 at most, which is also the default).
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use annals::snapshot::{
    FileSnapshots, MemorySnapshots, Saved, Snapshot, SnapshotKey, SnapshotPolicy, SnapshotStore,
};
use annals::{
    Aggregate, Append, EventStore, LogStore, Position, Repository, Schema, Timestamp, Version,
};
use common::setting::{events, options, throughput};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

const STREAM: &str = "accounts/1";
const MOST: u64 = 100_000;

#[derive(Debug, Default, Serialize, Deserialize)]
struct Account {
    balance: i64,
    last_note: String,
}

#[derive(Serialize, Deserialize)]
enum Entry {
    Deposited { amount: i64, note: String },
}

impl Aggregate for Account {
    type Event = Entry;
    const CATEGORY: &'static str = "accounts";

    fn apply(&mut self, Entry::Deposited { amount, note }: &Entry) {
        self.balance += amount;
        self.last_note.clone_from(note);
    }
}

/// States of these sizes, in files and in memory.
fn by_themselves(criterion: &mut Criterion) {
    let dir = tempfile::tempdir().unwrap();
    let store = options().open(dir.path().join("store")).unwrap();
    let files = FileSnapshots::open(dir.path().join("snapshots")).unwrap();
    let key = SnapshotKey {
        store: store.id(),
        stream: STREAM,
        kind: "Account",
        schema: 1,
    };
    let memory = MemorySnapshots::new();
    let places: [(&str, &dyn SnapshotStore); 2] = [("files", &files), ("memory", &memory)];
    let mut group = criterion.benchmark_group("snapshot");
    let mut version = 0;
    for (place, snapshots) in places {
        for size in [200, 64 << 10] {
            group.throughput(Throughput::ElementsAndBytes {
                elements: 1,
                bytes: size as u64,
            });
            let state = vec![b'x'; size];
            group.bench_function(
                BenchmarkId::new(format!("save, {place}"), size),
                |bencher| {
                    bencher.iter(|| {
                        // Each is later than the one that it takes the place of.
                        version += 1;
                        let at = (Version::new(version), Position::new(version));
                        let state = state.clone();
                        let taken = Snapshot::new(key, at.0, at.1, Timestamp::UNIX_EPOCH, state);
                        let saved = snapshots.save(taken, Position::MAX).unwrap();
                        assert_eq!(saved, Saved::Kept);
                    });
                },
            );
            group.bench_function(
                BenchmarkId::new(format!("load, {place}"), size),
                |bencher| {
                    bencher.iter(|| snapshots.load(key, Version::MAX).unwrap().unwrap());
                },
            );
        }
    }
}

/// One aggregate of many events, replayed and from its snapshot.
fn aggregates(criterion: &mut Criterion) {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(options().open(dir.path().join("store")).unwrap());
    deposit(&store, events().min(MOST));
    let files = FileSnapshots::open(dir.path().join("snapshots")).unwrap();
    let replayed = Repository::<Account>::new(store.clone());
    let saved = replayed.clone();
    let saved = saved.with_snapshots(Arc::new(files), SnapshotPolicy::by_hand());
    let account = replayed.load(1).unwrap();
    assert_eq!(saved.snapshot(&account).unwrap(), Saved::Kept);
    let mut group = criterion.benchmark_group("load an aggregate");
    group.sample_size(20);
    group.throughput(throughput(&*store, &[annals::Query::stream(STREAM)]));
    group.bench_function("by replay", |bencher| {
        bencher.iter(|| replayed.load(1).unwrap().balance);
    });
    group.bench_function("from its snapshot", |bencher| {
        bencher.iter(|| saved.load(1).unwrap().balance);
    });
}

fn deposit(store: &LogStore, events: u64) {
    let schema = Schema::<Entry>::new();
    for batch in 0..events.div_ceil(100) {
        let entries = (0..100).map(|index| {
            let note = format!("deposit {index} of batch {batch}");
            schema
                .encode(&Entry::Deposited { amount: 1, note })
                .unwrap()
        });
        store.append(Append::to(STREAM).events(entries)).unwrap();
    }
    store.flush().unwrap();
}

criterion_group!(benches, by_themselves, aggregates);
criterion_main!(benches);
