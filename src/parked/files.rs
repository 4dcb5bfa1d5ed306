//! Parked events in files.

use super::{Parked, ParkedEvents, cut};
use crate::env::Env;
use crate::env::fs::{self, Fs, Kind};
use crate::env::sync::Mutex;
use crate::error::{Error, Result};
use crate::format::cursor::safe_file_name;
use crate::format::parked::{MAX_BYTES, ParkedFile};
use crate::format::{Fault, FaultKind};
use crate::store::check_name;
use crate::types::{Position, StoreId, Timestamp};
use std::io;
use std::path::{Path, PathBuf};
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
    fs: Arc<dyn Fs>,
    dir: PathBuf,
    store: StoreId,
    /// Two threads that park the same event would write one temporary file.
    writing: Mutex<()>,
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
        fs::create_dir_durably(&*fs, dir)
            .map_err(|error| Error::io(dir, "make the directory", error))?;
        Ok(FileParked {
            fs,
            dir: dir.to_path_buf(),
            store,
            writing: Mutex::new(()),
        })
    }

    /// What the file of this handler and position says; `None` if it is gone.
    fn read(&self, handler: &str, position: Position) -> Result<Option<Parked>> {
        let path = self.dir.join(file_name(handler, position));
        let bytes = match fs::read_small(&*self.fs, &path, MAX_BYTES) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io(&path, "read", error)),
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
            Err(fault) => unreadable(handler, position, reason(fault)),
        }))
    }
}

fn reason(fault: Fault) -> &'static str {
    match fault.kind {
        FaultKind::Damaged(reason) | FaultKind::Newer(reason) => reason,
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
        let name = file_name(&parked.handler, parked.position);
        let _alone = self.writing.lock();
        fs::replace(&*self.fs, &self.dir, &name, &bytes)
            .map_err(|error| Error::io(&self.dir.join(name), "replace", error))
    }

    fn list(&self, handler: &str) -> Result<Vec<Parked>> {
        check_name("handler", handler)?;
        let names = self
            .fs
            .list(&self.dir)
            .map_err(|error| Error::io(&self.dir, "list", error))?;
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
        let path = self.dir.join(file_name(handler, position));
        let _alone = self.writing.lock();
        let removed = match self.fs.kind(&path) {
            Ok(Kind::Nothing) => return Ok(()),
            Ok(_) => self.fs.remove(&path),
            Err(error) => Err(error),
        };
        removed
            .and_then(|()| self.fs.sync_dir(&self.dir))
            .map_err(|error| Error::io(&path, "remove", error))
    }
}
