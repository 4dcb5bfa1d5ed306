//! Appends, for whoever watches how they change over time: durable by one and
//! by many threads, with many in flight, in batches; written; buffered. Beside
//! each: how many syncs an append cost, and how many bytes a sync took along.
//!
//! `cargo bench --bench append -- [part of a name]`. How appends stand beside
//! the limits of the machine is told by `limits_append`.
#![allow(
    missing_docs,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::cast_precision_loss
)]

#[path = "common/mod.rs"]
mod common;
#[path = "limits/append/feed.rs"]
mod feed;
#[path = "limits/append/medium.rs"]
mod medium;

use annals::{Activity, Durability, EventStore, LogStore, Options};
use criterion::{BenchmarkId, Criterion, Throughput};
use feed::Feed;
use std::collections::VecDeque;
use std::path::Path;
use std::time::{Duration, Instant};

const STREAMS: u64 = 100_000;
/// About the bytes given with an event of the workload.
const EVENT: u64 = 280;

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(10)
        .measurement_time(Duration::from_secs(3))
        .configure_from_args();
    let dir = medium::directory();
    match medium::sync_time(dir.path()) {
        Ok(time) => {
            println!("a write with fdatasync: {time:?} (median)");
            durable(&mut criterion, dir.path());
        }
        Err(why) => println!("{why}"),
    }
    unsynced(&mut criterion, dir.path());
    criterion.final_summary();
}

fn durable(criterion: &mut Criterion, dir: &Path) {
    for threads in [1, 8, 64] {
        bench(
            criterion,
            dir,
            "durable, threads",
            threads,
            1,
            |store, appends| by_threads(store, threads, appends),
        );
    }
    bench(
        criterion,
        dir,
        "durable, in flight",
        64,
        1,
        |store, appends| in_flight(store, 64, appends),
    );
    for batch in [1, 100] {
        bench(
            criterion,
            dir,
            "durable, batch",
            batch,
            batch,
            |store, appends| one_by_one(store, Durability::Durable, batch, appends),
        );
    }
}

fn unsynced(criterion: &mut Criterion, dir: &Path) {
    for (name, durability) in [
        ("written, batch", Durability::Written),
        ("buffered, batch", Durability::Buffered),
    ] {
        for batch in [1, 100] {
            bench(criterion, dir, name, batch, batch, |store, appends| {
                one_by_one(store, durability, batch, appends)
            });
        }
    }
}

/// Measures one way to append to a store of its own.
fn bench(
    criterion: &mut Criterion,
    dir: &Path,
    name: &str,
    parameter: usize,
    batch: usize,
    mut run: impl FnMut(&LogStore, usize) -> Duration,
) {
    let path = dir.join("store");
    let _ = std::fs::remove_dir_all(&path);
    let store = Options::new().open(&path).unwrap();
    let mut appends = 0;
    let mut group = criterion.benchmark_group(name);
    let elements = batch as u64;
    let bytes = EVENT * elements;
    group.throughput(Throughput::ElementsAndBytes { elements, bytes });
    group.bench_function(BenchmarkId::from_parameter(parameter), |bencher| {
        bencher.iter_custom(|count| {
            appends += count;
            run(&store, count as usize)
        });
    });
    group.finish();
    tell(store.activity(), appends);
}

fn tell(done: Activity, appends: u64) {
    let of = |whole: u64, part: u64| whole as f64 / part.max(1) as f64;
    println!(
        "  {:.3} writes and {:.3} syncs an append; {:.0} bytes a sync\n",
        of(done.writes, appends),
        of(done.syncs, appends),
        of(done.log_bytes, done.syncs),
    );
}

/// So many appends, shared out among threads that each wait for theirs.
fn by_threads(store: &LogStore, threads: usize, appends: usize) -> Duration {
    let shares = (0..threads).map(|thread| {
        let mut feed = Feed::new(thread as u64, STREAMS, 1);
        let share = (appends + thread) / threads;
        (0..share).map(|_| feed.next()).collect::<Vec<_>>()
    });
    let shares: Vec<_> = shares.collect();
    let start = Instant::now();
    std::thread::scope(|scope| {
        for share in shares {
            scope.spawn(move || {
                for append in share {
                    store.append(append).unwrap();
                }
            });
        }
    });
    start.elapsed()
}

/// One thread that keeps so many on their way.
fn in_flight(store: &LogStore, depth: usize, appends: usize) -> Duration {
    let mut feed = Feed::new(1, STREAMS, 1);
    let appends: Vec<_> = (0..appends).map(|_| feed.next()).collect();
    let start = Instant::now();
    let mut pending = VecDeque::new();
    for append in appends {
        pending.push_back(store.submit(append));
        if pending.len() >= depth {
            pending.pop_front().unwrap().wait().unwrap();
        }
    }
    for pending in pending {
        pending.wait().unwrap();
    }
    start.elapsed()
}

/// One append after the other; making them is not timed.
fn one_by_one(store: &LogStore, durability: Durability, batch: usize, appends: usize) -> Duration {
    const BLOCK: usize = 10_000;
    let mut feed = Feed::new(7, STREAMS, batch);
    let mut time = Duration::ZERO;
    let mut left = appends;
    while left > 0 {
        let count = left.min(BLOCK.div_ceil(batch));
        let block: Vec<_> = (0..count)
            .map(|_| feed.next().durability(durability))
            .collect();
        let start = Instant::now();
        for append in block {
            store.append(append).unwrap();
        }
        time += start.elapsed();
        left -= count;
    }
    time
}
