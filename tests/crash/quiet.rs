//! Who opens for reading only changes nothing; and there is one writer.

use crate::check::{Depth, abandon, check, open, queries, world};
use crate::plan::Plan;
use crate::report::{Counts, Settings, Tally, for_seeds, replay};
use crate::run::{DIR, Run};
use annals::testing::sim::{Bug, CrashPlan};
use annals::{ErrorKind, EventStore};
use std::path::Path;
use std::time::Duration;

pub fn run(settings: &Settings) -> bool {
    let tally = Tally::new();
    let short = Settings {
        time: settings.time / 4,
        ..settings.clone()
    };
    let seeds = for_seeds(&short, &tally, |seed, _| {
        let mut counts = Counts {
            workloads: 1,
            ..Counts::default()
        };
        match case(seed, None) {
            Ok(()) => {
                counts.fired.insert("power cut before a look".into(), 1);
            }
            Err(reason) => counts.violations.push(format!(
                "seed {seed}: {reason}\n     {}",
                replay("quiet", seed)
            )),
        }
        counts
    });
    tally.print("quiet", seeds)
}

/// A workload, a loss of power, and then only readers.
pub fn case(seed: u64, planted: Option<Bug>) -> Result<(), String> {
    let plan = Plan::new(seed, 16);
    let mut run = Run::new(&plan, false, None);
    run.all(&mut |_| {})?;
    let model = run.model(|model| model.clone());
    let disk = run.world.disk.crash_point().crash_by(&CrashPlan::new(seed));
    // What a writer that died half way leaves behind.
    let left = Path::new(DIR).join("closed.tmp");
    disk.put(&left, b"half")
        .map_err(|error| error.to_string())?;
    let world = world(&disk, planted);
    let before = (disk.content_hash(), disk.counts().mutating());
    disk.start_trace();
    let reader = plan.options(&world.options()).open_read_only(DIR);
    let reader = reader.map_err(|error| format!("open for reading: {error}"))?;
    let (read, error) = model.compare_all(&reader)?;
    if let Some(error) = error {
        return Err(format!("read {read}: {error}"));
    }
    queries(&reader, &model, read)?;
    let _ = reader.wait(reader.head(), Duration::ZERO);
    drop(reader);
    world
        .verify(DIR, &mut |_| {})
        .map_err(|error| error.to_string())?;
    let writes = disk
        .take_trace()
        .into_iter()
        .find(|call| call.kind.is_mutating());
    if let Some(call) = writes {
        return Err(format!(
            "a reader calls {:?} on {}",
            call.kind,
            disk.path_of(call.path)
        ));
    }
    if (disk.content_hash(), disk.counts().mutating()) != before {
        return Err("a reader changes the disk".into());
    }
    let first = open(&world, &plan)?;
    let refused = plan.options(&world.options()).open(DIR);
    if !refused.is_err_and(|error| matches!(error.kind(), ErrorKind::Locked { .. })) {
        return Err("a second writer comes in".into());
    }
    let killed = disk.kill_clone();
    abandon(&world, first);
    // A dead writer's lock does not linger.
    check(&killed, &plan, planted, &model, Depth::Full).map(drop)
}
