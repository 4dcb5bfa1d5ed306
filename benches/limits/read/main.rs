//! Reads beside the raw loops that do the same by hand, in one run.
//!
//! `cargo bench --bench limits_read -- [events] [part...]`: 1 million events
//! and all parts unless said. The parts are `everything`, `stream`,
//! `event`, `writing`, `cold`, `open`, `size`.
//! With `CPU_TIME` in the environment, only the time counts that the thread
//! itself ran.
#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used)]
#![allow(clippy::cast_precision_loss)]

mod cold;
#[path = "../../common/mod.rs"]
mod common;
mod hot;
mod open;
mod raw;
mod size;
mod writing;

use annals::{Durability, EventStore, LogStore, Options};
use common::workload::{Choice, Workload, fill};
use std::path::Path;

struct Wanted {
    events: u64,
    rounds: usize,
    parts: Vec<String>,
}

impl Wanted {
    /// As the command line says; next to nothing where `cargo test` only
    /// tries whether it runs.
    fn read() -> Self {
        let given: Vec<_> = std::env::args().skip(1).collect();
        let is_bench = given.iter().any(|one| one == "--bench");
        let words = given.into_iter().filter(|one| !one.starts_with("--"));
        let (numbers, parts): (Vec<_>, Vec<_>) = words.partition(|one| one.parse::<u64>().is_ok());
        let number = numbers.first().and_then(|one| one.parse().ok());
        Wanted {
            events: number.unwrap_or(if is_bench { 1_000_000 } else { 2_000 }),
            rounds: if is_bench { 5 } else { 1 },
            parts,
        }
    }

    fn has(&self, part: &str) -> bool {
        self.parts.is_empty() || self.parts.iter().any(|own| own == part)
    }
}

fn main() -> annals::Result<()> {
    let own: Vec<_> = std::env::args().collect();
    if let [_, word, dir] = own.as_slice()
        && word == size::MEMORY_OF
    {
        return size::memory_of(dir.as_ref());
    }
    let wanted = Wanted::read();
    let dir = tempfile::tempdir().unwrap();
    println!(
        "{} events, medians of {} rounds (min..max)",
        wanted.events, wanted.rounds
    );
    if ["everything", "stream", "event"]
        .iter()
        .any(|part| wanted.has(part))
    {
        hot_reads(&wanted, &dir.path().join("hot"))?;
    }
    if wanted.has("writing") {
        let dir = dir.path().join("writing");
        writing::reads_while_writing(&dir, wanted.events, wanted.rounds)?;
    }
    if wanted.has("cold") {
        cold::cold_stream(&dir.path().join("cold"), wanted.events, wanted.rounds)?;
    }
    if wanted.has("open") {
        open::opens(&dir.path().join("open"), wanted.events, wanted.rounds)?;
    }
    if wanted.has("size") {
        size::sizes(&dir.path().join("size"), wanted.events)?;
    }
    Ok(())
}

/// A store with the workload, closed once and opened again.
fn made(dir: &Path, workload: Workload) -> annals::Result<(LogStore, u64)> {
    let options = Options::new().durability(Durability::Written);
    let store = options.open(dir)?;
    let given = fill(&store, workload)?;
    store.close()?;
    drop(store);
    Ok((options.open(dir)?, given))
}

fn hot_reads(wanted: &Wanted, dir: &Path) -> annals::Result<()> {
    let (store, _) = made(dir, Workload::new(wanted.events))?;
    let raw = raw::Raw::open(dir);
    assert_eq!(raw.events.len() as u64, wanted.events);
    let streams = (wanted.events / 10).max(1);
    if wanted.has("everything") {
        hot::everything(&store, &raw, wanted.rounds);
    }
    if wanted.has("stream") {
        hot::one_stream(&store, &raw, &Choice::Zipf(streams), "Zipf", wanted.rounds);
        hot::one_stream(
            &store,
            &raw,
            &Choice::Uniform(streams),
            "uniform",
            wanted.rounds,
        );
    }
    if wanted.has("event") {
        hot::one_event(&store, &raw, wanted.rounds);
    }
    store.close()
}
