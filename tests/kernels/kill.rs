//! kill -9 of a writer with eight threads, at any moment of its life, with
//! readers in other processes that live on: nothing that was acknowledged is
//! lost, nothing is torn, and nothing rises from the dead.

use crate::audit::{Fault, Ledger};
use crate::child::{Child, Record, Said};
use crate::random::{Random, mix};
use crate::report::{Report, Settings};
use crate::roles;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Kills of the writers of one store. Then a new one is begun: it is read
/// whole each time, and its creation is to be struck, too.
const EACH: u64 = 25;
/// How many stores are worked on at the same time.
const LANES: u64 = 3;
/// Openings that a writer may make before it is killed.
const RUNS: u32 = 1000;

pub fn run(settings: &Settings) -> bool {
    let stores = settings.kills.div_ceil(EACH);
    let next = AtomicU64::new(0);
    let total = Mutex::new(Report::new("kill", settings.seed));
    std::thread::scope(|scope| {
        for lane in 0..LANES {
            let (next, total) = (&next, &total);
            scope.spawn(move || {
                loop {
                    let own = next.fetch_add(1, Ordering::Relaxed);
                    if own >= stores {
                        return;
                    }
                    let kills = EACH.min(settings.kills - own * EACH);
                    let report = one_store(settings.seed + own, kills, lane);
                    total.lock().unwrap().add(report);
                }
            });
        }
    });
    let needed: &[&str] = match settings.kills {
        1000.. => &[
            "while creating",
            "while opening",
            "while appending",
            "while closing",
            "while preparing a segment",
            "while writing an index file",
            "while tidying after a merge",
            "while stating the end",
        ],
        _ => &["while opening", "while appending"],
    };
    total.into_inner().unwrap().print(needed)
}

/// A directory in memory for every other lane, where that is at hand: what is
/// not slowed down by syncs is struck elsewhere.
fn directory(lane: u64) -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    match lane % 2 == 1 && memory.is_dir() {
        true => tempfile::tempdir_in(memory).unwrap(),
        false => tempfile::tempdir().unwrap(),
    }
}

fn one_store(seed: u64, kills: u64, lane: u64) -> Report {
    let mut report = Report::new("kill", seed);
    let place = directory(lane);
    let store = place.path().join("store");
    let log = place.path().join("log");
    let mut random = Random::new(mix(seed));
    let mut ledger = Ledger::default();
    let reader = |seed: u64| {
        let seed = seed.to_string();
        Child::start(&["reader", store.to_str().unwrap(), &seed], &log)
    };
    // One that sees all of the store's life, and one that is killed, too.
    let mut readers = [reader(random.next()), reader(random.next())];
    let mut outcome = Ok(());
    for kill in 0..kills {
        let run = 1 + kill as u32 * RUNS;
        let (struck, strange) = one_kill(&store, &log, run, &mut random, &mut ledger);
        report.strike(&struck);
        if kill % 5 == 4 {
            let (_, records) = std::mem::replace(&mut readers[1], reader(random.next())).kill();
            ledger.heard(&records);
        }
        outcome = match strange {
            true => Err("a child says that it met what must not be".into()),
            false => hear_readers(&mut readers, &mut ledger),
        };
        let options = roles::options(random.next());
        let writing = random.below(2) == 0;
        outcome = outcome
            .and_then(|()| ledger.audit(&store, &options, writing, Fault::Process, run + RUNS));
        if kill + 1 == kills {
            outcome = outcome.and_then(|()| verify(&store));
        }
        if let Err(reason) = &outcome {
            outcome = Err(format!("kill {kill}: {reason}"));
            break;
        }
    }
    report.note("appends acknowledged and found", ledger.acknowledged);
    report.note("buffered appends gone", ledger.unsynced_gone);
    report.note("events", ledger.len());
    drop(readers);
    if let Err(reason) = outcome {
        let said = std::fs::read_to_string(&log).unwrap_or_default();
        report.violation(seed, &format!("{reason}\n{said}"), Some(place.keep()));
    }
    report
}

/// Takes in what the readers saw. They never end by themselves.
fn hear_readers(readers: &mut [Child; 2], ledger: &mut Ledger) -> Result<(), String> {
    for reader in readers {
        let ended = reader.has_ended();
        if ledger.heard(&reader.hear()) || ended {
            return Err("a reader ended, or saw what must not be".into());
        }
    }
    Ok(())
}

