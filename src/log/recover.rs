//! Finds the end of the log, and tells a torn end from a rotten one.
//!
//! `docs/recovery.md` has the same table in words.
//!
//! | what stands where the next frame should | and behind it | verdict |
//! |---|---|---|
//! | a frame that verifies and continues | anything | go on |
//! | no such frame | the next segment begins exactly here | go on there |
//! | no such frame | the position was durable: a clean close, an index file, a later frame or header says so | corrupt |
//! | no such frame | a clean close stated exactly this end, and there is a segment that is no spare | corrupt |
//! | zeros | zeros | the end |
//! | anything else | nothing that says it was durable | torn: cut here |

use super::prepare::{Spare, reuse};
use super::search::Search;
use super::segment::{Access, Found, Segment};
use super::walk::{Step, Walk};
use crate::env::fs::{self, File, Mode};
use crate::env::{Bug, Env};
use crate::error::{Error, Result};
use crate::format::checksum::Place;
use crate::format::frame::{Frame, FrameBase};
use crate::format::identity::CloseStatement;
use crate::format::names;
use crate::format::segment::{HEADER_BYTES, MAX_EPOCH, MAX_SIZE, SegmentHeader, blank_mark};
use crate::types::{Position, StoreId, Timestamp};
use std::collections::VecDeque;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// A place in the log from which it is walked to its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resume {
    pub(crate) segment: u64,
    pub(crate) offset: u64,
    pub(crate) next: Position,
    pub(crate) epoch: u64,
    /// When the event before was recorded; not known at a segment's front,
    /// where the header says it.
    pub(crate) recorded: Option<i64>,
}

/// What recovery needs to know.
#[derive(Debug)]
pub(crate) struct Recovery<'a> {
    pub(crate) env: &'a Env,
    pub(crate) dir: &'a Path,
    pub(crate) store: StoreId,
    pub(crate) access: Access,
    /// The numbers of all segment files, ascending.
    pub(crate) numbers: &'a [u64],
    pub(crate) resume: Resume,
    /// The last position known to have been durable, from outside the part
    /// that is walked.
    pub(crate) floor: Position,
    /// The end that the last clean close stated.
    pub(crate) closed: Option<CloseStatement>,
}

/// The log's end, as it was found.
#[derive(Debug)]
pub(crate) struct Recovered {
    /// The segment in which the log ends, and where in it.
    pub(crate) tail: Arc<Segment>,
    pub(crate) end: u64,
    /// The last event's position.
    pub(crate) head: Position,
    pub(crate) epoch: u64,
    /// When the last event was recorded.
    pub(crate) last_recorded: i64,
    /// The stretches of the log that may not have reached the medium: segment,
    /// start, end. The last one is of the tail, and may be empty.
    unsettled: Vec<(Arc<Segment>, u64, u64)>,
    /// What stands behind the end.
    rest: Rest,
}

/// Which of the frames walked over may not have reached the medium: those that
/// no watermark is known to cover.
#[derive(Debug)]
struct Unsettled {
    durable: Position,
    /// The segments entered, where the walk began in each, and where it is.
    segments: Vec<(Arc<Segment>, u64, u64)>,
    /// The frames above the watermark: index of the segment, offset, last
    /// position.
    frames: VecDeque<(usize, u64, Position)>,
}

impl Unsettled {
    fn new(durable: Position) -> Self {
        Unsettled {
            durable,
            segments: Vec::new(),
            frames: VecDeque::new(),
        }
    }

    fn enter(&mut self, segment: &Arc<Segment>, offset: u64) {
        self.segments.push((Arc::clone(segment), offset, offset));
    }

    fn add(&mut self, frame: &Frame<'_>) {
        let head = frame.head();
        let index = self.segments.len() - 1;
        self.segments[index].2 = head.end();
        self.frames.push_back((index, head.offset(), head.last()));
        self.durable = self.durable.max(frame.commit().durable);
        while self
            .frames
            .front()
            .is_some_and(|frame| frame.2 <= self.durable)
        {
            self.frames.pop_front();
        }
    }

    /// From the first such frame on, everything; and of the tail in any case
    /// what is not known to be more than a header.
    fn stretches(self) -> Vec<(Arc<Segment>, u64, u64)> {
        let last = self.segments.len() - 1;
        let (first, offset) = match self.frames.front() {
            Some((index, offset, _)) => (*index, *offset),
            None => (last, self.segments[last].2),
        };
        let stretch = |(index, (segment, _, end)): (usize, (Arc<Segment>, u64, u64))| {
            let start = if index == first { offset } else { 0 };
            // A header is as young as the first frame behind it.
            let start = if start == HEADER_BYTES as u64 {
                0
            } else {
                start
            };
            (segment, start, end)
        };
        let all = self.segments.into_iter().enumerate().skip(first);
        all.map(stretch).collect()
    }
}

