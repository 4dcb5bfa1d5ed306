//! What a read keeps of a frame while it reads its records.

use super::checksum;
#[cfg(any(test, feature = "testing"))]
use super::frame::Entry;
use super::frame::{EPOCH, FIXED, FrameBase};
use super::record::{self, RecordPlace};
use super::{Fault, take, varint};
use crate::types::{EventRef, Micros, Position, Version};
use byteorder::{ByteOrder, LittleEndian};

/// What a read has to know of a frame whose head verified. It is kept while the
/// frame is read from, so that the head is verified once, not once for each
/// record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameHead {
    pub(super) offset: u64,
    pub(super) length: u32,
    pub(super) head_length: u32,
    pub(super) entries_at: u32,
    pub(crate) count: u32,
    pub(crate) first: Position,
    pub(super) recorded: Micros,
    /// Whether the records, too, were verified before.
    pub(super) known: bool,
}

impl FrameHead {
    /// The head of a frame that has verified before, by itself or with all
    /// `records`. Nothing is checked again, and what only recovery asks for is
    /// passed over; `None`: it is not as it was, and `Frame::open` tells how.
    #[inline]
    pub(crate) fn known(
        bytes: &[u8],
        base: &FrameBase,
        offset: u64,
        records: bool,
    ) -> Option<Self> {
        let mut at = FIXED;
        let head_length = varint::get(bytes, &mut at).ok()?;
        let first = Position::new(varint::get(bytes, &mut at).ok()?);
        varint::skip(bytes, &mut at).ok()?;
        let since = varint::get(bytes, &mut at).ok()?;
        if bytes.get(FIXED - 1)? & EPOCH != 0 {
            varint::skip(bytes, &mut at).ok()?;
        }
        let count = u32::try_from(varint::get(bytes, &mut at).ok()?).ok()?;
        let recorded = base.base_time.wrapping_add(since.cast_signed());
        Some(FrameHead {
            offset,
            length: bytes.len() as u32,
            head_length: head_length as u32,
            entries_at: at as u32,
            count: (count > 0).then_some(count)?,
            first,
            recorded: Micros::new(recorded)?,
            known: records,
        })
    }

    /// Whether the records have been verified before and need not be again.
    pub(crate) fn is_known(&self) -> bool {
        self.known
    }

    /// Where the frame begins in its segment.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// The length of the whole frame.
    pub(crate) fn length(&self) -> u64 {
        u64::from(self.length)
    }

    /// Where the frame ends in its segment.
    pub(crate) fn end(&self) -> u64 {
        self.offset + self.length()
    }

    /// The position of the last event.
    pub(crate) fn last(&self) -> Position {
        self.first.plus(u64::from(self.count) - 1)
    }

    /// Whether the event at a position is in this frame.
    #[inline]
    pub(crate) fn holds(&self, position: Position) -> bool {
        let index = position.get().wrapping_sub(self.first.get());
        index < u64::from(self.count)
    }

    /// Where the first record is.
    #[inline]
    pub(crate) fn start(&self) -> RecordCursor {
        RecordCursor {
            index: 0,
            entry_at: self.entries_at as usize,
            record_at: self.head_length as usize,
        }
    }

    /// The record of a position that the frame holds, among the frame's bytes.
    /// Where `cursor` isn't past it yet, the walk goes on from there.
    #[inline]
    pub(crate) fn record<'a>(
        &self,
        bytes: &'a [u8],
        position: Position,
        cursor: &mut RecordCursor,
    ) -> Result<Record<'a>, Fault> {
        let index = position.get().saturating_sub(self.first.get());
        if u64::from(cursor.index) > index {
            *cursor = self.start();
        }
        while u64::from(cursor.index) < index {
            self.step(bytes, cursor)?;
        }
        self.step(bytes, &mut cursor.clone())
    }

    /// The record under the cursor, which moves on to the next one.
    #[inline]
    pub(crate) fn step<'a>(
        &self,
        bytes: &'a [u8],
        cursor: &mut RecordCursor,
    ) -> Result<Record<'a>, Fault> {
        let entries = bytes.get(..self.head_length as usize).unwrap_or(bytes);
        let sum = take(entries, &mut cursor.entry_at, 4, "an entry is cut off")?;
        let version = Version::new(varint::get(entries, &mut cursor.entry_at)?);
        let at = cursor.record_at;
        let length = if cursor.index + 1 < self.count {
            varint::get_len(entries, &mut cursor.entry_at)?
        } else {
            bytes.len().saturating_sub(at)
        };
        let own = take(
            bytes,
            &mut cursor.record_at,
            length,
            "a record leads outside",
        )?;
        let place = RecordPlace {
            position: self.first.plus(u64::from(cursor.index)),
            append_first: self.first,
            append_last: self.last(),
            version,
            recorded: self.recorded,
        };
        cursor.index += 1;
        Ok(Record {
            bytes: own,
            at,
            checksum: LittleEndian::read_u32(sum),
            place,
        })
    }
}

/// A place among the records of a frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RecordCursor {
    index: u32,
    entry_at: usize,
    record_at: usize,
}

impl RecordCursor {
    /// The number of the record in its frame, from 0 on.
    pub(crate) fn index(&self) -> u64 {
        u64::from(self.index)
    }
}

/// A record in its frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<'a> {
    bytes: &'a [u8],
    at: usize,
    checksum: u32,
    place: RecordPlace,
}

impl<'a> Record<'a> {
    /// Compares the record with its checksum.
    pub(crate) fn verify(&self) -> Result<(), Fault> {
        if checksum::plain(self.bytes) == self.checksum {
            return Ok(());
        }
        Err(Fault::damaged(
            self.at,
            "the checksum of the record does not match",
        ))
    }

    /// What the frame says of the record.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn entry(&self) -> Entry {
        Entry {
            checksum: self.checksum,
            length: self.bytes.len() as u32,
            version: self.place.version,
        }
    }

    /// The bytes of the record.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Decodes the record; verify it before.
    #[inline]
    pub(crate) fn decode(&self) -> Result<EventRef<'a>, Fault> {
        record::decode(self.bytes, self.place).map_err(|fault| fault.shifted(self.at))
    }
}
