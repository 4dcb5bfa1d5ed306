//! `annals trace`: what an event was caused by, and what followed from it.

use crate::args::TraceArgs;
use crate::people::{self, shown};
use crate::{Out, line, reading};
use annals::{CausationTree, Context, RecordedEvent};
use std::io::{self, Write};

pub(crate) fn run(args: &TraceArgs, out: &mut Out) -> anyhow::Result<()> {
    let store = reading::open(&args.store)?;
    let tree = CausationTree::of(&store, args.id)?;
    if args.json {
        for (_, event) in tree.iter() {
            line::write(out, &event.as_ref())?;
            out.write_all(b"\n")?;
        }
        return Ok(());
    }
    if let Some(command) = tree.root().causation() {
        writeln!(out, "caused by {command}, which is no event of this store")?;
    }
    let last = tree.iter().map(|(_, event)| event.position()).max();
    let width = last.map_or(1, |last| last.to_string().len());
    for (depth, event) in tree.iter() {
        row(out, width, depth, event)?;
        let here = event.id() == tree.asked().id();
        writeln!(out, "{}", if here { "  <- here" } else { "" })?;
    }
    Ok(())
}

/// An event on a line: its position, then, indented by its depth, what it is.
fn row(out: &mut Out, width: usize, depth: usize, event: &RecordedEvent) -> io::Result<()> {
    write!(
        out,
        "{:>width$}  {:indent$}{}  {} {} {}",
        event.position(),
        "",
        shown(event.event_type()),
        shown(event.stream()),
        event.version(),
        people::time(&event.as_ref()),
        indent = 2 * depth,
    )?;
    let context = Context::of(event);
    if let Some(who) = context.who() {
        write!(out, "  by {}", shown(who))?;
    }
    if let Some(why) = context.why() {
        write!(out, "  because {}", shown(why))?;
    }
    Ok(())
}
