//! What becomes of an append that did not find things as it expected: the
//! retry of one that had succeeded is told from a real conflict.

use super::claims::{Reason, Refusal};
use super::ids;
use super::shared::Shared;
use crate::error::{ErrorKind, Result};
use crate::index::Search;
use crate::store::{Append, Appended, Query};
use crate::types::{Position, RecordedEvent, Version};
use std::sync::Arc;

/// Whether a refusal may well prove to be none: the index knows no versions
/// but those of a stream that is named, so it takes too much for a candidate.
pub(super) fn is_doubtful(append: &Append, refusal: Refusal) -> bool {
    match refusal.reason {
        Reason::Stream(..) => false,
        Reason::Id => true,
        Reason::Condition(clause) => {
            let query = &append.conditions()[clause];
            !query.items().iter().all(Search::is_exact)
        }
    }
}

/// The first outcome of an append that is there already; nothing if all is as
/// it expected after all, up to what the refusal rests on, which is visible.
///
/// # Errors
/// `Conflict`, `ConditionFailed` or `DuplicateId`, if that is what it met.
pub(super) fn outcome(
    shared: &Arc<Shared>,
    append: &Append,
    refusal: Refusal,
) -> Result<Option<Appended>> {
    match refusal.reason {
        Reason::Id => match &shared.writer()?.ids {
            Some(taken) => ids::first_outcome(shared, taken, append, refusal.rests_on),
            None => Ok(None),
        },
        Reason::Condition(clause) => {
            check_conditions(shared, append, clause, refusal.rests_on)?;
            Ok(None)
        }
        Reason::Stream(stream, actual) => {
            if let Some(first_outcome) = first_outcome(shared, append)? {
                return Ok(Some(first_outcome));
            }
            let part = &append.streams()[stream];
            Err(ErrorKind::Conflict {
                stream: part.name().to_owned(),
                expected: part.expected(),
                actual,
            }
            .into())
        }
    }
}

/// Reads what the conditions from this one on exclude, if there is anything:
/// the index finds candidates, and only the events say.
fn check_conditions(
    shared: &Arc<Shared>,
    append: &Append,
    from: usize,
    bound: Position,
) -> Result<()> {
    for (clause, query) in append.conditions().iter().enumerate().skip(from) {
        let (after, up_to) = query.bounds();
        let items = query.items().iter().cloned();
        let excluded = Query::any_of(items)
            .after(after)
            .up_to(up_to.min(bound))
            .limit(1);
        if let Some(event) = shared.reading(&excluded)?.owned().next().transpose()? {
            let position = event.position();
            return Err(ErrorKind::ConditionFailed { clause, position }.into());
        }
    }
    Ok(())
}

/// The first outcome of an append that was recorded before.
fn first_outcome(shared: &Arc<Shared>, append: &Append) -> Result<Option<Appended>> {
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
            && is_append(shared, &there, append, false)?
        {
            return append_outcome(shared, append, &there).map(Some);
        }
    }
    Ok(None)
}

/// The first outcome of the append in which an event was recorded.
pub(super) fn append_outcome(
    shared: &Arc<Shared>,
    append: &Append,
    event: &RecordedEvent,
) -> Result<Appended> {
    let (first, last) = (event.append_first(), event.append_last());
    let versions = versions_at(shared, append, last)?;
    Ok(Appended::new(first, last, &versions, event.recorded()).as_repeat())
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

/// Whether the append in which an event was recorded was this one: the same
/// ids in the same streams, and, if that is asked, the same content.
pub(super) fn is_append(
    shared: &Arc<Shared>,
    event: &RecordedEvent,
    append: &Append,
    content: bool,
) -> Result<bool> {
    let (first, last) = (event.append_first(), event.append_last());
    let query = Query::all().after(first.previous()).up_to(last);
    let mut recorded = shared.reading(&query)?.owned();
    for (stream, asked) in append.entries() {
        let name = append.streams()[*stream].name();
        match recorded.next().transpose()? {
            Some(own)
                if own.stream() == name
                    && own.id() == asked.id()
                    && (!content || own.as_ref().says(asked)) => {}
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
