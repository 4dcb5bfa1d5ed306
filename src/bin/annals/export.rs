//! `annals export`: events as JSON lines.

use crate::args::ExportArgs;
use crate::progress::Progress;
use crate::{Out, line, reading};
use annals::{Direction, EventStore};
use std::io::Write;

pub(crate) fn run(args: &ExportArgs, out: &mut Out) -> anyhow::Result<()> {
    let store = reading::open(&args.store)?;
    let query = &args.query.query;
    let (after, up_to) = query.bounds();
    let last = up_to.min(store.head());
    let mut progress = Progress::beside_output(Some(last.get().saturating_sub(after.get())));
    let mut events = 0;
    let mut of_append = None;
    let passed = |position: u64| match query.direction() {
        Direction::Forward => position.saturating_sub(after.get()),
        Direction::Backward => (last.get() + 1).saturating_sub(position),
    };
    reading::each(&store, query, |event| {
        if args.appends {
            let append = Some(event.append_first());
            match of_append {
                None => out.write_all(b"[")?,
                same if same == append => out.write_all(b",")?,
                Some(_) => out.write_all(b"]\n[")?,
            }
            of_append = append;
        }
        line::write(out, event)?;
        if !args.appends {
            out.write_all(b"\n")?;
        }
        events += 1;
        progress.at(events, passed(event.position().get()));
        Ok(())
    })?;
    if of_append.is_some() {
        out.write_all(b"]\n")?;
    }
    Ok(())
}
