//! An index file: the postings of a range of positions.
//!
//! Derived from the log and rebuildable from it. Files are written in version
//! 2; those of version 1 are read until a merge puts others in their place.

mod bits;
mod directory;
mod entry;
mod gaps;
mod header;
mod key;
mod list;
mod places;
mod stream;
mod v1;

pub(crate) use directory::{Directory, DirectoryWriter};
pub(crate) use entry::{Entry, Postings};
pub(crate) use header::{HEADER_BYTES, IndexHeader, IndexVersion, Sections};
pub(crate) use key::TermKey;
pub(crate) use list::BLOCK;
pub(crate) use places::encode as encode_places;
pub(crate) use places::{PLACES_PER_BLOCK, PlaceBlock};
