//! Reading in a way of one's own choice: what a query gives must not depend on
//! whether its postings are followed or all events are walked.

use crate::disk::LogStore;
use crate::error::Result;
use crate::index;
use crate::store::Query;
use crate::types::EventRef;
use std::ops::ControlFlow;

/// How to look for events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Follow postings, whatever that costs.
    Postings,
    /// Walk all events, whatever that costs.
    Walk,
}

/// `EventStore::scan` of a log, in this way.
///
/// # Errors
/// As `EventStore::scan`.
pub fn scan_by(
    store: &LogStore,
    way: Way,
    query: &Query,
    visit: &mut dyn FnMut(EventRef<'_>) -> ControlFlow<()>,
) -> Result<()> {
    let way = match way {
        Way::Postings => index::Way::Postings,
        Way::Walk => index::Way::Walk,
    };
    store.scan_by(way, query, visit)
}
