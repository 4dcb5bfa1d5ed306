//! Looks some candidates ahead of the reader, so that their bytes are on the
//! way by the time that it comes to them.

use super::super::shared::Shared;
use super::readers::Readers;
use crate::env::Stopwatch;
use crate::error::{Error, Result};
use crate::index::{Candidate, Search};
use crate::log::Access;
use crate::types::Position;
use std::ops::Range;
use std::time::Duration;

/// How many candidates are looked up at once, and how far ahead of the reader
/// their bytes are fetched: as many as the processor can well wait for.
const BATCH: usize = 64;
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

/// The candidates of a search, fetched ahead.
pub(super) struct Ahead {
    search: Search,
    found: Vec<Candidate>,
    /// Which of them is handed out next.
    next: usize,
    /// Those before this one have been fetched, or asked for.
    fetched: usize,
    ended: bool,
    /// How far ahead the medium is asked for events; 0: they come from memory.
    reach: usize,
    /// When candidates were last looked up, and how many were handed out since.
    since: Option<Stopwatch>,
    handed_out: u32,
}

impl Ahead {
    pub(super) fn new(search: Search) -> Self {
        Ahead {
            search,
            found: Vec::new(),
            next: 0,
            fetched: 0,
            ended: false,
            reach: 0,
            since: None,
            handed_out: 0,
        }
    }

    fn distance(&self) -> usize {
        self.reach.max(AHEAD)
    }

    /// The next candidate, of which `wanted` may be asked for. It stays the next
    /// one until it is passed.
    #[inline]
    pub(super) fn peek(
        &mut self,
        shared: &Shared,
        readers: &mut Readers,
        wanted: u64,
    ) -> Result<Option<Candidate>> {
        if !self.is_enough() && (self.waiting() as u64) < wanted {
            self.look_up(shared, readers, wanted)?;
        }
        self.fetch(shared, readers)?;
        Ok(self.found.get(self.next).copied())
    }

    #[inline]
    pub(super) fn pass(&mut self) {
        self.handed_out += 1;
        self.next += 1;
        self.fetched = self.fetched.max(self.next);
    }

    /// How many are yet to be handed out.
    #[inline]
    fn waiting(&self) -> usize {
        self.found.len() - self.next
    }

    /// Whether there are more than those that are fetched ahead.
    #[inline]
    fn is_enough(&self) -> bool {
        self.ended || self.waiting() > self.distance()
    }

    /// Fetches those that have come near.
    #[inline]
    fn fetch(&mut self, shared: &Shared, readers: &mut Readers) -> Result<()> {
        if self.reach > 0 {
            return self.ask(shared, readers);
        }
        while self.fetched <= self.next + AHEAD
            && let Some(found) = self.found.get(self.fetched)
        {
            self.fetched += 1;
            // Without mappings there is nothing to fetch from.
            if shared.segments.access() == Access::Mapped {
                readers.fetch(shared, found)?;
            }
        }
        Ok(())
    }

    /// Has the processor find the pages of those that were looked up.
    fn fetch_starts(&self, shared: &Shared, readers: &mut Readers) -> Result<()> {
        if self.reach > 0 || shared.segments.access() != Access::Mapped {
            return Ok(());
        }
        for found in self.found.get(self.fetched..).unwrap_or(&[]) {
            readers.fetch_start(shared, found)?;
        }
        Ok(())
    }

    /// Asks the medium for those within reach, once half of it is used up.
    fn ask(&mut self, shared: &Shared, readers: &mut Readers) -> Result<()> {
        let within = self.waiting().min(self.reach);
        if self.fetched - self.next > within / 2 {
            return Ok(());
        }
        let end = self.next + within;
        let mut near: Option<(u64, Range<u64>)> = None;
        for found in self.found.get(self.fetched..end).unwrap_or(&[]) {
            let (number, offset) = (found.segment, found.offset);
            let own = offset..offset + ASKED;
            match &mut near {
                Some((same, bytes)) if *same == number && are_near(bytes, &own) => {
                    *bytes = bytes.start.min(own.start)..bytes.end.max(own.end);
                }
                _ => ask_for(shared, readers, near.replace((number, own)))?,
            }
        }
        self.fetched = self.fetched.max(end);
        ask_for(shared, readers, near)
    }

    #[cold]
    fn look_up(&mut self, shared: &Shared, readers: &mut Readers, wanted: u64) -> Result<()> {
        let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
        let batch = self.batch()?.min(wanted);
        // They come in while others are looked up.
        self.fetch(shared, readers)?;
        self.found.drain(..self.next);
        self.fetched -= self.next;
        self.next = 0;
        while self.found.len() < batch && !self.ended {
            let before = self.found.len();
            let asks = self.reach > 0;
            let lost = self.search.gather(batch - before, asks, &mut self.found)?;
            if let Some(position) = lost {
                return Err(no_place(shared, position));
            }
            self.ended = self.found.len() == before;
        }
        self.fetch_starts(shared, readers)?;
        if self.reach > 0 {
            self.expect_segments(shared);
            self.ask(shared, readers)?;
            let further = wanted.saturating_sub(self.found.len());
            self.search.look_ahead(further.min(batch))?;
        }
        self.since = Some(Stopwatch::start());
        self.handed_out = 0;
        Ok(())
    }

    /// Has the segments made ready to be opened in which those are that have not
    /// been asked for.
    fn expect_segments(&self, shared: &Shared) {
        let found = self.found.get(self.fetched..).unwrap_or(&[]);
        for same in found.chunk_by(|one, other| one.segment == other.segment) {
            shared.segments.expect(same[0].segment);
        }
    }

    /// How many to look up, by how long the last ones took.
    fn batch(&mut self) -> Result<usize> {
        let Some(since) = &self.since else {
            if !self.search.is_cold()? {
                return Ok(AHEAD);
            }
            // Who has to wait for the index will have to wait for events, too.
            self.reach = REACH;
            return Ok(2 * REACH);
        };
        let took = since.read();
        if took > SLOW * self.handed_out {
            if self.reach == 0 {
                // Those that the processor was told of have yet to be asked for.
                self.fetched = self.next;
            }
            self.reach = (2 * self.reach).clamp(REACH, MOST_REACH);
        } else if took < FAST * self.handed_out {
            self.reach = 0;
        }
        Ok(match self.reach {
            0 => BATCH,
            reach => 2 * reach,
        })
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
