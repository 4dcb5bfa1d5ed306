//! Compares a file of ids with the log that it was made from.

use super::file::IdFile;
use crate::error::{Error, Result};
use crate::index::TermHasher;
use crate::types::{EventRef, Position};
use std::sync::Arc;

/// Takes the events of a file's range in, in order, and says where the file
/// differs. A file has one entry for each position, so that it is right if
/// each is found; nothing has to be remembered.
#[derive(Debug)]
pub(crate) struct IdAudit {
    file: Arc<IdFile>,
    hasher: TermHasher,
    failed: bool,
}

impl IdAudit {
    /// An audit of a file whose checksums and order hold.
    ///
    /// # Errors
    /// `Corrupt` if they do not.
    pub(crate) fn new(file: Arc<IdFile>, hasher: &TermHasher) -> Result<Self> {
        let mut last = None;
        for entry in file.entries() {
            let entry = entry?;
            if last.is_some_and(|last| last >= entry) {
                let reason = "the entries are not in their order";
                return Err(Error::corrupt(file.path(), 0, reason));
            }
            last = Some(entry);
        }
        Ok(IdAudit {
            file,
            hasher: hasher.clone(),
            failed: false,
        })
    }

    /// Compares what the file says of an event's id with where it is. After a
    /// first difference nothing more is compared.
    pub(crate) fn compare(&mut self, event: &EventRef<'_>) -> Result<()> {
        let position = event.position();
        if self.failed || position < self.file.first() || position > self.file.last() {
            return Ok(());
        }
        let mut found = Vec::new();
        let looked = self.file.find(self.hasher.id(event.id()), &mut found);
        self.failed = looked.is_err() || !found.contains(&position);
        looked?;
        match self.failed {
            true => Err(self.differs(position)),
            false => Ok(()),
        }
    }

    fn differs(&self, position: Position) -> Error {
        let reason = format!("the ids differ from the log at position {position}");
        Error::corrupt(self.file.path(), 0, reason)
    }
}
