//! Lends events that have a frame of their own, from wherever they were found.

use super::super::shared::Shared;
use super::ahead::Ahead;
use super::readers::Readers;
use super::{Reading, Source, Visitor, pass};
use crate::error::Result;
use crate::store::Direction;
use crate::types::{EventRef, Position};
use std::ops::ControlFlow;

/// What of a reading leaps from event to event.
struct Leap<'a> {
    shared: &'a Shared,
    readers: &'a mut Readers,
    ahead: &'a mut Ahead,
    direction: Direction,
    bounds: &'a mut (Position, Position),
    left: &'a mut u64,
}

impl Reading<'_> {
    /// Lends candidates as long as each has a frame of its own that has verified.
    pub(super) fn leap<V: Visitor + ?Sized>(&mut self, visit: &mut V) -> Result<ControlFlow<()>> {
        let Source::Search(ahead, all) = &mut self.source else {
            return Ok(ControlFlow::Continue(()));
        };
        let query = &*self.query;
        let leap = Leap {
            shared: &self.shared,
            readers: &mut self.readers,
            ahead,
            direction: query.direction(),
            bounds: &mut self.bounds,
            left: &mut self.left,
        };
        if *all {
            return leap.run(visit, |_| true);
        }
        // Keys of terms are hashes, so that what was found is compared. What most
        // reads ask for, one stream, is compared without leaving the loop.
        match query.only_stream() {
            Some((stream, (from, to))) => leap.run(visit, |event| {
                event.stream == stream && from <= event.version && event.version <= to
            }),
            None => leap.run(visit, |event| query.asks_for(event)),
        }
    }
}

impl Leap<'_> {
    #[inline]
    fn run<V: Visitor + ?Sized>(
        self,
        visit: &mut V,
        is_wanted: impl Fn(&EventRef<'_>) -> bool,
    ) -> Result<ControlFlow<()>> {
        while *self.left > 0
            && self.bounds.0 < self.bounds.1
            && let Some(found) = self.ahead.peek(self.shared, self.readers, *self.left)?
        {
            let reader = self.readers.get(self.shared, found.segment)?;
            visit.enter(reader);
            let frames = reader.verified_frames();
            let lone = frames.and_then(|frames| frames.lone(found.offset));
            let Some(lone) = lone.filter(|lone| lone.position() == found.position) else {
                break;
            };
            let lent =
                lone.lend(|event| is_wanted(&event).then(|| visit.take(event, reader.shared())));
            let Some(flow) = lent else {
                break;
            };
            self.ahead.pass();
            pass(self.bounds, found.position, self.direction);
            *self.left -= u64::from(flow.is_some());
            if flow.is_some_and(|flow| flow.is_break()) {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}
