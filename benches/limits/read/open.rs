//! How long opening takes: closed cleanly, as the log grows; and after a kill,
//! beside a checksum pass over what no index file covers.

use crate::common::files::copy;
use crate::common::measure::Line;
use crate::common::workload::{Workload, fill};
use crate::{made, raw};
use annals::{Durability, EventStore, Options};
use std::hint::black_box;
use std::path::Path;

pub(crate) fn opens(dir: &Path, events: u64, rounds: usize) -> annals::Result<()> {
    println!("open, closed cleanly");
    for events in [events / 100, events / 10, events] {
        let own = dir.join(format!("clean-{events}"));
        drop(made(&own, Workload::new(events))?);
        let mut line = Line::new(&format!("{events} events"));
        for _ in 0..rounds {
            line.time(|| {
                let store = Options::new().open(&own).unwrap();
                (store.head().get(), 0)
            });
        }
        let (middle, least, most) = line.spread();
        println!(
            "  {:<24} {middle:>10.2?} ({least:.2?}..{most:.2?})",
            line.name
        );
        std::fs::remove_dir_all(&own).unwrap();
    }
    killed(dir, events.min(200_000), rounds)
}

/// A store that nobody closed is what a kill leaves: a copy of a live one that
/// is at rest.
fn killed(dir: &Path, events: u64, rounds: usize) -> annals::Result<()> {
    let live = dir.join("live");
    let store = Options::new().durability(Durability::Written).open(&live)?;
    fill(&store, Workload::new(events))?;
    let own = dir.join("killed");
    let mut open = Line::new("ours");
    let mut pass = Line::new("a checksum pass, a rewrite, a sync");
    let mut tail = 0;
    for _ in 0..rounds {
        copy(&live, &own);
        let log = raw::Raw::open(&own);
        let covered = covered(&own) as usize;
        tail = log.events.len() - covered;
        let rewritten = own.join("rewritten");
        pass.time(|| {
            black_box(log.checksum_from(covered));
            std::fs::write(&rewritten, log.bytes_from(covered)).unwrap();
            let file = std::fs::File::open(&rewritten).unwrap();
            file.sync_data().unwrap();
            (tail as u64, 0)
        });
        std::fs::remove_file(&rewritten).unwrap();
        drop(log);
        let mut opened = None;
        open.time(|| {
            opened = Some(Options::new().open(&own).unwrap());
            (tail as u64, 0)
        });
    }
    let times = open.median().as_secs_f64() / pass.median().as_secs_f64();
    println!("open after a kill, {tail} events not in an index file");
    println!(
        "  {:.2?}; {} {:.2?}: {times:.2} times",
        open.median(),
        pass.name,
        pass.median()
    );
    store.close()
}

/// The last position that an index file covers.
fn covered(dir: &Path) -> u64 {
    let names = std::fs::read_dir(dir).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let ends = names.filter_map(|name| {
        let range = name.strip_suffix(".idx")?;
        range.split_once('-')?.1.parse().ok()
    });
    ends.max().unwrap_or(0)
}
