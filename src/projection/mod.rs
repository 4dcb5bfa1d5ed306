//! Projections: read models that follow the log.

// Floor 8.

mod past;
mod projected;
mod rebuild;
mod runner;
mod scenario;
#[cfg(test)]
mod tests;

pub use past::as_of;
pub use projected::Projected;
pub use scenario::Scenario;

use crate::cursor::{Cursor, CursorStore, Keeper, Start};
use crate::env::sync::{Mutex, RwLock};
use crate::error::Result;
use crate::store::{EventStore, Query};
use crate::subscription::{Delivered, HandlerError, Progress, Retry};
use runner::Runner;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A state that is made from events for the sake of being read.
///
/// ```
/// use annals::Query;
/// use annals::projection::{Projection, Projector};
/// use annals::subscription::{Delivered, HandlerError};
/// use annals::{Append, Event, EventStore, MemoryStore};
/// use std::{collections::BTreeSet, sync::Arc, time::Duration};
///
/// #[derive(Default)]
/// struct Users {
///     streams: BTreeSet<String>,
/// }
///
/// impl Projection for Users {
///     fn query(&self) -> Query {
///         Query::category("users").with_type("Registered").with_type("Left")
///     }
///
///     fn handle(&mut self, event: &Delivered) -> Result<(), HandlerError> {
///         match event.event_type() {
///             "Registered" => self.streams.insert(event.stream().to_owned()),
///             _ => self.streams.remove(event.stream()),
///         };
///         Ok(())
///     }
/// }
///
/// let store = Arc::new(MemoryStore::new());
/// let users = Projector::new(store.clone(), Users::default()).start()?;
///
/// let done = store.append(Append::to("users/1").event(Event::new("Registered", "")))?;
/// // A reader sees its own write once the projection has come so far.
/// users.wait_for(done.last(), Duration::from_secs(10))?;
/// assert!(users.read(|users| users.streams.contains("users/1")));
/// # Ok::<(), annals::Error>(())
/// ```
pub trait Projection: Send + Sync + 'static {
    /// Takes account of an event. `event.phase()` tells history from news:
    /// what is done to the world outside should be done for news only.
    ///
    /// # Errors
    /// The event could not be taken account of. It is given again, so nothing
    /// of it may be left behind; in the end the projection gets stuck: a read
    /// model that leaves events out would be wrong.
    fn handle(&mut self, event: &Delivered) -> Result<(), HandlerError>;

    /// Which events it is made from: all of them, unless this says otherwise.
    fn query(&self) -> Query {
        Query::all()
    }

    /// Called once on a projection that was rebuilt, when it is about to take
    /// the running one's place; nothing is read or handled meanwhile. The
    /// place for what has to be swapped in the world outside, such as tables.
    ///
    /// # Errors
    /// It can't take over; the running one stays.
    fn take_over(&mut self) -> Result<(), HandlerError> {
        Ok(())
    }
}

/// A projection that is about to be started.
pub struct Projector<P> {
    store: Arc<dyn EventStore>,
    projection: P,
    cursor: Option<(String, Arc<dyn CursorStore>)>,
    cursor_interval: Duration,
    retry: Retry,
}

impl<P: Projection> Projector<P> {
    /// A projection that is made anew, from the first event on, each time it
    /// is started: one that is in memory only.
    pub fn new(store: Arc<dyn EventStore>, projection: P) -> Self {
        Projector {
            store,
            projection,
            cursor: None,
            cursor_interval: Duration::from_millis(200),
            retry: Retry::default(),
        }
    }

    /// Goes on where the cursor of this name stands: for a projection that
    /// keeps what it makes outside of the process. After a crash it is given
    /// the last events again, unless it saves `event.cursor()` itself, in one
    /// transaction with the effects of `event`, and `cursors` reads it from
    /// there (its `save` then has nothing left to do): that is exactly once.
    #[must_use]
    pub fn with_cursor(mut self, name: impl Into<String>, cursors: Arc<dyn CursorStore>) -> Self {
        self.cursor = Some((name.into(), cursors));
        self
    }

    /// Sets how much time passes at least between two savings of the cursor:
    /// 200 ms unless set.
    #[must_use]
    pub fn cursor_interval(mut self, interval: Duration) -> Self {
        self.cursor_interval = interval;
        self
    }

    /// Sets how often an event is tried before the projection is stuck.
    #[must_use]
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// Starts it on a thread of its own.
    ///
    /// # Errors
    /// - `InvalidName`; `CursorAhead`: the cursor doesn't fit this store.
    /// - What the cursors fail with; the thread can't be started.
    pub fn start(self) -> Result<Projected<P>> {
        let keeper = match self.cursor {
            Some((name, cursors)) => Some(Keeper::open(
                Arc::clone(&self.store),
                cursors,
                &name,
                Start::Beginning,
                self.cursor_interval,
            )?),
            None => None,
        };
        let cursor = keeper
            .as_ref()
            .map_or_else(|| Cursor::beginning(self.store.head()), Keeper::saved);
        let shared = Arc::new(Shared {
            store: self.store,
            progress: Progress::new(cursor.position),
            slot: RwLock::new(Slot {
                projection: self.projection,
                generation: 0,
            }),
            rebuilding: Mutex::new(()),
        });
        let runner = Runner {
            shared: Arc::clone(&shared),
            keeper,
            retry: self.retry,
            replay: cursor.replay,
        };
        Projected::start(shared, runner)
    }
}

impl<P> fmt::Debug for Projector<P> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Projector")
            .field("cursor", &self.cursor.as_ref().map(|own| &own.0))
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}

/// What the thread of a projection, its readers and its rebuilder share.
struct Shared<P> {
    store: Arc<dyn EventStore>,
    /// Changed only by whoever holds the slot for writing, so that under the
    /// lock the projection is what `progress.reached()` says.
    progress: Progress,
    slot: RwLock<Slot<P>>,
    /// Held by whoever rebuilds: one at a time.
    rebuilding: Mutex<()>,
}

struct Slot<P> {
    projection: P,
    /// How many projections have been here before.
    generation: u64,
}
