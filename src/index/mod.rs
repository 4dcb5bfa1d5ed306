//! Floor 6: from terms to the positions of events, and from positions to
//! their places in the log.
//!
//! The index is a row of parts over disjoint, ascending ranges of positions:
//! immutable files, and behind them tables in memory over what was appended
//! last. When a table is full it is frozen, written as a file once its events
//! are durable, and small files are merged into larger ones, so that neither
//! memory nor the number of files to look into grows with the log. All of it
//! is derived: anything doubtful is thrown away and made again from the log.

mod audit;
mod body;
mod build;
mod coming;
mod explain;
mod file;
mod filter;
mod ids;
mod known;
mod list;
mod lists;
mod merging;
mod parts;
mod postings;
mod sealed;
mod search;
mod short;
mod slots;
mod table;
mod terms;

pub(crate) use audit::Audit;
pub(crate) use build::{Image, merge};
pub(crate) use explain::explain;
pub(crate) use file::IndexFile;
pub(crate) use ids::{IdAudit, IdFile, IdParts, IdTable, Ids, Sorted, WriteFailure, merged, write};
pub(crate) use known::KnownKeys;
pub(crate) use parts::{Index, Parts};
pub(crate) use search::{Candidate, Search, Way};
pub(crate) use short::{Asked, Short};
pub(crate) use table::Table;
pub(crate) use terms::{EventTerms, Marks, TermHasher};
