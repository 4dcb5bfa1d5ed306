//! Subscriptions: the past and then the present, in one loop.

// Floor 8.

mod delivered;
mod delivery;
mod progress;
mod retry;
mod switch;
#[cfg(test)]
mod tests;

pub use delivered::{Delivered, Phase};
pub use delivery::Delivery;
pub(crate) use progress::Progress;
pub use retry::Retry;
pub use switch::SubscriptionHandle;

use crate::cursor::Cursor;
use crate::env::Deadline;
use crate::error::{ErrorKind, Result};
use crate::store::{Direction, EventStore, Events, Query};
use crate::types::{Position, RecordedEvent};
use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;
use switch::Switch;

/// The error of a handler or a sink: anything that `?` makes of an error.
pub type HandlerError = Box<dyn std::error::Error + Send + Sync>;

/// Calls somebody else's code; a panic is an error like any other.
pub(crate) fn caught(call: impl FnOnce() -> Result<(), HandlerError>) -> Result<(), HandlerError> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(outcome) => outcome,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            Err(format!("it panicked: {}", text.unwrap_or("no message")).into())
        }
    }
}

/// How many events are read at a time, unless `with_batch` says otherwise.
const BATCH: u64 = 256;

/// Gives every event that a query asks for, first those that are there, then
/// those to come, each once and in the order of their positions.
///
/// Iterating blocks until there is a next event. It ends when the subscription
/// is closed (by its handle), when the store is closed and everything in it
/// was given, when the query's upper bound or limit is reached, and after an
/// error. `reached` tells where to go on.
///
/// A subscription reads the log, a batch at a time; nothing is queued for it.
/// However slow it is, it costs the writer nothing and loses nothing.
///
/// ```
/// use annals::subscription::subscribe;
/// use annals::{Append, Event, EventStore, MemoryStore, Position, Query};
/// use std::sync::Arc;
///
/// let store = Arc::new(MemoryStore::new());
/// store.append(Append::to("users/1").event(Event::new("Registered", "")))?;
///
/// let mut users = subscribe(store.clone(), Query::category("users"), Position::START);
/// let first = users.next().unwrap()?;
/// assert_eq!((first.event_type(), first.is_live()), ("Registered", false));
///
/// store.append(Append::to("users/2").event(Event::new("Registered", "")))?;
/// assert!(users.next().unwrap()?.is_live());
///
/// store.close()?;
/// assert!(users.next().is_none());
/// # Ok::<(), annals::Error>(())
/// ```
pub struct Subscription {
    store: Arc<dyn EventStore>,
    query: Query,
    batch: u64,
    /// The last read, to go on from.
    events: Option<Events>,
    /// Read, and not given yet.
    ready: VecDeque<RecordedEvent>,
    /// All that the query asks for up to here is in `ready` or was given.
    read: Position,
    /// The store's head when it was last looked at.
    head: Position,
    /// How many more the query's limit allows.
    left: u64,
    replay: Position,
    failed: bool,
    switch: Arc<Switch>,
}

/// A subscription to what a query asks for after a position.
///
/// Events that are in the store now are `Phase::Replay`, later ones
/// `Phase::Live`. Where the query has a lower bound of its own, the higher
/// one holds.
pub fn subscribe(store: Arc<dyn EventStore>, query: Query, from: Position) -> Subscription {
    let replay = store.head();
    let cursor = Cursor {
        position: from,
        replay,
    };
    Subscription::resume(store, query, cursor)
}

impl Subscription {
    /// Goes on where a cursor stands; what was history to its consumer then
    /// is history now, and all else is news.
    pub fn resume(store: Arc<dyn EventStore>, query: Query, cursor: Cursor) -> Self {
        let start = cursor.position.max(query.bounds().0);
        Subscription {
            left: query.max_events(),
            switch: Arc::new(Switch::new(Arc::clone(&store), start)),
            store,
            query,
            batch: BATCH,
            events: None,
            ready: VecDeque::new(),
            read: start,
            head: Position::START,
            replay: cursor.replay,
            failed: false,
        }
    }

    /// Sets how many events are read at a time: 256 unless set; 0 counts as 1.
    #[must_use]
    pub fn with_batch(mut self, events: u64) -> Self {
        self.batch = events.max(1);
        self
    }

    /// What other threads close this subscription with, and see how far it is.
    pub fn handle(&self) -> SubscriptionHandle {
        SubscriptionHandle::new(Arc::clone(&self.switch))
    }

    /// Everything that the query asks for up to here was given.
    pub fn reached(&self) -> Position {
        self.switch.reached()
    }

