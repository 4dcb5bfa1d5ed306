//! What the toolkit costs, each thing beside what it can't be quicker than, in
//! one run: a replay beside the bare decoding of the same events, a load from
//! a snapshot beside the replay, and how long after an append its subscriber
//! is awake beside a thread that waits on a channel.
//!
//! `cargo bench --all-features --bench toolkit`. Without `--bench` (as `cargo
//! test` runs it) it tries only whether it runs.
#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used)]

use annals::snapshot::{FileSnapshots, Saved, SnapshotPolicy};
use annals::subscription::subscribe;
use annals::{
    Aggregate, Append, Durability, Event, EventStore, LogStore, MemoryStore, Options, Query,
    Repository, Schema,
};
use serde::{Deserialize, Serialize};
use std::hint::black_box;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Account {
    balance: i64,
    last_note: String,
}

#[derive(Serialize, Deserialize)]
enum Entry {
    Deposited { amount: i64, note: String },
}

/// The content of the one variant, for those who know that there is but one.
#[derive(Deserialize)]
struct Deposited {
    amount: i64,
    note: String,
}

impl Aggregate for Account {
    type Event = Entry;
    const CATEGORY: &'static str = "accounts";

    fn apply(&mut self, Entry::Deposited { amount, note }: &Entry) {
        self.balance += amount;
        self.last_note.clone_from(note);
    }
}

fn main() -> annals::Result<()> {
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    let (events, rounds, wakes) = if is_bench {
        (100_000, 9, 2000)
    } else {
        (1000, 2, 10)
    };
    states(events, rounds)?;
    wake_ups(wakes)
}

fn states(events: u64, rounds: usize) -> annals::Result<()> {
    let store = Arc::new(Options::new().durability(Durability::Written).temporary()?);
    fill(&store, events)?;
    let directory = tempfile::tempdir().unwrap();
    let snapshots = Arc::new(FileSnapshots::open(directory.path().join("snapshots"))?);
    let plain = Repository::<Account>::new(store.clone());
    let quick = plain
        .clone()
        .with_snapshots(snapshots, SnapshotPolicy::by_hand());
    assert_eq!(quick.snapshot(&plain.load(1)?)?, Saved::Kept);
    assert_eq!(quick.load(1)?.state(), plain.load(1)?.state());

    // Round by round, so that whatever the machine does besides meets all.
    let (mut bare, mut replay, mut snapshot) = (vec![], vec![], vec![]);
    for _ in 0..rounds {
        bare.push(timed(1, || decode(&store)));
        replay.push(timed(1, || plain.load(1).map(|own| own.balance)));
        snapshot.push(timed(200, || quick.load(1).map(|own| own.balance)));
    }
    let (bare, replay, snapshot) = (
        median(&mut bare),
        median(&mut replay),
        median(&mut snapshot),
    );
    println!("states: {events} events of one aggregate, medians of {rounds} rounds");
    println!("  bare decoding        {bare:>12.1?}");
    let times = replay.as_secs_f64() / bare.as_secs_f64();
    println!("  replay               {replay:>12.1?}  {times:.2} times the bare decoding");
    let times = replay.as_secs_f64() / snapshot.as_secs_f64();
    println!("  load from snapshot   {snapshot:>12.1?}  1/{times:.0} of the replay");
    Ok(())
}

fn fill(store: &LogStore, events: u64) -> annals::Result<()> {
    let schema = Schema::<Entry>::new();
    for batch in 0..events / 100 {
        let mut append = Append::to("accounts/1");
        for index in 0..100 {
            let note = format!("deposit {index} of batch {batch}");
            let amount = 1 + index % 7;
            append = append.event(schema.encode(&Entry::Deposited { amount, note })?);
        }
        store.append(append)?;
    }
    store.flush()?;
    Ok(())
}

/// What no replay can do without: every event read, its content decoded.
fn decode(store: &LogStore) -> annals::Result<i64> {
    let mut sum = 0;
    store.scan(&Query::stream("accounts/1"), &mut |event| {
        let content: Deposited = serde_json::from_slice(event.data()).unwrap();
        black_box(&content.note);
        sum += content.amount;
        ControlFlow::Continue(())
    })?;
    Ok(sum)
}

fn timed<T>(times: u32, mut work: impl FnMut() -> annals::Result<T>) -> Duration {
    let start = Instant::now();
    for _ in 0..times {
        black_box(work().unwrap());
    }
    start.elapsed() / times
}

fn median(times: &mut [Duration]) -> Duration {
    percentile(times, 50)
}

fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    times[(times.len() - 1) * percent / 100]
}

/// A thread that waits for something, and tells when it woke up.
struct Waiter<F> {
    name: &'static str,
    /// Does what wakes the thread.
    wake: F,
    woken: Receiver<Instant>,
    times: Vec<Duration>,
}

impl<F: FnMut()> Waiter<F> {
    fn sample(&mut self) {
        // Long enough for the thread to be parked again.
        std::thread::sleep(Duration::from_millis(1));
        let start = Instant::now();
        (self.wake)();
        let woken = self.woken.recv().unwrap();
        self.times.push(woken.saturating_duration_since(start));
    }

    fn report(mut self, raw: Option<Duration>) -> Duration {
        let half = percentile(&mut self.times, 50);
        let most = percentile(&mut self.times, 99);
        let times = raw.map_or_else(String::new, |raw| {
            format!("  {:.2} times", half.as_secs_f64() / raw.as_secs_f64())
        });
        println!("  {:<20} {half:>12.1?} {most:>12.1?}{times}", self.name);
        half
    }
}

fn wake_ups(samples: usize) -> annals::Result<()> {
    let log = Options::new().durability(Durability::Written).temporary()?;
    let mut raw = channel_waiter();
    let mut memory = subscriber("memory store", Arc::new(MemoryStore::new()));
    let mut log = subscriber("log, written", Arc::new(log));
    for _ in 0..samples {
        raw.sample();
        memory.sample();
        log.sample();
    }
    println!("append to subscriber awake (append included): p50, p99 of {samples}");
    let raw = raw.report(None);
    memory.report(Some(raw));
    log.report(Some(raw));
    Ok(())
}

fn channel_waiter() -> Waiter<impl FnMut()> {
    let (ping, pings) = channel::<()>();
    let (tell, woken) = channel();
    std::thread::spawn(move || while pings.recv().is_ok() && tell.send(Instant::now()).is_ok() {});
    Waiter {
        name: "channel",
        wake: move || ping.send(()).unwrap(),
        woken,
        times: Vec::new(),
    }
}

fn subscriber(name: &'static str, store: Arc<dyn EventStore>) -> Waiter<impl FnMut()> {
    let (tell, woken) = channel();
    let events = subscribe(Arc::clone(&store), Query::all(), store.head());
    std::thread::spawn(move || {
        for event in events {
            black_box(event.unwrap());
            if tell.send(Instant::now()).is_err() {
                break;
            }
        }
    });
    let wake = move || {
        let append = Append::to("s")
            .event(Event::new("T", ""))
            .durability(Durability::Written);
        store.append(append).unwrap();
    };
    Waiter {
        name,
        wake,
        woken,
        times: Vec::new(),
    }
}