/// What stands behind the log's end.
#[derive(Debug, Default)]
struct Rest {
    /// The bytes in the tail segment that are not zero lie within this range.
    dirty: Option<(u64, u64)>,
    /// Segment files behind the tail that are to be removed.
    later: Vec<u64>,
    /// Whether the first of them is a spare: known to hold nothing but zeros
    /// and, perhaps, the mark that says so.
    spare: bool,
    /// The highest epoch seen in what will be cut.
    epoch: u64,
    /// The highest durable watermark seen in what will be cut.
    durable: Position,
    /// Whether any frame in it verifies.
    has_frames: bool,
}

impl Recovery<'_> {
    /// Walks the log to its end; each frame is shown to `visit` with its
    /// segment and offset.
    ///
    /// # Errors
    /// `Corrupt` if something that was durable isn't there.
    pub(crate) fn find_end(
        &self,
        visit: &mut dyn FnMut(&Segment, u64, &Frame<'_>) -> Result<()>,
    ) -> Result<Recovered> {
        let mut resume = self.resume;
        let mut found = self.open(resume.segment)?;
        let mut unsettled = Unsettled::new(self.floor);
        let mut last_recorded = resume.recorded.unwrap_or(i64::MIN);
        loop {
            let segment = Arc::clone(&found);
            // Its frames count their times from there: none may be before it.
            last_recorded = last_recorded.max(segment.header().base_time);
            unsettled.enter(&segment, resume.offset);
            let reader = segment.plain_reader();
            let mut walk = Walk::new(reader, resume.offset, resume.next, resume.epoch);
            let damage = loop {
                match walk.step()? {
                    Step::Frame(offset, frame) => {
                        last_recorded = frame.commit().recorded;
                        unsettled.add(&frame);
                        visit(&segment, offset, &frame)?;
                    }
                    Step::End => break None,
                    Step::Damaged(error) => break Some(error),
                }
            };
            let end = walk.offset();
            resume = Resume {
                segment: segment.number().saturating_add(1),
                offset: HEADER_BYTES as u64,
                next: walk.next_position(),
                epoch: walk.epoch(),
                recorded: None,
            };
            let next = match self.look_at_next(&resume)? {
                Some(Found::Segment(next)) if continues(next.header(), &resume, end) => {
                    resume.epoch = resume.epoch.max(next.header().epoch);
                    found = Arc::new(next);
                    continue;
                }
                next => next,
            };
            let rest = self.judge(&segment, end, &resume, next, damage.as_ref())?;
            return Ok(Recovered {
                tail: segment,
                end,
                head: resume.next.previous(),
                epoch: resume.epoch,
                last_recorded,
                unsettled: unsettled.stretches(),
                rest,
            });
        }
    }

    /// Whether the last clean close stated exactly this end: then nothing was
    /// written since, and what stands behind it in the segment is of no interest.
    fn was_closed_at(&self, segment: u64, end: u64, head: Position) -> bool {
        let old = self.env.bug(Bug::BelievesOldClose);
        self.closed.is_some_and(|closed| {
            (closed.segment, closed.end, closed.head) == (segment, end, head)
                && (!closed.reopened || old)
        })
    }

    fn open(&self, number: u64) -> Result<Arc<Segment>> {
        let (env, dir, access) = (self.env, self.dir, self.access);
        Segment::open(env, dir, self.store, number, Mode::Read, access).map(Arc::new)
    }

    fn look_at(&self, number: u64) -> Result<Found> {
        let (env, dir, access) = (self.env, self.dir, self.access);
        Segment::look(env, dir, self.store, number, Mode::Read, access)
    }

    /// What stands in the next segment's place, if anything does.
    fn look_at_next(&self, resume: &Resume) -> Result<Option<Found>> {
        match self.numbers.binary_search(&resume.segment) {
            Ok(_) => self.look_at(resume.segment).map(Some),
            Err(_) => Ok(None),
        }
    }

    /// Behind a clean close there are no segments but spare ones: nothing was
    /// written since. Gives those that are more than the one that comes next.
    fn spares_behind(&self, resume: &Resume, next: Option<Found>) -> Result<Vec<u64>> {
        let head = resume.next.previous();
        if let Some(next) = next {
            self.expect_spare(resume.segment, next, head)?;
        }
        let mut spares = self.numbers.to_vec();
        spares.retain(|number| *number > resume.segment);
        for number in &spares {
            self.expect_spare(*number, self.look_at(*number)?, head)?;
        }
        Ok(spares)
    }

    /// Refuses what is more than a spare in a log that was closed at `head`.
    fn expect_spare(&self, number: u64, found: Found, head: Position) -> Result<()> {
        match found {
            Found::Spare { .. } => Ok(()),
            Found::Damaged(error) => {
                // Without a frame that verifies it was no more than a spare.
                let mut within = Rest::default();
                within.look_into(self, number)?;
                match within.has_frames {
                    true => Err(error),
                    false => Ok(()),
                }
            }
            Found::Segment(other) => {
                let base = other.header().base;
                let reason = format!(
                    "the segment begins with position {base}, but the log was closed at {head}"
                );
                Err(Error::corrupt(other.path(), 48, reason))
            }
        }
    }

    /// The highest durable watermark in what stands behind a place in the log:
    /// from an offset of a segment on, and in the segment files after it.
    pub(crate) fn durable_behind(&self, segment: &Arc<Segment>, end: u64) -> Result<Position> {
        let mut rest = Rest::default();
        rest.look_behind(segment, end)?;
        let later = self.numbers.iter().filter(|own| **own > segment.number());
        for number in later {
            rest.look_into(self, *number)?;
        }
        Ok(rest.durable)
    }

    /// Whether the log may end here, and what stands behind.
    fn judge(
        &self,
        segment: &Arc<Segment>,
        end: u64,
        resume: &Resume,
        next: Option<Found>,
        damage: Option<&Error>,
    ) -> Result<Rest> {
        let rotten = |known: Position| {
            damage.cloned().unwrap_or_else(|| {
                let head = resume.next.previous();
                let reason = format!("the log ends at position {head}, but {known} was durable");
                Error::corrupt(segment.path(), end, reason)
            })
        };
        let cuts = self.env.bug(Bug::CutsAtFirstBadFrame);
        if self.floor >= resume.next && !cuts {
            return Err(rotten(self.floor));
        }
        let mut rest = Rest::default();
        if self.was_closed_at(segment.number(), end, resume.next.previous()) {
            rest.spare = matches!(next, Some(Found::Spare { marked: true }));
            rest.later = self.spares_behind(resume, next)?;
            return Ok(rest);
        }
        rest.look_behind(segment, end)?;
        for number in self
            .numbers
            .iter()
            .filter(|number| **number >= resume.segment)
        {
            let is_blank = rest.look_into(self, *number)?;
            rest.spare |= is_blank && *number == resume.segment;
        }
        if rest.durable >= resume.next && !cuts {
            return Err(rotten(rest.durable));
        }
        if rest.epoch.max(resume.epoch) >= MAX_EPOCH {
            return Err(Error::corrupt(segment.path(), end, "no epoch is left"));
        }
        Ok(rest)
    }
}

