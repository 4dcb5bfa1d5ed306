//! A publisher: named handlers that are given events at least once.

// Floor 8.

mod handler;
#[cfg(test)]
mod tests;
mod worker;

pub use handler::Handler;

use crate::cursor::{CursorStore, Keeper};
use crate::env::join;
use crate::error::{Error, ErrorKind, Result};
use crate::parked::{Parked, ParkedEvents};
use crate::store::{EventStore, check_name};
use crate::subscription::Progress;
use crate::types::Position;
use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel, sync_channel};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;
use worker::{Again, Worker};

/// Gives events to named handlers, each on a thread of its own, with a cursor
/// of its own, at its own pace.
///
/// Every handler is given every event of its query at least once and in
/// order. An event that it fails on is tried again, with growing waits in
/// between; after the last try it is parked and the rest flows on.
///
/// ```
/// use annals::cursor::MemoryCursors;
/// use annals::parked::MemoryParked;
/// use annals::publisher::{Handler, Publisher};
/// use annals::{Append, Event, EventStore, MemoryStore, Query};
/// use std::sync::{Arc, mpsc};
/// use std::time::Duration;
///
/// let store = Arc::new(MemoryStore::new());
/// let (sender, mails) = mpsc::channel();
/// let publishing = Publisher::new(store.clone(), Arc::new(MemoryCursors::new()), Arc::new(MemoryParked::new()))
///     .handler(Handler::new("mailer", Query::all().with_type("Registered"), move |event| {
///         sender.send(format!("Welcome, {}!", event.stream()))?;
///         Ok(())
///     }))
///     .start()?;
///
/// let done = store.append(Append::to("users/1").event(Event::new("Registered", "")))?;
/// publishing.wait_for("mailer", done.last(), Duration::from_secs(10))?;
/// assert_eq!(mails.recv().unwrap(), "Welcome, users/1!");
/// publishing.stop()?;
/// # Ok::<(), annals::Error>(())
/// ```
pub struct Publisher {
    store: Arc<dyn EventStore>,
    cursors: Arc<dyn CursorStore>,
    parked: Arc<dyn ParkedEvents>,
    handlers: Vec<Handler>,
}

impl Publisher {
    /// A publisher of this store's events, without handlers yet.
    pub fn new(
        store: Arc<dyn EventStore>,
        cursors: Arc<dyn CursorStore>,
        parked: Arc<dyn ParkedEvents>,
    ) -> Self {
        Publisher {
            store,
            cursors,
            parked,
            handlers: Vec::new(),
        }
    }

    /// Adds a handler.
    #[must_use]
    pub fn handler(mut self, handler: Handler) -> Self {
        self.handlers.push(handler);
        self
    }

    /// Starts the handlers, each where its cursor stands.
    ///
    /// # Errors
    /// - `InvalidName`; two handlers of one name.
    /// - `CursorAhead`: a cursor doesn't fit this store.
    /// - What the cursors fail with: one that is damaged has to be removed,
    ///   or saved anew, before its handler can start.
    ///
    /// If one handler can't start, none does.
    pub fn start(self) -> Result<Publishing> {
        let mut publishing = Publishing {
            store: self.store,
            parked: self.parked,
            running: Vec::new(),
        };
        for handler in self.handlers {
            check_name("handler", &handler.name)?;
            if publishing.find(&handler.name).is_ok() {
                let what = format!("start the handler {:?}", handler.name);
                return Err(Error::outside(what, "there is another one of this name"));
            }
            publishing.begin(handler, &self.cursors)?;
        }
        Ok(publishing)
    }
}

impl fmt::Debug for Publisher {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Publisher")
            .field("handlers", &self.handlers)
            .finish_non_exhaustive()
    }
}

/// The running handlers of a publisher. Dropping it stops them, and waits
/// until each is done with the event that it is at.
pub struct Publishing {
    store: Arc<dyn EventStore>,
    parked: Arc<dyn ParkedEvents>,
    running: Vec<Running>,
}

struct Running {
    name: String,
    progress: Arc<Progress>,
    orders: Sender<Again>,
    thread: Option<JoinHandle<()>>,
}

/// How a handler is doing.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HandlerStatus {
    /// Its name.
    pub name: String,
    /// Every event up to here was dealt with (handled or parked).
    pub reached: Position,
    /// How many positions the store is ahead of that.
    pub lag: u64,
    /// What is in its way, if something is: the last failure of an event that
    /// it is still at, or a cursor that can't be saved.
    pub trouble: Option<Error>,
    /// Whether it does no more: it was stopped, or the store was closed.
    pub has_ended: bool,
}

