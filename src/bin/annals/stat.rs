//! `annals stat`: how much is in a store.

use crate::args::StatArgs;
use crate::{Out, reading};
use annals::{EventStore, Stat, Timestamp};
use indicatif::{BinaryBytes, HumanCount};
use serde::Serialize;
use std::io::{self, Write};

pub(crate) fn run(args: &StatArgs, out: &mut Out) -> anyhow::Result<()> {
    let store = reading::open(&args.store)?;
    let stat = store.stat()?;
    if args.json {
        serde_json::to_writer(&mut *out, &Object::new(store.id().to_string(), &stat))?;
        writeln!(out)?;
    } else {
        table(out, &store.id().to_string(), &stat)?;
    }
    Ok(())
}

/// The keys of `--json`, in order.
#[derive(Serialize)]
struct Object {
    id: String,
    events: u64,
    streams: u64,
    types: u64,
    segments: u64,
    log_bytes: u64,
    allocated_bytes: u64,
    index_bytes: u64,
    bytes_per_event: Option<f64>,
    head: u64,
    first_recorded: Option<String>,
    last_recorded: Option<String>,
}

impl Object {
    fn new(id: String, stat: &Stat) -> Self {
        let text = |time: Option<Timestamp>| time.map(|time| time.to_string());
        Object {
            id,
            events: stat.events,
            streams: stat.streams,
            types: stat.types,
            segments: stat.segments,
            log_bytes: stat.log_bytes,
            allocated_bytes: stat.allocated_bytes,
            index_bytes: stat.index_bytes,
            bytes_per_event: per_event(stat),
            head: stat.head.get(),
            first_recorded: text(stat.first_recorded),
            last_recorded: text(stat.last_recorded),
        }
    }
}

/// Bytes of the log and the index for each event, with one decimal.
#[allow(clippy::cast_precision_loss)]
fn per_event(stat: &Stat) -> Option<f64> {
    let bytes = (stat.log_bytes + stat.index_bytes) as f64;
    (stat.events > 0).then(|| (bytes / stat.events as f64 * 10.0).round() / 10.0)
}

fn table(out: &mut Out, id: &str, stat: &Stat) -> io::Result<()> {
    let mut row = |name: &str, value: String| writeln!(out, "{name:<10}{value}");
    let time = |time: Option<Timestamp>| time.map_or_else(|| "-".into(), |time| time.to_string());
    row("store", id.to_owned())?;
    row("events", HumanCount(stat.events).to_string())?;
    row("streams", HumanCount(stat.streams).to_string())?;
    row("types", HumanCount(stat.types).to_string())?;
    row("segments", HumanCount(stat.segments).to_string())?;
    row(
        "log",
        format!(
            "{} in use, {} allocated",
            BinaryBytes(stat.log_bytes),
            BinaryBytes(stat.allocated_bytes)
        ),
    )?;
    row("index", BinaryBytes(stat.index_bytes).to_string())?;
    row(
        "per event",
        per_event(stat).map_or_else(|| "-".into(), |bytes| format!("{bytes} bytes")),
    )?;
    row("head", stat.head.to_string())?;
    row("first", time(stat.first_recorded))?;
    row("last", time(stat.last_recorded))
}
