//! Appends beside the raw limits of the machine, coded by hand, in one run and
//! in turn:
//!
//! - L1: `pwrite` and `fdatasync` to a file full of zeros, as many events to a
//!   sync as group commit could gather;
//! - a plain group commit, as one writes it in an afternoon;
//! - L2: one pass of copy and CRC over the framed bytes into the page cache;
//!   and a loop of one encode, CRC and `pwrite` an event.
//!
//! `cargo bench --bench limits_append -- [events] [rounds] [part of a title]`.
//! Without `--bench` (as `cargo test` runs it) it tries only whether it runs.
#![allow(
    missing_docs,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss
)]

#[path = "../../common/mod.rs"]
mod common;
mod feed;
mod medium;
mod raw;
mod rolls;
mod rounds;

use annals::{Append, Durability, EventStore, LogStore, Options};
use feed::Feed;
use rounds::Rounds;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What is asked for on the command line.
struct Asked {
    events: usize,
    rounds: usize,
    only: Option<String>,
    is_bench: bool,
    /// How long a timed run lasts.
    time: Duration,
}

impl Asked {
    fn read() -> Self {
        let arguments: Vec<_> = std::env::args().skip(1).collect();
        let is_bench = arguments.iter().any(|argument| argument == "--bench");
        let mut words = arguments.into_iter().filter(|own| !own.starts_with("--"));
        let mut number = |usual: usize| match words.next() {
            Some(word) => word.replace('_', "").parse().unwrap(),
            None => usual,
        };
        match is_bench {
            true => Asked {
                events: number(1_000_000),
                rounds: number(5),
                only: words.next(),
                is_bench,
                time: Duration::from_secs(1),
            },
            false => Asked {
                events: 2000,
                rounds: 1,
                only: None,
                is_bench,
                time: Duration::from_millis(5),
            },
        }
    }

    fn wants(&self, title: &str) -> bool {
        self.only
            .as_ref()
            .is_none_or(|part| title.contains(part.as_str()))
    }
}

fn main() {
    let asked = Asked::read();
    let dir = medium::directory();
    match medium::sync_time(dir.path()) {
        Ok(time) => {
            println!("a write with fdatasync: {time:?} (median)");
            durable(&asked, dir.path());
            if asked.wants("rolls, durable") {
                rolls::durable(dir.path(), asked.is_bench);
            }
        }
        Err(why) => println!("{why}"),
    }
    unsynced(&asked, dir.path());
    if asked.wants("rolls, written") {
        rolls::written(dir.path(), asked.is_bench);
    }
}

fn store(dir: &Path, name: &str, options: &Options) -> Arc<LogStore> {
    let path = dir.join(name);
    let _ = std::fs::remove_dir_all(&path);
    Arc::new(options.open(path).unwrap())
}

fn durable(asked: &Asked, dir: &Path) {
    for threads in [1, 8, 64] {
        let title = format!("durable, {threads} threads, 1 event an append");
        if !asked.wants(&title) {
            continue;
        }
        let own = store(dir, &format!("durable-{threads}"), &Options::new());
        own.append(Append::to("warm").event(annals::Event::new("Up", "")))
            .unwrap();
        let before = own.activity();
        let head = own.head();
        let time = asked.time;
        let measured = Rounds::run(
            asked.rounds,
            vec![
                ("annals", Box::new(|| closed_loop(&own, threads, 1, time))),
                (
                    "plain group commit",
                    Box::new(|| raw::group_commit(dir, threads, time)),
                ),
                (
                    "L1, one event a sync",
                    Box::new(|| raw::synced(dir, 1, time)),
                ),
                (
                    "L1, as many events a sync as threads",
                    Box::new(|| raw::synced(dir, threads, time)),
                ),
            ],
        );
        measured.print(&title, goal(threads));
        let (low, median, high) = measured.ratio(0, 2);
        println!("  annals over L1 with one event a sync: {median:.2} ({low:.2} .. {high:.2})");
        tell_syncs(&own, before, head.get(), threads);
    }
    let title = "durable, 1 thread with 64 in flight";
    if asked.wants(title) {
        let own = store(dir, "in-flight", &Options::new());
        let measured = Rounds::run(
            asked.rounds,
            vec![
                ("annals", Box::new(|| in_flight(&own, 64, asked.time))),
                (
                    "L1, 64 events a sync",
                    Box::new(|| raw::synced(dir, 64, asked.time)),
                ),
            ],
        );
        measured.print(title, ">= 0.75");
    }
    let title = "durable, batches of 100 to a stream";
    if asked.wants(title) {
        let own = store(dir, "batches", &Options::new());
        let measured = Rounds::run(
            asked.rounds,
            vec![
                ("annals", Box::new(|| closed_loop(&own, 1, 100, asked.time))),
                (
                    "L1, 100 events a sync",
                    Box::new(|| raw::synced(dir, 100, asked.time)),
                ),
            ],
        );
        measured.print(title, ">= 0.95");
    }
}

fn goal(threads: usize) -> &'static str {
    match threads {
        1 => ">= 0.97 of L1",
        8 => {
            "35k/s where L1 is 7.1k (4.9 of it), and above the plain one; <= 1.15/8 syncs an append"
        }
        _ => "190k/s where L1 is 7.1k (26.8 of it); <= 1.15/64 syncs an append",
    }
}

