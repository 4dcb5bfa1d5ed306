//! A block of a file of ids: a Bloom filter in one line of the processor's
//! cache, and where the entries begin that it speaks of.
//!
//! Blocks and entries are in the order of the fingerprints, so that both are
//! written in one pass over sorted entries, however many there are.

use super::FINGERPRINT_BITS;
use byteorder::{ByteOrder, LittleEndian};

/// The length of a block.
pub(crate) const BLOCK_BYTES: usize = 64;
/// The bits of a block that filter: those behind the number of the first entry.
const FILTER_BITS: u64 = 8 * (BLOCK_BYTES as u64 - 4);
/// How many of them stand for one fingerprint.
const PROBES: u32 = 8;

/// The block that a fingerprint belongs to, of so many.
pub(crate) fn block_of(fingerprint: u64, blocks: u32) -> u64 {
    ((u128::from(fingerprint) * u128::from(blocks)) >> FINGERPRINT_BITS) as u64
}

/// The bits of a block that stand for a fingerprint.
fn bits(fingerprint: u64) -> impl Iterator<Item = usize> {
    // The top bits have chosen the block; all of them are mixed again.
    let hash = fingerprint.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let (start, step) = ((hash >> 32) as u32, hash as u32 | 1);
    (0..PROBES).map(move |probe| {
        let hash = start.wrapping_add(probe.wrapping_mul(step));
        ((u64::from(hash) * FILTER_BITS) >> 32) as usize
    })
}

/// A block, read where it lies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block<'a>(&'a [u8]);

impl<'a> Block<'a> {
    /// These bytes as a block: `BLOCK_BYTES` of them.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Block(&bytes[..BLOCK_BYTES])
    }

    /// The number of its first entry; it ends where the next block begins.
    pub(crate) fn first(self) -> u32 {
        LittleEndian::read_u32(self.0)
    }

    /// Whether an entry with this fingerprint may be there. A no is certain.
    pub(crate) fn may_hold(self, fingerprint: u64) -> bool {
        let filter = &self.0[4..];
        bits(fingerprint).all(|bit| filter[bit / 8] & (1 << (bit % 8)) != 0)
    }
}

/// A block in the making.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockBuilder([u8; BLOCK_BYTES]);

impl BlockBuilder {
    /// A block whose first entry has this number.
    pub(crate) fn new(first: u32) -> Self {
        let mut bytes = [0; BLOCK_BYTES];
        LittleEndian::write_u32(&mut bytes[..4], first);
        BlockBuilder(bytes)
    }

    pub(crate) fn add(&mut self, fingerprint: u64) {
        let filter = &mut self.0[4..];
        bits(fingerprint).for_each(|bit| filter[bit / 8] |= 1 << (bit % 8));
    }

    pub(crate) fn bytes(&self) -> &[u8; BLOCK_BYTES] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::super::IdsHeader;
    use super::*;

    /// Numbers that look drawn.
    fn fingerprints(seed: u64) -> impl Iterator<Item = u64> {
        let mut state = seed;
        std::iter::repeat_with(move || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            (mixed ^ (mixed >> 31)) >> 16
        })
    }

    #[test]
    fn what_was_added_is_held_and_few_others_are() {
        const COUNT: usize = 100_000;
        let blocks = IdsHeader::blocks_for(COUNT as u64);
        let mut filter = vec![BlockBuilder::new(0); blocks as usize];
        for fingerprint in fingerprints(1).take(COUNT) {
            filter[block_of(fingerprint, blocks) as usize].add(fingerprint);
        }
        let held = |fingerprint: &u64| {
            let block = &filter[block_of(*fingerprint, blocks) as usize];
            Block::new(block.bytes()).may_hold(*fingerprint)
        };
        assert!(fingerprints(1).take(COUNT).all(|own| held(&own)));
        let others = fingerprints(2).take(10 * COUNT).filter(held).count();
        // Measured: 1 in 840.
        assert!(others < 10 * COUNT / 500, "{others} of {}", 10 * COUNT);
    }

    #[test]
    fn blocks_are_in_the_order_of_fingerprints() {
        let mut all: Vec<_> = fingerprints(3).take(1000).collect();
        all.sort_unstable();
        for blocks in [1, 7, 34, u32::MAX] {
            let numbers: Vec<_> = all.iter().map(|own| block_of(*own, blocks)).collect();
            assert!(numbers.is_sorted());
            assert!(numbers.iter().all(|own| *own < u64::from(blocks)));
        }
    }

    #[test]
    fn a_block_knows_its_first_entry() {
        assert_eq!(Block::new(BlockBuilder::new(77).bytes()).first(), 77);
    }
}
