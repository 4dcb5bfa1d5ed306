//! A long postings list: blocks of up to 128 places in ascending order, and
//! before them a skip table, so that a search decodes one block only.

use super::gaps::{self, Parameter};
use super::stream::{BitReader, BitWriter};
use byteorder::{ByteOrder, LittleEndian};

/// How many postings a block has, but for the last one.
pub(crate) const BLOCK: usize = 128;
/// The bytes of an entry of the skip table: the block's first posting, and
/// where its codes end.
pub(super) const SKIP_BYTES: usize = 8;

/// Appends a list.
pub(super) fn encode(out: &mut Vec<u8>, postings: &[u32]) {
    let mut codes = BitWriter::default();
    for block in postings.chunks(BLOCK) {
        let gaps = gaps::between(block);
        let parameter = Parameter::of(&gaps);
        parameter.put(&mut codes);
        parameter.put_codes(&mut codes, gaps);
        codes.align();
        out.extend_from_slice(&block[0].to_le_bytes());
        out.extend_from_slice(&(codes.len() as u32).to_le_bytes());
    }
    out.extend_from_slice(&codes.into_bytes());
}

/// The first posting and the codes of a block, from its entry of the skip table
/// and where the codes before it end.
pub(super) fn decode_skip(entry: &[u8], before: u32) -> Option<(u32, u32)> {
    let end = LittleEndian::read_u32(&entry[4..8]);
    let length = end.checked_sub(before)?;
    Some((LittleEndian::read_u32(&entry[..4]), length))
}

/// Replaces `out` with the postings of a block; says whether its codes are all
/// there.
pub(super) fn decode_block(codes: &[u8], first: u32, count: usize, out: &mut Vec<u32>) -> bool {
    let mut bits = BitReader::new(codes);
    let parameter = Parameter::get(&mut bits);
    out.clear();
    parameter.get_postings(&mut bits, first, count, out);
    !bits.is_over()
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
        let (skips, codes) = bytes.split_at(blocks * SKIP_BYTES);
        let (mut out, mut before) = (Vec::new(), 0);
        for (skip, expected) in skips.chunks(SKIP_BYTES).zip(postings.chunks(BLOCK)) {
            let (first, length) = decode_skip(skip, before).unwrap();
            let own = &codes[before as usize..][..length as usize];
            assert!(decode_block(own, first, expected.len(), &mut out));
            assert_eq!(out, expected);
            assert!(!decode_block(&own[..1], first, expected.len(), &mut out));
            before += length;
        }
        assert_eq!(before as usize, codes.len());
        assert!(decode_skip(&skips[..SKIP_BYTES], u32::MAX).is_none());
    }

    #[test]
    fn postings_without_gaps_cost_next_to_nothing() {
        let mut bytes = Vec::new();
        encode(&mut bytes, &(0..12_800).collect::<Vec<_>>());
        assert_eq!(bytes.len(), 100 * (SKIP_BYTES + 1));
    }
}
