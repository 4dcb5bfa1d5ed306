//! A frame: one commit. A head, bound to its place by its checksum, and behind
//! it the records, bound to the head by theirs.

pub(crate) use super::head::{FrameHead, Record, RecordCursor};

use super::checksum::Place;
use super::{Fault, segment, take, varint};
use crate::types::{Micros, Position, Version};
use byteorder::{ByteOrder, LittleEndian};

/// The frame belongs to a later epoch than its segment.
pub(super) const EPOCH: u8 = 1;
/// Extension fields follow the entries.
const EXTENSIONS: u8 = 1 << 1;
/// Flags that this version knows.
const KNOWN: u8 = EPOCH | EXTENSIONS;
/// Length, checksum, flags: what a frame begins with.
pub(super) const FIXED: usize = 9;
/// No frame is shorter: its fixed part, six numbers of a byte and more, the
/// checksum of a record, and a record of an id and two lengths.
pub(crate) const MIN_BYTES: usize = FIXED + 6 + 4 + 19;

/// What all frames of a segment count from.
#[derive(Clone, Debug)]
pub(crate) struct FrameBase {
    pub(crate) place: Place,
    pub(crate) epoch: u64,
    pub(crate) base_time: i64,
}

/// What is known of a record before the frame is put together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) checksum: u32,
    pub(crate) length: u32,
    pub(crate) version: Version,
}

/// What a commit is, apart from its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Commit {
    pub(crate) first: Position,
    /// The durable watermark known when the frame was written.
    pub(crate) durable: Position,
    /// Microseconds since 1970.
    pub(crate) recorded: i64,
    pub(crate) epoch: u64,
}

/// The length of the frame with these entries, at most: what it takes is known
/// exactly only when it is encoded.
pub(crate) fn max_len(entries: &[Entry], records: usize) -> usize {
    FIXED + 6 * varint::MAX_BYTES + entries.len() * (4 + 5 + varint::MAX_BYTES) + records
}

/// Appends the head of a frame for the records of these entries, which the
/// caller appends behind it. `offset` is the frame's place in its segment.
pub(crate) fn encode_head(
    out: &mut Vec<u8>,
    base: &FrameBase,
    offset: u64,
    commit: &Commit,
    entries: &[Entry],
) {
    let start = out.len();
    out.resize(start + max_len(entries, 0), 0);
    let bytes = &mut out[start..];
    // The length of the head takes one byte, unless it turns out longer.
    let mut at = FIXED + 1;
    varint::write(bytes, &mut at, commit.first.get());
    let lag = commit.first.previous().get() - commit.durable.get();
    varint::write(bytes, &mut at, lag);
    let since = commit.recorded - base.base_time;
    varint::write(bytes, &mut at, since.cast_unsigned());
    if commit.epoch != base.epoch {
        bytes[FIXED - 1] |= EPOCH;
        varint::write(bytes, &mut at, commit.epoch - base.epoch);
    }
    varint::write(bytes, &mut at, entries.len() as u64);
    let mut records = 0;
    for (index, entry) in entries.iter().enumerate() {
        LittleEndian::write_u32(&mut bytes[at..at + 4], entry.checksum);
        at += 4;
        varint::write(bytes, &mut at, entry.version.get());
        // The last record ends where the frame ends.
        if index + 1 < entries.len() {
            varint::write(bytes, &mut at, u64::from(entry.length));
        }
        records += entry.length as usize;
    }
    let head = with_own_length(at - 1);
    if head > at {
        bytes.copy_within(FIXED + 1..at, FIXED + 1 + head - at);
    }
    varint::write(bytes, &mut FIXED.clone(), head as u64);
    let length = (head + records) as u32;
    LittleEndian::write_u32(&mut bytes[..4], length);
    let sum = base.place.checksum(offset, length, &bytes[8..head]);
    LittleEndian::write_u32(&mut bytes[4..8], sum);
    out.truncate(start + head);
}

/// The length of a head that is `without` bytes long without that very number:
/// it counts the bytes that it takes itself, too.
fn with_own_length(without: usize) -> usize {
    let mut own = 1;
    while (without + own) as u64 >= 1 << (7 * own) {
        own += 1;
    }
    without + own
}

/// A frame whose head has been verified.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame<'a> {
    bytes: &'a [u8],
    head: FrameHead,
    commit: Commit,
}

/// The length that the frame beginning here says it has, if it could be one
/// within `room` bytes: not verified yet. `None`: no frame begins here.
#[inline]
pub(crate) fn peek_len(bytes: &[u8], room: u64) -> Option<usize> {
    let length = LittleEndian::read_u32(bytes.get(..4)?);
    (length as usize >= MIN_BYTES && u64::from(length) <= room).then_some(length as usize)
}

impl<'a> Frame<'a> {
    /// How long the head is of the frame that begins so, by what the bytes
    /// claim: what `open_head` needs of it.
    pub(crate) fn claimed_head(bytes: &[u8], length: usize) -> usize {
        let claimed = varint::get_len(bytes, &mut FIXED.clone());
        claimed.unwrap_or(0).min(length)
    }

