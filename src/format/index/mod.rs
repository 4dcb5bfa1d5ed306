//! An index file: the postings of a range of positions.
//!
//! Derived from the log and rebuildable from it, so its format may change at
//! any time: a file of another version is rebuilt, not migrated.

mod bits;
mod entry;
mod header;
mod list;
mod places;

pub(crate) use entry::{Entry, Postings, TermKey};
pub(crate) use header::{HEADER_BYTES, IndexHeader, Sections};
pub(crate) use list::{BLOCK, ListHead, SKIP_BYTES};
pub(crate) use places::encode as encode_places;
pub(crate) use places::{PLACES_PER_BLOCK, PlaceBlock};
