//! Syncs that really fail: the image of the file system is sparse, and what
//! holds it is full, so that the kernel can't write back. The writer stops at
//! once, nobody waits for ever, nothing is acknowledged that is not there, and
//! reopening settles what is.

use crate::audit::{Fault, Ledger};
use crate::load;
use crate::mount::{EXT4_ORDERED, Going, Image, Memory, command, fill};
use crate::planted;
use crate::random::{Random, mix};
use crate::report::{Report, Settings, skipped};
use annals::{ErrorKind, EventStore, Options};
use std::sync::Arc;

const PART: &str = "sync";

pub fn run(settings: &Settings) -> bool {
    let mut report = Report::new(PART, settings.seed);
    for seed in settings.seed..settings.seed + settings.disks {
        let made = Memory::new(80 << 20)
            .and_then(|memory| Ok((Image::on(EXT4_ORDERED, memory.path())?, memory)));
        let (mut image, memory) = match made {
            Ok(made) => made,
            Err(reason) => return skipped(PART, &reason),
        };
        if let Err(reason) = image.write_by_page() {
            return skipped(PART, &reason);
        }
        report.seeds.1 = seed;
        if let Err(reason) = one_disk(&mut image, &memory, seed, &mut report) {
            report.violation(seed, &reason, None);
        }
    }
    report.print(&["a sync failed"])
}

fn options(random: &mut Random) -> Options {
    planted::options()
        .segment_size(512 << 10)
        .checkpoint_events(50 + random.below(5000) as usize)
}

fn one_disk(
    image: &mut Image,
    memory: &Memory,
    seed: u64,
    report: &mut Report,
) -> Result<(), String> {
    let mut random = Random::new(mix(seed));
    let path = image.dir().join("store");
    let mut ledger = Ledger::default();
    let said = |error: annals::Error| error.to_string();
    let store = Arc::new(options(&mut random).open(&path).map_err(said)?);
    let first = 100 + random.below(300) as u32;
    let load = load::append(&store, 1, 0, first)?;
    load.tell(&mut ledger);
    if !load.errors.is_empty() {
        return Err(format!("nothing has failed yet, but: {:?}", load.errors));
    }
    // Zeros take no room in the image any more, among them those of the tail
    // segment; and there will be none for what is written over them.
    command("sync", &["-f".as_ref(), image.dir().as_os_str()])?;
    let dig = ["--dig-holes".as_ref(), image.file().as_os_str()];
    command("fallocate", &dig)?;
    let filler = fill(memory.path(), 0);

    let load = load::append(&store, 1, first, 20_000)?;
    load.tell(&mut ledger);
    for (error, count) in &load.errors {
        report.note(error.clone(), *count);
    }
    report.note("appends acknowledged before that", load.acked);
    if load.unknown + load.poisoned == 0 {
        return Err(format!("nothing was poisoned: {:?}", load.errors));
    }
    if load.errors.keys().any(|error| error.contains("sync")) {
        report.strike(&["a sync failed"]);
    } else {
        report.strike(&["a write failed"]);
    }
    // Nothing is taken any more, with room or without.
    let again = load::append(&store, 1, first + 20_000, 10)?;
    again.tell(&mut ledger);
    std::fs::remove_file(filler).unwrap();
    let later = load::append(&store, 1, first + 40_000, 10)?;
    later.tell(&mut ledger);
    for load in [again, later] {
        if load.acked + load.unknown > 0 || load.poisoned != u64::from(load::THREADS) * 3 {
            return Err(format!("a poisoned writer: {:?}", load.errors));
        }
    }
    if !poisoned(&store.flush().map(drop)) {
        return Err("a poisoned writer says that all is durable".into());
    }
    // What was visible can be read.
    ledger.hold_against(&store, Fault::Machine)?;
    let closed = store.close();
    if closed.is_ok() {
        return Err("a poisoned writer was closed cleanly".into());
    }
    drop(store);
    // On the same mount the kernel still has the pages that it could not
    // write, and calls them clean. Whatever is served from them has to be on
    // the medium, too.
    if random.below(3) > 0 {
        let reopened = ledger.audit(&path, &options(&mut random), true, Fault::Machine, 2);
        match reopened {
            Ok(()) => report.note("reopened on the same mount", 1),
            Err(reason) if reason.contains("os error 30") => {
                report.note("the file system had become read-only", 1);
            }
            Err(reason) => return Err(format!("reopened on the same mount: {reason}")),
        }
    }
    image.shut_down(Going::Dead)?;
    image.unmount()?;
    image.mount()?;
    ledger
        .audit(&path, &options(&mut random), true, Fault::Machine, 2)
        .map_err(|reason| format!("after mounting again: {reason}"))?;
    report.note("appends acknowledged and found", ledger.acknowledged);
    let store = Arc::new(options(&mut random).open(&path).map_err(said)?);
    let load = load::append(&store, 2, 0, 50)?;
    load.tell(&mut ledger);
    if !load.errors.is_empty() {
        return Err(format!("opened again, but: {:?}", load.errors));
    }
    ledger.hold_against(&store, Fault::Machine)
}

fn poisoned(outcome: &annals::Result<()>) -> bool {
    let poisoned = |error: &annals::Error| {
        matches!(
            error.kind(),
            ErrorKind::Poisoned { .. } | ErrorKind::OutcomeUnknown { .. }
        )
    };
    outcome.as_ref().is_err_and(poisoned)
}
