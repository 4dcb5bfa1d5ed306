//! Reading: the index says which positions, the log gives the events.

mod ahead;
mod frame;
mod leap;
mod owned;
mod readers;
mod short;
mod stretch;

use self::ahead::Ahead;
use self::frame::OpenFrame;
use self::owned::Owned;
use self::readers::Readers;
use self::short::Rest;
pub(super) use self::short::Rooms;
use self::stretch::Stretch;
use super::shared::{MOST_HEALINGS, Shared};
use crate::error::{Error, Result};
use crate::index::{Search, Way};
use crate::log::SegmentReader;
use crate::store::{Direction, Query, QueryItem};
use crate::types::{EventRef, Position};
use bytes::Bytes;
use std::borrow::Cow;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Who events are lent to.
type Visit<'a> = dyn FnMut(EventRef<'_>) -> ControlFlow<()> + 'a;

/// Whoever events are handed to that have verified before.
trait Visitor {
    /// Sees the reader of the next ones before they are read.
    #[inline]
    fn enter(&mut self, _: &mut SegmentReader) {}

    /// Takes an event, which lies within what the reader holds, if it was told to.
    fn take(&mut self, event: EventRef<'_>, held: &Bytes) -> ControlFlow<()>;
}

impl Visitor for Visit<'_> {
    #[inline]
    fn take(&mut self, event: EventRef<'_>, _: &Bytes) -> ControlFlow<()> {
        self(event)
    }
}

/// A read on its way, under a fixed upper bound.
pub(super) struct Reading<'q> {
    shared: Arc<Shared>,
    query: Cow<'q, Query>,
    source: Source,
    way: Way,
    left: u64,
    /// Whether events share the bytes that they lie in.
    shares: bool,
    /// The lowest position asked for is after this one, the highest this one.
    bounds: (Position, Position),
    readers: Readers,
    /// The frame that was opened last, and the number of its segment.
    frame: Option<(u64, OpenFrame)>,
    /// How far the medium is asked ahead where everything is walked.
    stretch: Stretch,
    /// How often a damaged index was made anew on the way.
    healed: u32,
}

/// Where the candidates come from.
enum Source {
    /// Each event in order, frame by frame, without a search; and whether all
    /// of them are asked for.
    Walk(bool),
    /// What the index finds, and whether all of it is asked for.
    Search(Box<Ahead>, bool),
}

impl Source {
    /// Whether each candidate is what the query asks for.
    fn is_all(&self) -> bool {
        matches!(self, Source::Walk(true) | Source::Search(_, true))
    }
}

impl<'q> Reading<'q> {
    pub(super) fn new(shared: &Arc<Shared>, query: &'q Query) -> Self {
        Self::of_rest(shared, query, rest_of(shared, query))
    }

    fn of_rest(shared: &Arc<Shared>, query: &'q Query, Rest { bounds, left }: Rest) -> Self {
        Reading {
            shared: Arc::clone(shared),
            query: Cow::Borrowed(query),
            source: Self::source(shared, query, bounds, Way::Cheaper),
            way: Way::Cheaper,
            left,
            shares: false,
            bounds,
            readers: Readers::default(),
            frame: None,
            stretch: Stretch::new(),
            healed: 0,
        }
    }

