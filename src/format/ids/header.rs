//! The header of a file of ids, and where the sections begin.

use super::{BLOCK_BYTES, CHECK_BYTES, ENTRY_BYTES};
use crate::format::mark::FrameMark;
use crate::format::{Fault, checksum};
use crate::types::{Position, StoreId};
use byteorder::{ByteOrder, LittleEndian};

const MAGIC: &[u8; 8] = b"ANNALIDS";
const VERSION: u32 = 1;
/// The length of the header; the blocks begin behind it.
pub(crate) const HEADER_BYTES: usize = 128;
/// How many entries share a block, about.
const ENTRIES_PER_BLOCK: u64 = 30;

/// What a file of ids says of itself. Where its sections begin follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IdsHeader {
    pub(crate) store: StoreId,
    pub(crate) first: Position,
    pub(crate) last: Position,
    pub(crate) blocks: u32,
    pub(crate) last_frame: FrameMark,
}

impl IdsHeader {
    /// How many blocks a range of so many positions gets.
    pub(crate) fn blocks_for(entries: u64) -> u32 {
        entries.div_ceil(ENTRIES_PER_BLOCK).max(1) as u32
    }

    /// How many positions the file covers: each has one entry.
    pub(crate) fn entries(&self) -> u64 {
        self.last.get() - self.first.get() + 1
    }

    /// Where a block begins.
    pub(crate) fn block_at(block: u64) -> u64 {
        HEADER_BYTES as u64 + block * BLOCK_BYTES as u64
    }

    /// Where the entries begin: with a checksum of their own.
    pub(crate) fn entries_at(&self) -> u64 {
        Self::block_at(u64::from(self.blocks)).next_multiple_of(CHECK_BYTES)
    }

    /// Where the checksums begin.
    pub(crate) fn checks_at(&self) -> u64 {
        self.entries_at() + self.entries() * ENTRY_BYTES as u64
    }

    /// Where the file ends.
    pub(crate) fn end(&self) -> u64 {
        self.checks_at() + 4 * self.checks_at().div_ceil(CHECK_BYTES)
    }

    pub(crate) fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..8].copy_from_slice(MAGIC);
        LittleEndian::write_u32(&mut bytes[8..12], VERSION);
        LittleEndian::write_u32(&mut bytes[12..16], self.blocks);
        bytes[16..32].copy_from_slice(self.store.as_bytes());
        let frame = self.last_frame.numbers();
        let (first, last) = (self.first.get(), self.last.get());
        let numbers = [first, last, frame[0], frame[1], frame[2]];
        LittleEndian::write_u64_into(&numbers, &mut bytes[32..32 + 8 * numbers.len()]);
        let sum = checksum::plain(&bytes[..HEADER_BYTES - 4]);
        LittleEndian::write_u32(&mut bytes[HEADER_BYTES - 4..], sum);
        bytes
    }

    /// Decodes the header of a file of this length.
    pub(crate) fn decode(bytes: &[u8], length: u64) -> Result<Self, Fault> {
        let bytes = bytes
            .get(..HEADER_BYTES)
            .ok_or(Fault::damaged(bytes.len(), "the header is cut off"))?;
        let (body, sum) = bytes.split_at(HEADER_BYTES - 4);
        if &bytes[..8] != MAGIC || LittleEndian::read_u32(sum) != checksum::plain(body) {
            return Err(Fault::damaged(0, "this is no header of a file of ids"));
        }
        if LittleEndian::read_u32(&bytes[8..12]) != VERSION {
            return Err(Fault::newer(8, "another version of the format of ids"));
        }
        let mut store = [0; 16];
        store.copy_from_slice(&bytes[16..32]);
        let mut numbers = [0; 5];
        LittleEndian::read_u64_into(&bytes[32..32 + 8 * 5], &mut numbers);
        let header = IdsHeader {
            store: StoreId::from_bytes(store),
            first: Position::new(numbers[0]),
            last: Position::new(numbers[1]),
            blocks: LittleEndian::read_u32(&bytes[12..16]),
            last_frame: FrameMark::from_numbers([numbers[2], numbers[3], numbers[4]]),
        };
        header.check(length)
    }

    /// What must hold for the sections to be looked into at all.
    fn check(self, length: u64) -> Result<Self, Fault> {
        let count = self.last.get().checked_sub(self.first.get());
        let countable = count.is_some_and(|count| count < u64::from(u32::MAX));
        if !countable || self.first == Position::START || self.blocks == 0 {
            return Err(Fault::damaged(32, "the header makes no sense"));
        }
        match self.end() == length {
            true => Ok(self),
            false => Err(Fault::damaged(
                0,
                "the file is not as long as its header says",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_comes_back_and_every_flipped_bit_is_seen() {
        let header = IdsHeader {
            store: StoreId::from_bytes([1; 16]),
            first: Position::new(5),
            last: Position::new(1004),
            blocks: IdsHeader::blocks_for(1000),
            last_frame: FrameMark::from_numbers([2, 999, 77]),
        };
        assert_eq!((header.entries(), header.blocks), (1000, 34));
        assert_eq!((header.entries_at(), header.checks_at()), (4096, 14096));
        assert_eq!(header.end(), 14096 + 4 * 4);
        let good = header.encode();
        assert_eq!(IdsHeader::decode(&good, header.end()), Ok(header));
        assert!(IdsHeader::decode(&good, header.end() + 1).is_err());
        for bit in 0..good.len() * 8 {
            let mut bad = good;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(IdsHeader::decode(&bad, header.end()).is_err(), "bit {bit}");
        }
    }
}
