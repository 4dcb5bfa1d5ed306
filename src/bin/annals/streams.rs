//! `annals streams`: which streams there are.

use crate::args::StreamsArgs;
use crate::people::{self, TIME, padded, shown};
use crate::{Out, line, reading};
use annals::{EventStore, Query, QueryItem, RecordedEvent, Timestamp, Version};
use std::io::{self, Write};

/// How wide versions are, but for very long streams.
const VERSION: usize = 8;

pub(crate) fn run(args: &StreamsArgs, out: &mut Out) -> anyhow::Result<()> {
    let store = reading::open(&args.store)?;
    if !args.json {
        let (version, first, last) = ("version", padded(" first", TIME), padded(" last", TIME));
        writeln!(out, "{version:>VERSION$}  {first}  {last}  stream")?;
    }
    let mut item = QueryItem::all().to_version(Version::new(1));
    if let Some(category) = &args.category {
        item = item.in_category(category.clone());
    }
    // The last event of a stream is looked up under the same bound as the
    // first ones, so that the list is of one moment.
    let head = store.head();
    for first in store.read(&Query::of(item).up_to(head)) {
        let first = first?;
        let newest = Query::stream(first.stream().to_owned())
            .up_to(head)
            .backward()
            .limit(1);
        let last = store.read(&newest).next().transpose()?;
        let last = last.as_ref().unwrap_or(&first);
        if args.json {
            object(out, &first, last)?;
        } else {
            row(out, &first, last)?;
        }
    }
    Ok(())
}

fn row(out: &mut Out, first: &RecordedEvent, last: &RecordedEvent) -> io::Result<()> {
    writeln!(
        out,
        "{:>VERSION$}  {}  {}  {}",
        last.version(),
        padded(&people::time(&first.as_ref()), TIME),
        padded(&people::time(&last.as_ref()), TIME),
        shown(first.stream()),
    )
}

fn object(out: &mut Out, first: &RecordedEvent, last: &RecordedEvent) -> io::Result<()> {
    out.write_all(br#"{"stream":"#)?;
    line::text(out, first.stream())?;
    let time = |time: Option<Timestamp>| match time {
        Some(time) => format!("\"{time}\""),
        None => "null".into(),
    };
    writeln!(
        out,
        r#","version":{},"first_time":{},"last_time":{},"first_recorded":"{}","last_recorded":"{}"}}"#,
        last.version(),
        time(first.happened()),
        time(last.happened()),
        first.recorded(),
        last.recorded(),
    )
}
