//! Floor 8: a directory of small files, each checked and replaced as a whole:
//! how cursors and parked events are kept.

use crate::env::fs::{self, Fs, Kind};
use crate::env::sync::Mutex;
use crate::error::{Error, Result};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The directory. After a crash each name in it has the old content or the new.
#[derive(Debug)]
pub(crate) struct SmallFiles {
    fs: Arc<dyn Fs>,
    dir: PathBuf,
    /// Two threads that replace the same file would write one temporary file.
    changing: Mutex<()>,
}

impl SmallFiles {
    /// Opens the directory; makes it if it isn't there.
    pub(crate) fn open(fs: Arc<dyn Fs>, dir: &Path) -> Result<Self> {
        fs::create_dir_durably(&*fs, dir)
            .map_err(|error| Error::io(dir, "make the directory", error))?;
        Ok(SmallFiles {
            fs,
            dir: dir.to_path_buf(),
            changing: Mutex::new(()),
        })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// The names of all that is there, in no order.
    pub(crate) fn names(&self) -> Result<Vec<String>> {
        let names = self.fs.list(&self.dir);
        names.map_err(|error| Error::io(&self.dir, "list", error))
    }

    /// What a file holds, if it is there; of one that is longer than `most`,
    /// a byte more than that.
    pub(crate) fn read(&self, name: &str, most: usize) -> Result<Option<Vec<u8>>> {
        let path = self.path(name);
        match fs::read_small(&*self.fs, &path, most) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io(&path, "read", error)),
        }
    }

    /// Puts a file in place of what had its name. On return it is durable.
    pub(crate) fn replace(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let _alone = self.changing.lock();
        fs::replace(&*self.fs, &self.dir, name, bytes)
            .map_err(|error| Error::io(&self.path(name), "replace", error))
    }

    /// Removes a file for good. One that isn't there is no error.
    pub(crate) fn remove(&self, name: &str) -> Result<()> {
        let path = self.path(name);
        let _alone = self.changing.lock();
        let removed = match self.fs.kind(&path) {
            // An earlier removal may not be durable yet.
            Ok(Kind::Nothing) => Ok(()),
            Ok(_) => self.fs.remove(&path),
            Err(error) => Err(error),
        };
        removed
            .and_then(|()| self.fs.sync_dir(&self.dir))
            .map_err(|error| Error::io(&path, "remove", error))
    }
}
