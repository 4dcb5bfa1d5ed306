//! Events to keep, and reading on once more have come.

use super::{Reading, Source, is_all};
use crate::error::Result;
use crate::store::{Direction, Resume};
use crate::types::{EventRef, Position, RecordedEvent};
use bytes::Bytes;

/// Of so few new events each is looked at: about what it costs to ask the
/// index which of them are wanted.
const FEW: u64 = 8;

/// The events of a reading, owned: they share the bytes that they lie in.
pub(in crate::disk) struct Owned(Reading<'static>);

impl Owned {
    pub(super) fn new(reading: Reading<'static>) -> Self {
        Owned(reading)
    }
}

impl Iterator for Owned {
    type Item = Result<RecordedEvent>;

    fn next(&mut self) -> Option<Self::Item> {
        let keep = |event: EventRef<'_>, shared: &Bytes| RecordedEvent::sharing(&event, shared);
        let next = self.0.next(keep).transpose();
        if next.is_none() {
            self.0.rest();
        }
        next
    }
}

impl Resume for Owned {
    fn resume(&mut self, up_to: Position, most: u64) -> bool {
        self.0.resume(up_to, most)
    }
}

impl Reading<'_> {
    /// Lets go of what is of use only while there is more to read: an iterator
    /// that has ended may be kept for long.
    fn rest(&mut self) {
        self.source = Source::Walk(false);
        self.readers
            .keep_only(self.frame.as_ref().map(|(number, _)| *number));
    }

    /// Reads on from where the last frame ends, which most often the next one
    /// follows: it is not looked up, and its segment is at hand.
    fn resume(&mut self, up_to: Position, most: u64) -> bool {
        if self.query.direction() == Direction::Backward {
            return false;
        }
        if self.left > 0 {
            self.bounds.0 = self.bounds.0.max(self.bounds.1);
        }
        self.left = most;
        self.bounds.1 = up_to.min(self.shared.progress.visible());
        self.healed = 0;
        let new = self.bounds.1.get().saturating_sub(self.bounds.0.get());
        self.source = match new <= FEW {
            true => Source::Walk(is_all(&self.query)),
            false => Self::source(&self.shared, &self.query, self.bounds, self.way),
        };
        true
    }
}
