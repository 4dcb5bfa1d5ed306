//! Reads the frames of a segment: from its mapping, or through a window that
//! is read from the file.

use super::segment::Segment;
use super::verified::{Known, Verified};
use crate::env::{Map, fs};
use crate::error::{Error, Result};
use crate::format::Fault;
use crate::format::frame::{Frame, FrameBase, FrameHead, MIN_BYTES, peek_len};
use crate::format::lone::Lone;
use bytes::Bytes;
use std::io;
use std::sync::Arc;

/// How much a window without a mapping reads at least, in bytes: about what a
/// disk reads in one go anyway.
const WINDOW: u64 = 64 << 10;

/// Frames beyond this are looked at for holes before memory is made for them,
/// in bytes.
const LONG: u64 = 80 << 20;

/// Reads frames of one segment.
#[derive(Debug)]
pub(crate) struct SegmentReader {
    segment: Arc<Segment>,
    map: Option<Arc<Map>>,
    /// Without a mapping, what was read last, and where it begins. With one,
    /// what owned events share, once there are any.
    window: Bytes,
    start: u64,
    /// Whether only what is published is read.
    published_only: bool,
}

/// The frames of a mapped segment that have verified, all of their records too.
#[derive(Clone, Copy, Debug)]
pub(crate) struct VerifiedFrames<'a> {
    bytes: &'a [u8],
    verified: &'a Verified,
    base: &'a FrameBase,
}

impl<'a> VerifiedFrames<'a> {
    /// The frame at an offset, if it has verified and holds one event. Rare kinds
    /// are left out.
    #[allow(clippy::inline_always)] // See `format::lone`.
    #[inline(always)]
    pub(crate) fn lone(self, offset: u64) -> Option<Lone<'a>> {
        let rest = self.bytes.get(offset as usize..)?;
        match self.verified.has_all(offset) {
            true => Lone::known(rest, self.base),
            false => None,
        }
    }
}

/// A mapping as an owner of bytes.
struct Owner(Arc<Map>);

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        (*self.0).as_ref()
    }
}

impl SegmentReader {
    pub(super) fn new(segment: Arc<Segment>, map: Option<Arc<Map>>, published_only: bool) -> Self {
        SegmentReader {
            segment,
            map,
            window: Bytes::new(),
            start: 0,
            published_only,
        }
    }

    pub(crate) fn segment(&self) -> &Arc<Segment> {
        &self.segment
    }

    /// Takes hold of the bytes up to `end`, for owned events to share.
    pub(crate) fn hold(&mut self, end: u64) {
        if let Some(map) = &self.map
            && (self.window.len() as u64) < end
        {
            self.window = Bytes::from_owner(Owner(Arc::clone(map)));
        }
    }

    /// The same for all that may be read by now.
    #[inline]
    pub(crate) fn hold_all(&mut self) {
        let end = self.map.as_ref().map_or(0, |map| (**map).as_ref().len());
        self.hold(end as u64);
    }

    /// The bytes that owned events share: in them lies the frame that was
    /// opened last, if they were held up to its end.
    pub(crate) fn shared(&self) -> &Bytes {
        &self.window
    }