/// Whether a segment with this header begins exactly where the log has come to.
fn continues(header: &SegmentHeader, resume: &Resume, end: u64) -> bool {
    header.base == resume.next && header.previous_end == end && header.epoch >= resume.epoch
}

impl Rest {
    /// Looks at what stands behind the end of the tail segment.
    fn look_behind(&mut self, segment: &Arc<Segment>, end: u64) -> Result<()> {
        let within = end..segment.size();
        self.dirty = self.search(&**segment.file(), within, segment.base(), segment.path())?;
        Ok(())
    }

    /// Looks into a segment file behind the tail; whether it is blank. One that
    /// says so itself is not read: nothing was ever written to it but zeros.
    fn look_into(&mut self, recovery: &Recovery<'_>, number: u64) -> Result<bool> {
        self.later.push(number);
        let path = recovery.dir.join(names::segment(number));
        let io = |error| Error::io(&path, "read", error);
        let file = recovery.env.fs.open(&path, Mode::Read).map_err(io)?;
        let mut size = file.len().map_err(io)?.min(MAX_SIZE);
        let mut bytes = [0; HEADER_BYTES];
        let within = &mut bytes[..HEADER_BYTES.min(size as usize)];
        fs::read_exact_at(&*file, within, 0).map_err(io)?;
        if *within == blank_mark(recovery.store, number, size) {
            return Ok(true);
        }
        if let Ok(header) = SegmentHeader::decode(within)
            && header.store == recovery.store
            && header.number == number
        {
            self.durable = self.durable.max(header.durable);
            self.epoch = self.epoch.max(header.epoch);
            size = size.min(header.size);
        }
        // Only the place of a frame goes into its checksum, so that frames are
        // known even where the header that they count from is gone.
        let base = FrameBase {
            place: Place::segment(recovery.store, number),
            epoch: 0,
            base_time: Timestamp::MIN.micros(),
        };
        let dirty = self.search(&*file, 0..size, &base, &path)?;
        Ok(dirty.is_none())
    }