    /// Verifies the head of the frame that these bytes are, which begin at
    /// `offset` of its segment, and decodes it. The records are not looked at.
    pub(crate) fn open(bytes: &'a [u8], base: &FrameBase, offset: u64) -> Result<Self, Fault> {
        let (head, commit) = Self::open_head(bytes, bytes.len(), base, offset)?;
        Ok(Frame {
            bytes,
            head,
            commit,
        })
    }

    /// The same for a frame of `length` bytes that begins with these: those
    /// behind the head need not be there.
    pub(crate) fn open_head(
        bytes: &[u8],
        length: usize,
        base: &FrameBase,
        offset: u64,
    ) -> Result<(FrameHead, Commit), Fault> {
        let (head_length, at) = Self::head_length(bytes, length)?;
        let covered = bytes
            .get(8..head_length)
            .ok_or(Fault::damaged(FIXED, "the head of the frame is cut off"))?;
        let sum = base.place.checksum(offset, length as u32, covered);
        if sum != LittleEndian::read_u32(&bytes[4..8]) {
            return Err(Fault::damaged(
                4,
                "the checksum of the frame does not match",
            ));
        }
        let (head, commit) = Self::decode_head(&bytes[..head_length], length, base, offset, at)?;
        Self::check_entries(&head, &bytes[..head_length])?;
        Ok((head, commit))
    }

    /// The length of the head as the frame states it, and where it goes on.
    #[inline]
    fn head_length(bytes: &[u8], length: usize) -> Result<(usize, usize), Fault> {
        let mut at = FIXED;
        let fixed = take(bytes, &mut 0, FIXED, "the frame is cut off")?;
        if LittleEndian::read_u32(&fixed[..4]) as usize != length {
            return Err(Fault::damaged(0, "the length of the frame is wrong"));
        }
        let head_length = varint::get_len(bytes, &mut at)?;
        if head_length < at || head_length > length {
            return Err(Fault::damaged(FIXED, "the head of the frame leads outside"));
        }
        Ok((head_length, at))
    }

    #[inline]
    fn decode_head(
        fields: &[u8],
        length: usize,
        base: &FrameBase,
        offset: u64,
        mut at: usize,
    ) -> Result<(FrameHead, Commit), Fault> {
        let flags = fields[8];
        if flags & !KNOWN != 0 {
            return Err(Fault::newer(8, "a kind of frame that must be known"));
        }
        let out_of_range = |at| Fault::damaged(at, "a number of the frame is out of range");
        let first = Position::new(varint::get(fields, &mut at)?);
        let lag = varint::get(fields, &mut at)?;
        let durable = first
            .get()
            .checked_sub(1)
            .and_then(|before| before.checked_sub(lag));
        let durable = Position::new(durable.ok_or(out_of_range(at))?);
        let since = varint::get(fields, &mut at)?;
        let recorded = i64::try_from(since)
            .ok()
            .and_then(|since| base.base_time.checked_add(since))
            .and_then(Micros::new)
            .ok_or(out_of_range(at))?;
        let epoch = match flags & EPOCH {
            0 => Some(base.epoch),
            _ => match varint::get(fields, &mut at)? {
                0 => None,
                later => base.epoch.checked_add(later),
            },
        };
        let epoch = epoch.filter(|epoch| *epoch <= segment::MAX_EPOCH);
        let count = varint::get(fields, &mut at)?;
        let count = u32::try_from(count).ok().filter(|count| *count > 0);
        let head = FrameHead {
            offset,
            length: length as u32,
            head_length: fields.len() as u32,
            entries_at: at as u32,
            count: count.ok_or(out_of_range(at))?,
            first,
            recorded,
            known: false,
        };
        let commit = Commit {
            first,
            durable,
            recorded: recorded.get(),
            epoch: epoch.ok_or(out_of_range(at))?,
        };
        Ok((head, commit))
    }

    /// Walks the entries once, so that later walks find what they expect.
    fn check_entries(frame: &FrameHead, head: &[u8]) -> Result<(), Fault> {
        let mut at = frame.entries_at as usize;
        let last = frame.first.get();
        let last = last.checked_add(u64::from(frame.count));
        let out_of_range = Fault::damaged(at, "the positions run out of range");
        last.filter(|end| *end < u64::MAX).ok_or(out_of_range)?;
        let mut records = 0usize;
        for index in 0..frame.count {
            take(head, &mut at, 4, "the entries of the frame are cut off")?;
            varint::get(head, &mut at)?;
            if index + 1 < frame.count {
                records = records.saturating_add(varint::get_len(head, &mut at)?);
            }
        }
        if records > frame.length as usize - head.len() {
            return Err(Fault::damaged(at, "a record leads outside the frame"));
        }
        if head[8] & EXTENSIONS != 0 {
            return segment::check_extensions(&head[at..]).map_err(|fault| fault.shifted(at));
        }
        if at != head.len() {
            return Err(Fault::damaged(at, "the head of the frame is too long"));
        }
        Ok(())
    }

    pub(crate) fn head(&self) -> &FrameHead {
        &self.head
    }

