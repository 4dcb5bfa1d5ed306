//! Appends with unique ids beside appends without, in one run; and what the
//! ids cost on disk, in memory and when a store is first opened with them.
//!
//! `cargo bench --bench limits_ids -- [events] [rounds]` (1 million and 5
//! unless said).
#![allow(missing_docs, clippy::print_stdout, clippy::cast_precision_loss)]

#[path = "../../common/mod.rs"]
mod common;

use annals::{Append, Durability, EventStore, LogStore, Options};
use common::measure::{Line, anonymous_memory, mapped_memory};
use common::workload::{Random, Workload};
use std::path::Path;
use std::time::Instant;

/// How many events one turn appends: in turn with and without.
const TURNS: u64 = 20;

fn main() -> annals::Result<()> {
    let numbers: Vec<u64> = std::env::args()
        .filter_map(|word| word.parse().ok())
        .collect();
    let events = numbers.first().copied().unwrap_or(1_000_000);
    let rounds = numbers.get(1).copied().unwrap_or(5);
    for batch in [1, 100] {
        appends(events, rounds, batch)?;
    }
    first_use(events)
}

fn options(unique: bool) -> Options {
    Options::new()
        .durability(Durability::Written)
        .unique_ids(unique)
}

/// Two stores grow side by side, a piece at a time, in turn.
fn appends(events: u64, rounds: u64, batch: u64) -> annals::Result<()> {
    println!("{events} events, one thread, Written, {batch} an append:");
    let mut lines = [
        Line::new("without unique ids"),
        Line::new("with unique ids"),
    ];
    for _ in 0..rounds {
        let dirs = [temporary()?, temporary()?];
        let open = |unique: usize| options(unique == 1).open(dirs[unique].path());
        let stores = [open(0)?, open(1)?];
        let mut workloads = [Workload::new(events), Workload::new(events)];
        let mut spent = [std::time::Duration::ZERO; 2];
        for turn in 0..TURNS {
            for own in [turn as usize % 2, 1 - turn as usize % 2] {
                let appends = piece(&mut workloads[own], events / TURNS, batch);
                let start = Instant::now();
                for append in appends {
                    stores[own].append(append)?;
                }
                spent[own] += start.elapsed();
            }
        }
        for (line, time) in lines.iter_mut().zip(spent) {
            line.add(time, events / TURNS * TURNS, 0);
        }
        stores.iter().try_for_each(EventStore::close)?;
    }
    let [without, with] = &lines;
    without.print(&[]);
    with.print(&[("without", without)]);
    Ok(())
}

fn piece(workload: &mut Workload, events: u64, batch: u64) -> Vec<Append> {
    let mut appends: Vec<Append> = Vec::new();
    let mut left = 0;
    for _ in 0..events {
        let Some(given) = workload.next() else { break };
        if left == 0 {
            appends.push(Append::to(given.stream_name()));
            left = batch;
        }
        left -= 1;
        if let Some(append) = appends.pop() {
            appends.push(append.event(given.event()));
        }
    }
    appends
}

/// A store that was never used with unique ids, opened with them.
fn first_use(events: u64) -> annals::Result<()> {
    println!("first used with unique ids, {events} events:");
    let dir = temporary()?;
    let store = options(false).open(dir.path())?;
    common::workload::fill(&store, Workload::new(events))?;
    store.close()?;
    drop(store);
    let start = Instant::now();
    drop(options(false).open(dir.path())?);
    println!("  opened without in {:.3} s", start.elapsed().as_secs_f64());
    let before = (anonymous_memory(), mapped_memory());
    let start = Instant::now();
    let store = options(true).open(dir.path())?;
    println!("  opened with in {:.3} s", start.elapsed().as_secs_f64());
    let after = (anonymous_memory(), mapped_memory());
    println!(
        "  anonymous memory {} KiB more, mapped {} KiB more",
        after.0.saturating_sub(before.0) >> 10,
        after.1.saturating_sub(before.1) >> 10
    );
    let bytes = ids_on_disk(dir.path())?;
    println!(
        "  files of ids: {:.2} bytes an event",
        bytes as f64 / events as f64
    );
    probes(&store)
}

/// What a look for a new id costs in a store that is not touched otherwise.
fn probes(store: &LogStore) -> annals::Result<()> {
    const LOOKS: u64 = 100_000;
    let mut random = Random::new(77);
    let mut workload = Workload::new(LOOKS);
    let mut line = Line::new("appends after that");
    let mut appends = Vec::new();
    while let Some(given) = workload.next() {
        let id = u128::from(random.next()) << 64 | u128::from(random.next());
        let event = given.event();
        let event = annals::Event::with_id(
            annals::Uuid::from_u128(id),
            event.event_type().to_owned(),
            event.data().to_vec(),
        );
        appends.push(Append::to(given.stream_name()).event(event));
    }
    let start = Instant::now();
    for append in appends {
        store.append(append)?;
    }
    line.add(start.elapsed(), LOOKS, 0);
    line.print(&[]);
    store.close()
}

fn ids_on_disk(dir: &Path) -> annals::Result<u64> {
    let outside = |error| annals::Error::outside("look at the files", error);
    let mut bytes = 0;
    for entry in std::fs::read_dir(dir).map_err(outside)? {
        let entry = entry.map_err(outside)?;
        if entry.path().extension().is_some_and(|own| own == "ids") {
            bytes += entry.metadata().map_err(outside)?.len();
        }
    }
    Ok(bytes)
}

fn temporary() -> annals::Result<tempfile::TempDir> {
    tempfile::tempdir().map_err(|error| annals::Error::outside("make a directory", error))
}
