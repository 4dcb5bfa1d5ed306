//! A disk that fills up, and threads that wait while a call fails.

use crate::calls::{FOR_EVER, within};
use crate::check::{Depth, check};
use crate::model::Model;
use crate::plan::Plan;
use crate::report::{Counts, Settings, Tally, for_seeds, replay};
use crate::run::DIR;
use annals::testing::sim::{Bug, CallKind, Fault, FaultRule, SectorSize, SimDisk, SimWorld};
use annals::{Append, Durability, ErrorKind, Event, EventStore, LogStore};
use std::sync::Arc;
use std::time::Duration;

pub fn run(settings: &Settings) -> bool {
    let tally = Tally::new();
    let seeds = for_seeds(settings, &tally, |seed, _| {
        let mut counts = Counts {
            workloads: 1,
            ..Counts::default()
        };
        for outcome in [fills_up(seed, None), threads_wait(seed, None)] {
            match outcome {
                Ok(fired) => {
                    for (kind, count) in fired {
                        *counts.fired.entry(kind).or_default() += count;
                    }
                }
                Err(reason) => counts.violations.push(format!(
                    "seed {seed}: {reason}\n     {}",
                    replay("full", seed)
                )),
            }
        }
        counts
    });
    tally.print("full", seeds)
}

type Fired = Vec<(String, u64)>;

fn fired(disk: &SimDisk) -> Fired {
    let fired = disk.fired().into_iter();
    fired
        .map(|((fault, kind), count)| (format!("{fault:?} in {kind:?}"), count))
        .collect()
}

fn append(number: u64, size: usize) -> Append {
    let event = Event::new("Placed", vec![number as u8; size]);
    Append::to("a").event(event).durability(Durability::Durable)
}

/// There is no room for the next segment: appends are refused with their own
/// error, nothing else is, and all goes on once there is room.
pub fn fills_up(seed: u64, planted: Option<Bug>) -> Result<Fired, String> {
    let plan = Plan::new(seed, 1);
    let disk = SimDisk::new(SectorSize::Bytes512);
    let mut world = SimWorld::on(disk.clone(), plan.tasks, seed);
    world.planted = planted;
    let options = plan.options(&world.options()).segment_size(8 << 10);
    let store = options.open(DIR).map_err(|error| error.to_string())?;
    let mut model = Model::default();
    let size = 100 + (seed % 900) as usize;
    for round in 0..3 {
        disk.set_capacity(Some(disk.used() + 4096 * (seed % 5)));
        let mut refused = 0;
        for number in 0..200 {
            let append = append(number, size);
            model.submit(&append, Durability::Durable);
            match store.append(append) {
                Ok(appended) => model.promise(appended.last().get()),
                Err(error) => match error.kind() {
                    ErrorKind::DiskFull { .. } => {
                        model.cut(model.head() - 1);
                        refused += 1;
                    }
                    _ => return Err(format!("a full disk, round {round}: {error}")),
                },
            }
            if refused == 3 {
                break;
            }
        }
        if refused == 0 {
            return Err("the disk was never full".into());
        }
        disk.set_capacity(None);
        let append = append(7, size);
        model.submit(&append, Durability::Durable);
        let appended = store.append(append);
        let appended = appended.map_err(|error| format!("there is room again: {error}"))?;
        model.promise(appended.last().get());
    }
    let point = disk.crash_point();
    check(&point.crash(&[]), &plan, planted, &model, Depth::Full)?;
    drop(store);
    Ok(fired(&disk))
}

/// Several threads append while a write or sync fails: all of them hear of it,
/// and nothing that was answered with yes is lost.
pub fn threads_wait(seed: u64, planted: Option<Bug>) -> Result<Fired, String> {
    let plan = Plan::new(seed, 1);
    let disk = SimDisk::new(SectorSize::Bytes512);
    let mut world = SimWorld::on(disk.clone(), plan.tasks, seed);
    world.planted = planted;
    let options = plan.options(&world.options());
    let store = options.open(DIR).map_err(|error| error.to_string())?;
    let store = Arc::new(store);
    let kind = if seed.is_multiple_of(2) {
        CallKind::Sync
    } else {
        CallKind::Write
    };
    disk.fail(
        FaultRule::new(Fault::Io, 2 + seed % 3)
            .of_kind(kind)
            .on_path(".seg"),
    );
    // Gives the others time to come and wait.
    disk.on_boundary(move |_, boundary| {
        if boundary.kind == kind {
            std::thread::sleep(Duration::from_millis(2));
        }
    });
    let limit = if planted.is_some() {
        Duration::from_secs(3)
    } else {
        FOR_EVER
    };
    let own = Arc::clone(&store);
    let answers = within(limit, move || on_threads(&own));
    let answers = answers.ok_or("somebody waits for ever")?;
    disk.no_hook();
    let acknowledged: Vec<u64> = answers.into_iter().flatten().collect();
    let point = disk.crash_point();
    let crashed = SimWorld::on(point.crash(&[]), plan.tasks, seed);
    let options = plan.options(&crashed.options());
    let again = options
        .open(DIR)
        .map_err(|error| format!("open: {error}"))?;
    let last = acknowledged.iter().max().copied().unwrap_or(0);
    match again.head().get() >= last {
        true => Ok(fired(&disk)),
        false => Err(format!("lost: ends at {}, promised {last}", again.head())),
    }
}

/// The positions that each of four threads was told.
fn on_threads(store: &Arc<LogStore>) -> Vec<Vec<u64>> {
    let threads: Vec<_> = (0..4)
        .map(|thread| {
            let store = Arc::clone(store);
            std::thread::spawn(move || {
                let answers = (0..6).map(|_| store.append(append(thread, 30)));
                let known = answers.filter_map(|answer| Some(answer.ok()?.last().get()));
                known.collect::<Vec<u64>>()
            })
        })
        .collect();
    let joined = threads.into_iter().map(std::thread::JoinHandle::join);
    joined.map(Result::unwrap_or_default).collect()
}
