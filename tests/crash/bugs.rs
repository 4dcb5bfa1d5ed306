//! The tests are tested: mistakes that real stores made are planted one after
//! the other, and each must be caught.

use crate::plan::Plan;
use crate::report::{Settings, Tally};
use annals::testing::sim::Bug;

/// The mistakes that a loss of power brings to light.
const AT_BOUNDARIES: [Bug; 13] = [
    Bug::AckBeforeSync,
    Bug::ShowBeforeSync,
    Bug::NoDirectorySync,
    Bug::NoParentSync,
    Bug::IdentityFirst,
    Bug::SyncsOnlyTheTail,
    Bug::WatermarkAhead,
    Bug::LeavesTornTail,
    Bug::TrustsCache,
    Bug::BelievesOldClose,
    Bug::ClosesBeforeSync,
    Bug::RemovesUnordered,
    Bug::IndexAheadOfLog,
];

/// How many workloads a mistake may survive.
const MOST_WORKLOADS: u64 = 100;

pub fn run(settings: &Settings) -> bool {
    let tally = Tally::new();
    let threads = settings.threads as usize;
    let next = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    let Some(bug) = AT_BOUNDARIES.get(index) else {
                        break;
                    };
                    plant(settings.seed, *bug, &tally);
                }
            });
        }
    });
    tally.print("bugs", (settings.seed, settings.seed + MOST_WORKLOADS))
}

fn plant(seed: u64, bug: Bug, tally: &Tally) {
    for number in 0..MOST_WORKLOADS {
        let plan = Plan::new(seed + number, 24);
        let (counts, caught) = crate::boundaries::explore(&plan, Some(bug), None);
        tally.with(|own| {
            own.workloads += 1;
            own.boundaries += counts.boundaries;
            own.states += counts.states;
            own.in_recovery += counts.in_recovery;
        });
        if let Some(caught) = caught {
            let first = caught.lines().next().unwrap_or_default();
            tally.with(|own| {
                *own.fired.entry(format!("{bug:?}")).or_default() += 1;
                own.notes.push(format!(
                    "{bug:?}: caught by workload {}: {first}",
                    number + 1
                ));
            });
            return;
        }
    }
    println!("   {bug:?} was not caught");
    tally.violation(format!("{bug:?} was not caught"));
}
