//! Snapshots in files, many in each.
//!
//! Records are written one after the other into the newest file (a pack); the
//! latest of each owner is what counts. Which is where is known from an index
//! in memory, which opening makes from the headers of all records. A record
//! verifies or is left aside, so nothing has to be synced for the sake of
//! being right; what is synced spares replays after a crash.

mod index;
mod open;
mod pack;
mod reclaim;
#[cfg(test)]
mod tests;
mod writer;

use super::{Saved, Snapshot, SnapshotKey, SnapshotStore};
use crate::env::fs::{Fs, LockGuard};
use crate::env::sync::{Mutex, RwLock};
use crate::env::{Env, say};
use crate::error::{Error, Result};
use crate::format::Fault;
use crate::format::snapshot::{Body, Header, Record, owner_hash};
use crate::store::check_name;
use crate::types::{Position, Timestamp, Version};
use bytes::Bytes;
use index::{Index, Place};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use writer::Writer;

/// Snapshots in a directory: many to a file, found through sixteen bytes of
/// memory each (with the table's room to grow, 20 to 40).
///
/// A snapshot is checksummed and says itself of which store, stream, kind,
/// version and schema it is. One that is damaged is left aside; the feature
/// `tracing` tells of it. Old versions are cleared away by and by, and under
/// the limit those give way that were saved longest ago.
///
/// One process has the directory at a time. Of a directory that was copied,
/// or is of another store, nothing is taken for what it isn't.
///
/// ```
/// use annals::snapshot::{FileSnapshots, Snapshot, SnapshotKey, SnapshotStore};
/// use annals::{EventStore, MemoryStore, Position, Timestamp, Version};
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("snapshots");
/// let store = MemoryStore::new();
/// let key = SnapshotKey { store: store.id(), stream: "accounts/7", kind: "Account", schema: 1 };
/// let state = Snapshot::new(key, Version::new(100), Position::new(950), Timestamp::UNIX_EPOCH, "{}");
///
/// let snapshots = FileSnapshots::open(&path)?;
/// snapshots.save(state.clone(), Position::new(1000))?;
/// drop(snapshots);
///
/// let snapshots = FileSnapshots::open(&path)?;
/// assert_eq!(snapshots.load(key, Version::new(120))?, Some(state));
/// # Ok::<(), annals::Error>(())
/// ```
pub struct FileSnapshots {
    place: Directory,
    writer: Mutex<Writer>,
    /// Changed only by whoever has the writer.
    index: RwLock<Index>,
    _lock: Box<dyn LockGuard>,
}

/// Where the packs are, and how large they may be.
#[derive(Clone, Debug)]
struct Directory {
    fs: Arc<dyn Fs>,
    path: PathBuf,
    /// What all packs together may take, in bytes.
    limit: u64,
}

impl Directory {
    /// How large a pack gets before the next one is begun.
    fn pack_bytes(&self) -> u64 {
        (self.limit / 16).clamp(4096, 64 << 20)
    }

    fn error(&self, file: &str, operation: &'static str, error: std::io::Error) -> Error {
        Error::io(&self.path.join(file), operation, error)
    }
}

/// What the files may take unless the caller says otherwise: 1 GiB.
const LIMIT: u64 = 1 << 30;

impl FileSnapshots {
    /// Opens a directory of snapshots; makes it if it isn't there. The files
    /// in it may take 1 GiB.
    ///
    /// # Errors
    /// As `open_with_limit`.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self> {
        Self::open_with_limit(dir, LIMIT)
    }

    /// Opens a directory of snapshots; makes it if it isn't there. The files
    /// in it may take `limit` bytes (64 KiB at least); a snapshot that is
    /// larger than a quarter of that is not kept.
    ///
    /// # Errors
    /// - `Locked` if somebody has the directory open.
    /// - The directory can't be made or read.
    pub fn open_with_limit(dir: impl AsRef<Path>, limit: u64) -> Result<Self> {
        Self::open_in(Env::os().fs, dir.as_ref(), limit)
    }

    /// How many snapshots there are.
    pub fn len(&self) -> usize {
        self.index.read().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What the files take, in bytes.
    pub fn bytes(&self) -> u64 {
        self.index.read().bytes()
    }

    /// Makes the snapshots that were saved so far survive a loss of power.
    /// Nothing depends on it but the time that replaying them would take.
    ///
    /// # Errors
    /// The operating system refused.
    pub fn flush(&self) -> Result<()> {
        self.writer.lock().sync(&self.place)
    }

    /// The latest record of an owner, if there is one and it verifies.
    fn find(&self, owner: u64) -> Result<Option<(Place, Header, Bytes)>> {
        let (place, pack) = {
            let index = self.index.read();
            let Some(place) = index.place(owner) else {
                return Ok(None);
            };
            let Some(pack) = index.packs.get(&place.pack) else {
                return Ok(None);
            };
            (place, pack.clone())
        };
        let name = pack::name(place.pack);
        let found = pack::read(&pack, u64::from(place.offset))
            .map_err(|error| self.place.error(&name, "read", error))?;
        match found {
            Ok((header, record)) => Ok(Some((place, header, Bytes::from(record)))),
            Err(fault) => {
                leave_aside(&name, place, fault);
                Ok(None)
            }
        }
    }
}

