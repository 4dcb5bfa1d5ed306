//! `annals export`: events as JSON lines.

use crate::args::ExportArgs;
use crate::progress::Progress;
use crate::{Out, line, reading};
use annals::{EventStore, Position, Query, QueryItem};
use std::io::Write;

pub(crate) fn run(args: &ExportArgs, out: &mut Out) -> anyhow::Result<()> {
    let store = reading::open(&args.store)?;
    let query = query(args);
    let (after, up_to) = query.bounds();
    let last = up_to.min(store.head());
    let mut progress = Progress::beside_output(Some(last.get().saturating_sub(after.get())));
    let mut events = 0;
    let mut of_append = None;
    reading::each(&store, &query, |event| {
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
        progress.at(events, event.position().get().saturating_sub(after.get()));
        Ok(())
    })?;
    if of_append.is_some() {
        out.write_all(b"]\n")?;
    }
    Ok(())
}

/// What the options ask for: all of them at once.
fn query(args: &ExportArgs) -> Query {
    let mut item = QueryItem::all();
    if let Some(stream) = &args.stream {
        item = item.in_stream(stream.clone());
    }
    if let Some(category) = &args.category {
        item = item.in_category(category.clone());
    }
    for event_type in &args.types {
        item = item.with_type(event_type.clone());
    }
    for tag in &args.tags {
        item = item.with_tag(tag.clone());
    }
    Query::of(item)
        .after(Position::new(args.after.unwrap_or(0)))
        .up_to(args.to.map_or(Position::MAX, Position::new))
}
