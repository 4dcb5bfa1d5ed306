//! Tells the retry of an append that had succeeded from a real conflict.

use super::claims::Refusal;
use super::shared::Shared;
use crate::error::{ErrorKind, Result};
use crate::store::{Append, Appended, Query};
use crate::types::{Position, RecordedEvent, Version};
use std::sync::Arc;

/// The first outcome of an append that was refused now because it is there
/// already, or the conflict that it met. What that rests on is visible.
pub(super) fn outcome(shared: &Arc<Shared>, append: &Append, refusal: Refusal) -> Result<Appended> {
    for (index, part) in append.streams().iter().enumerate() {
        let Some(expected) = part.expected().exact() else {
            continue;
        };
        let first = append.entries().iter().find(|(stream, _)| *stream == index);
        let Some((_, first)) = first else {
            continue;
        };
        let there = at_version(shared, part.name(), expected.next())?;
        if let Some(there) = there
            && there.id() == first.id()
            && is_whole_append(shared, &there, append)?
        {
            let (first, last) = (there.append_first(), there.append_last());
            let versions = versions_at(shared, append, last)?;
            return Ok(Appended::new(first, last, &versions, there.recorded()).as_repeat());
        }
    }
    let part = &append.streams()[refusal.stream];
    Err(ErrorKind::Conflict {
        stream: part.name().to_owned(),
        expected: part.expected(),
        actual: refusal.actual,
    }
    .into())
}

fn at_version(
    shared: &Arc<Shared>,
    stream: &str,
    version: Version,
) -> Result<Option<RecordedEvent>> {
    let query = Query::stream(stream.to_owned())
        .from_version(version)
        .limit(1);
    shared.reading(&query)?.owned().next().transpose()
}

/// Whether the append in which an event was recorded was this one.
fn is_whole_append(shared: &Arc<Shared>, event: &RecordedEvent, append: &Append) -> Result<bool> {
    let (first, last) = (event.append_first(), event.append_last());
    let query = Query::all().after(first.previous()).up_to(last);
    let mut recorded = shared.reading(&query)?.owned();
    for (stream, asked) in append.entries() {
        let name = append.streams()[*stream].name();
        match recorded.next().transpose()? {
            Some(own) if own.stream() == name && own.id() == asked.id() => {}
            _ => return Ok(false),
        }
    }
    Ok(recorded.next().is_none())
}

/// The versions of an append's streams as they were at a position.
fn versions_at(shared: &Arc<Shared>, append: &Append, at: Position) -> Result<Vec<Version>> {
    let streams = append.streams().iter();
    streams
        .map(|part| shared.version_at(part.name(), at))
        .collect()
}
