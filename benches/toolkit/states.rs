//! A replay beside the bare decoding of the same events, and a load from a
//! snapshot beside the replay.

use crate::{median, times_of};
use annals::snapshot::{FileSnapshots, Saved, SnapshotPolicy};
use annals::{Aggregate, Append, Durability, EventStore, LogStore, Options, Query};
use annals::{Repository, Schema};
use serde::{Deserialize, Serialize};
use std::hint::black_box;
use std::ops::ControlFlow;
use std::sync::Arc;
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

pub(crate) fn run(events: u64, rounds: u64) -> annals::Result<()> {
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
    let bare = median(&mut bare);
    let replay = median(&mut replay);
    let snapshot = median(&mut snapshot);
    println!("states: {events} events of one aggregate, medians of {rounds} rounds");
    println!("  bare decoding        {bare:>12.1?}");
    let times = times_of(replay, bare);
    println!("  replay               {replay:>12.1?}  {times:.2} times the bare decoding");
    let times = times_of(replay, snapshot);
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
