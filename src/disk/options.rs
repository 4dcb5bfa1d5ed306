//! What users tune.

use super::LogStore;
use super::open;
use crate::env::{Clock, Env};
use crate::error::Result;
use crate::types::{Durability, Limits};
use std::path::Path;
use std::sync::Arc;

/// How a store reads its files. Both ways read the same. The default is
/// `Mapped` where addresses have 64 bits and `Plain` where they have fewer: a
/// log may be larger than what can be addressed there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reads {
    /// Through memory mappings: no copies, and the operating system's cache is
    /// the only one.
    #[cfg_attr(target_pointer_width = "64", default)]
    Mapped,
    /// By reading: for file systems whose files may vanish under a mapping
    /// (network shares, removable media). Index files that are touched are
    /// held in memory.
    #[cfg_attr(not(target_pointer_width = "64"), default)]
    Plain,
}

/// How to open a store.
///
/// ```
/// use annals::{Durability, EventStore, Options};
/// let dir = tempfile::tempdir().unwrap();
/// let store = Options::new()
///     .durability(Durability::Written)
///     .segment_size(16 << 20)
///     .open(dir.path().join("orders"))?;
/// assert_eq!(store.head().get(), 0);
/// # Ok::<(), annals::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Options {
    pub(super) durability: Durability,
    pub(super) segment_size: u64,
    pub(super) reads: Reads,
    pub(super) limits: Limits,
    pub(super) checkpoint_events: usize,
    pub(super) unique_ids: bool,
    pub(super) env: Env,
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

impl Options {
    /// The smallest size of a segment, in bytes.
    pub const MIN_SEGMENT_SIZE: u64 = 1 << 10;
    /// The largest size of a segment, in bytes.
    pub const MAX_SEGMENT_SIZE: u64 = 1 << 30;

    /// Appends are durable, segments grow to 64 MiB, reads go through
    /// mappings (see [`Reads`] for where they don't), the clock is the
    /// system's.
    pub fn new() -> Self {
        Options {
            durability: Durability::Durable,
            segment_size: 64 << 20,
            reads: Reads::default(),
            limits: Limits::default(),
            checkpoint_events: 1 << 16,
            unique_ids: false,
            env: Env::os(),
        }
    }

    /// How safe an append is that doesn't say: `Durable` unless set.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// The size to which segment files grow, in bytes: 64 MiB unless set, kept
    /// within `MIN_SEGMENT_SIZE..=MAX_SEGMENT_SIZE`. The first segments of a
    /// store are smaller, so that a small store takes little room; an append
    /// that is larger gets a segment of its own size.
    #[must_use]
    pub fn segment_size(mut self, bytes: u64) -> Self {
        self.segment_size = bytes.clamp(Self::MIN_SEGMENT_SIZE, Self::MAX_SEGMENT_SIZE);
        self
    }

    /// How files are read: as [`Reads`] says unless set.
    #[must_use]
    pub fn reads(mut self, reads: Reads) -> Self {
        self.reads = reads;
        self
    }

    /// How large events and appends may be.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The clock that tells when events are recorded.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.env.clock = clock;
        self
    }

    /// After how many events the index of the newest ones is written to a
    /// file: 65,536 unless set, at least 1. This bounds what an unclean stop
    /// leaves to be replayed, and the index's memory.
    #[must_use]
    pub fn checkpoint_events(mut self, events: usize) -> Self {
        self.checkpoint_events = events.max(1);
        self
    }

    /// Whether event ids are kept unique over the whole log: off unless set.
    ///
    /// The same append again (the same events in the same streams, with the
    /// same ids), whenever it comes and whatever it expects, then answers with
    /// its first outcome and writes nothing. An id that is taken by anything
    /// else is refused with `DuplicateId`.
    ///
    /// It costs some 12 bytes on disk and a look into filters for each event,
    /// and 16 to 24 bytes of memory for each of the newest ones (see
    /// `checkpoint_events`). A store that is first used with it reads all of
    /// its log once, when it is opened; one that was used without it meanwhile,
    /// what came since. If ids in it were not unique before, the first event
    /// that has an id counts.
    ///
    /// ```
    /// use annals::{Append, Event, EventStore, Options};
    /// let store = Options::new().unique_ids(true).temporary()?;
    /// let append = Append::to("orders/42").event(Event::new("OrderPlaced", "{}"));
    /// let first = store.append(append.clone())?;
    /// let again = store.append(append)?;
    /// assert!(again.is_repeat());
    /// assert_eq!(again.first(), first.first());
    /// # Ok::<(), annals::Error>(())
    /// ```
    #[must_use]
    pub fn unique_ids(mut self, unique: bool) -> Self {
        self.unique_ids = unique;
        self
    }

    /// Another world to live in, for tests.
    #[must_use]
    #[cfg(feature = "testing")]
    pub(crate) fn env(mut self, env: Env) -> Self {
        self.env = env;
        self
    }

    /// Opens the store in this directory for reading and writing; makes one
    /// where the directory is missing or empty.
    ///
    /// # Errors
    /// - `Locked`: another writer has it, in this process or another.
    /// - `NotAStore`: the path is a file, or a directory of something else.
    /// - `NewerFormat`: a newer annals wrote it.
    /// - `Corrupt`: something that was durable is damaged or gone.
    /// - `DiskFull`, `Io`: the operating system refused.
    pub fn open(&self, path: impl AsRef<Path>) -> Result<LogStore> {
        open::for_writing(self, path.as_ref())
    }

    /// A new store in a temporary directory, which goes with the handle.
    ///
    /// # Errors
    /// `Io` if no temporary directory can be made; otherwise as `open`.
    pub fn temporary(&self) -> Result<LogStore> {
        let dir = crate::env::temporary_directory()?;
        let mut store = self.open(dir.path())?;
        store.temporary = Some(dir);
        Ok(store)
    }

    /// Opens the store in this directory for reading only, also beside a live
    /// writer in another process, whose events it sees as they become visible.
    /// Nothing is ever written: no lock is taken, nothing is mended.
    ///
    /// ```
    /// use annals::{Append, Event, EventStore, Options};
    /// let dir = tempfile::tempdir().unwrap();
    /// let writer = annals::open(dir.path())?;
    /// let reader = Options::new().open_read_only(dir.path())?;
    /// writer.append(Append::to("a").event(Event::new("Happened", "")))?;
    /// assert_eq!(reader.head().get(), 1);
    /// # Ok::<(), annals::Error>(())
    /// ```
    ///
    /// # Errors
    /// As `open`, but never `Locked` or `DiskFull`, and `NotAStore` also where
    /// nothing is.
    pub fn open_read_only(&self, path: impl AsRef<Path>) -> Result<LogStore> {
        open::for_reading(self, path.as_ref())
    }
}
