//! The header of a segment file.

use super::{Fault, checksum};
use crate::types::{Position, StoreId, Timestamp};
use byteorder::{ByteOrder, LittleEndian};

const MAGIC: &[u8; 8] = b"ANNALSEG";
const BLANK_MAGIC: &[u8; 8] = b"ANNALBLK";
/// The version of the segment format that this code writes.
pub(crate) const VERSION: u32 = 1;
/// The length of the header that this code writes; frames begin behind it.
pub(crate) const HEADER_BYTES: usize = 128;
/// No segment file is larger, in bytes: a frame begins below 2^32, and is
/// shorter than that.
pub(crate) const MAX_SIZE: u64 = 1 << 33;
/// No epoch is larger, so that there is always a next one.
pub(crate) const MAX_EPOCH: u64 = u64::MAX >> 1;
/// Where the extension fields begin: none are written yet.
const EXTENSIONS: usize = 88;
/// Set in the tag of an extension field that a reader must know.
const CRITICAL: u16 = 0x8000;

/// What stands at the start of a segment file once it has become the tail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    pub(crate) store: StoreId,
    pub(crate) number: u64,
    /// Grows with every cut of the log's end; a frame may belong to a later
    /// epoch than its segment's, never to an earlier one.
    pub(crate) epoch: u64,
    /// The position of the first event in this segment.
    pub(crate) base: Position,
    /// When the last event before this segment was recorded, in microseconds
    /// since 1970; frames count on from there.
    pub(crate) base_time: i64,
    /// Where the frames of the segment before end; 0 in the first segment.
    pub(crate) previous_end: u64,
    /// The durable watermark that was known when the header was written.
    pub(crate) durable: Position,
    /// The size of the file in bytes, which was durable before this header was
    /// written: a file that is shorter now has lost something.
    pub(crate) size: u64,
}

impl SegmentHeader {
    pub(crate) fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..8].copy_from_slice(MAGIC);
        LittleEndian::write_u32(&mut bytes[8..12], VERSION);
        LittleEndian::write_u32(&mut bytes[12..16], HEADER_BYTES as u32);
        bytes[16..32].copy_from_slice(self.store.as_bytes());
        LittleEndian::write_u64(&mut bytes[32..40], self.number);
        LittleEndian::write_u64(&mut bytes[40..48], self.epoch);
        LittleEndian::write_u64(&mut bytes[48..56], self.base.get());
        LittleEndian::write_i64(&mut bytes[56..64], self.base_time);
        LittleEndian::write_u64(&mut bytes[64..72], self.previous_end);
        LittleEndian::write_u64(&mut bytes[72..80], self.durable.get());
        LittleEndian::write_u64(&mut bytes[80..88], self.size);
        let sum = checksum::plain(&bytes[..HEADER_BYTES - 4]);
        LittleEndian::write_u32(&mut bytes[HEADER_BYTES - 4..], sum);
        bytes
    }

    /// Decodes a header. That it is this store's, and this number's, is for
    /// the caller to compare.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Fault> {
        let bytes = bytes
            .get(..HEADER_BYTES)
            .ok_or(Fault::damaged(bytes.len(), "the segment header is cut off"))?;
        if &bytes[..8] != MAGIC {
            return Err(Fault::damaged(0, "this is no segment header"));
        }
        let (body, sum) = bytes.split_at(HEADER_BYTES - 4);
        if LittleEndian::read_u32(sum) != checksum::plain(body) {
            let reason = "the checksum of the segment header does not match";
            return Err(Fault::damaged(HEADER_BYTES - 4, reason));
        }
        if LittleEndian::read_u32(&bytes[8..12]) != VERSION
            || LittleEndian::read_u32(&bytes[12..16]) != HEADER_BYTES as u32
        {
            return Err(Fault::newer(8, "another version of the segment format"));
        }
        check_extensions(&body[EXTENSIONS..]).map_err(|fault| fault.shifted(EXTENSIONS))?;
        let mut store = [0; 16];
        store.copy_from_slice(&bytes[16..32]);
        let header = SegmentHeader {
            store: StoreId::from_bytes(store),
            number: LittleEndian::read_u64(&bytes[32..40]),
            epoch: LittleEndian::read_u64(&bytes[40..48]),
            base: Position::new(LittleEndian::read_u64(&bytes[48..56])),
            base_time: LittleEndian::read_i64(&bytes[56..64]),
            previous_end: LittleEndian::read_u64(&bytes[64..72]),
            durable: Position::new(LittleEndian::read_u64(&bytes[72..80])),
            size: LittleEndian::read_u64(&bytes[80..88]),
        };
        header.check()
    }

    /// What must hold for frames to count from it.
    fn check(self) -> Result<Self, Fault> {
        let in_time = Timestamp::from_micros(self.base_time).is_ok();
        let in_range = self.epoch <= MAX_EPOCH && self.size <= MAX_SIZE;
        if in_time && in_range && self.durable < self.base {
            return Ok(self);
        }
        let reason = "a number of the segment header is out of range";
        Err(Fault::damaged(40, reason))
    }
}