    /// The frame at an offset, its head verified; nothing if no frame begins
    /// there: the length is no frame's, or leads out of the segment.
    pub(crate) fn frame(&mut self, offset: u64) -> Result<Option<Frame<'_>>> {
        let room = self.limit().saturating_sub(offset);
        if room < MIN_BYTES as u64 {
            return Ok(None);
        }
        self.fill(offset, MIN_BYTES as u64)?;
        let Some(length) = peek_len(self.held(offset, MIN_BYTES), room) else {
            return Ok(None);
        };
        self.check_claim(offset, length)?;
        self.fill(offset, length as u64)?;
        let bytes = self.held(offset, length);
        Frame::open(bytes, self.segment.base(), offset)
            .map(Some)
            .map_err(|fault| self.segment.fault(offset, fault))
    }

    /// Refuses a long frame before memory is made for it, unless its head
    /// verifies: any four bytes claim a length.
    fn check_claim(&mut self, offset: u64, length: usize) -> Result<()> {
        if self.map.is_some() || length as u64 <= WINDOW {
            return Ok(());
        }
        let claimed = Frame::claimed_head(self.held(offset, MIN_BYTES), length) as u64;
        if claimed > WINDOW {
            let there = fs::count_data(&**self.segment.file(), offset, offset + claimed);
            let there = there.map_err(|error| self.fail(error))?;
            // Heads are checksums for the most part: no file system makes
            // holes of them.
            if claimed / 8 > there {
                let fault = Fault::damaged(9, "the head of the frame is longer than what is there");
                return Err(self.segment.fault(offset, fault));
            }
        }
        self.fill(offset, claimed)?;
        self.check_holes(offset, length as u64)?;
        Frame::open_head(
            self.held(offset, claimed as usize),
            length,
            self.segment.base(),
            offset,
        )
        .map(drop)
        .map_err(|fault| self.segment.fault(offset, fault))
    }

    /// Refuses a frame that is longer than an append may usually be, and next
    /// to nothing but a hole.
    fn check_holes(&self, offset: u64, length: u64) -> Result<()> {
        if length <= LONG {
            return Ok(());
        }
        let there = fs::count_data(&**self.segment.file(), offset, offset + length);
        match there.map_err(|error| self.fail(error))? < length / 256 {
            true => Err(self.segment.fault(
                offset,
                Fault::damaged(0, "the frame is next to nothing but a hole"),
            )),
            false => Ok(()),
        }
    }

    /// What of the segment was read and verified before; nothing with a reader
    /// that keeps no note of it.
    #[inline]
    pub(crate) fn verified_frames(&self) -> Option<VerifiedFrames<'_>> {
        let map = self.map.as_ref().filter(|_| self.published_only)?;
        Some(VerifiedFrames {
            bytes: (**map).as_ref(),
            verified: self.segment.verified(),
            base: self.segment.base(),
        })
    }

    /// A frame whose head has verified before, and its bytes.
    #[inline]
    pub(crate) fn known(&self, offset: u64) -> Option<(FrameHead, &[u8])> {
        let frames = self.verified_frames()?;
        let known = frames.verified.look(offset)?;
        let rest = frames.bytes.get(offset as usize..)?;
        let bytes = rest.get(..peek_len(rest, rest.len() as u64)?)?;
        let all = known == Known::All;
        let head = FrameHead::known(bytes, frames.base, offset, all)?;
        Some((head, bytes))
    }

    /// The bytes from `offset` on, as many as are at hand and `length` at most.
    pub(crate) fn bytes(&mut self, offset: u64, length: u64) -> Result<&[u8]> {
        let length = length.min(self.limit().saturating_sub(offset));
        self.fill(offset, length)?;
        Ok(self.held(offset, length as usize))
    }

    /// The bytes of the frame that was opened last.
    #[inline]
    pub(crate) fn opened(&self, head: &FrameHead) -> &[u8] {
        self.held(head.offset(), head.length() as usize)
    }

    /// Notes that so much of a frame has verified, so that it is not summed up
    /// again while it is mapped. What is read from the file is verified each
    /// time that it is read, and so is what may not be published.
    pub(crate) fn note(&self, head: &FrameHead, known: Known) {
        if self.map.is_some() && self.published_only {
            self.segment.verified().note(head.offset(), known);
        }
    }

    /// Verifies the frame at an offset with its records, if it is no longer than
    /// `most`, and notes that. Nothing if it is longer, or damaged, or there is
    /// none, or nothing is noted here.
    pub(crate) fn verify(&mut self, offset: u64, most: u64) -> Option<()> {
        self.verified_frames()?;
        let frame = self.frame(offset).ok()??;
        let head = *frame.head();
        if head.length() > most {
            return None;
        }
        frame.verify().ok()?;
        self.note(&head, Known::All);
        Some(())
    }

    /// Where the readable bytes end.
    fn limit(&self) -> u64 {
        match self.published_only {
            true => self.segment.published().min(self.segment.size()),
            false => self.segment.size(),
        }
    }

    /// Sees to it that these bytes, which lie within the limit, are at hand.
    fn fill(&mut self, offset: u64, length: u64) -> Result<()> {
        let held = self.start..self.start + self.window.len() as u64;
        if self.map.is_some() || (held.start <= offset && offset + length <= held.end) {
            return Ok(());
        }
        let wanted = length.max(WINDOW).min(self.limit() - offset);
        let mut bytes = Vec::new();
        bytes
            .try_reserve_exact(wanted as usize)
            .map_err(|_| self.fail(io::ErrorKind::OutOfMemory.into()))?;
        bytes.resize(wanted as usize, 0);
        fs::read_exact_at(&**self.segment.file(), &mut bytes, offset)
            .map_err(|error| self.fail(error))?;
        self.window = Bytes::from(bytes);
        self.start = offset;
        Ok(())
    }

    fn fail(&self, error: io::Error) -> Error {
        Error::io(self.segment.path(), "read", error)
    }

    #[inline]
    fn held(&self, offset: u64, length: usize) -> &[u8] {
        match &self.map {
            Some(map) => &(**map).as_ref()[offset as usize..offset as usize + length],
            None => &self.window[(offset - self.start) as usize..][..length],
        }
    }
}