impl Publishing {
    fn begin(&mut self, handler: Handler, cursors: &Arc<dyn CursorStore>) -> Result<()> {
        let store = Arc::clone(&self.store);
        let keeper = Keeper::open(
            Arc::clone(&store),
            Arc::clone(cursors),
            &handler.name,
            handler.start,
            handler.cursor_interval,
        )?;
        let progress = Arc::new(Progress::new(keeper.saved().position));
        let (orders, received) = channel();
        let name = handler.name.clone();
        let worker = Worker {
            store,
            parked: Arc::clone(&self.parked),
            handler,
            keeper,
            progress: Arc::clone(&progress),
            orders: received,
        };
        let thread = Builder::new()
            .name(format!("annals-{name}").replace('\0', "_"))
            .spawn(move || worker.run())
            .map_err(|error| Error::outside("start a thread", error))?;
        self.running.push(Running {
            name,
            progress,
            orders,
            thread: Some(thread),
        });
        Ok(())
    }

    fn find(&self, handler: &str) -> Result<&Running> {
        let found = self.running.iter().find(|own| own.name == handler);
        found
            .ok_or_else(|| Error::outside(format!("find the handler {handler:?}"), "there is none"))
    }

    /// How each handler is doing, in the order in which they were added.
    pub fn status(&self) -> Vec<HandlerStatus> {
        let head = self.store.head().get();
        let running = self.running.iter();
        running
            .map(|own| {
                let reached = own.progress.reached();
                HandlerStatus {
                    name: own.name.clone(),
                    reached,
                    lag: head.saturating_sub(reached.get()),
                    trouble: own.progress.trouble(),
                    has_ended: own.progress.has_ended(),
                }
            })
            .collect()
    }

    /// Blocks until a handler has dealt with everything up to a position.
    ///
    /// # Errors
    /// `TimedOut`; `Closed` if it has ended before it got there; an error if
    /// there is no such handler.
    pub fn wait_for(&self, handler: &str, position: Position, timeout: Duration) -> Result<()> {
        self.find(handler)?.progress.wait_for(position, timeout)
    }

    /// The events parked for a handler, in the order of their positions.
    ///
    /// # Errors
    /// What `ParkedEvents::list` fails with.
    pub fn parked(&self, handler: &str) -> Result<Vec<Parked>> {
        self.parked.list(handler)
    }

    /// Gives a parked event to its handler once more, on the handler's own
    /// thread, between two other events; forgets it if that succeeds. Blocks
    /// until it is known.
    ///
    /// # Errors
    /// What the handler failed with: the event stays parked. `Closed` if the
    /// handler has ended; an error if the event is not parked.
    pub fn retry(&self, handler: &str, position: Position) -> Result<()> {
        let running = self.find(handler)?;
        let (answer, outcome) = sync_channel(1);
        let closed = || Error::from(ErrorKind::Closed);
        let again = Again { position, answer };
        running.orders.send(again).map_err(|_| closed())?;
        running.progress.call();
        self.store.wake();
        outcome.recv().map_err(|_| closed())?
    }

    /// Forgets a parked event: its handler is not given it again.
    ///
    /// # Errors
    /// What `ParkedEvents::remove` fails with.
    pub fn drop_parked(&self, handler: &str, position: Position) -> Result<()> {
        self.parked.remove(handler, position)
    }

    /// Stops all handlers, each once it is done with the event that it is at
    /// (an event that is being tried again is left for the next start), and
    /// saves their cursors.
    ///
    /// # Errors
    /// A cursor could not be saved: its handler will be given events again.
    pub fn stop(mut self) -> Result<()> {
        self.end();
        let trouble = self.running.iter().find_map(|own| own.progress.trouble());
        trouble.map_or(Ok(()), Err)
    }

    fn end(&mut self) {
        for running in &self.running {
            running.progress.stop();
        }
        self.store.wake();
        for running in &mut self.running {
            // A handler may hold the last handle on what runs it.
            running.thread.take().into_iter().for_each(join);
        }
    }
}

impl Drop for Publishing {
    fn drop(&mut self) {
        self.end();
    }
}

impl fmt::Debug for Publishing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Publishing")
            .field("handlers", &self.status())
            .finish_non_exhaustive()
    }
}
