//! Reading: the index says which positions, the log gives the events.

mod ahead;

use self::ahead::Ahead;
use super::shared::{MOST_HEALINGS, Shared};
use crate::error::{Error, Result};
use crate::format::Fault;
use crate::format::frame::{FrameHead, RecordCursor};
use crate::index::{Parts, Search, Way};
use crate::log::SegmentReader;
use crate::store::{Direction, Query, QueryItem};
use crate::types::{EventRef, Position, RecordedEvent};
use bytes::Bytes;
use std::ops::ControlFlow;
use std::sync::Arc;

/// A read on its way, under a fixed upper bound.
pub(super) struct Reading {
    shared: Arc<Shared>,
    query: Query,
    source: Source,
    way: Way,
    left: u64,
    /// Whether events share the bytes that they lie in.
    shares: bool,
    /// The lowest position asked for is after this one, the highest this one.
    bounds: (Position, Position),
    reader: Option<SegmentReader>,
    /// The frame that was opened last, its head verified.
    frame: Option<OpenFrame>,
    /// How often a damaged index was made anew on the way.
    healed: u32,
}

/// Where the candidates come from.
enum Source {
    /// Everything, in order: frame by frame, without a search.
    Walk(Arc<Parts>),
    /// What the index finds, and whether all of it is asked for.
    Search(Box<Ahead>, bool),
}

impl Source {
    /// Whether each candidate is what the query asks for.
    fn is_all(&self) -> bool {
        matches!(self, Source::Walk(_) | Source::Search(_, true))
    }
}

/// A frame that is being read from.
struct OpenFrame {
    head: FrameHead,
    cursor: RecordCursor,
    /// How many records, from the first on, have been verified.
    verified: u64,
}

impl OpenFrame {
    fn new(head: &FrameHead) -> Self {
        OpenFrame {
            head: *head,
            cursor: head.start(),
            verified: 0,
        }
    }

    /// The event at a position of the frame, its record verified.
    #[inline]
    fn event<'a>(
        &mut self,
        reader: &'a SegmentReader,
        position: Position,
    ) -> Result<EventRef<'a>, Fault> {
        let bytes = reader.opened(&self.head);
        let record = self.head.record(bytes, position, &mut self.cursor)?;
        if !self.head.is_known() {
            record.verify()?;
            self.note_verified(reader, position);
        }
        record.decode()
    }

    /// Once all records of the frame have verified, it is known.
    fn note_verified(&mut self, reader: &SegmentReader, position: Position) {
        if position == self.head.commit.first.plus(self.verified) {
            self.verified += 1;
            if self.verified == u64::from(self.head.count) {
                reader.note_verified(&self.head);
            }
        }
    }
}

impl Reading {
    pub(super) fn new(shared: &Arc<Shared>, query: &Query) -> Self {
        let (after, up_to) = query.bounds();
        let after = after.max(shared.first.previous());
        let bounds = (after, up_to.min(shared.progress.visible()));
        Reading {
            shared: Arc::clone(shared),
            query: query.clone(),
            source: Self::source(shared, query, bounds, Way::Cheaper),
            way: Way::Cheaper,
            left: query.max_events(),
            shares: false,
            bounds,
            reader: None,
            frame: None,
            healed: 0,
        }
    }

    fn source(shared: &Shared, query: &Query, bounds: (Position, Position), way: Way) -> Source {
        let parts = shared.index.parts();
        let all = query.items().contains(&QueryItem::all());
        if all && query.direction() == Direction::Forward {
            return Source::Walk(parts);
        }
        let search = Search::new(&parts, &shared.hasher, query, bounds, way);
        Source::Search(Box::new(Ahead::new(search)), all)
    }

    /// The same reading, with the index searched this way.
    #[cfg(feature = "testing")]
    pub(super) fn by(mut self, way: Way) -> Self {
        self.source = Self::source(&self.shared, &self.query, self.bounds, way);
        self.way = way;
        self
    }

