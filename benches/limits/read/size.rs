//! What the index costs, on disk and in memory, and what is written besides
//! what was given: 10 events a stream, each stream as likely.

use crate::common::measure::{anonymous_memory, mapped_memory};
use crate::common::reading::scan;
use crate::common::workload::{Choice, Workload, fill};
use crate::raw;
use annals::{Durability, EventStore, Options, Query};
use std::path::Path;

pub(crate) fn sizes(dir: &Path, events: u64) -> annals::Result<()> {
    println!("the index at 10 events a stream, each stream as likely");
    let options = Options::new().durability(Durability::Written);
    let choice = Choice::Uniform((events / 10).max(1));
    let workload = Workload::with_choice(events, choice, 1);
    let each = |bytes: u64| bytes as f64 / events as f64;
    let (before, wrote) = (anonymous_memory(), written());
    let store = options.open(dir)?;
    let given = fill(&store, workload)?;
    let filled = anonymous_memory().saturating_sub(before);
    store.close()?;
    drop(store);
    let wrote = written() - wrote;
    println!(
        "  memory, all in, when filled            {:>6.2} bytes an event",
        each(filled)
    );

    let before = anonymous_memory();
    let store = options.open(dir)?;
    let opened = anonymous_memory().saturating_sub(before);
    scan(&store, &Query::all());
    let read = anonymous_memory().saturating_sub(before);
    println!(
        "  memory after open                      {:>6.2} bytes an event",
        each(opened)
    );
    println!(
        "  memory after reading everything        {:>6.2} bytes an event; mapped {:.0} MB",
        each(read),
        mapped_memory() as f64 / 1e6
    );
    store.close()?;
    drop(store);

    let (frames, zeros) = (raw::frames(dir), size_of(dir, "seg"));
    let index = size_of(dir, "idx");
    println!(
        "  index files                            {:>6.2} bytes an event in {} files",
        each(index),
        count_of(dir, "idx")
    );
    let besides = wrote.saturating_sub(frames + zeros);
    let given = given as f64;
    println!(
        "  frames over bytes given                {:>6.3}",
        frames as f64 / given
    );
    println!(
        "  all written over bytes given           {:>6.3} (index files and the like: {:.2} bytes an event; zero-fill apart: {:.3})",
        (frames + besides) as f64 / given,
        each(besides),
        zeros as f64 / given
    );
    Ok(())
}

/// The bytes that this process has handed to the operating system.
fn written() -> u64 {
    let text = std::fs::read_to_string("/proc/self/io").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("wchar: "));
    line.and_then(|one| one.parse().ok()).unwrap_or(0)
}

fn files(dir: &Path, extension: &str) -> impl Iterator<Item = std::fs::DirEntry> {
    let entries = std::fs::read_dir(dir).unwrap().map(Result::unwrap);
    entries.filter(move |entry| entry.path().extension().is_some_and(|own| own == extension))
}

fn size_of(dir: &Path, extension: &str) -> u64 {
    let sizes = files(dir, extension).map(|entry| entry.metadata().unwrap().len());
    sizes.sum()
}

fn count_of(dir: &Path, extension: &str) -> usize {
    files(dir, extension).count()
}
