//! Figures about a store.

use super::shared::Shared;
use crate::error::Result;
use crate::store::Query;
use crate::types::{Position, Timestamp};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Figures about a store, as of the moment when they were taken.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stat {
    /// How many events are visible.
    pub events: u64,
    /// How many streams they are of.
    pub streams: u64,
    /// How many event types there are.
    pub types: u64,
    /// How many segment files hold them.
    pub segments: u64,
    /// The bytes of headers and frames, in use.
    pub log_bytes: u64,
    /// The bytes of all segment files but the spare one, zeros included.
    pub allocated_bytes: u64,
    /// The bytes of the index files.
    pub index_bytes: u64,
    /// The position of the last event.
    pub head: Position,
    /// When the first event was recorded.
    pub first_recorded: Option<Timestamp>,
    /// When the last event was recorded.
    pub last_recorded: Option<Timestamp>,
}

pub(super) fn stat(shared: &Arc<Shared>) -> Result<Stat> {
    let head = shared.head();
    let parts = shared.index.parts();
    let (log_bytes, allocated_bytes) = log_bytes(shared, head)?;
    let streams = parts.positions(shared.marks.stream_start, head)?.len() as u64;
    let ends = |query: Query| -> Result<Option<Timestamp>> {
        let event = shared
            .reading(&query.limit(1))?
            .owned()
            .next()
            .transpose()?;
        Ok(event.map(|event| event.recorded()))
    };
    Ok(Stat {
        events: head.get() - shared.first.previous().get(),
        streams,
        types: types(shared, head)?,
        segments: shared.segments.numbers().len() as u64,
        log_bytes,
        allocated_bytes,
        index_bytes: parts.files().map(|file| file.header().sections.end).sum(),
        head,
        first_recorded: ends(Query::all())?,
        last_recorded: ends(Query::all().backward())?,
    })
}

fn types(shared: &Arc<Shared>, head: Position) -> Result<u64> {
    let mut names = BTreeSet::new();
    for position in shared
        .index
        .parts()
        .positions(shared.marks.type_seen, head)?
    {
        let query = Query::all().after(position.previous()).limit(1);
        if let Some(event) = shared.reading(&query)?.owned().next().transpose()? {
            names.insert(event.event_type().to_owned());
        }
    }
    Ok(names.len() as u64)
}

/// The bytes in use and the bytes allocated. Each segment says where the one
/// before it ends; the last one ends with the last event.
fn log_bytes(shared: &Shared, head: Position) -> Result<(u64, u64)> {
    let numbers = shared.segments.numbers();
    let (mut used, mut allocated) = (0u64, 0);
    for number in &numbers {
        let segment = shared.segments.get(*number)?;
        // What the header says is not compared with anything here.
        used = segment.header().previous_end.saturating_add(used);
        allocated += segment.size();
    }
    let place = shared.index.parts().place(head)?;
    let end = match place {
        Some((number, offset)) => {
            let mut reader = shared.segments.get(number)?.reader();
            reader.frame(offset)?.map_or(0, |frame| frame.head().end())
        }
        None => crate::format::segment::HEADER_BYTES as u64,
    };
    Ok((end.saturating_add(used), allocated))
}