fn tell_syncs(own: &LogStore, before: annals::Activity, head: u64, threads: usize) {
    let after = own.activity();
    let (syncs, bytes) = (
        after.syncs - before.syncs,
        after.log_bytes - before.log_bytes,
    );
    let appends = own.head().get() - head;
    println!(
        "  syncs an append: {:.4} = {:.2}/{threads}; bytes a sync: {}",
        syncs as f64 / appends as f64,
        syncs as f64 * threads as f64 / appends as f64,
        bytes / syncs.max(1)
    );
}

/// How many events a second are made beforehand, for all threads together;
/// what is asked for beyond them is made on the way.
const MADE: f64 = 400_000.0;

/// Appends for a run of this length, made before the clock starts.
fn made(seed: u64, batch: usize, time: Duration, threads: usize) -> impl Iterator<Item = Append> {
    let count = MADE * time.as_secs_f64() / (threads * batch) as f64;
    let mut feed = Feed::new(seed, 100_000, batch);
    let made: Vec<_> = (0..count as usize).map(|_| feed.next()).collect();
    made.into_iter()
        .chain(std::iter::repeat_with(move || feed.next()))
}

/// So many threads, each appending again once it is answered; events a second.
fn closed_loop(store: &Arc<LogStore>, threads: usize, batch: usize, time: Duration) -> f64 {
    let stop = AtomicBool::new(false);
    let count = AtomicU64::new(0);
    let seeds = 0..threads as u64;
    let feeds: Vec<_> = seeds.map(|seed| made(seed, batch, time, threads)).collect();
    let start = Instant::now();
    let (took, left) = std::thread::scope(|scope| {
        let (stop, count) = (&stop, &count);
        let run = feeds.into_iter().map(|mut feed| {
            scope.spawn(move || {
                let mut own = 0;
                while !stop.load(Ordering::Relaxed) {
                    store.append(feed.next().unwrap()).unwrap();
                    own += batch as u64;
                }
                count.fetch_add(own, Ordering::Relaxed);
                feed
            })
        });
        let running: Vec<_> = run.collect();
        std::thread::sleep(time);
        stop.store(true, Ordering::Relaxed);
        let left = running.into_iter().map(|own| own.join().unwrap());
        let left: Vec<_> = left.collect();
        (start.elapsed(), left)
    });
    // Appends that were not needed take time to drop, too.
    drop(left);
    count.into_inner() as f64 / took.as_secs_f64()
}

/// One thread that has so many appends on their way at any time.
fn in_flight(store: &LogStore, depth: usize, time: Duration) -> f64 {
    let mut feed = made(1, 1, time, 1);
    let mut pending = std::collections::VecDeque::new();
    let start = Instant::now();
    let mut count = 0;
    while start.elapsed() < time {
        while pending.len() < depth {
            pending.push_back(store.submit(feed.next().unwrap()));
        }
        pending.pop_front().unwrap().wait().unwrap();
        count += 1;
    }
    count += pending.len();
    for pending in pending {
        pending.wait().unwrap();
    }
    count as f64 / start.elapsed().as_secs_f64()
}

fn unsynced(asked: &Asked, dir: &Path) {
    let single = |durability| {
        move || {
            let own = store(dir, "unsynced", &Options::new().durability(durability));
            fed(asked.events, 1, |append| {
                own.append(append).unwrap();
            })
        }
    };
    let title = "written, 1 event, version check and index included";
    if asked.wants(title) {
        Rounds::run(
            asked.rounds,
            vec![
                ("annals", Box::new(single(Durability::Written))),
                (
                    "a loop of encode, crc and pwrite an event",
                    Box::new(|| raw::written(dir, asked.events)),
                ),
            ],
        )
        .print(title, ">= 0.9");
    }
    let title = "written, batches of 100";
    if asked.wants(title) {
        let batches = || {
            let own = store(
                dir,
                "unsynced",
                &Options::new().durability(Durability::Written),
            );
            fed(asked.events, 100, |append| {
                own.append(append).unwrap();
            })
        };
        Rounds::run(
            asked.rounds,
            vec![
                ("annals", Box::new(batches)),
                (
                    "encode, crc, and one pwrite for 100 events",
                    Box::new(|| raw::written_batches(dir, asked.events, 100)),
                ),
            ],
        )
        .print(title, ">= 3.5M/s where the raw loop has 6.8M/s (0.51)");
    }
    let title = "buffered, 1 event, version check and index included";
    if asked.wants(title) {
        Rounds::run(
            asked.rounds,
            vec![
                ("annals", Box::new(single(Durability::Buffered))),
                (
                    "L2: copy and crc into the page cache",
                    Box::new(|| raw::copied(dir, asked.events)),
                ),
            ],
        )
        .print(title, ">= 3.5M/s where L2 has 8.4M/s (0.42)");
    }
}

/// Feeds events in appends of `batch`, made beforehand a block at a time; only
/// the appending is timed.
fn fed(events: usize, batch: usize, mut append: impl FnMut(Append)) -> f64 {
    const BLOCK: usize = 10_000;
    let mut feed = Feed::new(7, events as u64 / 10, batch);
    let mut time = Duration::ZERO;
    let mut count = 0;
    while count < events {
        let block: Vec<_> = (0..BLOCK.div_ceil(batch)).map(|_| feed.next()).collect();
        let start = Instant::now();
        for own in block {
            append(own);
            count += batch;
        }
        time += start.elapsed();
    }
    count as f64 / time.as_secs_f64()
}
