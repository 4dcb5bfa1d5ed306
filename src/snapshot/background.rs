//! Saving snapshots on a thread of their own.

use super::{Saved, Snapshot, SnapshotKey, SnapshotStore};
use crate::env::say;
use crate::env::sync::{Condvar, Mutex};
use crate::error::{Error, Result};
use crate::types::{Position, Version};
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

/// How many snapshots may wait to be saved.
const WAITING: usize = 1024;

/// Saves snapshots on a thread of its own, so that whoever saves waits for
/// nothing but the handing over. Dropping it saves what is waiting.
///
/// What is handed over can be loaded at once. When more than 1,024 wait, `save`
/// answers `Busy` and keeps nothing; an error of the store behind is told
/// through `tracing`.
///
/// ```
/// use annals::snapshot::{BackgroundSnapshots, MemorySnapshots};
/// use std::sync::Arc;
/// let snapshots = BackgroundSnapshots::over(Arc::new(MemorySnapshots::new()))?;
/// # Ok::<(), annals::Error>(())
/// ```
pub struct BackgroundSnapshots {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    behind: Arc<dyn SnapshotStore>,
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<(Snapshot, Position)>,
    /// What is being saved: it can be loaded from the queue until it is there.
    at_work: Option<Snapshot>,
    stopping: bool,
}

impl BackgroundSnapshots {
    /// Saves in the background into this store.
    ///
    /// # Errors
    /// The thread can't be started.
    pub fn over(behind: Arc<dyn SnapshotStore>) -> Result<Self> {
        let shared = Arc::new(Shared {
            behind,
            queue: Mutex::new(Queue::default()),
            changed: Condvar::new(),
        });
        let own = Arc::clone(&shared);
        let thread = Builder::new()
            .name("annals-snapshots".into())
            .spawn(move || own.work())
            .map_err(|error| Error::outside("start a thread", error))?;
        Ok(BackgroundSnapshots {
            shared,
            thread: Some(thread),
        })
    }

    /// Blocks until everything handed over was saved.
    pub fn wait(&self) {
        let mut queue = self.shared.queue.lock();
        self.shared.changed.wait_while(&mut queue, |queue| {
            !queue.waiting.is_empty() || queue.at_work.is_some()
        });
    }
}

impl Shared {
    /// Saves what is handed over until there is to be a stop.
    fn work(&self) {
        while let Some((snapshot, durable)) = self.next() {
            if let Err(error) = self.behind.save(snapshot, durable) {
                say::warn(format_args!("a snapshot was not saved: {error}"));
            }
            self.queue.lock().at_work = None;
            self.changed.notify_all();
        }
    }

    fn next(&self) -> Option<(Snapshot, Position)> {
        let mut queue = self.queue.lock();
        self.changed.wait_while(&mut queue, |queue| {
            queue.waiting.is_empty() && !queue.stopping
        });
        let next = queue.waiting.pop_front()?;
        queue.at_work = Some(next.0.clone());
        Some(next)
    }
}

/// Whether two keys are of the same aggregate, of whatever schema.
fn same_owner(one: SnapshotKey<'_>, other: SnapshotKey<'_>) -> bool {
    (one.store, one.kind, one.stream) == (other.store, other.kind, other.stream)
}

impl SnapshotStore for BackgroundSnapshots {
    fn load(&self, key: SnapshotKey<'_>, at_most: Version) -> Result<Option<Snapshot>> {
        {
            let queue = self.shared.queue.lock();
            let waiting = queue.waiting.iter().rev().map(|own| &own.0);
            let mut all = waiting.chain(&queue.at_work);
            if let Some(found) = all.find(|own| own.serves(key, at_most)) {
                return Ok(Some(found.clone()));
            }
        }
        self.shared.behind.load(key, at_most)
    }

    fn save(&self, snapshot: Snapshot, durable: Position) -> Result<Saved> {
        if snapshot.position() > durable {
            return Ok(Saved::NotDurable);
        }
        let mut queue = self.shared.queue.lock();
        if let Some(found) = queue
            .waiting
            .iter_mut()
            .find(|own| same_owner(own.0.key(), snapshot.key()))
        {
            if found.0.key() == snapshot.key() && found.0.version() > snapshot.version() {
                return Ok(Saved::Outdated);
            }
            *found = (snapshot, durable);
            return Ok(Saved::Kept);
        }
        if queue.waiting.len() >= WAITING {
            return Ok(Saved::Busy);
        }
        queue.waiting.push_back((snapshot, durable));
        drop(queue);
        self.shared.changed.notify_all();
        Ok(Saved::Kept)
    }

    fn remove(&self, key: SnapshotKey<'_>) -> Result<()> {
        let mut queue = self.shared.queue.lock();
        queue.waiting.retain(|own| !same_owner(own.0.key(), key));
        self.shared.changed.wait_while(&mut queue, |queue| {
            let at_work = queue.at_work.as_ref();
            at_work.is_some_and(|own| same_owner(own.key(), key))
        });
        drop(queue);
        self.shared.behind.remove(key)
    }
}

impl Drop for BackgroundSnapshots {
    fn drop(&mut self) {
        self.shared.queue.lock().stopping = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for BackgroundSnapshots {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("BackgroundSnapshots")
            .field("waiting", &self.shared.queue.lock().waiting.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::MemorySnapshots;
    use crate::types::{StoreId, Timestamp};

    fn at(stream: &str, version: u64) -> Snapshot {
        let key = SnapshotKey {
            store: StoreId::from_bytes([1; 16]),
            stream,
            kind: "A",
            schema: 1,
        };
        let position = Position::new(version);
        Snapshot::new(
            key,
            Version::new(version),
            position,
            Timestamp::UNIX_EPOCH,
            "",
        )
    }

    #[test]
    fn what_is_handed_over_can_be_loaded_at_once_and_arrives() {
        let behind = Arc::new(MemorySnapshots::new());
        let snapshots = BackgroundSnapshots::over(behind.clone()).unwrap();
        for version in 1..200 {
            let snapshot = at("s", version);
            assert_eq!(
                snapshots.save(snapshot.clone(), Position::MAX).unwrap(),
                Saved::Kept
            );
            assert_eq!(
                snapshots.load(snapshot.key(), Version::MAX).unwrap(),
                Some(snapshot)
            );
        }
        snapshots.wait();
        let last = at("s", 199);
        assert_eq!(
            behind.load(last.key(), Version::MAX).unwrap(),
            Some(last.clone())
        );
        snapshots.save(at("s", 200), Position::MAX).unwrap();
        snapshots.remove(last.key()).unwrap();
        snapshots.wait();
        assert!(behind.is_empty());
        snapshots.save(at("t", 1), Position::MAX).unwrap();
        let ahead = snapshots.save(at("t", 2), Position::new(1)).unwrap();
        assert_eq!(ahead, Saved::NotDurable);
        drop(snapshots);
        assert_eq!(behind.len(), 1);
    }
}
