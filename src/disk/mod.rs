//! Floor 7: the store on the segmented log.

mod activity;
mod background;
mod claims;
mod cohort;
mod commit;
mod conditions;
mod encode;
mod follow;
mod ids;
mod layout;
mod load;
mod open;
mod options;
mod progress;
mod read;
mod rebuild;
mod refused;
mod repair;
mod shared;
mod spare;
mod stat;
mod survey;
#[cfg(all(test, feature = "testing"))]
mod tests;
mod verify;

pub use activity::Activity;
pub use options::{Options, Reads};
#[cfg(feature = "testing")]
pub(crate) use repair::in_env as repair_in;
pub use repair::{RepairReport, repair};
pub use stat::Stat;
#[cfg(feature = "testing")]
pub(crate) use verify::in_env as verify_in;
pub use verify::{Fault, VerifyProgress, VerifyReport, verify};

use crate::error::Result;
use crate::store::{
    Append, Appended, Capabilities, EventStore, Events, Explanation, Pending, Query,
};
use crate::types::{EventRef, Position, StoreId, Version};
use shared::Shared;
use std::fmt;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// The store on a segmented log: what `annals::open` opens.
///
/// One handle writes at a time, in one process; any number of threads share
/// it. Others read beside it, also from other processes
/// (`Options::open_read_only`).
///
/// ```
/// use annals::{Append, Event, EventStore, Expected, Query};
/// let dir = tempfile::tempdir().unwrap();
/// let store = annals::open(dir.path().join("store"))?;
/// let placed = Event::new("OrderPlaced", r#"{"total": 12}"#);
/// store.append(Append::to("orders/42").expect(Expected::NoStream).event(placed))?;
/// for event in store.read(&Query::stream("orders/42")) {
///     assert_eq!(event?.event_type(), "OrderPlaced");
/// }
/// # Ok::<(), annals::Error>(())
/// ```
pub struct LogStore {
    shared: Arc<Shared>,
    /// Removes the directory of a temporary store, after everything else.
    temporary: Option<TempDir>,
}

/// Opens the store in this directory with the usual options; makes one where
/// the directory is missing or empty.
///
/// ```
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("my-events");
/// let store = annals::open(&path)?;
/// # Ok::<(), annals::Error>(())
/// ```
///
/// # Errors
/// As `Options::open`.
pub fn open(path: impl AsRef<Path>) -> Result<LogStore> {
    Options::new().open(path)
}

/// A new store in a temporary directory, which goes with the handle. It
/// behaves as any other, sync included.
///
/// ```
/// use annals::{Append, Event, EventStore};
/// let store = annals::temporary()?;
/// store.append(Append::to("users/1").event(Event::new("Registered", "{}")))?;
/// # Ok::<(), annals::Error>(())
/// ```
///
/// # Errors
/// `Io` if no temporary directory can be made; otherwise as `Options::open`.
pub fn temporary() -> Result<LogStore> {
    Options::new().temporary()
}

impl LogStore {
    fn new(shared: Arc<Shared>) -> Self {
        LogStore {
            shared,
            temporary: None,
        }
    }

    /// The store's directory.
    pub fn path(&self) -> &Path {
        &self.shared.dir
    }

    /// Like `scan`, with the index searched in this way.
    #[cfg(feature = "testing")]
    pub(crate) fn scan_by(
        &self,
        way: crate::index::Way,
        query: &Query,
        visit: &mut dyn FnMut(EventRef<'_>) -> ControlFlow<()>,
    ) -> Result<()> {
        self.shared.reading(query)?.by(way).visit(visit)
    }

    /// Figures about the store: how many events, streams, bytes.
    ///
    /// ```
    /// use annals::{Append, Event, EventStore};
    /// let store = annals::temporary()?;
    /// store.append(Append::to("users/1").event(Event::new("Registered", "{}")))?;
    /// let stat = store.stat()?;
    /// assert_eq!((stat.events, stat.streams, stat.types), (1, 1, 1));
    /// # Ok::<(), annals::Error>(())
    /// ```
    ///
    /// # Errors
    /// Corruption or I/O met on the way.
    pub fn stat(&self) -> Result<Stat> {
        self.shared.healing(|| stat::stat(&self.shared))
    }

    /// What this handle has done to its files since it was opened.
    pub fn activity(&self) -> Activity {
        self.shared.counters.read()
    }
}

impl EventStore for LogStore {
    fn submit(&self, append: Append) -> Pending {
        self.shared.submit(append)
    }

    fn append(&self, append: Append) -> Result<Appended> {
        self.shared.append(append)
    }

    fn read(&self, query: &Query) -> Events {
        match self.shared.reading(query) {
            Ok(reading) => Events::resumable(reading.owned()),
            Err(error) => Events::failed(error),
        }
    }

    fn scan(
        &self,
        query: &Query,
        visit: &mut dyn FnMut(EventRef<'_>) -> ControlFlow<()>,
    ) -> Result<()> {
        self.shared.scan(query, visit)
    }

    fn version(&self, stream: &str) -> Result<Version> {
        self.shared.version(stream)
    }

    fn explain(&self, query: &Query) -> Result<Explanation> {
        let head = self.shared.head();
        let within = Explanation::within(query, self.shared.first, head);
        self.shared.healing(|| {
            let parts = self.shared.index.parts();
            crate::index::explain(&parts, &self.shared.hasher, query, within.clone())
        })
    }

    fn first(&self) -> Position {
        self.shared.first
    }

    fn head(&self) -> Position {
        self.shared.head()
    }

    fn durable(&self) -> Position {
        self.shared.durable()
    }

    fn flush(&self) -> Result<Position> {
        self.shared.flush()
    }

    fn wait(&self, after: Position, timeout: Duration) -> Result<Position> {
        self.wait_unless(after, timeout, &|| false)
    }

    fn wait_unless(
        &self,
        after: Position,
        timeout: Duration,
        is_over: &dyn Fn() -> bool,
    ) -> Result<Position> {
        self.shared.wait(after, timeout, is_over)
    }

    fn wake(&self) {
        self.shared.progress.wake_all();
    }

    fn id(&self) -> StoreId {
        self.shared.id
    }

    fn close(&self) -> Result<()> {
        self.shared.close()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            conditions: true,
            whole_log_repeats: self.shared.options.unique_ids,
            ..Capabilities::default()
        }
    }
}

impl Drop for LogStore {
    fn drop(&mut self) {
        // Whoever wants to know how closing went calls `close`.
        let _ = self.shared.close();
    }
}

impl fmt::Debug for LogStore {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("LogStore")
            .field("path", &self.shared.dir)
            .field("head", &self.shared.progress.visible())
            .finish_non_exhaustive()
    }
}
