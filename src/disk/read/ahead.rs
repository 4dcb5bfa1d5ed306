//! Looks some candidates ahead of the reader, so that their bytes are on the
//! way by the time that it comes to them.

use super::super::shared::Shared;
use super::readers::Readers;
use crate::env::Stopwatch;
use crate::error::{Error, Result};
use crate::index::Search;
use crate::log::{Access, Near};
use crate::types::Position;
use std::collections::VecDeque;
use std::time::Duration;

/// How many candidates are looked up at once, and how far ahead of the reader
/// their bytes are fetched: as many as the processor can well wait for.
const BATCH: u64 = 32;
const AHEAD: usize = 8;
/// The same for events that come from the medium.
const COLD_BATCH: u64 = 96;
const COLD_AHEAD: usize = 32;
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
    /// How many of them, from the first on, have been fetched.
    fetched: usize,
    ended: bool,
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
            fetched: 0,
            ended: false,
            near: Near::Processor,
            since: None,
            handed_out: 0,
        }
    }

    fn distance(&self) -> usize {
        match self.near {
            Near::Processor => AHEAD,
            Near::Memory => COLD_AHEAD,
        }
    }

    /// The next candidate, of which `wanted` may be asked for.
    pub(super) fn next(
        &mut self,
        shared: &Shared,
        readers: &mut Readers,
        wanted: u64,
    ) -> Result<Option<Found>> {
        if !self.is_enough() && (self.found.len() as u64) < wanted {
            self.look_up(shared, wanted)?;
        }
        self.fetch(shared, readers)?;
        Ok(self.pop())
    }

    /// What `next` would say, if nothing has to be looked up for it. It stays
    /// the next candidate until it is popped.
    #[inline]
    pub(super) fn ready(
        &mut self,
        shared: &Shared,
        readers: &mut Readers,
    ) -> Result<Option<Found>> {
        if !self.is_enough() {
            return Ok(None);
        }
        self.fetch(shared, readers)?;
        Ok(self.found.front().copied())
    }

    #[inline]
    pub(super) fn pop(&mut self) -> Option<Found> {
        self.handed_out += 1;
        self.fetched = self.fetched.saturating_sub(1);
        self.found.pop_front()
    }

    /// Whether there are more than those that are fetched ahead.
    #[inline]
    fn is_enough(&self) -> bool {
        self.ended || self.found.len() > self.distance()
    }

    /// Fetches those that have come near.
    #[inline]
    fn fetch(&mut self, shared: &Shared, readers: &mut Readers) -> Result<()> {
        while self.fetched <= self.distance()
            && let Some(found) = self.found.get(self.fetched)
        {
            self.fetched += 1;
            // Without mappings there is nothing to fetch from.
            if shared.segments.access() == Access::Mapped {
                let reader = readers.get(shared, found.place.0)?;
                reader.segment().fetch(found.place.1, self.near);
            }
        }
        Ok(())
    }

    fn look_up(&mut self, shared: &Shared, wanted: u64) -> Result<()> {
        let batch = self.batch().min(wanted) as usize;
        while self.found.len() < batch && !self.ended {
            let Some(position) = self.search.next()? else {
                self.ended = true;
                break;
            };
            let place = self.search.place(position)?;
            let place = place.ok_or_else(|| no_place(shared, position))?;
            self.found.push_back(Found { position, place });
        }
        self.since = Some(Stopwatch::start());
        self.handed_out = 0;
        Ok(())
    }

    /// How many to look up, by how long the last ones took.
    fn batch(&mut self) -> u64 {
        let Some(since) = &self.since else {
            return AHEAD as u64;
        };
        self.near = match since.read() > SLOW * self.handed_out {
            true => Near::Memory,
            false => Near::Processor,
        };
        match self.near {
            Near::Processor => BATCH,
            Near::Memory => COLD_BATCH,
        }
    }
}

pub(super) fn no_place(shared: &Shared, position: Position) -> Error {
    let reason = format!("the index has no place for position {position}");
    Error::corrupt(&shared.dir, 0, reason)
}
