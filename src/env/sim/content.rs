//! What a file holds: blocks that are shared until they are written.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, LazyLock, OnceLock};

/// The size of a block in bytes, and the unit in which room is counted.
pub(super) const BLOCK: u64 = 4096;

const BYTES: usize = BLOCK as usize;

static ZEROS: [u8; BYTES] = [0; BYTES];

/// One block of zeros for everybody: a file that is filled with zeros before
/// it is used costs next to nothing.
static ZERO_BLOCK: LazyLock<Arc<Block>> = LazyLock::new(|| {
    Arc::new(Block {
        bytes: ZEROS,
        hash: OnceLock::new(),
    })
});

/// A block, with its hash once somebody has asked for it.
pub(super) struct Block {
    bytes: [u8; BYTES],
    hash: OnceLock<u64>,
}

impl Clone for Block {
    /// A copy is made to be changed, so it doesn't take the hash along.
    fn clone(&self) -> Self {
        Block {
            bytes: self.bytes,
            hash: OnceLock::new(),
        }
    }
}

impl fmt::Debug for Block {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Block({:016x})", self.hash())
    }
}

impl Block {
    fn bytes_mut(block: &mut Arc<Self>) -> &mut [u8; BYTES] {
        let block = Arc::make_mut(block);
        block.hash = OnceLock::new();
        &mut block.bytes
    }

    /// Zeros hash to 0, as a block that isn't there.
    fn hash(&self) -> u64 {
        *self.hash.get_or_init(|| {
            if self.bytes == ZEROS {
                0
            } else {
                hash_bytes(&self.bytes)
            }
        })
    }
}

/// The bytes of a file. Blocks that were never written are not there; what
/// lies beyond the size is zero.
#[derive(Clone, Debug, Default)]
pub(super) struct Content {
    size: u64,
    blocks: BTreeMap<u64, Arc<Block>>,
}

impl Content {
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// How many blocks take room.
    pub(super) fn allocated(&self) -> u64 {
        self.blocks.len() as u64
    }

    pub(super) fn has_block(&self, index: u64) -> bool {
        self.blocks.contains_key(&index)
    }

    /// The block at an index, zeros if it was never written.
    pub(super) fn block(&self, index: u64) -> &Arc<Block> {
        self.blocks.get(&index).unwrap_or(&ZERO_BLOCK)
    }

    /// Reads what lies between `offset` and the end, at most a buffer full.
    pub(super) fn read(&self, buffer: &mut [u8], offset: u64) -> usize {
        let length = (buffer.len() as u64).min(self.size.saturating_sub(offset)) as usize;
        for (index, within, at) in pieces(offset, length) {
            buffer[at..at + within.len()].copy_from_slice(&self.block(index).bytes[within]);
        }
        length
    }

    /// The next stretch from an offset on in which blocks were written.
    pub(super) fn data(&self, from: u64) -> Option<Range<u64>> {
        let mut written = self.blocks.range(from / BLOCK..).map(|(index, _)| *index);
        let first = written.next()?;
        let mut end = first + 1;
        while written.next() == Some(end) {
            end += 1;
        }
        let stretch = (first * BLOCK).max(from)..(end * BLOCK).min(self.size);
        (!stretch.is_empty()).then_some(stretch)
    }

    /// Writes all the bytes, growing the file where it must.
    pub(super) fn write(&mut self, bytes: &[u8], offset: u64) {
        for (index, within, at) in pieces(offset, bytes.len()) {
            let piece = &bytes[at..at + within.len()];
            if piece == ZEROS {
                self.blocks.insert(index, Arc::clone(&ZERO_BLOCK));
            } else {
                Block::bytes_mut(self.entry(index))[within].copy_from_slice(piece);
            }
        }
        if !bytes.is_empty() {
            self.size = self.size.max(offset + bytes.len() as u64);
        }
    }

    /// Takes a range of a block over from another block; leaves the size.
    pub(super) fn put(&mut self, index: u64, from: &Arc<Block>, within: Range<usize>) {
        if within.len() == BYTES {
            self.blocks.insert(index, Arc::clone(from));
        } else if self.block(index).bytes[within.clone()] != from.bytes[within.clone()] {
            Block::bytes_mut(self.entry(index))[within.clone()]
                .copy_from_slice(&from.bytes[within]);
        }
    }

    /// Whether a range of a block is the same in two contents.
    pub(super) fn same(&self, other: &Content, index: u64, within: Range<usize>) -> bool {
        let (one, two) = (self.block(index), other.block(index));
        Arc::ptr_eq(one, two) || one.bytes[within.clone()] == two.bytes[within]
    }