    /// Lends each event until `visit` breaks.
    pub(super) fn visit(
        mut self,
        visit: &mut dyn FnMut(EventRef<'_>) -> ControlFlow<()>,
    ) -> Result<()> {
        while let Some(flow) = self.next(|event, _| visit(event))? {
            if flow.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// The events, owned: they share the bytes that they lie in.
    pub(super) fn owned(mut self) -> impl Iterator<Item = Result<RecordedEvent>> + Send + use<> {
        self.shares = true;
        std::iter::from_fn(move || {
            let next = self.next(|event, shared| RecordedEvent::sharing(&event, shared));
            next.transpose()
        })
    }

    /// Hands the next event that matches over, and the bytes that it lies in
    /// where they are shared.
    fn next<T>(&mut self, take: impl FnOnce(EventRef<'_>, &Bytes) -> T) -> Result<Option<T>> {
        while self.left > 0
            && let Some(position) = self.advance()?
        {
            let (Some(reader), Some(frame)) = (&mut self.reader, &mut self.frame) else {
                break;
            };
            if self.shares {
                reader.hold(frame.head.end());
            }
            let event = match frame.event(reader, position) {
                Ok(event) => event,
                Err(fault) => return Err(reader.segment().fault(frame.head.offset(), fault)),
            };
            let items = self.query.items();
            if self.source.is_all() || items.iter().any(|item| item.matches(&event)) {
                self.left -= 1;
                return Ok(Some(take(event, reader.shared())));
            }
        }
        Ok(None)
    }

    /// Goes on to the next candidate, and opens its frame.
    fn advance(&mut self) -> Result<Option<Position>> {
        while self.bounds.0 < self.bounds.1 {
            match self.step() {
                Ok(None) => break,
                Ok(Some(position)) => {
                    // What was passed need not be found again, should the
                    // index have to be made anew.
                    match self.query.direction() {
                        Direction::Forward => self.bounds.0 = position,
                        Direction::Backward => self.bounds.1 = position.previous(),
                    }
                    return Ok(Some(position));
                }
                Err(error) => self.heal(error)?,
            }
        }
        Ok(None)
    }

    fn step(&mut self) -> Result<Option<Position>> {
        match &mut self.source {
            Source::Walk(_) => {
                let position = self.bounds.0.next();
                self.enter_frame(position, None)?;
                Ok(Some(position))
            }
            Source::Search(ahead, _) => {
                let Some(found) = ahead.next(&self.shared, self.left)? else {
                    return Ok(None);
                };
                self.enter_frame(found.position, Some(found.place))?;
                Ok(Some(found.position))
            }
        }
    }

    /// Opens the frame of a position, unless it is the one that is open.
    fn enter_frame(&mut self, position: Position, place: Option<(u64, u64)>) -> Result<()> {
        let open = self.frame.as_ref();
        if open.is_some_and(|frame| frame.head.holds(position)) {
            return Ok(());
        }
        if place.is_none() && self.enter_next_frame(position) {
            return Ok(());
        }
        self.frame = None;
        let (number, offset) = match place {
            Some(place) => place,
            None => self.look_up(position)?,
        };
        let reader = match &mut self.reader {
            Some(reader) if reader.segment().number() == number => reader,
            reader => reader.insert(self.shared.segments.get(number)?.reader()),
        };
        match reader.frame(offset)? {
            Some(frame) if frame.head().holds(position) => {
                self.frame = Some(OpenFrame::new(frame.head()));
                Ok(())
            }
            _ => {
                let reason = format!("the frame of position {position} is not where it was");
                Err(Error::corrupt(reader.segment().path(), offset, reason))
            }
        }
    }

    fn look_up(&self, position: Position) -> Result<(u64, u64)> {
        let place = match &self.source {
            Source::Walk(parts) => parts.place(position)?,
            Source::Search(..) => None,
        };
        place.ok_or_else(|| ahead::no_place(&self.shared, position))
    }

    /// Most often the next position stands right behind the last one, and
    /// then there is nothing to look up.
    fn enter_next_frame(&mut self, position: Position) -> bool {
        let (Some(reader), Some(last)) = (&mut self.reader, &self.frame) else {
            return false;
        };
        if last.head.last().next() != position {
            return false;
        }
        // What stands there may be no frame of ours (the end of a segment);
        // then the index knows where the right one is.
        match reader.frame(last.head.end()) {
            Ok(Some(frame)) if frame.head().holds(position) => {
                self.frame = Some(OpenFrame::new(frame.head()));
                true
            }
            _ => false,
        }
    }

    /// Makes the damaged part of the index anew, if that is what went wrong,
    /// and begins to search again behind what was read.
    fn heal(&mut self, error: Error) -> Result<()> {
        self.healed += 1;
        if self.healed > MOST_HEALINGS || !super::background::heal(&self.shared, &error)? {
            return Err(error);
        }
        self.source = Self::source(&self.shared, &self.query, self.bounds, self.way);
        self.frame = None;
        Ok(())
    }
}
