//! What `EventStore::read` returns.

use crate::error::Result;
use crate::types::{Position, RecordedEvent};
use std::fmt;

/// The events that a read found, owned, one after the other.
///
/// They come from under one fixed upper bound: whatever is appended while the
/// iterator is in use does not show up in it. After an error it ends.
/// It may outlive the handle on the store that it came from.
pub struct Events {
    source: Box<dyn Resume>,
    ended: bool,
    failed: bool,
}

/// A backend's side of `Events` that can be resumed.
pub trait Resume: Iterator<Item = Result<RecordedEvent>> + Send {
    /// As `Events::resume`. It is called once the iterator has ended, and not
    /// after an error.
    fn resume(&mut self, up_to: Position, most: u64) -> bool;
}

/// Events that end for good.
struct Fixed<I>(I);

impl<I: Iterator> Iterator for Fixed<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        self.0.next()
    }
}

impl<I: Iterator<Item = Result<RecordedEvent>> + Send> Resume for Fixed<I> {
    fn resume(&mut self, _: Position, _: u64) -> bool {
        false
    }
}

impl Events {
    /// Events that come from this iterator. Backends make these.
    pub fn new(source: impl Iterator<Item = Result<RecordedEvent>> + Send + 'static) -> Self {
        Self::resumable(Fixed(source))
    }

    /// Events that can be resumed: backends make these where they save what
    /// finding the place again would cost.
    pub fn resumable(source: impl Resume + 'static) -> Self {
        Events {
            source: Box::new(source),
            ended: false,
            failed: false,
        }
    }

    /// A read that failed before it found anything.
    pub fn failed(error: crate::Error) -> Self {
        Self::new(std::iter::once(Err(error)))
    }

    /// Goes on, once it has ended, with what the same query asks for up to
    /// another position, `most` events at most: behind the last event where that
    /// was all that was asked for, behind the old upper bound otherwise. This is
    /// how a subscription reads on when the head has moved.
    ///
    /// Says whether it does. Where it doesn't (the backend can't, the read runs
    /// backward, has not ended, or ended with an error) read anew.
    ///
    /// ```
    /// use annals::{Append, Event, EventStore, MemoryStore, Query};
    /// let store = MemoryStore::new();
    /// let append = || store.append(Append::to("a").event(Event::new("Happened", "")));
    /// append()?;
    /// let mut events = store.read(&Query::stream("a"));
    /// assert_eq!(events.by_ref().count(), 1);
    /// let head = append()?.last();
    /// assert!(events.resume(head, 100));
    /// assert_eq!(events.next().unwrap()?.position(), head);
    /// # Ok::<(), annals::Error>(())
    /// ```
    pub fn resume(&mut self, up_to: Position, most: u64) -> bool {
        let resumed = self.ended && !self.failed && self.source.resume(up_to, most);
        self.ended &= !resumed;
        resumed
    }
}

impl Iterator for Events {
    type Item = Result<RecordedEvent>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let item = self.source.next();
        self.ended = !matches!(item, Some(Ok(_)));
        self.failed = matches!(item, Some(Err(_)));
        item
    }
}

impl std::iter::FusedIterator for Events {}

impl fmt::Debug for Events {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Events")
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}
