//! Cursors in files.

use super::{Cursor, CursorStore};
use crate::env::fs::Fs;
use crate::env::{Env, say};
use crate::error::{Error, Result};
use crate::format::cursor::{CursorFile, MAX_BYTES};
use crate::format::names::safe_file_name;
use crate::small_files::SmallFiles;
use crate::store::check_name;
use crate::types::StoreId;
use std::path::Path;
use std::sync::Arc;

const SUFFIX: &str = "cursor";

/// Cursors in a directory, a small file for each: checksummed, bound to their
/// store and their name, and replaced as a whole, so that a crash leaves
/// either the old one or the new one.
///
/// Names may be any text of up to 1,024 bytes; names that differ only in case
/// are different cursors also where the file system doesn't tell them apart.
///
/// ```
/// use annals::cursor::{Cursor, CursorStore, FileCursors};
/// use annals::{EventStore, MemoryStore, Position};
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("cursors");
/// let store = MemoryStore::new();
/// let cursors = FileCursors::open(&path, store.id())?;
/// let reached = Cursor { position: Position::new(7), replay: Position::START };
/// cursors.save("mailer", reached)?;
/// assert_eq!(FileCursors::open(&path, store.id())?.load("mailer")?, Some(reached));
/// # Ok::<(), annals::Error>(())
/// ```
#[derive(Debug)]
pub struct FileCursors {
    files: SmallFiles,
    store: StoreId,
}

impl FileCursors {
    /// Opens a directory of cursors for this store; makes it if it isn't there.
    ///
    /// # Errors
    /// The directory can't be made.
    pub fn open(dir: impl AsRef<Path>, store: StoreId) -> Result<Self> {
        Self::open_in(Env::os().fs, dir.as_ref(), store)
    }

    pub(crate) fn open_in(fs: Arc<dyn Fs>, dir: &Path, store: StoreId) -> Result<Self> {
        let files = SmallFiles::open(fs, dir)?;
        Ok(FileCursors { files, store })
    }

    /// What a cursor file says, if there is one of this name.
    fn read(&self, file: &str) -> Result<Option<CursorFile>> {
        let Some(bytes) = self.files.read(file, MAX_BYTES)? else {
            return Ok(None);
        };
        let path = self.files.path(file);
        let found = CursorFile::decode(&bytes).map_err(|fault| fault.in_file(&path, 0))?;
        if found.store != self.store {
            let reason = format!("it is a cursor of another store, {}", found.store);
            return Err(Error::corrupt(&path, 16, reason));
        }
        Ok(Some(found))
    }
}

fn file_name(name: &str) -> Result<String> {
    check_name("cursor", name)?;
    Ok(safe_file_name(name, SUFFIX))
}

fn is_cursor(file: &str) -> bool {
    file.strip_suffix(SUFFIX)
        .is_some_and(|stem| stem.ends_with('.'))
}

impl CursorStore for FileCursors {
    fn load(&self, name: &str) -> Result<Option<Cursor>> {
        let file = file_name(name)?;
        let Some(found) = self.read(&file)? else {
            return Ok(None);
        };
        if found.name != name {
            let reason = format!("it is the cursor {:?}", found.name);
            return Err(Error::corrupt(&self.files.path(&file), 48, reason));
        }
        Ok(Some(Cursor {
            position: found.position,
            replay: found.replay,
        }))
    }

    fn save(&self, name: &str, cursor: Cursor) -> Result<()> {
        let file = file_name(name)?;
        let bytes = CursorFile {
            store: self.store,
            name: name.to_owned(),
            position: cursor.position,
            replay: cursor.replay,
        }
        .encode();
        self.files.replace(&file, &bytes)
    }

    fn remove(&self, name: &str) -> Result<()> {
        self.files.remove(&file_name(name)?)
    }

