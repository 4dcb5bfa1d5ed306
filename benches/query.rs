//! Queries by types and tags, and appends on conditions.
//!
//! `cargo bench --bench query`; `EVENTS` in the environment says how many
//! events the store has (1 million). `limits_query` has the same beside scans
//! and unconditional appends, in one run.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use annals::{Append, Durability, Event, EventStore, LogStore, Position, Query, QueryItem};
use common::reading::scan;
use common::setting::{events, measure, options};
use common::workload::{Random, Workload};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::path::Path;

/// How many events share a tag, about.
const SHARE: u64 = 100;
const BYTES: usize = 180;

fn queries(criterion: &mut Criterion) {
    let events = events();
    let dir = tempfile::tempdir().unwrap();
    fill_tagged(dir.path(), events);
    let store = options().open(dir.path()).unwrap();
    let mut group = criterion.benchmark_group("query");
    group.sample_size(20);
    let mut random = Random::new(9);
    let tags: Vec<_> = (0..100).map(|_| tag(&mut random, events)).collect();
    let of_tag: Vec<_> = tags
        .iter()
        .map(|tag| Query::all().with_tag(tag.clone()))
        .collect();
    let also_type: Vec<_> = of_tag
        .iter()
        .map(|query| query.clone().with_type("Paid"))
        .collect();
    let either = tags
        .iter()
        .map(|tag| QueryItem::all().with_tag(tag.clone()));
    let one_type = [Query::all().with_type("Paid")];
    let two_types = [Query::all().with_type("Paid").with_type("Shipped")];
    measure(&mut group, "one type of 40", &store, &one_type, scan);
    measure(&mut group, "two types of 40", &store, &two_types, scan);
    measure(
        &mut group,
        "a category and a type",
        &store,
        &[category()],
        scan,
    );
    measure(&mut group, "a tag", &store, &of_tag, scan);
    measure(&mut group, "a tag and a type", &store, &also_type, scan);
    measure(
        &mut group,
        "any of 100 tags",
        &store,
        &[Query::any_of(either)],
        scan,
    );
    group.throughput(Throughput::ElementsAndBytes {
        elements: 1,
        bytes: BYTES as u64,
    });
    let mut append = |name: &str, condition: &dyn Fn(&mut Random) -> Option<(Query, Position)>| {
        let mut random = Random::new(11);
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let event = Event::new("Happened", vec![b'x'; BYTES]);
                let append = Append::to("decided/1").event(event);
                let append = match condition(&mut random) {
                    Some((query, after)) => append.unless(query, after),
                    None => append,
                };
                store.append(append).unwrap()
            });
        });
    };
    append("append", &|_| None);
    append("append unless a tag came after the head", &|random| {
        Some((Query::all().with_tag(tag(random, events)), store.head()))
    });
    append("append unless there is a tag at all", &|random| {
        let new = format!("new:{}", random.next());
        Some((Query::all().with_tag(new), Position::START))
    });
}

fn category() -> Query {
    Query::category("orders").with_type("Paid")
}

fn tag(random: &mut Random, events: u64) -> String {
    format!("entity:{}", random.below((events / SHARE).max(1)))
}

/// A store of the workload in which each event has a tag; closed.
fn fill_tagged(dir: &Path, events: u64) {
    let store: LogStore = options().open(dir).unwrap();
    let (mut workload, mut random) = (Workload::new(events), Random::new(7));
    while let Some(given) = workload.next() {
        let event = given.event().with_tag(tag(&mut random, events));
        let append = Append::to(given.stream_name()).event(event);
        drop(store.submit(append.durability(Durability::Buffered)));
    }
    store.close().unwrap();
}

criterion_group!(benches, queries);
criterion_main!(benches);
