//! Where each event id stands in the log, for stores that keep ids unique.
//!
//! A row of parts, as the index is one: immutable files, and behind them
//! tables in memory. An id is known by a fingerprint of its hash, so what is
//! found are candidates, and only the events say.

mod audit;
mod build;
mod file;
mod parts;
mod table;

pub(crate) use audit::IdAudit;
pub(crate) use build::{Sorted, WriteFailure, merged, write};
pub(crate) use file::IdFile;
pub(crate) use parts::{IdParts, Ids};
pub(crate) use table::IdTable;
