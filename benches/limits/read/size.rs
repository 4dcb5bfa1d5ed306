//! What the index costs, on disk and in memory, and what is written besides
//! what was given: 10 events a stream, each stream as likely.

use crate::common::measure::{anonymous_memory, mapped_memory};
use crate::common::reading::scan;
use crate::common::workload::{Choice, Workload, fill};
use crate::raw;
use annals::{Durability, EventStore, Options, Query};
use std::path::Path;
use std::process::Command;

/// What the programme calls itself with to look at its memory in a process
/// that has done nothing else.
pub(crate) const MEMORY_OF: &str = "memory-of";

pub(crate) fn sizes(dir: &Path, events: u64) -> annals::Result<()> {
    println!("the index at 10 events a stream, each stream as likely");
    let options = Options::new().durability(Durability::Written);
    let choice = Choice::Uniform((events / 10).max(1));
    let workload = Workload::with_choice(events, choice, 1);
    let each = |bytes: u64| bytes as f64 / events as f64;
    let before = anonymous_memory();
    let store = options.open(dir)?;
    let given = fill(&store, workload)?;
    let filled = anonymous_memory().saturating_sub(before);
    store.close()?;
    let wrote = store.activity();
    drop(store);
    let line =
        |what: &str, bytes: u64| println!("  {what:<38} {:>6.2} bytes an event", each(bytes));
    line("memory, all in, when filled", filled);
    let own = std::env::current_exe().unwrap();
    let told = Command::new(own).arg(MEMORY_OF).arg(dir).output().unwrap();
    let told = String::from_utf8(told.stdout).unwrap();
    let mut numbers = told.split_whitespace().map(|own| own.parse().unwrap());
    line("memory after open", numbers.next().unwrap());
    line("memory after reading everything", numbers.next().unwrap());
    line("mapped pages then", numbers.next().unwrap());
    line("index files", size_of(dir, "idx"));
    line("index files written, merges included", wrote.index_bytes);
    line("zeros written ahead", wrote.prepared_bytes);
    let times = |what: &str, bytes: u64| {
        let ratio = bytes as f64 / given as f64;
        println!("  {what:<38} {ratio:>6.3}");
    };
    times("frames over bytes given", raw::frames(dir));
    times("frames and headers written over given", wrote.log_bytes);
    let all = wrote.log_bytes + wrote.index_bytes;
    times("all but zeros written over given", all);
    Ok(())
}

/// Tells the bytes of memory that an open store takes, before and after
/// everything is read, and of mapped pages then.
pub(crate) fn memory_of(dir: &Path) -> annals::Result<()> {
    let before = anonymous_memory();
    let store = Options::new().open_read_only(dir)?;
    let opened = anonymous_memory().saturating_sub(before);
    scan(&store, &Query::all());
    let read = anonymous_memory().saturating_sub(before);
    println!("{opened} {read} {}", mapped_memory());
    Ok(())
}

fn files(dir: &Path, extension: &str) -> impl Iterator<Item = std::fs::DirEntry> {
    let entries = std::fs::read_dir(dir).unwrap().map(Result::unwrap);
    entries.filter(move |entry| entry.path().extension().is_some_and(|own| own == extension))
}

fn size_of(dir: &Path, extension: &str) -> u64 {
    let sizes = files(dir, extension).map(|entry| entry.metadata().unwrap().len());
    sizes.sum()
}