fn verify(store: &Path) -> Result<(), String> {
    let report = annals::verify(store, &mut |_| {}).map_err(|error| error.to_string())?;
    match report.faults.first() {
        None => Ok(()),
        Some(fault) => Err(format!("verify finds a fault: {fault:?}")),
    }
}

/// Starts a writer and kills it. Says what that struck, and whether the
/// writer met what must not be.
fn one_kill(
    store: &Path,
    log: &Path,
    run: u32,
    random: &mut Random,
    ledger: &mut Ledger,
) -> (Vec<&'static str>, bool) {
    let seed = random.next().to_string();
    let level = match random.below(3) {
        0 => "durable",
        _ => "mixed",
    };
    let run = run.to_string();
    let args = ["writer", store.to_str().unwrap(), &seed, &run, level];
    let child = Child::start(&args, log);
    match store.join("store").exists() {
        true => aim(&child, random),
        false => aim_at_creation(&child, random),
    }
    let (status, records) = child.kill();
    let strange = ledger.heard(&records);
    if !was_killed(status) {
        return (Vec::new(), true);
    }
    (what_was_struck(store, &records), strange)
}

/// The store is still to be made: that, too, is worth a kill.
fn aim_at_creation(child: &Child, random: &mut Random) {
    child.wait_for(|record| record.said == Said::Opening);
    std::thread::sleep(Duration::from_micros(random.below(1_500)));
}

/// Waits for the moment at which the kill shall strike.
pub fn aim(child: &Child, random: &mut Random) {
    let (which, longest) = match random.below(8) {
        0..=2 => (Said::Opening, 1_500),
        3 | 4 => (Said::Closing, 3_000),
        _ => (Said::Opened(0), 8_000),
    };
    let nth = 1 + random.below(3);
    let mut count = 0;
    child.wait_for(|record: &Record| {
        let same = std::mem::discriminant(&record.said) == std::mem::discriminant(&which);
        count += u64::from(same);
        count == nth
    });
    std::thread::sleep(Duration::from_micros(random.below(longest)));
}

#[cfg(unix)]
fn was_killed(status: std::process::ExitStatus) -> bool {
    std::os::unix::process::ExitStatusExt::signal(&status) == Some(9)
}

/// By the last that the writer said, and by what it left half done.
fn what_was_struck(store: &Path, records: &[Record]) -> Vec<&'static str> {
    let phase = records.iter().rev().find_map(|record| match record.said {
        Said::Opening => Some("while opening"),
        Said::Opened(_) | Said::Acked(..) => Some("while appending"),
        Said::Closing => Some("while closing"),
        Said::Closed => Some("between closing and opening"),
        _ => None,
    });
    let mut struck = Vec::from_iter(phase);
    struck.extend(what_was_left(store));
    struck
}

/// What a directory shows of a writer that stopped in the middle.
fn what_was_left(store: &Path) -> Vec<&'static str> {
    let Ok(entries) = std::fs::read_dir(store) else {
        return Vec::new();
    };
    let names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    let ending = |ending: &'static str| names.iter().filter(move |name| name.ends_with(ending));
    let mut left = Vec::new();
    if !names.iter().any(|name| name == "store") {
        left.push("while creating");
    }
    if ending(".idx.tmp").next().is_some() {
        left.push("while writing an index file");
    }
    if names.iter().any(|name| name == "closed.tmp") {
        left.push("while stating the end");
    }
    let mut sizes = ending(".seg").filter_map(|name| store.join(name).metadata().ok());
    if sizes.any(|file| file.len() == 0) {
        left.push("while preparing a segment");
    }
    let ranges: Vec<(&str, &str)> = names
        .iter()
        .filter_map(|name| name.strip_suffix(".idx")?.split_once('-'))
        .collect();
    let covered = |own: &(&str, &str)| {
        let over = |other: &&(&str, &str)| *other != own && other.0 <= own.0 && own.1 <= other.1;
        ranges.iter().find(over).is_some()
    };
    if ranges.iter().any(covered) {
        left.push("while tidying after a merge");
    }
    left
}
