//! `annals tail`: the last events, and those that come.

use crate::Out;
use crate::args::TailArgs;
use crate::people::Shown;
use crate::reading::{self, Printer};
use annals::{EventStore, Query, RecordedEvent};
use std::time::Duration;

/// How long one wait for the next event lasts; then comes another.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn run(args: &TailArgs, out: &mut Out) -> anyhow::Result<()> {
    let store = reading::open(&args.store)?;
    let mut last = store.head();
    let query = Query::all().up_to(last).backward().limit(args.events);
    let mut events = store
        .read(&query)
        .collect::<Result<Vec<RecordedEvent>, _>>()?;
    events.reverse();
    let mut printer = Printer::new(out, args.json, Shown::of_store(last));
    for event in &events {
        printer.event(&event.as_ref())?;
    }
    drop(events);
    if !args.follow {
        return Ok(());
    }
    loop {
        printer.flush()?;
        let head = store.wait(last, PATIENCE)?;
        let query = Query::all().after(last).up_to(head);
        reading::each(&store, &query, |event| printer.event(event))?;
        last = last.max(head);
    }
}