    /// Cuts the file off at a size, or lets it end in zeros.
    pub(super) fn set_size(&mut self, size: u64) {
        self.size = size;
        drop(self.blocks.split_off(&size.div_ceil(BLOCK)));
        let rest = (size % BLOCK) as usize;
        if rest == 0 {
            return;
        }
        if let Some(last) = self.blocks.get_mut(&(size / BLOCK))
            && last.bytes[rest..] != ZEROS[rest..]
        {
            Block::bytes_mut(last)[rest..].fill(0);
        }
    }

    /// Everything, as one piece.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.size as usize];
        self.read(&mut bytes, 0);
        bytes
    }

    /// A hash of the size and the bytes; how they are stored doesn't matter.
    pub(super) fn hash(&self) -> u64 {
        let mut hash = mix(self.size);
        for (index, block) in &self.blocks {
            match block.hash() {
                0 => {}
                of_block => hash ^= mix(of_block ^ mix(index + 1)),
            }
        }
        hash
    }

    fn entry(&mut self, index: u64) -> &mut Arc<Block> {
        self.blocks
            .entry(index)
            .or_insert_with(|| Arc::clone(&ZERO_BLOCK))
    }
}

/// The parts of the blocks that a range of bytes covers: which block, what in
/// it, and where that starts in the range.
fn pieces(offset: u64, length: usize) -> impl Iterator<Item = (u64, Range<usize>, usize)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        if done == length {
            return None;
        }
        let at = offset + done as u64;
        let start = (at % BLOCK) as usize;
        let count = (BYTES - start).min(length - done);
        let piece = (at / BLOCK, start..start + count, done);
        done += count;
        Some(piece)
    })
}

/// A hash of some bytes: four lanes, so that a processor does them at once.
pub(super) fn hash_bytes(bytes: &[u8]) -> u64 {
    let mut lanes: [u64; 4] = [1, 2, 3, 4];
    let (chunks, rest) = bytes.as_chunks::<32>();
    for chunk in chunks {
        stir(&mut lanes, chunk.as_chunks().0.iter().copied());
    }
    stir(
        &mut lanes,
        rest.chunks(8).map(|word| {
            let mut whole = [0; 8];
            whole[..word.len()].copy_from_slice(word);
            whole
        }),
    );
    lanes
        .iter()
        .fold(bytes.len() as u64, |hash, lane| mix(hash ^ *lane))
}

#[inline]
fn stir(lanes: &mut [u64; 4], words: impl Iterator<Item = [u8; 8]>) {
    for (lane, word) in lanes.iter_mut().zip(words) {
        *lane = (*lane ^ u64::from_le_bytes(word))
            .wrapping_mul(0x9E37_79B9_7F4A_7C15)
            .rotate_left(29);
    }
}

/// Spreads every bit of a word over all of it (the last steps of `splitmix64`).
pub(super) fn mix(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_was_written_across_blocks_and_zeros_between() {
        let mut content = Content::default();
        content.write(b"across", 4093);
        content.write(b"far", 20_000);
        let bytes = content.bytes();
        assert_eq!(bytes.len(), 20_003);
        assert_eq!(&bytes[4093..4099], b"across");
        assert_eq!(&bytes[20_000..], b"far");
        assert!(bytes[4099..20_000].iter().all(|byte| *byte == 0));
        assert_eq!(content.allocated(), 3);
        assert_eq!(content.data(0), Some(0..8192));
        assert_eq!(content.data(5000), Some(5000..8192));
        assert_eq!(content.data(8192), Some(16_384..20_003));
        assert_eq!(content.data(20_003), None);
    }

    #[test]
    fn what_is_cut_off_reads_as_zeros_when_the_file_grows_again() {
        let mut content = Content::default();
        content.write(&[7; 9000], 0);
        content.set_size(5000);
        content.set_size(9000);
        let bytes = content.bytes();
        assert!(bytes[..5000].iter().all(|byte| *byte == 7));
        assert!(bytes[5000..].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn a_hash_follows_the_bytes_and_not_how_they_came() {
        let mut one = Content::default();
        one.write(&[0; 8192], 0);
        one.write(b"x", 5000);
        let mut two = Content::default();
        two.write(b"x", 5000);
        two.set_size(8192);
        assert_eq!(one.hash(), two.hash());
        two.write(b"y", 5000);
        assert_ne!(one.hash(), two.hash());
        two.write(b"x", 5000);
        assert_eq!(one.hash(), two.hash());
        two.set_size(8193);
        assert_ne!(one.hash(), two.hash());
    }

    #[test]
    fn blocks_that_change_places_change_the_hash() {
        let (mut one, mut two) = (Content::default(), Content::default());
        one.write(&[1; 4096], 0);
        one.write(&[2; 4096], 4096);
        two.write(&[2; 4096], 0);
        two.write(&[1; 4096], 4096);
        assert_ne!(one.hash(), two.hash());
    }
}
