//! Where each position's frame begins in its segment: blocks of 64, each as a
//! straight line below the offsets and the packed distances from it.
//!
//! Version 1 had no slope: its lines are level.

use super::bits;
use super::header::IndexVersion;
use byteorder::{ByteOrder, LittleEndian};

/// How many positions a block holds.
pub(crate) const PLACES_PER_BLOCK: usize = 64;

/// A line: where it begins and how much it rises with each place. All of it is
/// modulo 2^32, since a line may begin below the first offset there is.
#[derive(Clone, Copy, Debug)]
struct Line {
    start: u32,
    slope: u16,
    /// The bits of the largest distance from it.
    width: u32,
}

impl Line {
    /// The highest line with this slope that no offset lies below; nothing if
    /// distances from it would be too large.
    fn below(offsets: &[u32], slope: u16) -> Option<Self> {
        let levels = offsets
            .iter()
            .zip(0i64..)
            .map(|(offset, index)| i64::from(*offset) - index * i64::from(slope));
        let lowest = levels.clone().min()?;
        let highest = u32::try_from(levels.max()? - lowest).ok()?;
        Some(Line {
            start: lowest.cast_unsigned() as u32,
            slope,
            width: bits::width(highest),
        })
    }

    /// The line with the smallest distances, of a level one and one that
    /// leads from the first offset to the last.
    fn best(offsets: &[u32]) -> Self {
        let rise = match offsets {
            [first, .., last] => last.saturating_sub(*first) / (offsets.len() as u32 - 1),
            _ => 0,
        };
        let rising = Line::below(offsets, u16::try_from(rise).unwrap_or(u16::MAX));
        let level = Line::below(offsets, 0);
        // The level one fits any offsets; only of none there is no line.
        let lines = [rising, level].into_iter().flatten();
        lines.min_by_key(|line| line.width).unwrap_or(Line {
            start: 0,
            slope: 0,
            width: 0,
        })
    }

    fn at(self, index: usize) -> u32 {
        let risen = index as u32 * u32::from(self.slope);
        self.start.wrapping_add(risen)
    }
}

/// Appends the table of blocks, and an entry more that states the end, to
/// `table`, and the distances to `data`.
pub(crate) fn encode(table: &mut Vec<u8>, data: &mut Vec<u8>, offsets: &[u32]) {
    for block in offsets.chunks(PLACES_PER_BLOCK) {
        let line = Line::best(block);
        // A block of 64 numbers of `width` bits is `width` words long, so the
        // next block's start tells this one's width.
        put(table, line.start, data.len() / 8, line.slope);
        let padding = PLACES_PER_BLOCK - block.len();
        let places = block.iter().enumerate();
        let distances = places.map(|(index, offset)| offset.wrapping_sub(line.at(index)));
        let all = distances.chain(std::iter::repeat_n(0, padding));
        bits::pack(data, line.width, all);
    }
    put(table, 0, data.len() / 8, 0);
}

fn put(table: &mut Vec<u8>, start: u32, word: usize, slope: u16) {
    table.extend_from_slice(&start.to_le_bytes());
    table.extend_from_slice(&(word as u32).to_le_bytes());
    table.extend_from_slice(&slope.to_le_bytes());
}

/// A block, as the table describes it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlaceBlock {
    line: Line,
    /// The word that its distances begin with.
    word: u32,
}

impl PlaceBlock {
    /// How far apart the entries of the table stand.
    pub(crate) fn stride(version: IndexVersion) -> usize {
        match version {
            IndexVersion::One => 8,
            IndexVersion::Two => 10,
        }
    }

    /// The bytes of the table that describe a block: its own entry and the
    /// next one up to where that begins.
    pub(crate) fn bytes(version: IndexVersion) -> usize {
        Self::stride(version) + 8
    }

    /// Decodes exactly so many bytes; nothing if they make no sense.
    pub(crate) fn decode(version: IndexVersion, bytes: &[u8]) -> Option<Self> {
        let next = Self::stride(version) + 4;
        let word = LittleEndian::read_u32(&bytes[4..8]);
        let end = LittleEndian::read_u32(&bytes[next..next + 4]);
        let width = end.checked_sub(word).filter(|width| *width <= 32)?;
        let slope = match version {
            IndexVersion::One => 0,
            IndexVersion::Two => LittleEndian::read_u16(&bytes[8..10]),
        };
        let start = LittleEndian::read_u32(&bytes[..4]);
        Some(PlaceBlock {
            line: Line {
                start,
                slope,
                width,
            },
            word,
        })
    }

    /// Where the block's distances lie in the data: start and length.
    pub(crate) fn packed(&self) -> (usize, usize) {
        (self.word as usize * 8, self.line.width as usize * 8)
    }

    /// The offset at an index within the block.
    #[inline]
    pub(crate) fn offset(&self, packed: &[u8], index: usize) -> u32 {
        let distance = bits::unpack(packed, self.line.width, index);
        self.line.at(index).wrapping_add(distance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coded(offsets: &[u32]) -> (Vec<u8>, Vec<u8>) {
        let (mut table, mut data) = (Vec::new(), Vec::new());
        encode(&mut table, &mut data, offsets);
        (table, data)
    }

    fn decoded((table, data): &(Vec<u8>, Vec<u8>), version: IndexVersion, index: usize) -> u32 {
        let at = index / PLACES_PER_BLOCK * PlaceBlock::stride(version);
        let bytes = &table[at..at + PlaceBlock::bytes(version)];
        let block = PlaceBlock::decode(version, bytes).unwrap();
        let (start, length) = block.packed();
        let packed = &data[start..start + length];
        block.offset(packed, index % PLACES_PER_BLOCK)
    }

    #[test]
    fn offsets_come_back_also_over_the_end_of_a_segment() {
        let mut offsets: Vec<u32> = (0..150).map(|n| 128 + n * 301 + n % 7).collect();
        offsets.extend((0..100).map(|n| 128 + n * 77));
        offsets.extend([128; 70]);
        offsets.extend([u32::MAX, 0, u32::MAX, 5]);
        offsets.extend((0..64).map(|n| n * 60_000_000));
        offsets.extend((0..3).map(|n| 128 + n * n * 1_000_000));
        let bytes = coded(&offsets);
        for (index, offset) in offsets.iter().enumerate() {
            assert_eq!(
                decoded(&bytes, IndexVersion::Two, index),
                *offset,
                "{index}"
            );
        }
    }

    #[test]
    fn offsets_on_a_line_cost_next_to_nothing() {
        let (_, data) = coded(&(0..640).map(|n| 128 + 301 * n).collect::<Vec<_>>());
        assert_eq!(data.len(), 0);
    }

    #[test]
    fn level_lines_without_a_slope_are_those_of_version_1() {
        let mut table = Vec::new();
        for (lowest, word) in [(1000u32, 0u32), (0, 8)] {
            table.extend_from_slice(&lowest.to_le_bytes());
            table.extend_from_slice(&word.to_le_bytes());
        }
        let bytes = (table, (0..64).collect());
        assert_eq!(decoded(&bytes, IndexVersion::One, 63), 1063);
    }
}
