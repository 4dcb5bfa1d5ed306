//! Parked events in files.

use super::{Parked, ParkedEvents, cut};
use crate::env::Env;
use crate::env::fs::Fs;
use crate::error::Result;
use crate::format::names::safe_file_name;
use crate::format::parked::{MAX_BYTES, ParkedFile};
use crate::small_files::SmallFiles;
use crate::store::check_name;
use crate::types::{Position, StoreId, Timestamp};
use std::path::Path;
use std::sync::Arc;

/// Parked events in a directory, a small file for each: checksummed, bound to
/// their store, and put in place as a whole. A file that is damaged still
/// tells by its name which event is parked, and is listed so.
///
/// ```
/// use annals::parked::{FileParked, ParkedEvents};
/// use annals::{EventStore, MemoryStore};
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("parked");
/// let store = MemoryStore::new();
/// let parked = FileParked::open(&path, store.id())?;
/// assert!(parked.list("mailer")?.is_empty());
/// # Ok::<(), annals::Error>(())
/// ```
#[derive(Debug)]
pub struct FileParked {
    files: SmallFiles,
    store: StoreId,
}

impl FileParked {
    /// Opens a directory of parked events of this store; makes it if it isn't
    /// there.
    ///
    /// # Errors
    /// The directory can't be made.
    pub fn open(dir: impl AsRef<Path>, store: StoreId) -> Result<Self> {
        Self::open_in(Env::os().fs, dir.as_ref(), store)
    }

    pub(crate) fn open_in(fs: Arc<dyn Fs>, dir: &Path, store: StoreId) -> Result<Self> {
        let files = SmallFiles::open(fs, dir)?;
        Ok(FileParked { files, store })
    }

    /// What the file of this handler and position says; `None` if it is gone.
    fn read(&self, handler: &str, position: Position) -> Result<Option<Parked>> {
        let file = file_name(handler, position);
        let Some(bytes) = self.files.read(&file, MAX_BYTES)? else {
            return Ok(None);
        };
        let same = |found: &ParkedFile| {
            found.store == self.store && found.handler == handler && found.position == position
        };
        Ok(Some(match ParkedFile::decode(&bytes) {
            Ok(found) if same(&found) => Parked {
                handler: found.handler,
                position: found.position,
                tries: found.tries,
                error: found.error,
                parked: found.parked,
            },
            Ok(_) => unreadable(handler, position, "the file is of another event"),
            Err(fault) => unreadable(handler, position, fault.reason()),
        }))
    }
}

/// What is known of a parked event from the name of its file alone.
fn unreadable(handler: &str, position: Position, reason: &str) -> Parked {
    Parked {
        handler: handler.to_owned(),
        position,
        tries: 0,
        error: format!("not known any more, because its file can't be read: {reason}"),
        parked: Timestamp::UNIX_EPOCH,
    }
}

fn file_name(handler: &str, position: Position) -> String {
    safe_file_name(handler, &suffix(position))
}

fn suffix(position: Position) -> String {
    format!("{:020}.parked", position.get())
}

/// The position in a file name that starts like those of a handler.
fn parse_position(name: &str, start: &str) -> Option<Position> {
    let digits = name.strip_prefix(start)?.strip_suffix(".parked")?;
    let position = Position::new(digits.parse().ok()?);
    (name == format!("{start}{}", suffix(position))).then_some(position)
}

impl ParkedEvents for FileParked {
    fn park(&self, parked: &Parked) -> Result<()> {
        check_name("handler", &parked.handler)?;
        let bytes = ParkedFile {
            store: self.store,
            handler: parked.handler.clone(),
            position: parked.position,
            tries: parked.tries,
            error: cut(&parked.error).to_owned(),
            parked: parked.parked.whole_micros(),
        }
        .encode();
        let file = file_name(&parked.handler, parked.position);
        self.files.replace(&file, &bytes)
    }

    fn list(&self, handler: &str) -> Result<Vec<Parked>> {
        check_name("handler", handler)?;
        let names = self.files.names()?;
        let start = safe_file_name(handler, "");
        let mut positions: Vec<_> = names
            .iter()
            .filter_map(|name| parse_position(name, &start))
            .collect();
        positions.sort();
        let read = |position| self.read(handler, position).transpose();
        positions.into_iter().filter_map(read).collect()
    }

    fn remove(&self, handler: &str, position: Position) -> Result<()> {
        check_name("handler", handler)?;
        self.files.remove(&file_name(handler, position))
    }
}
