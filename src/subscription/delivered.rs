//! An event on its way to a consumer.

use crate::cursor::Cursor;
use crate::types::{Position, RecordedEvent};
use std::ops::Deref;

/// Whether an event is history or news to whoever is given it.
///
/// ```
/// use annals::subscription::{Phase, subscribe};
/// use annals::{Append, Event, EventStore, MemoryStore, Position, Query};
/// use std::sync::Arc;
///
/// let store = Arc::new(MemoryStore::new());
/// store.append(Append::to("users/1").event(Event::new("Registered", "")))?;
/// let mut users = subscribe(store.clone(), Query::all(), Position::START);
/// store.append(Append::to("users/2").event(Event::new("Registered", "")))?;
///
/// let mut welcomed = Vec::new();
/// for event in users.by_ref().take(2) {
///     let event = event?;
///     if event.phase() == Phase::Live {
///         welcomed.push(event.stream().to_owned());
///     }
/// }
/// assert_eq!(welcomed, ["users/2"]);
/// # Ok::<(), annals::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// It was there before the consumer began: what there was to do about it
    /// in the world outside was done, or is nobody's concern any more.
    Replay,
    /// It is new to the consumer.
    Live,
}

/// An event that a subscription gives, with what the consumer should know
/// about it. It derefs to the event.
#[derive(Clone, Debug)]
pub struct Delivered {
    event: RecordedEvent,
    replay: Position,
}

impl Delivered {
    pub(crate) fn new(event: RecordedEvent, replay: Position) -> Self {
        Delivered { event, replay }
    }

    /// The event.
    pub fn event(&self) -> &RecordedEvent {
        &self.event
    }

    /// The event, to keep.
    pub fn into_event(self) -> RecordedEvent {
        self.event
    }

    /// Whether it is history or news.
    pub fn phase(&self) -> Phase {
        if self.event.position() <= self.replay {
            Phase::Replay
        } else {
            Phase::Live
        }
    }

    /// Whether it is news.
    pub fn is_live(&self) -> bool {
        self.phase() == Phase::Live
    }

    /// Does what follows from the event: what is recorded meanwhile through a
    /// repository names the event as its cause.
    #[cfg(feature = "toolkit")]
    pub(crate) fn as_cause<T>(&self, work: impl FnOnce() -> T) -> T {
        crate::context::Context::caused_by(&self.event).scope(work)
    }

    /// Does what follows from the event.
    #[cfg(not(feature = "toolkit"))]
    pub(crate) fn as_cause<T>(&self, work: impl FnOnce() -> T) -> T {
        work()
    }

    /// Where the consumer stands once it has dealt with this event: what to
    /// save in the transaction that holds the event's effects.
    ///
    /// Where appends ask for less than `Durable`, see first that
    /// `EventStore::durable` has come so far (`flush` makes sure of it): a crash
    /// must not take an event that a cursor has passed.
    pub fn cursor(&self) -> Cursor {
        Cursor {
            position: self.event.position(),
            replay: self.replay,
        }
    }
}

impl Deref for Delivered {
    type Target = RecordedEvent;

    fn deref(&self) -> &RecordedEvent {
        &self.event
    }
}
