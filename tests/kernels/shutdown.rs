//! File systems that are shut down under load, and mounted again: every event
//! that was acknowledged as durable is there, and what is there is whole, in
//! order, and a prefix of what was appended.

use crate::audit::{Fault, Ledger};
use crate::child::{Child, Record, Said};
use crate::kill::aim;
use crate::mount::{EXT4_ORDERED, EXT4_WRITEBACK, Going, Image, Kind, XFS};
use crate::random::{Random, mix};
use crate::report::{Report, Settings, skipped};
use crate::roles;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;

/// The signal for a mapped page that can't be had.
const SIGBUS: i32 = 7;
/// Shutdowns of one store.
const EACH: u64 = 25;
/// Openings that a writer may make before the end.
const RUNS: u32 = 1000;

pub fn ext4_ordered(settings: &Settings) -> bool {
    part("ext4-ordered", settings, EXT4_ORDERED)
}

pub fn ext4_writeback(settings: &Settings) -> bool {
    part("ext4-writeback", settings, EXT4_WRITEBACK)
}

pub fn xfs(settings: &Settings) -> bool {
    part("xfs", settings, XFS)
}

fn part(name: &str, settings: &Settings, kind: Kind) -> bool {
    let mut image = match Image::new(kind) {
        Ok(image) => image,
        Err(reason) => return skipped(name, &reason),
    };
    let mut report = Report::new(name, settings.seed);
    for store in 0..settings.shutdowns.div_ceil(EACH) {
        let seed = settings.seed + store;
        let count = EACH.min(settings.shutdowns - store * EACH);
        report.seeds.1 = seed;
        if let Err(reason) = one_store(&mut image, seed, count, &mut report) {
            let log = image.beside().join("log");
            let said = std::fs::read_to_string(log).unwrap_or_default();
            report.violation(seed, &format!("{reason}\n{said}"), Some(image.keep()));
            return report.print(&[]);
        }
    }
    let needed: &[&str] = match settings.shutdowns {
        1000.. => &[
            "while opening",
            "while appending",
            "while closing",
            "nothing flushed",
            "log flushed",
            "all flushed",
        ],
        _ => &["nothing flushed"],
    };
    report.print(needed)
}

fn one_store(image: &mut Image, seed: u64, count: u64, report: &mut Report) -> Result<(), String> {
    let store = image.dir().join(format!("store-{seed}"));
    let mut random = Random::new(mix(seed));
    let mut ledger = Ledger::default();
    for number in 0..count {
        let run = 1 + number as u32 * RUNS;
        // Where all is durable, what readers saw has to stay, too.
        let level = match random.below(2) {
            0 => "durable",
            _ => "mixed",
        };
        let before = ledger.unsynced_gone;
        let outcome = one_shutdown(image, &store, run, level, &mut random, &mut ledger, report)
            .and_then(|()| {
                if random.below(2) == 0 {
                    ledger.look(&store, &roles::options(random.next()))?;
                }
                let options = roles::options(random.next());
                ledger.audit(&store, &options, true, Fault::Machine, run + RUNS)
            });
        outcome.map_err(|reason| format!("shutdown {number} ({level}): {reason}"))?;
        if ledger.unsynced_gone > before {
            report.note("shutdowns that took what was not synced", 1);
        }
    }
    report.note("appends looked for", ledger.acknowledged);
    report.note("unsynced appends gone", ledger.unsynced_gone);
    report.note("events", ledger.len());
    let verified = annals::verify(&store, &mut |_| {}).map_err(|error| error.to_string())?;
    if let Some(fault) = verified.faults.first() {
        return Err(format!("verify finds a fault: {fault:?}"));
    }
    std::fs::remove_dir_all(&store).map_err(|error| error.to_string())
}

/// Starts a writer and a reader, shuts the file system down under them, and
/// mounts it again once they have come to an end.
fn one_shutdown(
    image: &mut Image,
    store: &Path,
    run: u32,
    level: &str,
    random: &mut Random,
    ledger: &mut Ledger,
    report: &mut Report,
) -> Result<(), String> {
    let log = image.beside().join("log");
    let path = store.to_str().unwrap();
    let reader = Child::start(&["reader", path, &random.next().to_string()], &log);
    let seed = random.next().to_string();
    let mut writer = Child::start(&["writer", path, &seed, &run.to_string(), level], &log);
    aim(&writer, random);
    if writer.has_ended() {
        return Err("the writer ended before anything had failed".into());
    }
    let (how, flushed) = match random.below(10) {
        0 => (Going::Flushed, "all flushed"),
        1..=3 => (Going::LogFlushed, "log flushed"),
        _ => (Going::Dead, "nothing flushed"),
    };
    image.shut_down(how)?;
    let Some((status, records)) = writer.wait() else {
        return Err("the writer waits for ever".into());
    };
    let (_, read) = reader.kill();
    report.strike(&[phase(&records), flushed]);
    report.note(ending(status.signal(), &records), 1);
    let mut strange = ledger.heard(&records);
    // What was only written may be seen and go with the power.
    if level == "durable" {
        strange |= ledger.heard(&read);
    }
    image.unmount()?;
    image.mount()?;
    match (strange, status.signal()) {
        (true, _) => Err("a child says that it met what must not be".into()),
        (_, None) if status.success() => Ok(()),
        // Touching a mapped page of a dead file system, be it that of the
        // watermarks, ends a process: docs/durability.md says so. What it
        // leaves is looked at all the same.
        (_, Some(SIGBUS)) => Ok(()),
        (_, signal) => Err(format!("the writer ended with {status}, signal {signal:?}")),
    }
}

/// What the writer was at when it could not go on.
fn phase(records: &[Record]) -> &'static str {
    let any = |said| records.iter().any(|record| record.said == said);
    if any(Said::Unknown) || any(Said::Refused) {
        // It has tried to close after that.
        return "while appending";
    }
    let last = records.iter().rev().find_map(|record| match record.said {
        Said::Opening => Some("while opening"),
        Said::Opened(_) | Said::Acked(..) => Some("while appending"),
        Said::Closing => Some("while closing"),
        _ => None,
    });
    last.unwrap_or("while starting")
}

fn ending(signal: Option<i32>, records: &[Record]) -> String {
    let any = |said| records.iter().any(|record| record.said == said);
    match signal {
        Some(signal) => format!("writers ended by signal {signal}"),
        None if any(Said::Unknown) => "writers with appends of unknown outcome".into(),
        None if any(Said::Refused) => "writers that were refused".into(),
        None => "writers that could not open or close".into(),
    }
}
