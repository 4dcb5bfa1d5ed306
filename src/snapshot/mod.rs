//! Snapshots: the saved states of aggregates.
//!
//! A snapshot is a copy of what replay gives, so nothing is lost with it: any
//! that is in doubt is left aside, and the events are replayed.

// Floor 8.

mod background;
mod files;
mod memory;
mod policy;

pub use background::BackgroundSnapshots;
pub use files::FileSnapshots;
pub use memory::MemorySnapshots;
pub use policy::{Replayed, SnapshotPolicy};

use crate::env::say;
use crate::error::Result;
use crate::types::{Position, StoreId, Timestamp, Version};
use bytes::Bytes;

/// Whose state a snapshot is: what has to agree, or the snapshot is not the
/// one that is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SnapshotKey<'a> {
    /// The store whose events were replayed.
    pub store: StoreId,
    /// The stream whose events were replayed.
    pub stream: &'a str,
    /// What replayed them: the aggregate's name, so that two aggregates over
    /// one stream don't take each other's state for their own.
    pub kind: &'a str,
    /// The number of the state's own schema. It goes up when the state's
    /// fields, or the way in which events are applied, change: snapshots with
    /// another number are left aside.
    pub schema: u32,
}

/// The saved state of an aggregate at a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    store: StoreId,
    stream: String,
    kind: String,
    schema: u32,
    version: Version,
    position: Position,
    taken: Timestamp,
    state: Bytes,
}

impl Snapshot {
    /// The state, encoded, after the event of this version, which stands at
    /// this position in the store.
    pub fn new(
        key: SnapshotKey<'_>,
        version: Version,
        position: Position,
        taken: Timestamp,
        state: impl Into<Bytes>,
    ) -> Self {
        Snapshot {
            store: key.store,
            stream: key.stream.to_owned(),
            kind: key.kind.to_owned(),
            schema: key.schema,
            version,
            position,
            taken: taken.whole_micros(),
            state: state.into(),
        }
    }

    /// Whose state this is.
    pub fn key(&self) -> SnapshotKey<'_> {
        SnapshotKey {
            store: self.store,
            stream: &self.stream,
            kind: &self.kind,
            schema: self.schema,
        }
    }

    /// The version of the last event that the state takes account of.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The position of that event.
    pub fn position(&self) -> Position {
        self.position
    }

    /// When the snapshot was taken, in whole microseconds.
    pub fn taken(&self) -> Timestamp {
        self.taken
    }

    /// The state, encoded.
    pub fn state(&self) -> &Bytes {
        &self.state
    }

    /// This, if it `serves`; otherwise it is told why it does not. A view of
    /// the past meets later snapshots all the time, so that is no warning.
    pub(crate) fn if_it_serves(self, key: SnapshotKey<'_>, at_most: Version) -> Option<Self> {
        if self.serves(key, at_most) {
            return Some(self);
        }
        let own = self.key();
        let reason = if own == key {
            format!("it is of version {}, after {at_most}", self.version)
        } else if own.schema != key.schema {
            format!("it is of schema {}, not {}", own.schema, key.schema)
        } else {
            "it is of something else".to_owned()
        };
        let stream = key.stream;
        say::note(format_args!(
            "the snapshot of {stream:?} is left aside: {reason}"
        ));
        None
    }

    /// Whether this may stand in for the first `at_most` events of what the
    /// key names.
    pub fn serves(&self, key: SnapshotKey<'_>, at_most: Version) -> bool {
        self.key() == key && self.version <= at_most
    }
}

/// What became of a snapshot that was to be saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Saved {
    /// It is kept (or will be soon, where saving goes on in the background).
    Kept,
    /// A later one of the same schema is kept already.
    Outdated,
    /// Its last event is not durable yet, so that a crash could leave the
    /// snapshot ahead of the log. Offer it again later.
    NotDurable,
    /// It would not fit under the limit of the snapshot store.
    TooLarge,
    /// More snapshots wait to be saved than may wait. Offer it again later.
    Busy,
}

/// A place where snapshots are kept: one for each aggregate's kind and stream,
/// the latest.
///
/// Whoever loads must be able to do without: a snapshot that is missing, or
/// that can't be read, costs a replay and no more. Implement it to keep
/// snapshots elsewhere; use `Error::outside` for errors of another library.
///
/// ```
/// use annals::snapshot::{MemorySnapshots, Saved, Snapshot, SnapshotKey, SnapshotStore};
/// use annals::{EventStore, MemoryStore, Position, Timestamp, Version};
///
/// let store = MemoryStore::new();
/// let snapshots = MemorySnapshots::new();
/// let key = SnapshotKey { store: store.id(), stream: "accounts/7", kind: "Account", schema: 1 };
/// let state = Snapshot::new(key, Version::new(100), Position::new(950), Timestamp::UNIX_EPOCH, "{}");
///
/// // Nothing is durable in this empty store, so the snapshot would be ahead of it.
/// assert_eq!(snapshots.save(state.clone(), store.durable())?, Saved::NotDurable);
///
/// assert_eq!(snapshots.save(state.clone(), Position::new(1000))?, Saved::Kept);
/// assert_eq!(snapshots.load(key, Version::new(120))?, Some(state));
/// assert_eq!(snapshots.load(key, Version::new(99))?, None);
/// # Ok::<(), annals::Error>(())
/// ```
pub trait SnapshotStore: Send + Sync {
    /// The snapshot that this key names, if there is one at or before a
    /// version. Give the version that the stream has, or that of the view
    /// which is read: a snapshot after it is of no use, and is not given.
    ///
    /// One that is damaged is left aside, and counts as absent.
    ///
    /// # Errors
    /// The place can't be read. Replay, and go on.
    fn load(&self, key: SnapshotKey<'_>, at_most: Version) -> Result<Option<Snapshot>>;

    /// Keeps a snapshot in place of the earlier one of the same store, stream
    /// and kind, unless its last event is after `durable`: what
    /// `EventStore::durable` says.
    ///
    /// A snapshot of another schema is replaced whatever its version.
    ///
    /// # Errors
    /// The place can't be written. The earlier snapshot is still there, or
    /// none is.
    fn save(&self, snapshot: Snapshot, durable: Position) -> Result<Saved>;

    /// Forgets the snapshot of what this key names, of any schema. One that
    /// isn't there is no error.
    ///
    /// # Errors
    /// The place can't be written.
    fn remove(&self, key: SnapshotKey<'_>) -> Result<()>;
}
