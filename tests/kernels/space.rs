//! File systems that are full: the append that needs a new segment is refused
//! with its own error, nothing else is harmed, and writing goes on once there
//! is room, without reopening.

use crate::audit::{Fault, Ledger};
use crate::event;
use crate::load;
use crate::mount::{EXT4_ORDERED, Image, Memory, XFS, fill};
use crate::planted;
use crate::random::{Random, mix};
use crate::report::{Report, Settings, skipped};
use annals::{Error, ErrorKind, EventStore, Options};
use std::path::Path;
use std::sync::Arc;

pub fn run(settings: &Settings) -> bool {
    let mut report = Report::new("space", settings.seed);
    let made = [
        Memory::new(8 << 20)
            .map(|memory| (memory.path().to_path_buf(), "tmpfs", None, Some(memory))),
        Image::new(EXT4_ORDERED).map(|image| (image.dir(), "ext4", Some(image), None)),
        Image::new(XFS).map(|image| (image.dir(), "xfs", Some(image), None)),
    ];
    for file_system in &made {
        let (dir, name) = match file_system {
            Ok((dir, name, ..)) => (dir, *name),
            Err(reason) => {
                skipped("space", reason);
                continue;
            }
        };
        for round in 0..settings.disks {
            let seed = settings.seed + round;
            report.seeds.1 = report.seeds.1.max(seed);
            if let Err(reason) = one_disk(dir, seed, &mut report) {
                report.violation(seed, &format!("{name}: {reason}"), None);
                break;
            }
            report.note(format!("disks of {name}"), 1);
        }
    }
    match made.iter().all(Result::is_err) {
        true => true,
        false => report.print(&["appends refused", "closed while full"]),
    }
}

fn options(random: &mut Random) -> Options {
    planted::options()
        .segment_size(16 << 10 << random.below(4))
        .checkpoint_events(50 + random.below(500) as usize)
}

fn one_disk(dir: &Path, seed: u64, report: &mut Report) -> Result<(), String> {
    let mut random = Random::new(mix(seed));
    let path = dir.join("store");
    let mut ledger = Ledger::default();
    let said = |error: Error| error.to_string();
    let store = Arc::new(options(&mut random).open(&path).map_err(said)?);
    let mut number = 0;
    for _ in 0..3 {
        append_with_room(&store, &mut ledger, &mut number)?;
        let filler = fill(dir, random.below(50) * 4096);
        let load = load::append(&store, 1, number, 20_000)?;
        number += 20_000;
        load.tell(&mut ledger);
        if load.full == 0 || load.unknown + load.poisoned > 0 || load.errors.len() > 1 {
            return Err(format!("a full disk: {:?}", load.errors));
        }
        report.strike(&["appends refused"]);
        report.note("appends refused", load.full);
        report.note("appends acknowledged meanwhile", load.acked);
        // All else works as ever.
        ledger.hold_against(&store, Fault::Process)?;
        let conflict = store.append(event::refused(1));
        if !conflict.is_err_and(|error| error.is_conflict()) {
            return Err("a full disk: a conflict is not seen".into());
        }
        std::fs::remove_file(filler).unwrap();
        append_with_room(&store, &mut ledger, &mut number)?;
    }
    let filler = fill(dir, random.below(4) * 4096);
    let closed = store.close();
    drop(store);
    report.strike(&["closed while full"]);
    report.note(format!("closing while full: {}", word(closed)?), 1);
    let reader = options(&mut random).open_read_only(&path).map_err(said)?;
    ledger.hold_against(&reader, Fault::Process)?;
    drop(reader);
    let opened = options(&mut random).open(&path);
    report.strike(&["opened while full"]);
    if let Ok(store) = &opened {
        ledger.hold_against(store, Fault::Process)?;
    }
    let opened = opened.and_then(|store| store.close());
    report.note(format!("opening while full: {}", word(opened)?), 1);
    std::fs::remove_file(filler).unwrap();
    let store = Arc::new(options(&mut random).open(&path).map_err(said)?);
    ledger.hold_against(&store, Fault::Process)?;
    append_with_room(&store, &mut ledger, &mut number)?;
    ledger.hold_against(&store, Fault::Process)?;
    store.close().map_err(said)?;
    let verified = annals::verify(&path, &mut |_| {}).map_err(said)?;
    if !verified.faults.is_empty() {
        return Err(format!("verify finds faults: {:?}", verified.faults));
    }
    std::fs::remove_dir_all(&path).map_err(|error| error.to_string())
}

fn append_with_room(
    store: &Arc<annals::LogStore>,
    ledger: &mut Ledger,
    number: &mut u32,
) -> Result<(), String> {
    let load = load::append(store, 1, *number, 40)?;
    *number += 40;
    load.tell(ledger);
    match load.errors.is_empty() {
        true => Ok(()),
        false => Err(format!("there is room, but: {:?}", load.errors)),
    }
}

/// How a call on a full disk went: well, or with the error of a full disk.
fn word(outcome: annals::Result<()>) -> Result<&'static str, String> {
    match outcome {
        Ok(()) => Ok("done"),
        Err(error) => match error.kind() {
            ErrorKind::DiskFull { .. } => Ok("disk full"),
            ErrorKind::Io { source, .. } if source.kind() == std::io::ErrorKind::StorageFull => {
                Ok("disk full (Io)")
            }
            _ => Err(format!("a full disk: {error}")),
        },
    }
}
