//! Looks some candidates ahead of the reader, so that their bytes are on the
//! way by the time that it comes to them.

use super::super::shared::Shared;
use crate::env::Stopwatch;
use crate::error::{Error, Result};
use crate::index::Search;
use crate::log::{Near, Segment};
use crate::types::Position;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// How many candidates are looked up at once.
const BATCH: u64 = 16;
/// And with how few left the next ones are.
const LEAST: usize = 8;
/// The same for events that come from the medium: as many as it can well be
/// asked for at once.
const COLD_BATCH: u64 = 64;
const COLD_LEAST: usize = 32;
/// Who took longer than this for an event waited for the medium, or has time
/// enough for the system calls that ask it ahead.
const SLOW: Duration = Duration::from_micros(10);

/// A candidate, and where its frame is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) position: Position,
    /// Number of the segment, offset in it.
    pub(super) place: (u64, u64),
}

/// The candidates of a search, fetched ahead.
pub(super) struct Ahead {
    search: Search,
    found: VecDeque<Found>,
    ended: bool,
    /// The segment that was fetched from last.
    segment: Option<Arc<Segment>>,
    near: Near,
    /// When candidates were last looked up, and how many were handed out since.
    since: Option<Stopwatch>,
    handed_out: u32,
}

impl Ahead {
    pub(super) fn new(search: Search) -> Self {
        Ahead {
            search,
            found: VecDeque::new(),
            ended: false,
            segment: None,
            near: Near::Processor,
            since: None,
            handed_out: 0,
        }
    }

    /// The next candidate, of which `wanted` may be asked for.
    pub(super) fn next(&mut self, shared: &Shared, wanted: u64) -> Result<Option<Found>> {
        let least = match self.near {
            Near::Processor => LEAST,
            Near::Memory => COLD_LEAST,
        };
        if self.found.len() <= least && !self.ended && (self.found.len() as u64) < wanted {
            self.look_up(shared, wanted)?;
        }
        self.handed_out += 1;
        Ok(self.found.pop_front())
    }

    fn look_up(&mut self, shared: &Shared, wanted: u64) -> Result<()> {
        if let Some(since) = self.since.take() {
            self.near = match since.read() > SLOW * self.handed_out {
                true => Near::Memory,
                false => Near::Processor,
            };
        }
        self.handed_out = 0;
        let batch = match self.near {
            Near::Processor => BATCH,
            Near::Memory => COLD_BATCH,
        };
        let batch = batch.min(wanted) as usize;
        while self.found.len() < batch {
            let Some(position) = self.search.next()? else {
                self.ended = true;
                return Ok(());
            };
            let place = self.search.place(position)?;
            let place = place.ok_or_else(|| no_place(shared, position))?;
            self.fetch(shared, place)?;
            self.found.push_back(Found { position, place });
        }
        self.since = Some(Stopwatch::start());
        Ok(())
    }

    fn fetch(&mut self, shared: &Shared, (number, offset): (u64, u64)) -> Result<()> {
        let segment = match &mut self.segment {
            Some(segment) if segment.number() == number => segment,
            other => other.insert(shared.segments.get(number)?),
        };
        segment.fetch(offset, self.near);
        Ok(())
    }
}

pub(super) fn no_place(shared: &Shared, position: Position) -> Error {
    let reason = format!("the index has no place for position {position}");
    Error::corrupt(&shared.dir, 0, reason)
}
