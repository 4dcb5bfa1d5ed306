//! The parts that know the ids of a store, and how they change.

use super::file::IdFile;
use super::table::IdTable;
use crate::env::sync::RwLock;
use crate::error::Result;
use crate::types::Position;
use std::sync::Arc;

/// All ids at one moment: parts over adjacent ranges, oldest first. The last
/// table is the one that grows.
#[derive(Clone, Debug, Default)]
pub(crate) struct IdParts {
    files: Vec<Arc<IdFile>>,
    tables: Vec<Arc<RwLock<IdTable>>>,
}

impl IdParts {
    /// The files, oldest first.
    pub(crate) fn files(&self) -> &[Arc<IdFile>] {
        &self.files
    }

    /// The tables that have stopped growing, oldest first.
    pub(crate) fn frozen(&self) -> &[Arc<RwLock<IdTable>>] {
        self.tables.split_last().map_or(&[], |(_, frozen)| frozen)
    }

    /// Up to where all parts reach but the table that grows.
    pub(crate) fn sealed(&self) -> Position {
        let growing = self.tables.last();
        growing.map_or(Position::START, |table| table.read().first().previous())
    }

    /// Appends the positions after `after` that a fingerprint may stand for,
    /// where the newest are looked at first.
    pub(crate) fn find(
        &self,
        fingerprint: u64,
        after: Position,
        found: &mut Vec<Position>,
    ) -> Result<()> {
        let before = found.len();
        for table in self.tables.iter().rev() {
            let table = table.read();
            if table.last() <= after {
                break;
            }
            found.extend(table.find(fingerprint));
        }
        self.find_in_files(fingerprint, after, found)?;
        let mut at = 0;
        found.retain(|position| {
            at += 1;
            at <= before || *position > after
        });
        Ok(())
    }

    fn find_in_files(
        &self,
        fingerprint: u64,
        after: Position,
        found: &mut Vec<Position>,
    ) -> Result<()> {
        let newer = self.files.iter().rev();
        newer
            .take_while(|file| file.last() > after)
            .try_for_each(|file| file.find(fingerprint, found))
    }

    /// Whether a fingerprint is in none of the parts that have stopped
    /// growing.
    pub(crate) fn is_new_to_sealed(&self, fingerprint: u64) -> Result<bool> {
        let in_table = |table: &Arc<RwLock<IdTable>>| table.read().find(fingerprint).count() > 0;
        if self.frozen().iter().any(in_table) {
            return Ok(false);
        }
        let mut found = Vec::new();
        self.find_in_files(fingerprint, Position::START, &mut found)?;
        Ok(found.is_empty())
    }
}

/// The ids of a store. Whoever looks takes what is there at one moment; changes
/// put a new row of parts in the place of the old one.
#[derive(Debug)]
pub(crate) struct Ids {
    parts: RwLock<Arc<IdParts>>,
}

impl Ids {
    /// The ids of these files, oldest first, and of a table that continues
    /// them.
    pub(crate) fn new(files: Vec<Arc<IdFile>>, table: IdTable) -> Self {
        let tables = vec![Arc::new(RwLock::new(table))];
        Ids {
            parts: RwLock::new(Arc::new(IdParts { files, tables })),
        }
    }

    pub(crate) fn parts(&self) -> Arc<IdParts> {
        Arc::clone(&self.parts.read())
    }

    /// Whether one of these fingerprints seems to stand after `after`.
    pub(crate) fn has_any(&self, fingerprints: &[u64], after: Position) -> Result<bool> {
        let parts = self.parts.read();
        let mut found = Vec::new();
        for fingerprint in fingerprints {
            parts.find(*fingerprint, after, &mut found)?;
            if !found.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Adds the ids of the next positions.
    pub(crate) fn push(&self, fingerprints: &[u64]) {
        let parts = self.parts.read();
        if let Some(growing) = parts.tables.last() {
            let mut table = growing.write();
            for fingerprint in fingerprints {
                table.push(*fingerprint);
            }
        }
    }

    /// Lets the table that grows be, and puts a new one behind it.
    pub(crate) fn freeze(&self) {
        self.change(|parts| {
            let last = parts.tables.last().map(|table| table.read().last());
            let next = last.unwrap_or(Position::START).next();
            parts.tables.retain(|table| !table.read().is_empty());
            parts.tables.push(Arc::new(RwLock::new(IdTable::new(next))));
        });
    }

    /// Puts files in the place of the parts whose ranges they cover together.
    pub(crate) fn put(&self, files: &[Arc<IdFile>]) {
        let (Some(first), Some(last)) = (files.first(), files.last()) else {
            return;
        };
        let (first, last) = (first.first(), last.last());
        self.change(|parts| {
            parts
                .files
                .retain(|own| own.first() < first || own.last() > last);
            let at = parts.files.partition_point(|own| own.first() < first);
            parts.files.splice(at..at, files.iter().cloned());
            parts.tables.retain(|table| {
                let table = table.read();
                // An empty one covers nothing, and is the one that grows.
                table.is_empty() || table.first() < first || table.last() > last
            });
        });
    }

    fn change(&self, change: impl FnOnce(&mut IdParts)) {
        let mut parts = self.parts.write();
        let mut changed = IdParts::clone(&parts);
        change(&mut changed);
        *parts = Arc::new(changed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_looked_into_from_the_newest_on() {
        let ids = Ids::new(Vec::new(), IdTable::new(Position::new(1)));
        ids.push(&[7, 8, 7]);
        ids.freeze();
        ids.push(&[9]);
        ids.freeze();
        ids.push(&[7]);
        let parts = ids.parts();
        assert_eq!(parts.sealed(), Position::new(4));
        assert_eq!(parts.frozen().len(), 2);
        let find = |fingerprint, after| {
            let mut found = vec![Position::new(99)];
            let after = Position::new(after);
            parts.find(fingerprint, after, &mut found).unwrap();
            found.sort_unstable();
            let found = found.into_iter().map(Position::get);
            found.filter(|own| *own != 99).collect::<Vec<_>>()
        };
        assert_eq!(find(7, 0), [1, 3, 5]);
        assert_eq!(find(7, 1), [3, 5]);
        assert_eq!(find(7, 4), [5]);
        assert!(find(7, 5).is_empty());
        assert_eq!(find(9, 3), [4]);
        assert!(!parts.is_new_to_sealed(9).unwrap());
        assert!(parts.is_new_to_sealed(10).unwrap());
    }
}
