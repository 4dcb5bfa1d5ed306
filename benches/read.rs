//! Reads of what is in memory, lent and owned: everything, one stream, one
//! event, backward, and while somebody writes.
//!
//! `cargo bench --bench read`; `EVENTS` in the environment says how many
//! events the store has (1 million).
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use annals::{EventStore, LogStore, Query, Version};
use common::reading::{read, scan};
use common::setting::{events, filled, measure};
use common::workload::{Choice, Random, Workload, fill, stream_name};
use criterion::{Criterion, criterion_group, criterion_main};
use std::sync::atomic::{AtomicBool, Ordering};

/// How many streams, or single events, one measured round reads.
const STREAMS: usize = 64;
const SINGLE: usize = 1000;

fn reads(criterion: &mut Criterion) {
    let events = events();
    let (_dir, store) = filled(events);
    let all = [Query::all()];
    let streams = streams(&store, events);
    let single = single_events(&streams, &store);
    let mut group = criterion.benchmark_group("read");
    group.sample_size(20);
    for (face, work) in [
        ("lent", scan as fn(&dyn EventStore, &Query) -> u64),
        ("owned", read),
    ] {
        let name = |what: &str| format!("{what}, {face}");
        measure(&mut group, &name("everything"), &store, &all, work);
        let backward = [Query::all().backward()];
        measure(
            &mut group,
            &name("everything backward"),
            &store,
            &backward,
            work,
        );
        measure(&mut group, &name("one stream"), &store, &streams, work);
        measure(&mut group, &name("random event"), &store, &single, work);
    }
    // What there is now: the log grows meanwhile.
    let head = store.head();
    let now = [Query::all().up_to(head)];
    let streams: Vec<_> = streams.into_iter().map(|own| own.up_to(head)).collect();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| write_until(&store, &done));
        measure(
            &mut group,
            "everything while writing, lent",
            &store,
            &now,
            scan,
        );
        measure(
            &mut group,
            "one stream while writing, lent",
            &store,
            &streams,
            scan,
        );
        done.store(true, Ordering::Relaxed);
    });
}

/// Streams by Zipf's law: those with many events are read most often.
fn streams(store: &LogStore, events: u64) -> Vec<Query> {
    let (choice, mut random) = (Choice::Zipf((events / 10).max(1)), Random::new(7));
    let names = std::iter::repeat_with(|| stream_name(choice.next(&mut random)));
    let known = names.filter(|name| store.version(name).unwrap() > Version::NONE);
    known.take(STREAMS).map(Query::stream).collect()
}

/// Events by stream and version, of these streams.
fn single_events(streams: &[Query], store: &LogStore) -> Vec<Query> {
    let mut random = Random::new(9);
    let mut one = |number: usize| {
        let query = streams[number % streams.len()].clone();
        let name = query.items()[0].stream().unwrap();
        let last = store.version(name).unwrap();
        let version = Version::new(1 + random.below(last.get()));
        query.from_version(version).to_version(version)
    };
    (0..SINGLE).map(&mut one).collect()
}

/// Appends, each handed to the operating system, until it is told to stop.
fn write_until(store: &LogStore, done: &AtomicBool) {
    while !done.load(Ordering::Relaxed) {
        fill(store, Workload::with_choice(1000, Choice::Zipf(100), 3)).unwrap();
    }
}

criterion_group!(benches, reads);
criterion_main!(benches);