/// What stands in the header's place of a spare segment that nothing was
/// written to since it was zero-filled and synced. Every byte of it is known
/// beforehand, so it needs no checksum.
pub(crate) fn blank_mark(store: StoreId, number: u64, size: u64) -> [u8; HEADER_BYTES] {
    let mut bytes = [0; HEADER_BYTES];
    bytes[..8].copy_from_slice(BLANK_MAGIC);
    bytes[16..32].copy_from_slice(store.as_bytes());
    LittleEndian::write_u64(&mut bytes[32..40], number);
    LittleEndian::write_u64(&mut bytes[40..48], size);
    bytes
}

/// Walks extension fields (tag, length, bytes; tag 0 ends them) and refuses
/// critical ones: this version knows none.
pub(crate) fn check_extensions(bytes: &[u8]) -> Result<(), Fault> {
    let mut at = 0;
    while at + 4 <= bytes.len() {
        let tag = LittleEndian::read_u16(&bytes[at..at + 2]);
        let length = usize::from(LittleEndian::read_u16(&bytes[at + 2..at + 4]));
        if tag == 0 {
            return Ok(());
        }
        if tag & CRITICAL != 0 {
            return Err(Fault::newer(at, "an extension that must be known"));
        }
        at += 4 + length;
        if at > bytes.len() {
            return Err(Fault::damaged(at, "an extension leads outside"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::FaultKind;

    fn header() -> SegmentHeader {
        SegmentHeader {
            store: StoreId::from_bytes([3; 16]),
            number: 5,
            epoch: 2,
            base: Position::new(1000),
            base_time: -7,
            previous_end: 4000,
            durable: Position::new(990),
            size: 4096,
        }
    }

    fn reseal(bytes: &mut [u8; HEADER_BYTES]) {
        let sum = checksum::plain(&bytes[..HEADER_BYTES - 4]);
        LittleEndian::write_u32(&mut bytes[HEADER_BYTES - 4..], sum);
    }

    #[test]
    fn a_blank_mark_is_these_bytes_and_no_header() {
        let mark = blank_mark(StoreId::from_bytes([3; 16]), 5, 4096);
        assert_eq!(&mark[..16], b"ANNALBLK\0\0\0\0\0\0\0\0");
        assert_eq!(mark[16..32], [3; 16]);
        assert_eq!(&mark[32..48], b"\x05\0\0\0\0\0\0\0\0\x10\0\0\0\0\0\0");
        assert_eq!(mark[48..], [0; HEADER_BYTES - 48]);
        assert!(SegmentHeader::decode(&mark).is_err());
    }

    #[test]
    fn a_header_comes_back_and_every_flipped_bit_is_seen() {
        let good = header().encode();
        assert_eq!(SegmentHeader::decode(&good), Ok(header()));
        for bit in 0..good.len() * 8 {
            let mut bad = good;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(SegmentHeader::decode(&bad).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn a_newer_header_is_told_from_a_damaged_one() {
        let mut newer = header().encode();
        newer[8] = 2;
        reseal(&mut newer);
        let fault = SegmentHeader::decode(&newer).unwrap_err();
        assert!(matches!(fault.kind, FaultKind::Newer(_)));
    }

    #[test]
    fn optional_extensions_are_passed_over_and_critical_ones_refused() {
        let mut bytes = header().encode();
        bytes[EXTENSIONS..EXTENSIONS + 5].copy_from_slice(&[7, 0, 1, 0, 42]);
        reseal(&mut bytes);
        assert_eq!(SegmentHeader::decode(&bytes), Ok(header()));
        bytes[EXTENSIONS + 1] = 0x80;
        reseal(&mut bytes);
        assert!(SegmentHeader::decode(&bytes).is_err());
    }
}
