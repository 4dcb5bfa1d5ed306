//! The parts of the index, and how they change.

use super::file::{IndexFile, LastPlace};
use super::list::List;
use super::search::Candidate;
use super::slots::Whereabouts;
use super::table::Table;
use crate::env::sync::RwLock;
use crate::error::Result;
use crate::format::index::TermKey;
use crate::types::{Position, Version};
use std::sync::Arc;

/// Postings of a range of positions.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    File(Arc<IndexFile>),
    Table(Arc<RwLock<Table>>),
}

impl Part {
    /// The first and the last position of the range; for a table, as it is
    /// at this moment.
    pub(crate) fn range(&self) -> (Position, Position) {
        match self {
            Part::File(file) => (file.first(), file.last()),
            Part::Table(table) => {
                let table = table.read();
                (table.first(), table.last())
            }
        }
    }

    /// The segment and the offset of the frame of a position in the range.
    fn place(&self, position: Position) -> Result<Option<(u64, u64)>> {
        match self {
            Part::File(file) => file.place(position).map(Some),
            Part::Table(table) => Ok(table.read().place(position)),
        }
    }

    /// Appends the frames of these positions, counted from the first one. Gives
    /// the first whose place is not known, if there is such.
    pub(super) fn locate(
        &self,
        positions: &[u32],
        last: &mut LastPlace,
        out: &mut Vec<Candidate>,
    ) -> Result<Option<Position>> {
        let table = match self {
            Part::File(file) => return file.locate(positions, last, out).map(|()| None),
            Part::Table(table) => table.read(),
        };
        for index in positions {
            let position = table.first().plus(u64::from(*index));
            let Some((segment, offset)) = table.place(position) else {
                return Ok(Some(position));
            };
            out.push(Candidate {
                position,
                segment,
                offset,
            });
        }
        Ok(None)
    }
}

/// The whole index at one moment: parts over adjacent ranges, oldest first.
/// The last one is the table that grows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parts {
    parts: Vec<Part>,
}

impl Parts {
    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Part> {
        self.parts.iter()
    }

    /// The files, oldest first.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Arc<IndexFile>> {
        self.parts.iter().filter_map(|part| match part {
            Part::File(file) => Some(file),
            Part::Table(_) => None,
        })
    }

    /// The segment and the offset of the frame of a position.
    pub(crate) fn place(&self, position: Position) -> Result<Option<(u64, u64)>> {
        let after = self
            .parts
            .partition_point(|part| part.range().0 <= position);
        match after.checked_sub(1) {
            Some(index) => self.parts[index].place(position),
            None => Ok(None),
        }
    }

    /// The positions that a term has, up to `bound`.
    pub(crate) fn positions(&self, key: TermKey, bound: Position) -> Result<Vec<Position>> {
        let mut positions = Vec::new();
        for part in &self.parts {
            let Some(mut list) = List::open(part, key)? else {
                continue;
            };
            for index in 0..list.count() {
                let position = part.range().0.plus(u64::from(list.get(index)?));
                if position > bound {
                    return Ok(positions);
                }
                positions.push(position);
            }
        }
        Ok(positions)
    }

    /// The version of a stream's last event, visible or not.
    pub(crate) fn latest(&self, stream: TermKey) -> Result<Version> {
        for part in self.parts.iter().rev() {
            let latest = match part {
                Part::Table(table) => table.read().latest(stream),
                Part::File(file) => file.latest(stream)?,
            };
            if let Some(latest) = latest {
                return Ok(latest);
            }
        }
        Ok(Version::NONE)
    }

    /// The version of a stream's last event that is not above `bound`.
    pub(crate) fn version(&self, stream: TermKey, bound: Position) -> Result<Version> {
        for part in self.parts.iter().rev() {
            let (first, end) = part.range();
            if first > bound {
                continue;
            }
            // What is whole below the bound needs no look at the postings.
            if let Part::File(file) = part
                && end <= bound
            {
                match file.latest(stream)? {
                    Some(latest) => return Ok(latest),
                    None => continue,
                }
            }
            let Some(mut list) = List::open(part, stream)? else {
                continue;
            };
            let place = bound.get() - first.get();
            let place = u32::try_from(place).unwrap_or(u32::MAX - 1);
            let count = list.rank(place.saturating_add(1))?;
            let first_version = list.first_version().unwrap_or(Version::new(1));
            if count > 0 {
                return Ok(first_version.plus(u64::from(count) - 1));
            }
        }
        Ok(Version::NONE)
    }
}

/// The index of a store. Readers take what it is at one moment; changes put a
/// new row of parts in the place of the old one.
#[derive(Debug, Default)]
pub(crate) struct Index {
    parts: RwLock<Arc<Parts>>,
    /// Where the terms of the newest table are.
    newest: Whereabouts,
}

impl Index {
    /// An index of these files, oldest first, and a table that continues them.
    pub(crate) fn new(files: Vec<Arc<IndexFile>>, table: Arc<RwLock<Table>>) -> Self {
        let mut parts: Vec<_> = files.into_iter().map(Part::File).collect();
        parts.push(Part::Table(table));
        Index {
            parts: RwLock::new(Arc::new(Parts { parts })),
            newest: Whereabouts::default(),
        }
    }

    pub(crate) fn parts(&self) -> Arc<Parts> {
        Arc::clone(&self.parts.read())
    }

    /// Has the processor fetch what the newest table knows of a term, which will
    /// be looked up there in a moment.
    pub(crate) fn fetch(&self, key: TermKey) {
        self.newest.fetch(key);
    }

    /// Notes that the newest table is this one, and has grown.
    pub(crate) fn has_grown(&self, table: &Table) {
        table.note(&self.newest);
    }

    /// Adds the table that continues the last one, which stops growing.
    pub(crate) fn add_table(&self, table: Arc<RwLock<Table>>) {
        self.change(|parts| parts.push(Part::Table(table)));
    }

    /// Puts a file in the place of the parts whose ranges it covers.
    pub(crate) fn put_file(&self, file: Arc<IndexFile>) {
        let (first, last) = (file.first(), file.last());
        self.change(|parts| {
            let covered = |part: &Part| {
                let range = part.range();
                // An empty table covers nothing, and is the one that grows.
                range.0 >= first && range.1 <= last && range.0 <= range.1
            };
            let at = parts.iter().position(covered).unwrap_or(0);
            parts.retain(|part| !covered(part));
            parts.insert(at, Part::File(file));
        });
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Part>)) {
        let mut parts = self.parts.write();
        let mut changed = Parts::clone(&parts);
        change(&mut changed.parts);
        *parts = Arc::new(changed);
    }

    /// The tables that have stopped growing, oldest first.
    pub(crate) fn frozen(&self) -> Vec<Arc<RwLock<Table>>> {
        let parts = self.parts();
        let mut tables: Vec<_> = parts
            .iter()
            .filter_map(|part| match part {
                Part::Table(table) => Some(Arc::clone(table)),
                Part::File(_) => None,
            })
            .collect();
        tables.pop();
        tables
    }
}
