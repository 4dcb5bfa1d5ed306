//! What a handle has done since it was opened.

use crate::env::sync::{AtomicU64, Ordering};

/// What a writing handle has done to its files since it was opened: to see how
/// appends share writes and syncs, and how many bytes they cost. A handle that
/// only reads does none of it.
///
/// ```
/// use annals::{Append, Event, EventStore};
/// let store = annals::temporary()?;
/// store.append(Append::to("users/1").event(Event::new("Registered", "{}")))?;
/// let activity = store.activity();
/// assert_eq!((activity.writes, activity.syncs), (1, 1));
/// # Ok::<(), annals::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Activity {
    /// How often frames were written, each time all that was queued.
    pub writes: u64,
    /// How often the log was synced for appends: each is one `fdatasync`.
    pub syncs: u64,
    /// The bytes of frames and segment headers that were written.
    pub log_bytes: u64,
    /// The bytes of index files that were written, merges included.
    pub index_bytes: u64,
    /// The bytes of zeros with which segments were prepared.
    pub prepared_bytes: u64,
}

/// Counts what is done, from any thread.
#[derive(Debug, Default)]
pub(super) struct Counters {
    writes: AtomicU64,
    syncs: AtomicU64,
    log_bytes: AtomicU64,
    index_bytes: AtomicU64,
    prepared_bytes: AtomicU64,
}

impl Counters {
    pub(super) fn wrote_log(&self, bytes: u64) {
        self.writes.fetch_add(1, Ordering::Relaxed);
        self.log_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn synced_log(&self) {
        self.syncs.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn wrote_index(&self, bytes: u64) {
        self.index_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn prepared(&self, bytes: u64) {
        self.prepared_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> Activity {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Activity {
            writes: read(&self.writes),
            syncs: read(&self.syncs),
            log_bytes: read(&self.log_bytes),
            index_bytes: read(&self.index_bytes),
            prepared_bytes: read(&self.prepared_bytes),
        }
    }
}
