//! Looks some candidates ahead of the reader, so that their bytes are on the
//! way by the time that it comes to them.

use super::super::shared::Shared;
use super::readers::Readers;
use crate::env::Stopwatch;
use crate::error::{Error, Result};
use crate::index::Search;
use crate::log::Access;
use crate::types::Position;
use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

/// How many candidates are looked up at once, and how far ahead of the reader
/// their bytes are fetched: as many as the processor can well wait for.
const BATCH: usize = 32;
const AHEAD: usize = 8;
/// The same for events that come from the medium: how far ahead they are asked
/// for at first, and at most. Twice as many are looked up.
const REACH: usize = 32;
const MOST_REACH: usize = 128;
/// How much of a frame is asked for, in bytes: all of a common one.
const ASKED: u64 = 1 << 10;
/// What lies between two frames is read along if it is no longer, in bytes: it
/// takes a medium no longer than another read.
const GAP: u64 = 16 << 10;
/// Who took longer than this for an event waited for the medium, or has time
/// enough for the system calls that ask it ahead.
const SLOW: Duration = Duration::from_micros(10);
/// And who takes less needs them no more.
const FAST: Duration = Duration::from_micros(2);

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
    /// How many of them, from the first on, have been fetched, or asked for.
    fetched: usize,
    ended: bool,
    /// How far ahead the medium is asked for events; 0: they come from memory.
    reach: usize,
    /// The candidates that are being looked up.
    positions: Vec<Position>,
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
            reach: 0,
            positions: Vec::new(),
            since: None,
            handed_out: 0,
        }
    }

    fn distance(&self) -> usize {
        self.reach.max(AHEAD)
    }

    /// The next candidate, of which `wanted` may be asked for.
    pub(super) fn next(
        &mut self,
        shared: &Shared,
        readers: &mut Readers,
        wanted: u64,
    ) -> Result<Option<Found>> {
        if !self.is_enough() && (self.found.len() as u64) < wanted {
            self.look_up(shared, readers, wanted)?;
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
        if self.reach > 0 {
            return self.ask(shared, readers);
        }
        while self.fetched <= AHEAD
            && let Some(found) = self.found.get(self.fetched)
        {
            self.fetched += 1;
            // Without mappings there is nothing to fetch from.
            if shared.segments.access() == Access::Mapped {
                let reader = readers.get(shared, found.place.0)?;
                reader.segment().fetch(found.place.1);
            }
        }
        Ok(())
    }

    /// Asks the medium for those within reach, once half of it is used up.
    fn ask(&mut self, shared: &Shared, readers: &mut Readers) -> Result<()> {
        let end = self.found.len().min(self.reach);
        if self.fetched > end / 2 {
            return Ok(());
        }
        let mut near: Option<(u64, Range<u64>)> = None;
        for found in self.found.range(self.fetched..end) {
            let (number, offset) = found.place;
            let own = offset..offset + ASKED;
            match &mut near {
                Some((same, bytes)) if *same == number && are_near(bytes, &own) => {
                    *bytes = bytes.start.min(own.start)..bytes.end.max(own.end);
                }
                _ => ask_for(shared, readers, near.replace((number, own)))?,
            }
        }
        self.fetched = end;
        ask_for(shared, readers, near)
    }

    #[cold]
    fn look_up(&mut self, shared: &Shared, readers: &mut Readers, wanted: u64) -> Result<()> {
        let batch = self
            .batch()
            .min(usize::try_from(wanted).unwrap_or(usize::MAX));
        // They come in while others are looked up.
        self.fetch(shared, readers)?;
        while self.found.len() < batch && !self.ended {
            let most = batch - self.found.len();
            self.search.gather(most, &mut self.positions)?;
            self.ended = self.positions.is_empty();
            if self.reach > 0 {
                self.search.read_places_ahead(&self.positions)?;
            }
            for position in self.positions.drain(..) {
                let place = self.search.place(position)?;
                let place = place.ok_or_else(|| no_place(shared, position))?;
                self.found.push_back(Found { position, place });
            }
        }
        self.since = Some(Stopwatch::start());
        self.handed_out = 0;
        Ok(())
    }

    /// How many to look up, by how long the last ones took.
    fn batch(&mut self) -> usize {
        let Some(since) = &self.since else {
            return AHEAD;
        };
        let took = since.read();
        if took > SLOW * self.handed_out {
            if self.reach == 0 {
                // Those that the processor was told of have yet to be asked for.
                self.fetched = 0;
            }
            self.reach = (2 * self.reach).clamp(REACH, MOST_REACH);
        } else if took < FAST * self.handed_out {
            self.reach = 0;
        }
        match self.reach {
            0 => BATCH,
            reach => 2 * reach,
        }
    }
}

fn are_near(one: &Range<u64>, other: &Range<u64>) -> bool {
    one.start <= other.end + GAP && other.start <= one.end + GAP
}

fn ask_for(shared: &Shared, readers: &mut Readers, bytes: Option<(u64, Range<u64>)>) -> Result<()> {
    // Without mappings there is nothing to ask for, and a reader that is given up
    // for another takes along what the frame that is being read lies in.
    if let Some((number, bytes)) = bytes
        && shared.segments.access() == Access::Mapped
    {
        readers.get(shared, number)?.segment().read_ahead(bytes);
    }
    Ok(())
}

pub(super) fn no_place(shared: &Shared, position: Position) -> Error {
    let reason = format!("the index has no place for position {position}");
    Error::corrupt(&shared.dir, 0, reason)
}
