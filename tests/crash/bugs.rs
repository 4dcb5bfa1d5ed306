//! The tests are tested: mistakes that real stores made are planted one after
//! the other, and each must be caught.

use crate::plan::Plan;
use crate::report::{Settings, Tally};
use crate::{bits, boundaries, calls, full, quiet};
use annals::testing::sim::Bug;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What brings a mistake to light.
#[derive(Clone, Copy, Debug)]
enum By {
    Boundaries,
    Calls,
    Full,
    Threads,
    Bits,
    Quiet,
}

const BUGS: [(Bug, By); 23] = [
    (Bug::AckBeforeSync, By::Boundaries),
    (Bug::ShowBeforeSync, By::Boundaries),
    (Bug::NoDirectorySync, By::Boundaries),
    (Bug::NoParentSync, By::Boundaries),
    (Bug::IdentityFirst, By::Boundaries),
    (Bug::SyncsOnlyTheTail, By::Boundaries),
    (Bug::WatermarkAhead, By::Boundaries),
    (Bug::LeavesTornTail, By::Boundaries),
    (Bug::TrustsCache, By::Boundaries),
    (Bug::BelievesOldClose, By::Bits),
    (Bug::BelievesOldBoard, By::Boundaries),
    (Bug::ClosesBeforeSync, By::Boundaries),
    (Bug::RemovesUnordered, By::Boundaries),
    (Bug::IndexAheadOfLog, By::Boundaries),
    (Bug::RetriesSync, By::Calls),
    (Bug::NoPoison, By::Calls),
    (Bug::AcksFailedWrite, By::Calls),
    (Bug::ForgetsFollowers, By::Threads),
    (Bug::IgnoresFullDisk, By::Full),
    (Bug::CutsAtFirstBadFrame, By::Bits),
    (Bug::TrustsIndexFile, By::Bits),
    (Bug::IgnoresLock, By::Quiet),
    (Bug::ReaderMends, By::Quiet),
];

/// How many workloads a mistake may survive.
const MOST_WORKLOADS: u64 = 200;

pub fn run(settings: &Settings) -> bool {
    let tally = Tally::new();
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..settings.threads {
            scope.spawn(|| {
                while let Some((bug, by)) = BUGS.get(next.fetch_add(1, Ordering::Relaxed)) {
                    plant(settings.seed, *bug, *by, &tally);
                }
            });
        }
    });
    tally.print("bugs", (settings.seed, settings.seed + MOST_WORKLOADS))
}

fn plant(seed: u64, bug: Bug, by: By, tally: &Tally) {
    for number in 0..MOST_WORKLOADS {
        tally.with(|own| own.workloads += 1);
        if let Some(caught) = caught(seed + number, bug, by) {
            let first = caught.lines().next().unwrap_or_default();
            tally.with(|own| {
                *own.fired.entry(format!("{bug:?}")).or_default() += 1;
                let text = format!("{bug:?}: caught after {number} workloads: {first}");
                own.notes.push(text);
            });
            return;
        }
    }
    tally.violation(format!("{bug:?} was not caught"));
}

/// What one workload has to say against a mistake.
fn caught(seed: u64, bug: Bug, by: By) -> Option<String> {
    let bug = Some(bug);
    match by {
        By::Boundaries => boundaries::explore(&Plan::new(seed, 24), bug, None).1,
        By::Calls => calls::explore(&calls::plan(seed), bug, None).1,
        By::Full => full::fills_up(seed, bug).err(),
        By::Threads => full::threads_wait(seed, bug).err(),
        By::Bits => bits::catches(seed, bug?),
        By::Quiet => quiet::case(seed, bug).err(),
    }
}
