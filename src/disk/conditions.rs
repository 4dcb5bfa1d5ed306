//! What an append's conditions exclude, as far as postings tell.

use super::shared::Shared;
use crate::error::Result;
use crate::index::{Parts, Search, TermHasher, Way};
use crate::store::Append;
use crate::types::Position;

/// The first condition that seems to exclude an event after `low` and up to
/// `high`.
pub(super) fn first_met(
    parts: &Parts,
    hasher: &TermHasher,
    append: &Append,
    (low, high): (Position, Position),
) -> Result<Option<usize>> {
    for (clause, query) in append.conditions().iter().enumerate() {
        let (after, up_to) = query.bounds();
        let bounds = (after.max(low), up_to.min(high));
        // Most often nothing has come since, and nothing is to be done.
        if bounds.0 >= bounds.1 {
            continue;
        }
        if Search::new(parts, hasher, query, bounds, Way::Postings)
            .next()?
            .is_some()
        {
            return Ok(Some(clause));
        }
    }
    Ok(None)
}

/// How far all conditions are known to hold, looked up before the short lock
/// is taken, so that under it only what came since is left to look at. What
/// they seem to exclude is for the lock to find again.
pub(super) fn hold_up_to(shared: &Shared, append: &Append, checked: Position) -> Result<Position> {
    // First the bound, then the parts: they have all that is visible.
    let visible = shared.progress.visible();
    if append.conditions().is_empty() || visible <= checked {
        return Ok(checked);
    }
    let parts = shared.index.parts();
    let met = first_met(&parts, &shared.hasher, append, (checked, visible))?;
    Ok(if met.is_none() { visible } else { checked })
}
