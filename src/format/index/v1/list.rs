//! A long postings list: gaps packed in as many bits as the largest needs.

use crate::format::index::bits;
use byteorder::{ByteOrder, LittleEndian};

/// The bytes of an entry of the skip table: the block's first posting, where
/// its packed gaps begin, and how wide they are.
pub(crate) const SKIP_BYTES: usize = 9;

/// A block, as the skip table describes it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block {
    first: u32,
    start: u32,
    width: u8,
    count: usize,
}

impl Block {
    /// Decodes an entry of exactly `SKIP_BYTES`, of a block with so many
    /// postings; nothing if it makes no sense.
    pub(crate) fn decode(bytes: &[u8], count: usize) -> Option<Self> {
        let width = bytes[8];
        (width <= 32).then(|| Block {
            first: LittleEndian::read_u32(&bytes[..4]),
            start: LittleEndian::read_u32(&bytes[4..8]),
            width,
            count,
        })
    }

    /// Where the packed gaps lie, counted from the end of the skip table:
    /// start and length.
    pub(crate) fn packed(&self) -> (u64, u64) {
        let length = bits::packed_len(self.count.saturating_sub(1), u32::from(self.width));
        (self.start.into(), length as u64)
    }

    /// Replaces `out` with the postings.
    pub(crate) fn unpack(&self, packed: &[u8], out: &mut Vec<u32>) {
        out.clear();
        let mut posting = self.first;
        out.push(posting);
        for index in 0..self.count.saturating_sub(1) {
            let gap = bits::unpack(packed, u32::from(self.width), index);
            posting = posting.saturating_add(gap).saturating_add(1);
            out.push(posting);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_comes_back() {
        let mut skip = 1000u32.to_le_bytes().to_vec();
        skip.extend_from_slice(&7u32.to_le_bytes());
        skip.push(4);
        let block = Block::decode(&skip, 4).unwrap();
        assert_eq!(block.packed(), (7, 2));
        let mut out = Vec::new();
        block.unpack(&[0x21, 0x0f], &mut out);
        assert_eq!(out, [1000, 1002, 1005, 1021]);
        skip[8] = 33;
        assert!(Block::decode(&skip, 4).is_none());
    }
}
