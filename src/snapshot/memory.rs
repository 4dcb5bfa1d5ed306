//! Snapshots in memory.

use super::{Saved, Snapshot, SnapshotKey, SnapshotStore};
use crate::env::sync::Mutex;
use crate::error::Result;
use crate::types::{Position, StoreId, Version};
use std::collections::HashMap;

/// Snapshots in memory: for tests, and for states that are quick to replay
/// once and are loaded often.
#[derive(Debug, Default)]
pub struct MemorySnapshots {
    kept: Mutex<HashMap<Owner, Snapshot>>,
}

/// Store, kind and stream: all of a key but the schema.
type Owner = (StoreId, String, String);

fn owner(key: SnapshotKey<'_>) -> Owner {
    (key.store, key.kind.to_owned(), key.stream.to_owned())
}

impl MemorySnapshots {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.kept.lock().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl SnapshotStore for MemorySnapshots {
    fn load(&self, key: SnapshotKey<'_>, at_most: Version) -> Result<Option<Snapshot>> {
        let kept = self.kept.lock();
        let found = kept.get(&owner(key));
        Ok(found
            .cloned()
            .and_then(|own| own.if_it_serves(key, at_most)))
    }

    fn save(&self, snapshot: Snapshot, durable: Position) -> Result<Saved> {
        if snapshot.position() > durable {
            return Ok(Saved::NotDurable);
        }
        let mut kept = self.kept.lock();
        let owner = owner(snapshot.key());
        if kept.get(&owner).is_some_and(|own| {
            own.serves(snapshot.key(), Version::MAX) && own.version() > snapshot.version()
        }) {
            return Ok(Saved::Outdated);
        }
        kept.insert(owner, snapshot);
        Ok(Saved::Kept)
    }

    fn remove(&self, key: SnapshotKey<'_>) -> Result<()> {
        self.kept.lock().remove(&owner(key));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Timestamp;

    fn key(schema: u32) -> SnapshotKey<'static> {
        SnapshotKey {
            store: StoreId::from_bytes([1; 16]),
            stream: "a/1",
            kind: "A",
            schema,
        }
    }

    fn at(schema: u32, version: u64) -> Snapshot {
        let state = format!("{schema}:{version}");
        let position = Position::new(version);
        Snapshot::new(
            key(schema),
            Version::new(version),
            position,
            Timestamp::UNIX_EPOCH,
            state,
        )
    }

    #[test]
    fn the_latest_of_a_schema_stays_and_a_new_schema_replaces() {
        let snapshots = MemorySnapshots::new();
        let save = |snapshot| snapshots.save(snapshot, Position::new(10)).unwrap();
        assert_eq!(save(at(1, 5)), Saved::Kept);
        assert_eq!(save(at(1, 4)), Saved::Outdated);
        assert_eq!(save(at(1, 11)), Saved::NotDurable);
        assert_eq!(save(at(2, 3)), Saved::Kept);
        assert_eq!(snapshots.load(key(1), Version::MAX).unwrap(), None);
        assert_eq!(
            snapshots.load(key(2), Version::MAX).unwrap(),
            Some(at(2, 3))
        );
        assert_eq!(snapshots.load(key(2), Version::new(2)).unwrap(), None);
        snapshots.remove(key(1)).unwrap();
        assert!(snapshots.is_empty());
    }

    #[test]
    fn what_is_of_another_kind_stream_or_store_is_not_found() {
        let snapshots = MemorySnapshots::new();
        snapshots.save(at(1, 5), Position::MAX).unwrap();
        let others = [
            SnapshotKey {
                kind: "B",
                ..key(1)
            },
            SnapshotKey {
                stream: "a/2",
                ..key(1)
            },
            SnapshotKey {
                store: StoreId::from_bytes([2; 16]),
                ..key(1)
            },
        ];
        for other in others {
            assert_eq!(snapshots.load(other, Version::MAX).unwrap(), None);
        }
    }
}
