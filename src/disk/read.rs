//! Reading: the index says which positions, the log gives the events.

use super::shared::{MOST_HEALINGS, Shared};
use crate::error::{Error, Result};
use crate::format::frame::{Frame, FrameHead, RecordCursor};
use crate::index::{Parts, Search, Way};
use crate::log::SegmentReader;
use crate::store::{Direction, Query, QueryItem};
use crate::types::{EventRef, Position, RecordedEvent};
use std::ops::ControlFlow;
use std::sync::Arc;

/// A read on its way, under a fixed upper bound.
pub(super) struct Reading {
    shared: Arc<Shared>,
    query: Query,
    search: Search,
    way: Way,
    left: u64,
    /// The lowest position asked for is after this one, the highest this one.
    bounds: (Position, Position),
    reader: Option<SegmentReader>,
    /// The frame that was opened last, its head verified.
    frame: Option<OpenFrame>,
    /// Whether each candidate is what the query asks for.
    matches_all: bool,
    /// How often a damaged index was made anew on the way.
    healed: u32,
}

/// A frame that is being read from.
struct OpenFrame {
    head: FrameHead,
    cursor: RecordCursor,
    /// The position whose record was verified last.
    verified: Position,
}

impl OpenFrame {
    fn new(head: &FrameHead) -> Self {
        OpenFrame {
            head: *head,
            cursor: head.start(),
            verified: Position::START,
        }
    }

    /// The event at a position of the frame, its record verified.
    fn event<'a>(
        &mut self,
        reader: &'a mut SegmentReader,
        position: Position,
    ) -> Result<EventRef<'a>> {
        let segment = Arc::clone(reader.segment());
        let bytes = reader.bytes(self.head.offset(), self.head.length())?;
        let frame = Frame::reopen(bytes, &self.head);
        let event = frame.record(position, &mut self.cursor).and_then(|record| {
            if self.verified != position {
                record.verify()?;
                self.verified = position;
            }
            record.decode()
        });
        event.map_err(|fault| segment.fault(self.head.offset(), fault))
    }
}

impl Reading {
    pub(super) fn new(shared: &Arc<Shared>, query: &Query) -> Self {
        let parts = shared.index.parts();
        let (after, up_to) = query.bounds();
        let after = after.max(shared.first.previous());
        let bounds = (after, up_to.min(shared.progress.visible()));
        Reading {
            shared: Arc::clone(shared),
            query: query.clone(),
            search: Self::search(shared, &parts, query, bounds, Way::Cheaper),
            way: Way::Cheaper,
            left: query.max_events(),
            matches_all: query.items().contains(&QueryItem::all()),
            bounds,
            reader: None,
            frame: None,
            healed: 0,
        }
    }

    fn search(
        shared: &Shared,
        parts: &Parts,
        query: &Query,
        bounds: (Position, Position),
        way: Way,
    ) -> Search {
        Search::new(parts, &shared.hasher, query, bounds, way)
    }

    /// The same reading, with the index searched this way.
    #[cfg(feature = "testing")]
    pub(super) fn by(mut self, way: Way) -> Self {
        let parts = self.shared.index.parts();
        self.search = Self::search(&self.shared, &parts, &self.query, self.bounds, way);
        self.way = way;
        self
    }

    /// Lends each event until `visit` breaks.
    pub(super) fn visit(
        mut self,
        visit: &mut dyn FnMut(EventRef<'_>) -> ControlFlow<()>,
    ) -> Result<()> {
        while let Some(event) = self.next()? {
            if visit(event).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// The events, owned: they share the bytes that they lie in.
    pub(super) fn owned(mut self) -> impl Iterator<Item = Result<RecordedEvent>> + Send + use<> {
        std::iter::from_fn(move || self.next_owned().transpose())
    }

    fn next_owned(&mut self) -> Result<Option<RecordedEvent>> {
        let Some(position) = self.advance()? else {
            return Ok(None);
        };
        let (Some(reader), Some(frame)) = (&mut self.reader, &mut self.frame) else {
            return Ok(None);
        };
        let shared = reader.share(frame.head.end());
        let event = frame.event(reader, position)?;
        Ok(Some(RecordedEvent::sharing(&event, &shared)))
    }

    /// The next event that matches.
    fn next(&mut self) -> Result<Option<EventRef<'_>>> {
        let Some(position) = self.advance()? else {
            return Ok(None);
        };
        match (&mut self.reader, &mut self.frame) {
            (Some(reader), Some(frame)) => frame.event(reader, position).map(Some),
            _ => Ok(None),
        }
    }

    /// Goes on to the next event that matches, and opens its frame.
    fn advance(&mut self) -> Result<Option<Position>> {
        if self.left == 0 || self.bounds.0 >= self.bounds.1 {
            return Ok(None);
        }
        loop {
            let found = match self.step() {
                Ok(found) => found,
                Err(error) => {
                    self.heal(error)?;
                    continue;
                }
            };
            let Some((position, matches)) = found else {
                return Ok(None);
            };
            // What was passed need not be found again, should the index have
            // to be made anew.
            match self.query.direction() {
                Direction::Forward => self.bounds.0 = position,
                Direction::Backward => self.bounds.1 = position.previous(),
            }
            if matches {
                self.left -= 1;
                return Ok(Some(position));
            }
        }
    }

    /// The next candidate, and whether it is what the query asks for.
    fn step(&mut self) -> Result<Option<(Position, bool)>> {
        let Some(position) = self.search.next()? else {
            return Ok(None);
        };
        self.enter_frame(position)?;
        if self.matches_all {
            return Ok(Some((position, true)));
        }
        match (&mut self.reader, &mut self.frame) {
            (Some(reader), Some(frame)) => {
                let event = frame.event(reader, position)?;
                let matches = self.query.items().iter().any(|item| item.matches(&event));
                Ok(Some((position, matches)))
            }
            _ => Ok(None),
        }
    }

    /// Opens the frame of a position, unless it is the one that is open.
    fn enter_frame(&mut self, position: Position) -> Result<()> {
        if self
            .frame
            .as_ref()
            .is_some_and(|frame| frame.head.holds(position))
        {
            return Ok(());
        }
        if self.enter_next_frame(position) {
            return Ok(());
        }
        self.frame = None;
        let Some((number, offset)) = self.search.place(position)? else {
            let reason = format!("the index has no place for position {position}");
            return Err(Error::corrupt(&self.shared.dir, 0, reason));
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
        let parts = self.shared.index.parts();
        self.search = Self::search(&self.shared, &parts, &self.query, self.bounds, self.way);
        self.frame = None;
        Ok(())
    }
}
