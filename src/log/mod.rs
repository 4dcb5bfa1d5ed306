//! Floor 5: the segmented log.
//!
//! Frames stand one behind the other in segment files. This floor knows how to
//! open, walk, extend and recover them; it knows nothing of queries.

mod prepare;
mod reader;
mod recover;
mod search;
mod segment;
mod segments;
mod verified;
mod walk;

pub(crate) use prepare::{Spare, prepare};
pub(crate) use reader::SegmentReader;
pub(crate) use recover::{Recovered, Recovery, Resume};
pub(crate) use search::Search;
pub(crate) use segment::{Access, Found, Segment};
pub(crate) use segments::Segments;
pub(crate) use verified::Known;
pub(crate) use walk::{Step, Walk};
