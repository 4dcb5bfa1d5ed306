//! What `EventStore::read` returns.

use crate::error::Result;
use crate::types::RecordedEvent;
use std::fmt;

/// The events that a read found, owned, one after the other.
///
/// They come from under one fixed upper bound: whatever is appended while the
/// iterator is in use does not show up in it. After an error it ends.
/// It may outlive the handle on the store that it came from.
pub struct Events {
    source: Box<dyn Iterator<Item = Result<RecordedEvent>> + Send>,
    ended: bool,
}

impl Events {
    /// Events that come from this iterator. Backends make these.
    pub fn new(source: impl Iterator<Item = Result<RecordedEvent>> + Send + 'static) -> Self {
        Events {
            source: Box::new(source),
            ended: false,
        }
    }

    /// A read that failed before it found anything.
    pub fn failed(error: crate::Error) -> Self {
        Self::new(std::iter::once(Err(error)))
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
