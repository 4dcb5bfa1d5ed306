//! Compares an index file with the log that it was made from.

use super::file::IndexFile;
use super::list::List;
use super::parts::Part;
use super::terms::TermHasher;
use crate::error::{Error, Result};
use crate::format::index::TermKey;
use crate::types::{EventRef, Position, Version};
use std::collections::HashMap;
use std::sync::Arc;

/// Takes the events of a file's range in, in order, and says where the file
/// differs. What it has to remember grows with the number of terms in the
/// range, not with that of events.
#[derive(Debug)]
pub(crate) struct Audit {
    file: Arc<IndexFile>,
    hasher: TermHasher,
    /// For each term how many of its postings have been met.
    met: HashMap<TermKey, u32>,
    others: Vec<TermKey>,
    failed: bool,
}

impl Audit {
    pub(crate) fn new(file: Arc<IndexFile>, hasher: &TermHasher) -> Self {
        Audit {
            file,
            hasher: hasher.clone(),
            met: HashMap::new(),
            others: Vec::new(),
            failed: false,
        }
    }

    /// Compares what the file says of an event with the event. After a first
    /// difference nothing more is compared.
    pub(crate) fn compare(
        &mut self,
        event: &EventRef<'_>,
        segment: u64,
        offset: u64,
    ) -> Result<()> {
        let position = event.position();
        if self.failed || position < self.file.first() || position > self.file.last() {
            return Ok(());
        }
        let compared = self.compare_within(event, segment, offset);
        self.failed = compared.is_err();
        compared
    }

    /// Compares nothing more if the file speaks of positions that the log has
    /// lost: they can't be compared.
    pub(crate) fn skip_if_over(&mut self, first: Position, last: Position) {
        self.failed |= self.file.first() <= last && self.file.last() >= first;
    }

    fn compare_within(&mut self, event: &EventRef<'_>, segment: u64, offset: u64) -> Result<()> {
        let position = event.position();
        if self.file.place(position)? != (segment, offset) {
            return Err(self.differs(position, "its place"));
        }
        let stream = self.hasher.stream(event.stream());
        self.expect(stream, position, Some(event.version()))?;
        let mut others = std::mem::take(&mut self.others);
        others.clear();
        self.hasher.tags(event.tags().iter(), &mut others);
        others.push(self.hasher.category_of(event.stream()));
        others.push(self.hasher.event_type(event.event_type()));
        if event.version() == Version::new(1) {
            others.push(self.hasher.marks().stream_start);
        }
        // Terms that share a key have their postings in common.
        for key in &mut others {
            *key = self.file.key(*key);
        }
        others.sort_unstable();
        others.dedup();
        let expected = others
            .iter()
            .try_for_each(|key| self.expect(*key, position, None));
        self.others = others;
        expected
    }

    /// The next posting of a term must be this position.
    fn expect(&mut self, key: TermKey, position: Position, version: Option<Version>) -> Result<()> {
        let place = (position.get() - self.file.first().get()) as u32;
        let met = self.met.entry(key).or_default();
        let index = *met;
        *met += 1;
        let list = List::open(&Part::File(Arc::clone(&self.file)), key)?;
        let Some(mut list) = list.filter(|list| index < list.count()) else {
            return Err(self.differs(position, "a term"));
        };
        let numbered = version.is_none_or(|version| {
            list.first_version()
                .map(|first| first.plus(u64::from(index)))
                == Some(version)
        });
        if list.get(index)? == place && numbered {
            return Ok(());
        }
        Err(self.differs(position, "a term"))
    }

    /// Says whether the file has postings that the log has not.
    pub(crate) fn finish(self) -> Result<()> {
        if self.failed {
            return Ok(());
        }
        let type_seen = self.file.key(self.hasher.marks().type_seen);
        let mut terms = self.file.terms();
        while let Some(bucket) = terms.next_bucket()? {
            for term in bucket {
                let met = self.met.get(&term.key).copied().unwrap_or(0);
                if term.key != type_seen && met != term.count {
                    return Err(self.differs(self.file.last(), "a term that the log has not"));
                }
            }
        }
        Ok(())
    }

    fn differs(&self, position: Position, what: &str) -> Error {
        let reason = format!("the index differs from the log at position {position}: {what}");
        Error::corrupt(self.file.path(), 0, reason)
    }
}