fn leave_aside(name: &str, place: Place, fault: Fault) {
    say::warn(format_args!(
        "the snapshot at byte {} of {name} is left aside: {}",
        place.offset,
        fault.reason()
    ));
}

/// A record as a snapshot; `None` if it says that there is none.
fn as_snapshot(header: &Header, record: &Bytes) -> Result<Option<Snapshot>, Fault> {
    let Body {
        kind,
        stream,
        state,
    } = header.body(record)?;
    let key = SnapshotKey {
        store: header.store,
        stream,
        kind,
        schema: header.schema,
    };
    let state = record.slice_ref(state);
    let snapshot = Snapshot::new(key, header.version, header.position, header.taken, state);
    Ok((!header.removed).then_some(snapshot))
}

impl SnapshotStore for FileSnapshots {
    fn load(&self, key: SnapshotKey<'_>, at_most: Version) -> Result<Option<Snapshot>> {
        let owner = owner_hash(key.store, key.kind, key.stream);
        let Some((place, header, record)) = self.find(owner)? else {
            return Ok(None);
        };
        match as_snapshot(&header, &record) {
            Ok(found) => Ok(found.and_then(|own| own.if_it_serves(key, at_most))),
            Err(fault) => {
                leave_aside(&pack::name(place.pack), place, fault);
                Ok(None)
            }
        }
    }

    fn save(&self, snapshot: Snapshot, durable: Position) -> Result<Saved> {
        let key = snapshot.key();
        check_name("stream", key.stream)?;
        check_name("aggregate", key.kind)?;
        if snapshot.position() > durable {
            return Ok(Saved::NotDurable);
        }
        let record = Record {
            store: key.store,
            version: snapshot.version(),
            position: snapshot.position(),
            taken: snapshot.taken(),
            schema: key.schema,
            removed: false,
            body: Body {
                kind: key.kind,
                stream: key.stream,
                state: snapshot.state(),
            },
        };
        let Some(bytes) = record.encode() else {
            return Ok(Saved::TooLarge);
        };
        if bytes.len() as u64 > self.place.limit / 4 {
            return Ok(Saved::TooLarge);
        }
        let mut writer = self.writer.lock();
        let before = self.find(owner_hash(key.store, key.kind, key.stream))?;
        let is_later = |(_, header, record): &(Place, Header, Bytes)| {
            let found = as_snapshot(header, record).ok().flatten();
            found.is_some_and(|own| own.key() == key && own.version() > snapshot.version())
        };
        if before.as_ref().is_some_and(is_later) {
            return Ok(Saved::Outdated);
        }
        self.write(&mut writer, &bytes, before.map(|own| (own.0, own.1)))?;
        Ok(Saved::Kept)
    }

    fn remove(&self, key: SnapshotKey<'_>) -> Result<()> {
        let mut writer = self.writer.lock();
        let owner = owner_hash(key.store, key.kind, key.stream);
        let Some(place) = self.index.read().place(owner) else {
            return Ok(());
        };
        let record = Record {
            store: key.store,
            version: Version::NONE,
            position: Position::START,
            taken: Timestamp::UNIX_EPOCH,
            schema: key.schema,
            removed: true,
            body: Body {
                kind: key.kind,
                stream: key.stream,
                state: &[],
            },
        };
        let before = self.find(owner)?.map(|(_, header, _)| (place, header));
        if before.as_ref().is_some_and(|(_, header)| header.removed) {
            return Ok(());
        }
        if let Some(bytes) = record.encode() {
            self.write(&mut writer, &bytes, before)?;
        }
        writer.sync(&self.place)
    }
}

impl Drop for FileSnapshots {
    fn drop(&mut self) {
        if let Err(error) = self.flush() {
            say::warn(format_args!("the last snapshots may be lost: {error}"));
        }
    }
}

impl fmt::Debug for FileSnapshots {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("FileSnapshots")
            .field("path", &self.place.path)
            .field("limit", &self.place.limit)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
