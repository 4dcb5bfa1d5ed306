//! Events to keep, and reading on once more have come.

use super::{Reading, Source, Visitor, is_all};
use crate::error::Result;
use crate::log::SegmentReader;
use crate::store::{Direction, Resume};
use crate::types::{EventRef, Position, RecordedEvent};
use bytes::Bytes;
use std::collections::VecDeque;
use std::ops::ControlFlow;

/// Of so few new events each is looked at: about what it costs to ask the
/// index which of them are wanted.
const FEW: u64 = 8;
/// How many events are kept ahead at first, and at most: the loops that they come
/// from are entered once for all of them.
const AHEAD: usize = 2;
const MOST_AHEAD: usize = 16;

/// The events of a reading, owned: they share the bytes that they lie in.
pub(in crate::disk) struct Owned {
    reading: Reading<'static>,
    /// Events that had verified before, and what then went wrong, yet to be given.
    kept: VecDeque<Result<RecordedEvent>>,
    ahead: usize,
}

/// Keeps events until there are so many.
struct Keep<'a> {
    kept: &'a mut VecDeque<Result<RecordedEvent>>,
    most: usize,
}

impl Visitor for Keep<'_> {
    #[inline]
    fn enter(&mut self, reader: &mut SegmentReader) {
        reader.hold_all();
    }

    #[inline]
    fn take(&mut self, event: EventRef<'_>, held: &Bytes) -> ControlFlow<()> {
        let event = RecordedEvent::sharing(&event, held);
        self.kept.push_back(Ok(event));
        match self.kept.len() < self.most {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        }
    }
}

impl Owned {
    pub(super) fn new(reading: Reading<'static>) -> Self {
        Owned {
            reading,
            kept: VecDeque::new(),
            ahead: AHEAD,
        }
    }

    /// Keeps what comes next and has verified before; if there is nothing of the
    /// kind, gives the next event.
    fn read_on(&mut self) -> Option<Result<RecordedEvent>> {
        let mut keep = Keep {
            kept: &mut self.kept,
            most: self.ahead,
        };
        match self.reading.go_on(&mut keep) {
            Ok(_) => {}
            Err(error) => self.kept.push_back(Err(error)),
        }
        if let Some(kept) = self.kept.pop_front() {
            self.ahead = (2 * self.ahead).min(MOST_AHEAD);
            return Some(kept);
        }
        let keep = |event: EventRef<'_>, shared: &Bytes| RecordedEvent::sharing(&event, shared);
        let next = self.reading.next(keep).transpose();
        if next.is_none() {
            self.reading.rest();
        }
        next
    }
}

impl Iterator for Owned {
    type Item = Result<RecordedEvent>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match self.kept.pop_front() {
            Some(kept) => Some(kept),
            None => self.read_on(),
        }
    }
}

impl Resume for Owned {
    fn resume(&mut self, up_to: Position, most: u64) -> bool {
        self.reading.resume(up_to, most)
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

#[cfg(test)]
mod tests {
    use super::super::scan;
    use super::*;
    use crate::disk::{LogStore, Options, Reads};
    use crate::store::{Append, EventStore, Query};
    use crate::types::{Durability, Event};
    use std::path::Path;

    const STREAMS: u64 = 3;

    /// Appends of one event, two and three, in turn.
    fn append(store: &LogStore, rounds: u64) {
        for round in 0..rounds {
            let event = |_| Event::new(format!("T{}", round % 2), vec![b'x'; 40]);
            let append = Append::to(format!("s/{}", round % STREAMS));
            let more = round % 4 / 2 * (1 + round % 2);
            store.append(append.events((0..=more).map(event))).unwrap();
        }
    }

    fn store(dir: &Path, segment_size: u64) -> LogStore {
        let options = Options::new().segment_size(segment_size);
        let options = options
            .durability(Durability::Written)
            .checkpoint_events(90)
            .reads(Reads::Mapped);
        let store = options.open(dir).unwrap();
        append(&store, 1000);
        // Frames of one event each, more than are kept ahead.
        for number in 0..100 {
            let event = Event::new("Alone", number.to_string());
            store.append(Append::to("s/1").event(event)).unwrap();
        }
        store
    }

    /// What a query lends, to keep.
    fn scanned(store: &LogStore, query: &Query) -> Vec<RecordedEvent> {
        let mut events = Vec::new();
        let mut keep = |event: EventRef<'_>| {
            events.push(event.to_owned());
            ControlFlow::Continue(())
        };
        scan(&store.shared, query, &mut keep).unwrap();
        events
    }

    fn queries() -> Vec<Query> {
        let all = Query::all();
        let (some, of_type) = (Query::stream("s/1"), Query::all().with_type("T1"));
        let bounds = |query: &Query| {
            let query = query.clone();
            query.after(Position::new(33)).up_to(Position::new(70))
        };
        let few = [all.clone(), some.clone(), of_type.clone()];
        let bounded = few.iter().map(bounds);
        let backward = few.iter().map(|query| query.clone().backward());
        few.iter().cloned().chain(bounded).chain(backward).collect()
    }

    #[test]
    fn whether_verified_before_or_not_the_same_events_are_kept() {
        for segment_size in [Options::MIN_SEGMENT_SIZE, 1 << 20] {
            let dir = tempfile::tempdir().unwrap();
            let store = store(dir.path(), segment_size);
            for query in queries() {
                for limit in [1, 2, 3, 17, 40, u64::MAX] {
                    let query = query.clone().limit(limit);
                    let read = || store.read(&query).map(Result::unwrap).collect::<Vec<_>>();
                    let (first, again, third) = (read(), read(), read());
                    let lent = scanned(&store, &query);
                    assert!(!lent.is_empty());
                    assert!(first == lent && again == lent, "{query:?}");
                    let place = |event: &RecordedEvent| event.data().as_ptr();
                    let places = again.iter().map(place);
                    assert!(places.eq(third.iter().map(place)), "shared");
                }
            }
        }
    }

    #[test]
    fn what_is_kept_ahead_is_given_before_a_read_is_resumed() {
        let dir = tempfile::tempdir().unwrap();
        let store = store(dir.path(), 1 << 20);
        let before = scanned(&store, &Query::all());
        let mut events = store.read(&Query::all().limit(100));
        let mut seen: Vec<_> = events.by_ref().map(Result::unwrap).collect();
        for _ in 0..before.len() / 41 {
            assert!(events.resume(store.head(), 41));
            seen.extend(events.by_ref().map(Result::unwrap));
        }
        assert_eq!(seen, before);
        append(&store, 50);
        assert!(events.resume(store.head(), u64::MAX));
        seen.extend(events.map(Result::unwrap));
        assert_eq!(seen, scanned(&store, &Query::all()));
    }
}