    fn source(shared: &Shared, query: &Query, bounds: (Position, Position), way: Way) -> Source {
        let all = is_all(query);
        if all && query.direction() == Direction::Forward {
            return Source::Walk(true);
        }
        let parts = shared.index.parts();
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
    pub(super) fn visit(mut self, visit: &mut Visit<'_>) -> Result<()> {
        while self.go_on(visit)?.is_continue() {
            match self.next(|event, _| visit(event))? {
                Some(ControlFlow::Continue(())) => {}
                Some(ControlFlow::Break(())) | None => break,
            }
        }
        Ok(())
    }

    /// Lends what comes next and has verified before: there is little to it, and
    /// it is the most of what is read. What stops it is met again by `next`.
    fn go_on<V: Visitor + ?Sized>(&mut self, visit: &mut V) -> Result<ControlFlow<()>> {
        match &self.source {
            Source::Walk(true) => self.walk(visit),
            Source::Walk(false) => Ok(ControlFlow::Continue(())),
            Source::Search(..) => match self.leap(visit) {
                Ok(flow) => Ok(flow),
                Err(error) => self.heal(error).map(|()| ControlFlow::Continue(())),
            },
        }
    }

    /// Lends the events of the frames behind the last one.
    fn walk<V: Visitor + ?Sized>(&mut self, visit: &mut V) -> Result<ControlFlow<()>> {
        loop {
            let before = self.bounds.0;
            if self.walk_lone(visit)?.is_break() || self.walk_frame(visit)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
            if self.bounds.0 == before {
                return Ok(ControlFlow::Continue(()));
            }
        }
    }

    /// As long as each frame has one event.
    fn walk_lone<V: Visitor + ?Sized>(&mut self, visit: &mut V) -> Result<ControlFlow<()>> {
        let Some((number, last)) = &mut self.frame else {
            return Ok(ControlFlow::Continue(()));
        };
        let reader = self.readers.get(&self.shared, *number)?;
        visit.enter(reader);
        let Some(frames) = reader.verified_frames() else {
            return Ok(ControlFlow::Continue(()));
        };
        if last.head.last() != self.bounds.0 {
            return Ok(ControlFlow::Continue(()));
        }
        let (mut begin, mut end) = (None, last.head.end());
        let mut flow = ControlFlow::Continue(());
        while flow.is_continue()
            && self.left > 0
            && self.bounds.0 < self.bounds.1
            && let Some(lone) = frames.lone(end)
            && lone.position() == self.bounds.0.next()
        {
            self.stretch.pass(reader.segment(), end + lone.length());
            let Some(lent) = lone.lend(|event| visit.take(event, reader.shared())) else {
                break;
            };
            self.left -= 1;
            self.bounds.0 = lone.position();
            begin = Some(end);
            end += lone.length();
            flow = lent;
        }
        // Whoever reads on does so behind the last of them.
        if let Some(begin) = begin {
            *last = match reader.known(begin) {
                Some((head, _)) => OpenFrame::new(&head),
                None => return Ok(flow),
            };
        }
        Ok(flow)
    }

    /// The next frame, if it has verified.
    fn walk_frame<V: Visitor + ?Sized>(&mut self, visit: &mut V) -> Result<ControlFlow<()>> {
        let Some((number, last)) = &mut self.frame else {
            return Ok(ControlFlow::Continue(()));
        };
        let reader = self.readers.get(&self.shared, *number)?;
        visit.enter(reader);
        if last.head.last() == self.bounds.0
            && let Some((head, bytes)) = reader.known(last.head.end())
            && head.is_known()
            && head.first == self.bounds.0.next()
        {
            self.stretch.pass(reader.segment(), head.end());
            *last = OpenFrame::new(&head);
            let mut cursor = head.start();
            for _ in 0..head.count {
                let record = head.step(bytes, &mut cursor);
                if self.left == 0 || self.bounds.0 >= self.bounds.1 {
                    return Ok(ControlFlow::Continue(()));
                }
                let Ok(event) = record.and_then(|record| record.decode()) else {
                    return Ok(ControlFlow::Continue(()));
                };
                self.left -= 1;
                self.bounds.0 = event.position();
                if visit.take(event, reader.shared()).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// The events, owned: they share the bytes that they lie in.
    pub(super) fn owned(self) -> Owned {
        Owned::new(Reading {
            query: Cow::Owned(self.query.into_owned()),
            shares: true,
            ..self
        })
    }

    /// Hands the next event that matches over, and the bytes that it lies in
    /// where they are shared.
    fn next<T>(&mut self, take: impl FnOnce(EventRef<'_>, &Bytes) -> T) -> Result<Option<T>> {
        while self.left > 0
            && let Some(position) = self.advance()?
        {
            let Some((number, frame)) = &mut self.frame else {
                break;
            };
            let reader = self.readers.get(&self.shared, *number)?;
            if self.shares {
                reader.hold(frame.head.end());
            }
            let event = frame.event(reader, position)?;
            if self.source.is_all() || self.query.asks_for(&event) {
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
                    pass(&mut self.bounds, position, self.query.direction());
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
                let found = ahead.peek(&self.shared, &mut self.readers, self.left)?;
                let Some(found) = found else {
                    return Ok(None);
                };
                ahead.pass();
                self.enter_frame(found.position, Some((found.segment, found.offset)))?;
                Ok(Some(found.position))
            }
        }
    }

    /// Opens the frame of a position, unless it is the one that is open.
    fn enter_frame(&mut self, position: Position, place: Option<(u64, u64)>) -> Result<()> {
        let open = self.frame.as_ref();
        if open.is_some_and(|(_, frame)| frame.head.holds(position)) {
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
        let reader = self.readers.get(&self.shared, number)?;
        match OpenFrame::open(reader, offset)? {
            Some(frame) if frame.head.holds(position) => {
                self.frame = Some((number, frame));
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
            Source::Walk(_) => self.shared.index.parts().place(position)?,
            Source::Search(..) => None,
        };
        place.ok_or_else(|| ahead::no_place(&self.shared, position))
    }

    /// Most often the next position stands right behind the last one, and
    /// then there is nothing to look up.
    fn enter_next_frame(&mut self, position: Position) -> bool {
        let Some((number, last)) = &mut self.frame else {
            return false;
        };
        if last.head.last().next() != position {
            return false;
        }
        let Ok(reader) = self.readers.get(&self.shared, *number) else {
            return false;
        };
        self.stretch.pass(reader.segment(), last.head.end());
        // What stands there may be no frame of ours (the end of a segment);
        // then the index knows where the right one is.
        match OpenFrame::open(reader, last.head.end()) {
            Ok(Some(frame)) if frame.head.holds(position) => {
                *last = frame;
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

/// Lends what a query asks for until `visit` breaks.
pub(super) fn scan(shared: &Arc<Shared>, query: &Query, visit: &mut Visit<'_>) -> Result<()> {
    let mut rest = rest_of(shared, query);
    if short::lend(shared, query, &mut rest, visit).is_break() {
        return Ok(());
    }
    Reading::of_rest(shared, query, rest).visit(visit)
}

/// All that a query asks for, of what is visible now.
fn rest_of(shared: &Shared, query: &Query) -> Rest {
    let (after, up_to) = query.bounds();
    let after = after.max(shared.first.previous());
    Rest {
        bounds: (after, up_to.min(shared.progress.visible())),
        left: query.max_events(),
    }
}

/// Whether a query asks for everything between its bounds.
fn is_all(query: &Query) -> bool {
    query.items().contains(&QueryItem::all())
}

/// What was passed need not be found again, should the index have to be made
/// anew.
fn pass(bounds: &mut (Position, Position), position: Position, direction: Direction) {
    match direction {
        Direction::Forward => bounds.0 = position,
        Direction::Backward => bounds.1 = position.previous(),
    }
}
