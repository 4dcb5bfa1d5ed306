//! Where each position's frame begins in its segment: blocks of 64, each as
//! its lowest offset and the packed differences to it.

use super::bits;
use byteorder::{ByteOrder, LittleEndian};

/// How many positions a block holds.
pub(crate) const PLACES_PER_BLOCK: usize = 64;

/// Appends the table of blocks (8 bytes each, and one more that states the
/// end) to `table`, and the differences to `data`.
pub(crate) fn encode(table: &mut Vec<u8>, data: &mut Vec<u8>, offsets: &[u32]) {
    for block in offsets.chunks(PLACES_PER_BLOCK) {
        let lowest = block.iter().copied().min().unwrap_or(0);
        let highest = block.iter().copied().max().unwrap_or(0);
        // A block of 64 numbers of `width` bits is `width` words long, so the
        // next block's start tells this one's width.
        put(table, lowest, data.len() / 8);
        let padding = PLACES_PER_BLOCK - block.len();
        let differences = block.iter().map(|offset| offset - lowest);
        let all = differences.chain(std::iter::repeat_n(0, padding));
        bits::pack(data, bits::width(highest - lowest), all);
    }
    put(table, 0, data.len() / 8);
}

fn put(table: &mut Vec<u8>, lowest: u32, word: usize) {
    table.extend_from_slice(&lowest.to_le_bytes());
    table.extend_from_slice(&(word as u32).to_le_bytes());
}

/// A block, as the table describes it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlaceBlock {
    lowest: u32,
    start: u32,
    end: u32,
}

impl PlaceBlock {
    /// The bytes of the table that describe a block: its own entry and the
    /// next one.
    pub(crate) const BYTES: usize = 16;
    /// How far apart the entries stand.
    pub(crate) const STRIDE: usize = 8;

    /// Decodes exactly `BYTES`; nothing if they make no sense.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let start = LittleEndian::read_u32(&bytes[4..8]);
        let end = LittleEndian::read_u32(&bytes[12..16]);
        let sensible = end.checked_sub(start).is_some_and(|width| width <= 32);
        sensible.then(|| PlaceBlock {
            lowest: LittleEndian::read_u32(&bytes[..4]),
            start,
            end,
        })
    }

    /// Where the block's differences lie in the data: start and length.
    pub(crate) fn packed(&self) -> (usize, usize) {
        (
            self.start as usize * 8,
            (self.end - self.start) as usize * 8,
        )
    }

    /// The offset at an index within the block.
    pub(crate) fn offset(&self, packed: &[u8], index: usize) -> u32 {
        let difference = bits::unpack(packed, self.end - self.start, index);
        self.lowest.saturating_add(difference)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_come_back_also_over_the_end_of_a_segment() {
        let mut offsets: Vec<u32> = (0..150).map(|n| 128 + n * 301).collect();
        offsets.extend((0..100).map(|n| 128 + n * 77));
        offsets.extend([128; 70]);
        let (mut table, mut data) = (Vec::new(), Vec::new());
        encode(&mut table, &mut data, &offsets);
        for (index, offset) in offsets.iter().enumerate() {
            let at = index / PLACES_PER_BLOCK * PlaceBlock::STRIDE;
            let block = PlaceBlock::decode(&table[at..at + PlaceBlock::BYTES]).unwrap();
            let (start, length) = block.packed();
            let packed = &data[start..start + length];
            assert_eq!(block.offset(packed, index % PLACES_PER_BLOCK), *offset);
        }
    }
}
