//! Unique ids: an append whose ids are known is a repeat of the first one, or
//! an error.

mod files;
mod gather;
mod open;

pub(super) use files::{heal, merge_files, write_tables};
pub(super) use open::{Start, load};

use super::refused::{append_outcome, is_append};
use super::shared::Shared;
use crate::error::{ErrorKind, Result};
use crate::index::{IdParts, Ids, TermHasher};
use crate::store::{Append, Appended, Query};
use crate::types::{Position, RecordedEvent};
use std::sync::Arc;
use uuid::Uuid;

/// The ids of an append that is on its way in.
#[derive(Debug, Default)]
pub(super) struct AskedIds {
    fingerprints: Vec<u64>,
    /// Up to here none of them is taken.
    free: Position,
}

impl AskedIds {
    pub(super) fn fill(&mut self, append: &Append, hasher: &TermHasher) {
        self.fingerprints.clear();
        self.free = Position::START;
        let ids = append.entries().iter().map(|(_, event)| event.id());
        self.fingerprints.extend(ids.map(|id| hasher.id(id)));
    }

    /// Notes that none is taken up to here.
    pub(super) fn set_free(&mut self, up_to: Position) {
        self.free = self.free.max(up_to);
    }

    /// Looks into everything that does not change any more, before the short
    /// lock is taken. What it finds is for the lock to find again.
    pub(super) fn look_ahead(&mut self, ids: &Ids) -> Result<()> {
        let parts = ids.parts();
        let sealed = parts.sealed();
        if self.free >= sealed {
            return Ok(());
        }
        for fingerprint in &self.fingerprints {
            if !parts.is_new_to_sealed(*fingerprint)? {
                return Ok(());
            }
        }
        self.free = sealed;
        Ok(())
    }

    /// Whether one of them seems to be taken, among all that was ever claimed.
    pub(super) fn seem_taken(&self, ids: &Ids) -> Result<bool> {
        ids.has_any(&self.fingerprints, self.free)
    }

    /// Takes them: the append was claimed.
    pub(super) fn take(&self, ids: &Ids) {
        ids.push(&self.fingerprints);
    }
}

/// Refuses an append in which an id comes twice.
pub(super) fn check_within(append: &Append) -> Result<()> {
    match append.repeated_id() {
        Some(id) => Err(ErrorKind::DuplicateId { id, position: None }.into()),
        None => Ok(()),
    }
}

/// The first outcome of an append whose ids seem to be taken; nothing if none
/// of them is, up to `bound`, which is visible.
///
/// # Errors
/// `DuplicateId` if one of them is, by something else.
pub(super) fn first_outcome(
    shared: &Arc<Shared>,
    ids: &Ids,
    append: &Append,
    bound: Position,
) -> Result<Option<Appended>> {
    for (_, event) in append.entries() {
        let id = event.id();
        let Some(there) = first_with(shared, ids, id, bound)? else {
            continue;
        };
        if is_append(shared, &there, append, true)? {
            return append_outcome(shared, append, &there).map(Some);
        }
        let position = Some(there.position());
        return Err(ErrorKind::DuplicateId { id, position }.into());
    }
    Ok(None)
}

/// The first event that has an id.
fn first_with(
    shared: &Arc<Shared>,
    ids: &Ids,
    id: Uuid,
    bound: Position,
) -> Result<Option<RecordedEvent>> {
    let fingerprint = shared.hasher.id(id);
    let mut candidates = shared.healing(|| candidates(&ids.parts(), fingerprint))?;
    candidates.sort_unstable();
    for position in candidates.into_iter().filter(|own| *own <= bound) {
        let query = Query::all().after(position.previous()).up_to(position);
        let found = shared.reading(&query)?.owned().next().transpose()?;
        if let Some(event) = found.filter(|event| event.id() == id) {
            return Ok(Some(event));
        }
    }
    Ok(None)
}

fn candidates(parts: &IdParts, fingerprint: u64) -> Result<Vec<Position>> {
    let mut found = Vec::new();
    parts.find(fingerprint, Position::START, &mut found)?;
    Ok(found)
}
