//! Floor 2: the one trait, and what goes in and out of it.

mod append;
mod events;
mod explain;
mod limits;
mod query;

pub(crate) use append::check_name;
pub use append::{Answer, Append, Appended, Pending, StreamPart};
pub use events::{Events, Resume};
pub use explain::{Access, ExplainedItem, ExplainedTerm, Explanation, Term};
pub use query::{Direction, Query, QueryItem};

use crate::error::Result;
use crate::types::{EventRef, Position, StoreId, Timestamp, Version};
use std::ops::ControlFlow;
use std::time::Duration;

/// A store of events: append them, read them, wait for them.
///
/// Everything else (views, subscriptions, aggregates, projections) is built on
/// these members alone. The trait is object safe; share a store between threads
/// as `Arc<dyn EventStore>`.
///
/// # What every backend promises
/// - An append is atomic: its events become visible together, or never.
/// - Positions count from 1 without gaps (unless `capabilities` says
///   otherwise), versions count from 1 within each stream without gaps.
/// - A read sees one fixed upper bound, whatever is appended meanwhile.
/// - An event becomes visible once it is as safe as its append asked for
///   (`Durability`) and everything before it is visible.
/// - The retry of an append that had succeeded is known as a repeat before
///   anything is expected of it: some stream of which it expects an exact
///   version (or no stream) goes on, after that version, with its events, and
///   they were recorded as one append with the rest of it, the same ids in the
///   same streams in the same order. It answers with the first outcome at the
///   durability that the retry asks for, and writes nothing.
/// - Where `Capabilities::whole_log_repeats` says so, ids are unique in the
///   store, and an append is known by them: the same events again, in the same
///   streams, are a repeat whatever is expected now, and an id that is taken by
///   anything else is refused with `DuplicateId`.
/// - A conflict, a repeat or an id that is taken answers only once what it rests
///   on is visible, so that a reader who looks again sees it.
///
/// The feature `testing` has a suite that holds a backend to all of it.
///
/// ```
/// use annals::{Append, Event, EventStore, MemoryStore, Query};
/// use std::sync::Arc;
/// let store: Arc<dyn EventStore> = Arc::new(MemoryStore::new());
/// store.append(Append::to("users/1").event(Event::new("Registered", "{}")))?;
/// let events = store.read(&Query::stream("users/1")).collect::<Result<Vec<_>, _>>()?;
/// assert_eq!(events[0].event_type(), "Registered");
/// # Ok::<(), annals::Error>(())
/// ```
pub trait EventStore: Send + Sync {
    /// Takes an append in and returns at once; the `Pending` answers later.
    /// Appends are recorded in the order in which they were submitted. One
    /// whose `Pending` nobody waits for is still written and synced, soon.
    ///
    /// ```
    /// use annals::{Append, Event, EventStore, MemoryStore};
    /// let store = MemoryStore::new();
    /// let pending: Vec<_> = (1..=3)
    ///     .map(|number| store.submit(Append::to("counter").event(Event::new("Counted", format!("{number}")))))
    ///     .collect();
    /// for (index, answer) in pending.into_iter().enumerate() {
    ///     assert_eq!(answer.wait()?.first().get(), index as u64 + 1);
    /// }
    /// # Ok::<(), annals::Error>(())
    /// ```
    fn submit(&self, append: Append) -> Pending;

    /// The events that a query asks for, owned. Errors come as items, and end
    /// the iterator: corruption (with path and offset), or I/O.
    ///
    /// ```
    /// use annals::{Append, Event, EventStore, MemoryStore, Query};
    /// let store = MemoryStore::new();
    /// store.append(Append::to("orders/42").event(Event::new("Placed", "")).event(Event::new("Paid", "")))?;
    /// let newest = store.read(&Query::stream("orders/42").backward().limit(1)).next().transpose()?;
    /// assert_eq!(newest.unwrap().event_type(), "Paid");
    /// # Ok::<(), annals::Error>(())
    /// ```
    fn read(&self, query: &Query) -> Events;

    /// The version of a stream's last visible event; `Version::NONE` if there
    /// is no such stream.
    ///
    /// # Errors
    /// Corruption or I/O met on the way.
    fn version(&self, stream: &str) -> Result<Version>;

    /// The position of the last visible event; `Position::START` if there is
    /// none.
    fn head(&self) -> Position;

    /// The position up to which events are known to be on the medium.
    fn durable(&self) -> Position;