    /// How many positions the store is ahead of `reached`. Events that the
    /// query doesn't ask for count until they were passed over.
    pub fn lag(&self) -> u64 {
        self.switch.lag()
    }

    /// Where a consumer stands that has dealt with all that was given.
    pub fn cursor(&self) -> Cursor {
        Cursor {
            position: self.reached(),
            replay: self.replay,
        }
    }

    /// Whether there is nothing more to come: the iterator would end.
    pub fn has_ended(&self) -> bool {
        self.failed || self.switch.is_closed() || (self.ready.is_empty() && self.is_complete())
    }

    /// The next event if there is one now; `None` if not, or at the end.
    ///
    /// # Errors
    /// As `next_timeout`.
    pub fn try_next(&mut self) -> Result<Option<Delivered>> {
        self.next_timeout(Duration::ZERO)
    }

    /// The next event; `None` when there is none before the time is up, or
    /// none will come any more (`has_ended` tells which).
    ///
    /// # Errors
    /// What reading the store failed with; the subscription has ended then.
    /// `Unsupported` if the query runs backward.
    pub fn next_timeout(&mut self, timeout: Duration) -> Result<Option<Delivered>> {
        let until = Deadline::after(timeout);
        loop {
            if self.has_ended() {
                return Ok(None);
            }
            if let Some(event) = self.ready.pop_front() {
                return Ok(Some(self.give(event)));
            }
            let rest = until.left();
            let found = self.fill().and_then(|()| self.await_more(rest, &|| false));
            match found {
                Ok(false) if rest.is_zero() => return Ok(None),
                Ok(_) => {}
                Err(error) => {
                    self.failed = true;
                    return match error.kind() {
                        ErrorKind::Closed => Ok(None),
                        _ => Err(error),
                    };
                }
            }
        }
    }

    fn give(&mut self, event: RecordedEvent) -> Delivered {
        let all_given = self.ready.is_empty();
        let reached = if all_given {
            self.read
        } else {
            event.position()
        };
        self.switch.reach(reached);
        Delivered::new(event, self.replay)
    }

    fn is_complete(&self) -> bool {
        self.left == 0 || self.read >= self.query.bounds().1
    }

    /// Reads the next batch, if there is anything to read.
    fn fill(&mut self) -> Result<()> {
        if self.query.direction() == Direction::Backward {
            let what = "a subscription to a query that runs backward";
            return Err(ErrorKind::Unsupported { what }.into());
        }
        if self.head <= self.read {
            self.head = self.store.head();
        }
        let upper = self.head.min(self.query.bounds().1);
        if upper <= self.read {
            return Ok(());
        }
        let most = self.batch.min(self.left);
        let mut events = self.read_on(upper, most);
        for event in events.by_ref() {
            self.ready.push_back(event?);
        }
        self.events = Some(events);
        let count = self.ready.len() as u64;
        self.left -= count.min(self.left);
        self.read = match self.ready.back() {
            Some(last) if count == most => last.position(),
            _ => upper,
        };
        if self.ready.is_empty() {
            self.switch.reach(self.read);
        }
        Ok(())
    }

    fn read_on(&mut self, upper: Position, most: u64) -> Events {
        if let Some(mut events) = self.events.take()
            && events.resume(upper, most)
        {
            return events;
        }
        let query = self.query.clone();
        let query = query.after(self.read).up_to(upper).limit(most);
        self.store.read(&query)
    }

    /// Blocks until there may be something to look at, the time is up, or the
    /// wait is over, of which `EventStore::wake` has to tell.
    pub(crate) fn wait_for_more(
        &mut self,
        timeout: Duration,
        is_over: &dyn Fn() -> bool,
    ) -> Result<()> {
        match self.await_more(timeout, is_over) {
            Err(error) if matches!(error.kind(), ErrorKind::Closed) => Ok(()),
            waited => waited.map(|_| ()),
        }
    }

    /// Waits for the store to grow, unless something is ready. Whether there is
    /// something to look at.
    fn await_more(&mut self, rest: Duration, is_over: &dyn Fn() -> bool) -> Result<bool> {
        if !self.ready.is_empty() || self.is_complete() {
            return Ok(true);
        }
        let switch = &self.switch;
        let is_over = || switch.is_closed() || is_over();
        self.head = self.store.wait_unless(self.read, rest, &is_over)?;
        Ok(self.head > self.read)
    }
}

impl Iterator for Subscription {
    type Item = Result<Delivered>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_timeout(Duration::MAX).transpose()
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Subscription")
            .field("query", &self.query)
            .field("reached", &self.reached())
            .field("has_ended", &self.has_ended())
            .finish_non_exhaustive()
    }
}