    fn list(&self) -> Result<Vec<(String, Cursor)>> {
        let files = self.files.names()?;
        let mut cursors = Vec::new();
        for file in files.iter().filter(|name| is_cursor(name)) {
            // One that was removed since is simply not there.
            let Some(found) = self.read(file)? else {
                continue;
            };
            if safe_file_name(&found.name, SUFFIX) != *file {
                let name = &found.name;
                say::warn(format_args!("{file} is a misplaced cursor: {name:?}"));
                continue;
            }
            let cursor = Cursor {
                position: found.position,
                replay: found.replay,
            };
            cursors.push((found.name, cursor));
        }
        cursors.sort_by(|one, other| one.0.cmp(&other.0));
        Ok(cursors)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Position;
    use std::path::PathBuf;

    fn at(position: u64) -> Cursor {
        Cursor {
            position: Position::new(position),
            replay: Position::new(position / 2),
        }
    }

    fn path(cursors: &FileCursors, name: &str) -> PathBuf {
        cursors.files.path(&file_name(name).unwrap())
    }

    fn open(dir: &tempfile::TempDir, store: u8) -> FileCursors {
        FileCursors::open(dir.path().join("cursors"), StoreId::from_bytes([store; 16])).unwrap()
    }

    #[test]
    fn cursors_outlive_their_store_and_names_are_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let cursors = open(&dir, 1);
        for (count, name) in ["b", "B", "a/ä", "con"].iter().enumerate() {
            cursors.save(name, at(1)).unwrap();
            cursors.save(name, at(count as u64 + 10)).unwrap();
        }
        let again = open(&dir, 1);
        assert_eq!(again.load("B").unwrap(), Some(at(11)));
        assert_eq!(again.load("c").unwrap(), None);
        again.remove("b").unwrap();
        again.remove("b").unwrap();
        let names: Vec<_> = again.list().unwrap().into_iter().map(|own| own.0).collect();
        assert_eq!(names, ["B", "a/ä", "con"]);
        assert!(again.load("").is_err());
    }

    #[test]
    fn a_damaged_cursor_and_one_of_another_store_are_errors_until_removed() {
        let dir = tempfile::tempdir().unwrap();
        let cursors = open(&dir, 1);
        cursors.save("a", at(5)).unwrap();
        let other = open(&dir, 2).load("a").unwrap_err();
        assert!(other.to_string().contains("another store"), "{other}");
        let path = path(&cursors, "a");
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[33] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        assert!(cursors.load("a").unwrap_err().is_corrupt());
        assert!(cursors.list().unwrap_err().is_corrupt());
        std::fs::write(&path, vec![0; 1 << 20]).unwrap();
        assert!(cursors.load("a").unwrap_err().is_corrupt());
        cursors.remove("a").unwrap();
        assert_eq!(cursors.load("a").unwrap(), None);
    }

    #[test]
    fn the_cursor_of_another_name_is_not_taken() {
        let dir = tempfile::tempdir().unwrap();
        let cursors = open(&dir, 1);
        cursors.save("a", at(5)).unwrap();
        std::fs::copy(path(&cursors, "a"), path(&cursors, "b")).unwrap();
        assert!(cursors.load("b").unwrap_err().is_corrupt());
        assert_eq!(cursors.list().unwrap(), [("a".to_owned(), at(5))]);
    }

    /// At every boundary of a workload, and for what may survive of it: the
    /// cursor is the last one that was saved, or the one being saved.
    #[test]
    fn a_crash_leaves_the_saved_cursor_or_the_one_being_saved() {
        use crate::env::sim::{SectorSize, SimDisk};
        use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
        let disk = SimDisk::new(SectorSize::Bytes512);
        let saved = Arc::new(AtomicU64::new(0));
        let states = Arc::new(AtomicU64::new(0));
        let (seen, count) = (Arc::clone(&saved), Arc::clone(&states));
        let dir = Path::new("/store/cursors");
        let open = move |disk: &SimDisk| {
            FileCursors::open_in(Arc::new(disk.clone()), dir, StoreId::from_bytes([1; 16])).unwrap()
        };
        disk.on_boundary(move |disk, boundary| {
            let point = disk.crash_point();
            for choices in point.explore(64, boundary.number) {
                let found = open(&point.crash(&choices)).load("c").unwrap();
                let found = found.map_or(0, |own| own.position.get());
                let last = seen.load(SeqCst);
                assert!(found == last || found == last + 1, "{found} after {last}");
                count.fetch_add(1, SeqCst);
            }
        });
        let cursors = open(&disk);
        for position in 1..8 {
            cursors.save("c", at(position)).unwrap();
            saved.store(position, SeqCst);
        }
        assert!(states.load(SeqCst) > 100, "{}", states.load(SeqCst));
    }
}
