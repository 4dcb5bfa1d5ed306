//! A frame of one event, read again: most of what is read.
//!
//! All of it is inlined at any price, into the two loops that lend such events:
//! an event is then put together where it is lent, once. By itself the compiler
//! moves it from function to function, which takes a third more instructions.

#![allow(clippy::inline_always)]

use super::frame::{FIXED, FrameBase, peek_len};
use super::record::{self, RecordPlace};
use super::varint;
use crate::types::{EventRef, Micros, Position, Version};

/// A frame of one event, verified before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lone<'a> {
    record: &'a [u8],
    place: RecordPlace,
    length: usize,
}

impl<'a> Lone<'a> {
    /// The frame that these bytes begin with, which has verified before, with its
    /// record. Nothing is checked again but what decoding rests on. `None`: the
    /// frame holds more than one event, or is of a rare kind, or is not as it was.
    /// `Frame::open` and `FrameHead::known` tell.
    ///
    /// It takes in one go what they take step by step and keep, so that nothing is
    /// kept for an event that is lent and passed.
    #[inline(always)]
    pub(crate) fn known(bytes: &'a [u8], base: &FrameBase) -> Option<Self> {
        let length = peek_len(bytes, bytes.len() as u64)?;
        let frame = bytes.get(..length)?;
        let [flags, head_length] = *frame.get(FIXED - 1..)?.first_chunk()?;
        if flags != 0 {
            return None;
        }
        let mut at = FIXED + 1;
        let first = Position::new(varint::quick(frame, &mut at)?);
        varint::skip(frame, &mut at).ok()?;
        let since = varint::quick(frame, &mut at)?;
        // One event; behind that its checksum.
        if *frame.get(at)? != 1 {
            return None;
        }
        at += 1 + 4;
        let version = Version::new(varint::quick_of_any_length(frame, &mut at)?);
        // So the length of the head was a single byte, too.
        if at != usize::from(head_length) {
            return None;
        }
        let place = RecordPlace {
            position: first,
            append_first: first,
            append_last: first,
            version,
            recorded: Micros::new(base.base_time.wrapping_add(since.cast_signed()))?,
        };
        Some(Lone {
            record: frame.get(at..)?,
            place,
            length,
        })
    }

    /// The position of the event.
    #[inline(always)]
    pub(crate) fn position(&self) -> Position {
        self.place.position
    }

    /// The length of the frame.
    #[inline(always)]
    pub(crate) fn length(&self) -> u64 {
        self.length as u64
    }

    /// Lends the event, if its record can be decoded.
    #[inline(always)]
    pub(crate) fn lend<T>(&self, take: impl FnOnce(EventRef<'a>) -> T) -> Option<T> {
        record::lend(self.record, self.place, take)
    }
}
