//! Every call failing: each call of a workload fails in each way, once and
//! from then on. Nobody is told yes for what is not there, nobody waits for
//! ever, nothing is written after a failure, and every store opens again.

use crate::check::{Depth, abandon, agree, check, open, world};
use crate::model::Model;
use crate::plan::{Plan, Step};
use crate::report::{Counts, Settings, Tally, for_seeds, replay};
use crate::run::Run;
use annals::testing::sim::{Bug, Call, Choice, Fault, FaultRule, SimDisk};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

/// How long nothing may take, by far.
pub const FOR_EVER: Duration = Duration::from_secs(60);

/// How many states of the disk are looked at after each failure, besides the
/// two ends.
const SAMPLES: usize = 4;

pub fn run(settings: &Settings) -> bool {
    let tally = Tally::new();
    let seeds = for_seeds(settings, &tally, |seed, until| {
        let until = (seed != settings.seed).then_some(until);
        explore(&plan(seed), None, until).0
    });
    tally.print("calls", seeds)
}

/// A workload without losses of power: here it is calls that fail.
pub fn plan(seed: u64) -> Plan {
    let mut plan = Plan::new(seed, 12);
    let stays = |step: &Step| !matches!(step, Step::Kill | Step::PowerCut(_));
    plan.steps.retain(stays);
    plan
}

/// Runs something, and says nothing if it takes for ever.
pub fn within<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (done, wait) = mpsc::channel();
    std::thread::spawn(move || done.send(work()));
    wait.recv_timeout(limit).ok()
}

/// Lets each call of a workload fail, and says what was found first.
pub fn explore(
    plan: &Plan,
    planted: Option<Bug>,
    until: Option<Instant>,
) -> (Counts, Option<String>) {
    let mut counts = Counts {
        workloads: 1,
        ..Counts::default()
    };
    let (calls, paths) = calls(plan);
    'all: for (index, call) in calls.iter().enumerate() {
        counts.boundaries += 1;
        for fault in Fault::ALL {
            if !fault.applies_to(call.kind) || fault == Fault::Short && call.len < 2 {
                continue;
            }
            for lasting in [false, true] {
                if until.is_some_and(|until| Instant::now() > until) {
                    break 'all;
                }
                let rule = FaultRule::new(fault, index as u64 + 1);
                let rule = if lasting { rule.lasting() } else { rule };
                let own = plan.clone();
                let ran = within(FOR_EVER, move || case(&own, rule, planted));
                let place = format!(
                    "call {index} ({:?} of {}) fails{}: {fault:?}",
                    call.kind,
                    paths[index],
                    if lasting { " from then on" } else { "" },
                );
                match ran {
                    Some(Ok(fired)) => {
                        counts.states += 1;
                        for (kind, count) in fired {
                            *counts.fired.entry(kind).or_default() += count;
                        }
                    }
                    Some(Err(reason)) => report(plan, &place, &reason, &mut counts),
                    None => report(plan, &place, "somebody waits for ever", &mut counts),
                }
                if !counts.violations.is_empty() {
                    break 'all;
                }
            }
        }
    }
    let first = counts.violations.first().cloned();
    (counts, first)
}

fn report(plan: &Plan, place: &str, reason: &str, counts: &mut Counts) {
    let seed = plan.seed;
    let text = format!(
        "seed {seed}: {place}: {reason}\n     {}",
        replay("calls", seed)
    );
    counts.violations.push(text);
}

/// The calls of a workload in which none fails.
fn calls(plan: &Plan) -> (Vec<Call>, Vec<Arc<str>>) {
    let mut run = Run::new(plan, false, None);
    run.world.disk.start_trace();
    if let Err(reason) = run.all(&mut |_| {}) {
        panic!("seed {}: without a fault: {reason}", plan.seed);
    }
    let disk = &run.world.disk;
    let calls = disk.take_trace();
    let paths = calls.iter().map(|call| disk.path_of(call.path)).collect();
    (calls, paths)
}

type Fired = Vec<(String, u64)>;

/// Runs a workload with a fault, and looks at what is left.
fn case(plan: &Plan, rule: FaultRule, planted: Option<Bug>) -> Result<Fired, String> {
    let mut run = Run::new(plan, true, planted);
    let disk = run.world.disk.clone();
    disk.fail(rule);
    let ran = catch_unwind(AssertUnwindSafe(|| run.all(&mut |_| {})));
    ran.unwrap_or_else(|_| Err("a panic".into()))?;
    let model = run.model(|model| model.clone());
    drop(run);
    let fired = disk.fired().into_iter();
    let fired = fired.map(|((fault, kind), count)| (format!("{fault:?} in {kind:?}"), count));
    let fired = fired.collect();
    disk.no_faults();
    afterwards(&disk, plan, planted, &model)?;
    Ok(fired)
}

/// Whatever becomes of what is not durable, the store keeps its promises.
fn afterwards(
    disk: &SimDisk,
    plan: &Plan,
    planted: Option<Bug>,
    model: &Model,
) -> Result<(), String> {
    let point = disk.crash_point();
    for (index, choices) in point.explore(SAMPLES + 2, plan.seed).enumerate() {
        let depth = if index == 0 { Depth::Full } else { Depth::Read };
        check(&point.crash(&choices), plan, planted, model, depth)
            .map_err(|reason| format!("then the power goes: {reason}"))?;
    }
    // Without a loss of power, the next open settles it for good.
    let next = world(&disk.kill_clone(), planted);
    let store = open(&next, plan)?;
    let head = agree(&store, model)?;
    let point = next.disk.crash_point();
    abandon(&next, store);
    let mut settled = model.clone();
    settled.settle(head);
    let lost = point.crash(&vec![Choice::Lost; point.units().len()]);
    let found = check(&lost, plan, planted, &settled, Depth::Full)?;
    match found == head {
        true => Ok(()),
        false => Err(format!("opened at {head}, then the power went: {found}")),
    }
}