    /// Searches a part of a file for frames that verify in their place; says
    /// where in it anything but zeros stands.
    fn search(
        &mut self,
        file: &dyn File,
        within: Range<u64>,
        base: &FrameBase,
        path: &Path,
    ) -> Result<Option<(u64, u64)>> {
        let mut search = Search::new(file, within, base, path);
        while let Some((_, commit)) = search.next()? {
            self.durable = self.durable.max(commit.durable);
            self.epoch = self.epoch.max(commit.epoch);
            self.has_frames = true;
        }
        Ok(search.dirty())
    }
}

impl Recovered {
    /// Whether the log was closed cleanly at this end.
    pub(crate) fn is_clean(&self, recovery: &Recovery<'_>) -> bool {
        recovery.was_closed_at(self.tail.number(), self.end, self.head)
    }

    /// Takes over the spare segment behind the end, if it is one of `size`
    /// bytes; it is not removed then.
    pub(crate) fn keep_spare(
        &mut self,
        recovery: &Recovery<'_>,
        size: u64,
        access: Access,
    ) -> Result<Option<Spare>> {
        let number = self.tail.number() + 1;
        if !self.rest.spare {
            return Ok(None);
        }
        let (env, dir) = (recovery.env, recovery.dir);
        let spare = reuse(env, dir, recovery.store, number, size, access)?;
        if spare.is_some() {
            self.rest.later.retain(|later| *later != number);
        }
        Ok(spare)
    }

    /// Makes the end what `find_end` took it for: what no watermark is known
    /// to cover is written again and synced (an earlier writer may have died
    /// with it only in memory, or a sync may have failed and dropped it), and
    /// what stands behind the end is zeroed or removed.
    ///
    /// Whenever this stops half way, the next recovery finds the same end.
    pub(crate) fn settle(&mut self, recovery: &Recovery<'_>) -> Result<()> {
        if recovery.env.bug(Bug::LeavesTornTail) {
            self.rest = Rest::default();
        }
        for (segment, start, end) in &self.unsettled {
            let writable = Self::writable(recovery, segment.number())?;
            if !recovery.env.bug(Bug::TrustsCache) {
                rewrite(&writable, *start, *end)?;
            }
            if segment.number() == self.tail.number() {
                self.zero_rest(&writable)?;
            }
            if !recovery.env.bug(Bug::TrustsCache) {
                writable.sync()?;
            }
        }
        self.remove_later(recovery)?;
        if self.rest.later.is_empty() || recovery.env.bug(Bug::RemovesUnordered) {
            sync_dir(recovery)?;
        }
        if self.rest.dirty.is_some() || self.rest.epoch > 0 {
            self.epoch = self.epoch.max(self.rest.epoch) + 1;
        }
        Ok(())
    }

    /// Removes the segments behind the end that are of no use any more.
    pub(crate) fn remove_later(&self, recovery: &Recovery<'_>) -> Result<()> {
        for number in self.rest.later.iter().rev() {
            let path = recovery.dir.join(names::segment(*number));
            let removed = recovery.env.fs.remove(&path);
            removed.map_err(|error| Error::io(&path, "remove", error))?;
            // Each by itself: were an earlier one gone and a later one there
            // after a loss of power, a segment would be missing between.
            if !recovery.env.bug(Bug::RemovesUnordered) {
                sync_dir(recovery)?;
            }
        }
        Ok(())
    }

    fn writable(recovery: &Recovery<'_>, number: u64) -> Result<Arc<Segment>> {
        let (env, dir) = (recovery.env, recovery.dir);
        Segment::open(env, dir, recovery.store, number, Mode::Write, Access::Plain).map(Arc::new)
    }

    fn zero_rest(&self, tail: &Segment) -> Result<()> {
        let Some((start, end)) = self.rest.dirty else {
            return Ok(());
        };
        fs::write_zeros(&**tail.file(), start, end)
            .map_err(|error| Error::io(tail.path(), "write", error))
    }
}

fn sync_dir(recovery: &Recovery<'_>) -> Result<()> {
    let synced = recovery.env.fs.sync_dir(recovery.dir);
    synced.map_err(|error| Error::io(recovery.dir, "sync", error))
}

/// Writes the bytes of a range over themselves.
fn rewrite(segment: &Arc<Segment>, start: u64, end: u64) -> Result<()> {
    const CHUNK: u64 = 1 << 20;
    let mut reader = segment.plain_reader();
    let mut at = start;
    while at < end {
        let length = CHUNK.min(end - at);
        let bytes = reader.bytes(at, length)?.to_vec();
        segment.write(&bytes, at)?;
        at += length;
    }
    Ok(())
}