    /// Makes everything submitted so far durable, and returns the position up
    /// to which it now is.
    ///
    /// # Errors
    /// `Poisoned` or `OutcomeUnknown` after a failed write or sync; `Closed`;
    /// `ReadOnly`.
    fn flush(&self) -> Result<Position>;

    /// Blocks until the head has passed `after` or the time is up, and returns
    /// the head as it is then: time was up if it is not greater than `after`.
    ///
    /// ```
    /// use annals::{Append, Event, EventStore, MemoryStore, Position, Query};
    /// use std::time::Duration;
    /// let store = MemoryStore::new();
    /// store.append(Append::to("a").event(Event::new("Happened", "")))?;
    /// // What a subscriber does, again and again:
    /// let seen = Position::START;
    /// let head = store.wait(seen, Duration::from_secs(1))?;
    /// assert_eq!(store.read(&Query::all().after(seen).up_to(head)).count(), 1);
    /// # Ok::<(), annals::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Closed`, at once, when the store is closed and the head has not passed
    /// `after`. A store that follows another process's writer may meet
    /// corruption or I/O on the way.
    fn wait(&self, after: Position, timeout: Duration) -> Result<Position>;

    /// As `wait`, and ends as well when `is_over` says so: it is asked before
    /// each sleep, and again whenever somebody has called `wake`. It should look
    /// at a flag and do no more. What is told then is the head, as when the time
    /// is up.
    ///
    /// This asks every 50 ms. Backends that sleep until they are woken override
    /// it, and `wake` with it.
    ///
    /// ```
    /// use annals::{EventStore, MemoryStore, Position};
    /// use std::sync::atomic::{AtomicBool, Ordering};
    /// use std::time::Duration;
    /// let (store, is_over) = (MemoryStore::new(), AtomicBool::new(false));
    /// std::thread::scope(|scope| {
    ///     let waiter = scope.spawn(|| {
    ///         let is_over = || is_over.load(Ordering::Acquire);
    ///         store.wait_unless(Position::START, Duration::MAX, &is_over)
    ///     });
    ///     is_over.store(true, Ordering::Release);
    ///     store.wake();
    ///     assert_eq!(waiter.join().unwrap()?, Position::START);
    ///     Ok::<(), annals::Error>(())
    /// })?;
    /// # Ok::<(), annals::Error>(())
    /// ```
    ///
    /// # Errors
    /// As `wait`.
    fn wait_unless(
        &self,
        after: Position,
        timeout: Duration,
        is_over: &dyn Fn() -> bool,
    ) -> Result<Position> {
        const LOOK: Duration = Duration::from_millis(50);
        let mut left = timeout;
        loop {
            let piece = left.min(LOOK);
            let head = self.wait(after, if is_over() { Duration::ZERO } else { piece })?;
            left -= piece;
            if head > after || left.is_zero() || is_over() {
                return Ok(head);
            }
        }
    }

    /// Has everybody who waits in `wait_unless` ask again whether the wait is
    /// over. Does nothing where the backend asks by itself.
    fn wake(&self) {}

    /// The store's identity.
    fn id(&self) -> StoreId;

    /// Makes everything durable and takes no more appends; waiters are woken.
    /// Reads go on. Closing twice is no error. Dropping the store closes it.
    ///
    /// # Errors
    /// As `flush`, but for `Closed` and `ReadOnly`; `Io` if the end can't be
    /// stated. The store is closed all the same.
    fn close(&self) -> Result<()>;

    /// What this backend can't do. The default: it can do everything.
    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    /// Appends, and waits until that is as safe as it asked for.
    ///
    /// # Errors
    /// - `Conflict`: a stream was not as expected (the first such one of
    ///   `Append::streams` is named); nothing was written.
    /// - `ConditionFailed`: a condition did not hold; nothing was written.
    /// - `DuplicateId`: where ids are kept unique, one of them is taken; nothing
    ///   was written.
    /// - `EmptyAppend`, `InvalidName`, `TooLarge`, `Overflow`: it can't be
    ///   recorded.
    /// - `DiskFull`: nothing was written; try again when there is room.
    /// - `OutcomeUnknown`: the write or sync failed; reopen to know.
    /// - `Poisoned`, `Closed`, `ReadOnly`: this handle writes no more.
    /// - `Corrupt`, `Io`: what the append rests on can't be read; nothing was
    ///   written.
    fn append(&self, append: Append) -> Result<Appended> {
        self.submit(append).wait()
    }

