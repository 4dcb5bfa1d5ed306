//! A long postings list: blocks of up to 128 places in ascending order, and
//! before them a skip table, so that a search decodes one block only.

use super::bits;
use crate::format::Fault;
use byteorder::{ByteOrder, LittleEndian};

/// How many postings a block has, but for the last one.
pub(crate) const BLOCK: usize = 128;
/// The bytes of an entry of the skip table: the block's first posting, where
/// its packed differences begin, and how wide they are.
pub(crate) const SKIP_BYTES: usize = 9;

/// Appends a list.
pub(crate) fn encode(out: &mut Vec<u8>, postings: &[u32]) {
    let mut packed = Vec::new();
    for block in postings.chunks(BLOCK) {
        let gaps = || block.windows(2).map(|pair| pair[1] - pair[0] - 1);
        let width = bits::width(gaps().max().unwrap_or(0));
        out.extend_from_slice(&block[0].to_le_bytes());
        out.extend_from_slice(&(packed.len() as u32).to_le_bytes());
        out.push(width as u8);
        bits::pack(&mut packed, width, gaps());
    }
    out.extend_from_slice(&packed);
}

/// An entry of the skip table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ListHead {
    pub(crate) first: u32,
    start: u32,
    width: u8,
}

impl ListHead {
    /// Decodes an entry of exactly `SKIP_BYTES`.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Fault> {
        let width = bytes[8];
        if width > 32 {
            return Err(Fault::damaged(0, "a block of postings is too wide"));
        }
        Ok(ListHead {
            first: LittleEndian::read_u32(&bytes[..4]),
            start: LittleEndian::read_u32(&bytes[4..8]),
            width,
        })
    }

    /// Where the packed differences of a block with so many postings lie,
    /// counted from the end of the skip table: start and length.
    pub(crate) fn packed(&self, count: usize) -> (usize, usize) {
        let length = bits::packed_len(count.saturating_sub(1), u32::from(self.width));
        (self.start as usize, length)
    }

    /// Replaces `out` with the postings of the block.
    pub(crate) fn unpack(&self, packed: &[u8], count: usize, out: &mut Vec<u32>) {
        out.clear();
        let mut posting = self.first;
        out.push(posting);
        for index in 0..count.saturating_sub(1) {
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
    fn blocks_come_back() {
        let postings: Vec<u32> = (0..1000u32).map(|n| n * n + n).collect();
        let mut bytes = Vec::new();
        encode(&mut bytes, &postings);
        let blocks = postings.len().div_ceil(BLOCK);
        let (skips, packed) = bytes.split_at(blocks * SKIP_BYTES);
        let mut out = Vec::new();
        for (index, expected) in postings.chunks(BLOCK).enumerate() {
            let head = ListHead::decode(&skips[index * SKIP_BYTES..][..SKIP_BYTES]).unwrap();
            let (start, length) = head.packed(expected.len());
            head.unpack(&packed[start..start + length], expected.len(), &mut out);
            assert_eq!(out, expected);
        }
    }

    #[test]
    fn postings_without_gaps_cost_next_to_nothing() {
        let mut bytes = Vec::new();
        encode(&mut bytes, &(0..12_800).collect::<Vec<_>>());
        assert_eq!(bytes.len(), 100 * SKIP_BYTES);
    }
}
