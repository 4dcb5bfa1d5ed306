//! The header of an index file, and the order of its sections.

use crate::format::mark::FrameMark;
use crate::format::{Fault, checksum};
use crate::types::{Position, StoreId};
use byteorder::{ByteOrder, LittleEndian};

const MAGIC: &[u8; 8] = b"ANNALIDX";
/// The length of the header; the sections begin behind it.
pub(crate) const HEADER_BYTES: usize = 192;

/// The versions of the format. Files are written in the newest one; the older
/// ones are read as long as they are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum IndexVersion {
    One = 1,
    Two = 2,
}

impl IndexVersion {
    fn decode(number: u32) -> Result<Self, Fault> {
        match number {
            0 => Err(Fault::damaged(8, "there is no version 0 of index files")),
            1 => Ok(IndexVersion::One),
            2 => Ok(IndexVersion::Two),
            _ => Err(Fault::newer(8, "a later version of index files than 2")),
        }
    }
}

/// Where the sections begin; each ends where the next one begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sections {
    /// Number and base position of each segment, 16 bytes each.
    pub(crate) segments: u64,
    pub(crate) place_table: u64,
    pub(crate) place_data: u64,
    /// Where each bucket of the directory begins, 4 bytes each.
    pub(crate) buckets: u64,
    pub(crate) entries: u64,
    pub(crate) lists: u64,
    /// The checksum of each block of the file, 4 bytes each.
    pub(crate) checks: u64,
    pub(crate) end: u64,
}

/// What an index file says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IndexHeader {
    pub(crate) version: IndexVersion,
    pub(crate) store: StoreId,
    pub(crate) first: Position,
    pub(crate) last: Position,
    pub(crate) bucket_bits: u32,
    pub(crate) terms: u64,
    pub(crate) last_frame: FrameMark,
    pub(crate) sections: Sections,
}

impl IndexHeader {
    pub(crate) fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..8].copy_from_slice(MAGIC);
        LittleEndian::write_u32(&mut bytes[8..12], self.version as u32);
        LittleEndian::write_u32(&mut bytes[12..16], self.bucket_bits);
        bytes[16..32].copy_from_slice(self.store.as_bytes());
        let sections = &self.sections;
        let frame = self.last_frame.numbers();
        let numbers = [
            self.first.get(),
            self.last.get(),
            self.terms,
            frame[0],
            frame[1],
            frame[2],
            sections.segments,
            sections.place_table,
            sections.place_data,
            sections.buckets,
            sections.entries,
            sections.lists,
            sections.checks,
            sections.end,
        ];
        LittleEndian::write_u64_into(&numbers, &mut bytes[32..32 + 8 * numbers.len()]);
        let sum = checksum::plain(&bytes[..HEADER_BYTES - 4]);
        LittleEndian::write_u32(&mut bytes[HEADER_BYTES - 4..], sum);
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Fault> {
        let bytes = bytes
            .get(..HEADER_BYTES)
            .ok_or(Fault::damaged(bytes.len(), "the header is cut off"))?;
        let (body, sum) = bytes.split_at(HEADER_BYTES - 4);
        if &bytes[..8] != MAGIC || LittleEndian::read_u32(sum) != checksum::plain(body) {
            return Err(Fault::damaged(0, "this is no header of an index file"));
        }
        let version = IndexVersion::decode(LittleEndian::read_u32(&bytes[8..12]))?;
        let mut store = [0; 16];
        store.copy_from_slice(&bytes[16..32]);
        let mut numbers = [0; 14];
        LittleEndian::read_u64_into(&bytes[32..32 + 8 * 14], &mut numbers);
        let header = IndexHeader {
            version,
            store: StoreId::from_bytes(store),
            first: Position::new(numbers[0]),
            last: Position::new(numbers[1]),
            bucket_bits: LittleEndian::read_u32(&bytes[12..16]),
            terms: numbers[2],
            last_frame: FrameMark::from_numbers([numbers[3], numbers[4], numbers[5]]),
            sections: Sections {
                segments: numbers[6],
                place_table: numbers[7],
                place_data: numbers[8],
                buckets: numbers[9],
                entries: numbers[10],
                lists: numbers[11],
                checks: numbers[12],
                end: numbers[13],
            },
        };
        header.check()
    }

    /// What must hold for the sections to be looked into at all.
    fn check(self) -> Result<Self, Fault> {
        let sections = &self.sections;
        let ordered = [
            HEADER_BYTES as u64,
            sections.segments,
            sections.place_table,
            sections.place_data,
            sections.buckets,
            sections.entries,
            sections.lists,
            sections.checks,
            sections.end,
        ]
        .is_sorted();
        let count = self.last.get().checked_sub(self.first.get());
        let countable = count.is_some_and(|count| count < u64::from(u32::MAX));
        if ordered && countable && self.first > Position::START && self.bucket_bits <= 32 {
            return Ok(self);
        }
        Err(Fault::damaged(32, "the header makes no sense"))
    }

    /// How many positions the file covers.
    pub(crate) fn positions(&self) -> u32 {
        (self.last.get() - self.first.get() + 1) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::FaultKind;

    #[test]
    fn a_header_comes_back_and_every_flipped_bit_is_seen() {
        let header = IndexHeader {
            version: IndexVersion::Two,
            store: StoreId::from_bytes([1; 16]),
            first: Position::new(5),
            last: Position::new(9),
            bucket_bits: 3,
            terms: 4,
            last_frame: FrameMark::from_numbers([2, 999, 77]),
            sections: Sections {
                segments: 192,
                place_table: 200,
                place_data: 300,
                buckets: 400,
                entries: 500,
                lists: 600,
                checks: 700,
                end: 800,
            },
        };
        let good = header.encode();
        assert_eq!(IndexHeader::decode(&good), Ok(header));
        assert_eq!(header.positions(), 5);
        for bit in 0..good.len() * 8 {
            let mut bad = good;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(IndexHeader::decode(&bad).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn a_later_version_is_told_from_damage() {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..8].copy_from_slice(MAGIC);
        for (version, newer) in [(0, false), (3, true), (u32::MAX, true)] {
            LittleEndian::write_u32(&mut bytes[8..12], version);
            let sum = checksum::plain(&bytes[..HEADER_BYTES - 4]);
            LittleEndian::write_u32(&mut bytes[HEADER_BYTES - 4..], sum);
            let fault = IndexHeader::decode(&bytes).unwrap_err();
            assert_eq!(matches!(fault.kind, FaultKind::Newer(_)), newer);
        }
    }
}