    /// What the frame is, apart from its records.
    pub(crate) fn commit(&self) -> &Commit {
        &self.commit
    }

    /// The checksum of the head, which tells this frame from any other.
    pub(crate) fn checksum(&self) -> u32 {
        LittleEndian::read_u32(&self.bytes[4..8])
    }

    /// The records, one after the other, not verified yet.
    pub(crate) fn records(&self) -> impl Iterator<Item = Result<Record<'a>, Fault>> + use<'a> {
        let frame = *self;
        let mut cursor = frame.head.start();
        (0..frame.head.count).map(move |_| frame.head.step(frame.bytes, &mut cursor))
    }

    /// The record of a position that the frame holds.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn record(
        &self,
        position: Position,
        cursor: &mut RecordCursor,
    ) -> Result<Record<'a>, Fault> {
        self.head.record(self.bytes, position, cursor)
    }

    /// Verifies every record.
    pub(crate) fn verify(&self) -> Result<(), Fault> {
        self.records().try_for_each(|record| record?.verify())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::{checksum, record};
    use crate::types::{Event, StoreId};

    fn base() -> FrameBase {
        FrameBase {
            place: Place::segment(StoreId::from_bytes([1; 16]), 1),
            epoch: 3,
            base_time: 1_000,
        }
    }

    fn commit() -> Commit {
        Commit {
            first: Position::new(100),
            durable: Position::new(90),
            recorded: 5_000,
            epoch: 3,
        }
    }

    fn frame(commit: &Commit, count: u64) -> Vec<u8> {
        let (mut records, mut entries) = (Vec::new(), Vec::new());
        for number in 1..=count {
            let start = records.len();
            let id = uuid::Uuid::from_u128(number.into());
            let data = vec![b'x'; number as usize];
            record::encode(&mut records, "stream", &Event::with_id(id, "T", data));
            entries.push(Entry {
                checksum: checksum::plain(&records[start..]),
                length: (records.len() - start) as u32,
                version: Version::new(number),
            });
        }
        let mut out = Vec::new();
        encode_head(&mut out, &base(), 128, commit, &entries);
        out.extend_from_slice(&records);
        assert!(out.len() <= max_len(&entries, records.len()));
        out
    }

    #[test]
    fn frames_come_back_whole_whatever_their_size() {
        for count in [1, 2, 3, 20, 21, 2_000, 300_000] {
            let later = Commit {
                epoch: 9,
                ..commit()
            };
            for commit in [commit(), later] {
                let bytes = frame(&commit, count.min(2_000));
                let opened = Frame::open(&bytes, &base(), 128).unwrap();
                assert_eq!(*opened.commit(), commit);
                let known = FrameHead::known(&bytes, &base(), 128, false);
                assert_eq!(known, Some(*opened.head()));
                assert_eq!(u64::from(opened.head().count), count.min(2_000));
                opened.verify().unwrap();
                for (index, record) in opened.records().enumerate() {
                    let event = record.unwrap().decode().unwrap();
                    assert_eq!(event.data().len(), index + 1);
                    assert_eq!(event.version().get(), index as u64 + 1);
                    assert_eq!(event.append_first(), Position::new(100));
                    assert_eq!(event.append_last(), opened.head().last());
                }
            }
        }
    }

    #[test]
    fn the_length_of_a_head_counts_its_own_bytes() {
        for power in [7, 14, 21, 28] {
            for without in (1 << power) - 6..(1 << power) + 6 {
                let length = with_own_length(without);
                let mut own = Vec::new();
                varint::put(&mut own, length as u64);
                assert_eq!(length, without + own.len(), "{without}");
            }
        }
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_seen() {
        let good = frame(&commit(), 3);
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let seen = Frame::open(&bad, &base(), 128).and_then(|frame| frame.verify());
            assert!(seen.is_err(), "bit {bit}");
        }
        for length in 0..good.len() {
            assert!(Frame::open(&good[..length], &base(), 128).is_err());
        }
    }

    #[test]
    fn a_frame_does_not_verify_elsewhere() {
        let bytes = frame(&commit(), 1);
        assert!(Frame::open(&bytes, &base(), 129).is_err());
        let other = FrameBase {
            place: Place::segment(StoreId::from_bytes([1; 16]), 2),
            ..base()
        };
        assert!(Frame::open(&bytes, &other, 128).is_err());
    }

    #[test]
    fn a_frame_of_one_event_costs_little() {
        let event = Event::with_id(uuid::Uuid::nil(), "T", "x");
        let given = 16 + "stream".len() + event.event_type().len() + event.data().len();
        assert!(frame(&commit(), 1).len() - given <= 26);
    }

    #[test]
    fn the_smallest_frame_is_not_below_the_minimum() {
        let first = Commit {
            first: Position::new(1),
            durable: Position::START,
            recorded: 1_000,
            epoch: 3,
        };
        let mut out = Vec::new();
        let entry = Entry {
            checksum: 0,
            length: 19,
            version: Version::new(1),
        };
        encode_head(&mut out, &base(), 0, &first, &[entry]);
        assert_eq!(out.len() + 19, MIN_BYTES);
    }
}
