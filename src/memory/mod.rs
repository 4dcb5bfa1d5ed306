//! Floor 7: the store in memory.
//!
//! It is the oracle that the log is tested against, so it shares no code with
//! the log and does everything in the plainest way: a list of events, and for
//! each stream a list of its places in it.

mod state;
#[cfg(test)]
mod tests;

use crate::env::sync::Mutex;
use crate::env::{Clock, Env, SystemClock, Watermark};
use crate::error::{ErrorKind, Result};
use crate::store::{Append, Appended, Capabilities, EventStore, Events, Pending, Query, Resume};
use crate::types::{Limits, Position, RecordedEvent, StoreId, Timestamp, Version};
use state::{Cursor, State};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A store in memory: for tests, and for what need not outlive the process.
///
/// It keeps every promise of `EventStore`. Nothing can be lost that is not
/// lost with the process, so every append is at once as safe as it ever gets,
/// whatever durability it asks for: `durable` is always the head.
///
/// ```
/// use annals::{Append, Event, EventStore, MemoryStore, Version};
/// let store = MemoryStore::new();
/// store.append(Append::to("orders/42").event(Event::new("OrderPlaced", "{}")))?;
/// assert_eq!(store.version("orders/42")?, Version::new(1));
/// # Ok::<(), annals::Error>(())
/// ```
pub struct MemoryStore {
    id: StoreId,
    limits: Limits,
    unique_ids: bool,
    clock: Arc<dyn Clock>,
    shared: Arc<Shared>,
}

/// What the store and the iterators over it have in common.
struct Shared {
    state: Mutex<State>,
    /// The head once more, for those who wait for it.
    head: Watermark,
}

/// The events that a read finds.
struct Found {
    shared: Arc<Shared>,
    cursor: Cursor,
}

impl Iterator for Found {
    type Item = Result<RecordedEvent>;

    /// The lock is taken for each event anew, so that whoever reads may append
    /// between two of them.
    fn next(&mut self) -> Option<Self::Item> {
        self.cursor.next(&self.shared.state.lock()).map(Ok)
    }
}

impl Resume for Found {
    fn resume(&mut self, up_to: Position, most: u64) -> bool {
        let head = self.shared.state.lock().head();
        self.cursor.resume(up_to.min(head), most)
    }
}

impl MemoryStore {
    /// An empty store that takes its time from the operating system.
    pub fn new() -> Self {
        Self::with_clock(Arc::new(SystemClock))
    }

    /// An empty store that takes its time from this clock.
    ///
    /// ```
    /// use annals::{Append, Clock, Event, EventStore, MemoryStore, Timestamp};
    /// use std::sync::Arc;
    ///
    /// #[derive(Debug)]
    /// struct Stopped;
    /// impl Clock for Stopped {
    ///     fn now(&self) -> Timestamp {
    ///         Timestamp::UNIX_EPOCH
    ///     }
    /// }
    ///
    /// let store = MemoryStore::with_clock(Arc::new(Stopped));
    /// let done = store.append(Append::to("a").event(Event::new("Happened", "")))?;
    /// assert_eq!(done.recorded(), Timestamp::UNIX_EPOCH);
    /// # Ok::<(), annals::Error>(())
    /// ```
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        MemoryStore {
            id: StoreId::from_bytes(Env::os().random.bytes()),
            limits: Limits::default(),
            unique_ids: false,
            clock,
            shared: Arc::new(Shared {
                state: Mutex::new(State::default()),
                head: Watermark::new(Position::START),
            }),
        }
    }

    /// Sets how large events and appends may be.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Keeps event ids unique over the whole store, as
    /// `Options::unique_ids` says; off unless set.
    ///
    /// ```
    /// use annals::{Append, Event, EventStore, MemoryStore};
    /// let store = MemoryStore::new().with_unique_ids(true);
    /// let append = Append::to("orders/42").event(Event::new("OrderPlaced", "{}"));
    /// store.append(append.clone())?;
    /// assert!(store.append(append)?.is_repeat());
    /// # Ok::<(), annals::Error>(())
    /// ```
    #[must_use]
    pub fn with_unique_ids(mut self, unique: bool) -> Self {
        self.unique_ids = unique;
        self
    }

    fn take(&self, append: &Append) -> Result<Appended> {
        append.validate()?;
        self.limits.check(append)?;
        if self.unique_ids
            && let Some(id) = append.repeated_id()
        {
            let position = None;
            return Err(ErrorKind::DuplicateId { id, position }.into());
        }
        let mut state = self.shared.state.lock();
        state.check_open()?;
        let outcome = state.append(append, &*self.clock, self.unique_ids)?;
        self.shared.head.raise(state.head());
        // Whoever is woken finds the lock free.
        drop(state);
        self.shared.head.tell();
        Ok(outcome)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("MemoryStore")
            .field("id", &self.id)
            .field("head", &self.head())
            .finish_non_exhaustive()
    }
}

impl EventStore for MemoryStore {
    fn submit(&self, append: Append) -> Pending {
        Pending::ready(self.take(&append))
    }

    fn read(&self, query: &Query) -> Events {
        Events::resumable(Found {
            shared: Arc::clone(&self.shared),
            cursor: Cursor::new(query.clone(), self.head()),
        })
    }

    fn version(&self, stream: &str) -> Result<Version> {
        Ok(self.shared.state.lock().version(stream))
    }

    fn head(&self) -> Position {
        self.shared.state.lock().head()
    }

    fn durable(&self) -> Position {
        self.head()
    }

    fn flush(&self) -> Result<Position> {
        let state = self.shared.state.lock();
        state.check_open()?;
        Ok(state.head())
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
        let head = self.shared.head.wait(after, timeout, is_over);
        if head <= after && self.shared.head.is_closed() {
            return Err(ErrorKind::Closed.into());
        }
        Ok(head)
    }

    fn wake(&self) {
        self.shared.head.wake_all();
    }

    fn id(&self) -> StoreId {
        self.id
    }

    fn close(&self) -> Result<()> {
        self.shared.state.lock().close();
        self.shared.head.close();
        Ok(())
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            conditions: true,
            whole_log_repeats: self.unique_ids,
            ..Capabilities::default()
        }
    }

    fn position_at(&self, time: Timestamp) -> Result<Position> {
        Ok(self.shared.state.lock().position_at(time))
    }
}