    /// Lends each event that a query asks for, until `visit` breaks. The fast
    /// way to read: a backend that can lend without copying does so here.
    /// `visit` may use the store, and append to it.
    ///
    /// ```
    /// use annals::{Append, Event, EventStore, MemoryStore, Query};
    /// use std::ops::ControlFlow;
    /// let store = MemoryStore::new();
    /// store.append(Append::to("a").event(Event::new("Happened", "twelve bytes")))?;
    /// let mut bytes = 0;
    /// store.scan(&Query::all().with_type("Happened"), &mut |event| {
    ///     bytes += event.data().len();
    ///     ControlFlow::Continue(())
    /// })?;
    /// assert_eq!(bytes, 12);
    /// # Ok::<(), annals::Error>(())
    /// ```
    ///
    /// # Errors
    /// Corruption or I/O met on the way; what came before it was lent.
    fn scan(
        &self,
        query: &Query,
        visit: &mut dyn FnMut(EventRef<'_>) -> ControlFlow<()>,
    ) -> Result<()> {
        for event in self.read(query) {
            if visit(event?.as_ref()).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// How the store would serve a query: from which postings, how many events
    /// it expects to read, and why. Nothing is read for it but the index.
    ///
    /// Backends without an index look at every event, and this says so unless
    /// overridden.
    ///
    /// ```
    /// use annals::{Access, Append, Event, EventStore, Query};
    /// let store = annals::temporary()?;
    /// for number in 0..100 {
    ///     let event = Event::new("Counted", "").with_tag(format!("number:{number}"));
    ///     store.append(Append::to("counter").event(event))?;
    /// }
    /// let seventh = Query::stream("counter").with_tag("number:7");
    /// let explanation = store.explain(&seventh)?;
    /// assert_eq!((explanation.way, explanation.candidates), (Access::Index, 1));
    /// println!("{explanation}");
    /// # Ok::<(), annals::Error>(())
    /// ```
    ///
    /// # Errors
    /// Corruption or I/O met on the way.
    fn explain(&self, query: &Query) -> Result<Explanation> {
        Ok(Explanation::scan(query, self.first(), self.head()))
    }

    /// The position of the first event that retention has left: events before
    /// it are gone. `Position::new(1)` where nothing was ever dropped, also in
    /// an empty store.
    fn first(&self) -> Position {
        Position::new(1)
    }

    /// The position of the last visible event recorded at or before `time`;
    /// `Position::START` if there is none.
    ///
    /// ```
    /// use annals::{Append, Event, EventStore, MemoryStore, Position, Timestamp};
    /// let store = MemoryStore::new();
    /// let done = store.append(Append::to("a").event(Event::new("Happened", "")))?;
    /// assert_eq!(store.position_at(done.recorded())?, done.last());
    /// assert_eq!(store.position_at(Timestamp::UNIX_EPOCH)?, Position::START);
    /// # Ok::<(), annals::Error>(())
    /// ```
    ///
    /// # Errors
    /// Corruption or I/O met on the way.
    fn position_at(&self, time: Timestamp) -> Result<Position> {
        let (mut before, mut after) = (self.first().previous(), self.head());
        while before < after {
            let middle = Position::new(before.get() + (after.get() - before.get()).div_ceil(2));
            let found = self
                .read(&Query::all().after(middle.previous()).limit(1))
                .next()
                .transpose()?;
            match found {
                Some(event) if event.recorded() <= time => before = event.position().min(after),
                _ => after = middle.previous(),
            }
        }
        Ok(before)
    }
}

/// What a backend can do. Whoever needs one of these asks first; the contract
/// suite asks, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[allow(clippy::struct_excessive_bools)]
pub struct Capabilities {
    /// Positions have no gaps.
    pub gapless_positions: bool,
    /// The versions within a stream have no gaps (below retention): all of a
    /// stream's events are there.
    pub gapless_versions: bool,
    /// Appends may carry conditions over queries.
    pub conditions: bool,
    /// Event ids are kept unique: a repeat is recognised wherever in the log the
    /// first append is, and whatever it expected.
    pub whole_log_repeats: bool,
}

impl Default for Capabilities {
    fn default() -> Self {
        Capabilities {
            gapless_positions: true,
            gapless_versions: true,
            conditions: false,
            whole_log_repeats: false,
        }
    }
}
