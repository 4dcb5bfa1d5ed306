//! Streams of bits, the lowest of each byte first.

/// The most bits that are put or read at once.
const MOST: u32 = 56;

/// Bits on their way into bytes.
#[derive(Debug, Default)]
pub(crate) struct BitWriter {
    bytes: Vec<u8>,
    /// What does not fill a byte yet.
    held: u64,
    bits: u32,
}

impl BitWriter {
    /// Appends a number of this many bits, at most 56.
    pub(super) fn put(&mut self, value: u64, width: u32) {
        debug_assert!(width <= MOST && value >> width == 0);
        self.held |= value << self.bits;
        self.bits += width;
        while self.bits >= 8 {
            self.bytes.push(self.held as u8);
            self.held >>= 8;
            self.bits -= 8;
        }
    }

    /// Appends a number of at least 1 in Elias's gamma code: as many zeros as
    /// it has bits behind its first, a one, and those bits.
    pub(super) fn put_gamma(&mut self, value: u64) {
        let behind = value.max(1).ilog2();
        for part in [behind.min(MOST), behind.saturating_sub(MOST)] {
            self.put(0, part);
        }
        self.put(1, 1);
        let low = behind.min(32);
        self.put(value & ((1 << low) - 1), low);
        let high = behind - low;
        self.put((value >> low) & ((1 << high) - 1), high);
    }

    /// Fills the last byte up with zeros.
    pub(crate) fn align(&mut self) {
        if self.bits > 0 {
            self.bytes.push(self.held as u8);
        }
        (self.held, self.bits) = (0, 0);
    }

    /// How many bytes are full.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The bytes, the last one filled up.
    pub(crate) fn into_bytes(mut self) -> Vec<u8> {
        self.align();
        self.bytes
    }
}

/// Bits read one after the other. Behind the end there are zeros; who reads
/// asks `is_over` in the end.
#[derive(Clone, Copy, Debug)]
pub(super) struct BitReader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> BitReader<'a> {
    /// So many bits are looked at together.
    pub(super) const WINDOW: u32 = 57;

    pub(super) fn new(bytes: &'a [u8]) -> Self {
        BitReader { bytes, at: 0 }
    }

    /// Whether more was read than there is.
    pub(super) fn is_over(&self) -> bool {
        self.at > 8 * self.bytes.len()
    }

    /// Whether nothing is left but what fills the last byte up.
    #[inline]
    pub(super) fn is_at_end(&self) -> bool {
        self.at + 8 > 8 * self.bytes.len()
    }

    /// The byte that is read next.
    pub(super) fn byte(&self) -> usize {
        self.at / 8
    }

    /// At least the next `WINDOW` bits.
    #[inline]
    pub(super) fn window(&self) -> u64 {
        let tail = self.bytes.get(self.at / 8..).unwrap_or(&[]);
        let word = match tail.first_chunk::<8>() {
            Some(chunk) => u64::from_le_bytes(*chunk),
            None => last_word(tail),
        };
        word >> (self.at % 8)
    }

    /// Passes over so many bits, also where there are not as many left.
    #[inline]
    pub(super) fn skip(&mut self, bits: usize) {
        self.at += bits;
    }

    /// A number of this many bits, at most 56.
    #[inline]
    pub(super) fn get(&mut self, width: u32) -> u64 {
        let value = self.window() & ((1 << width) - 1);
        self.skip(width as usize);
        value
    }

    /// A number in Elias's gamma code; 0 if that is none.
    #[inline]
    pub(super) fn gamma(&mut self) -> u64 {
        let window = self.window();
        let behind = window.trailing_zeros();
        if behind > 28 {
            return self.long_gamma();
        }
        self.skip(2 * behind as usize + 1);
        1 << behind | (window >> (behind + 1)) & ((1 << behind) - 1)
    }

    /// A number below 2^9 in gamma code; nothing, and nothing read, if it is
    /// larger.
    #[inline]
    pub(super) fn small_gamma(&mut self) -> Option<u32> {
        let (number, bits) = small(self.window())?;
        self.skip(bits);
        Some(number)
    }

    /// The first of two numbers below 2^9 in gamma code, both of which are
    /// read; nothing, and nothing read, if one is larger.
    #[inline]
    pub(super) fn small_gammas(&mut self) -> Option<u32> {
        let window = self.window();
        let (number, bits) = small(window)?;
        let (_, more) = small(window >> bits)?;
        self.skip(bits + more);
        Some(number)
    }

    fn long_gamma(&mut self) -> u64 {
        let mut behind = 0;
        while self.get(1) == 0 {
            behind += 1;
            if behind > 63 {
                return 0;
            }
        }
        let low = behind.min(32);
        let value = self.get(low);
        1 << behind | self.get(behind - low) << low | value
    }
}

/// The number below 2^9 that bits begin with in gamma code, and how long that
/// is.
#[inline]
pub(super) fn small(bits: u64) -> Option<(u32, usize)> {
    let behind = bits.trailing_zeros();
    if behind > 8 {
        return None;
    }
    let low = (bits >> (behind + 1)) as u32 & ((1 << behind) - 1);
    Some((1 << behind | low, 2 * behind as usize + 1))
}

/// A word of fewer than eight bytes.
#[inline]
fn last_word(tail: &[u8]) -> u64 {
    let (mut word, mut rest, mut bits) = (0, tail, 0);
    if let Some((four, behind)) = rest.split_first_chunk::<4>() {
        (word, rest, bits) = (u32::from_le_bytes(*four).into(), behind, 32);
    }
    for byte in rest {
        word |= u64::from(*byte) << bits;
        bits += 8;
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_wherever_they_begin() {
        for start in 0..8 {
            for width in 0..=MOST {
                let top = (1u64 << width) - 1;
                let mut writer = BitWriter::default();
                writer.put(0, start);
                for value in [top, 0, top / 3] {
                    writer.put(value, width);
                }
                let bytes = writer.into_bytes();
                let mut reader = BitReader::new(&bytes);
                reader.skip(start as usize);
                let read = [(); 3].map(|()| reader.get(width));
                assert_eq!(read, [top, 0, top / 3], "{start} {width}");
                assert!(!reader.is_over() && reader.is_at_end());
            }
        }
    }

    #[test]
    fn gamma_codes_of_every_length_come_back() {
        let mut writer = BitWriter::default();
        let values = (0..64).flat_map(|bits| [1 << bits, u64::MAX >> bits, (1 << bits) | 1]);
        let values: Vec<u64> = values.collect();
        for value in &values {
            writer.put_gamma(*value);
        }
        let bytes = writer.into_bytes();
        let mut reader = BitReader::new(&bytes);
        for value in values {
            let (mut one, mut two) = (reader, reader);
            let small = u32::try_from(value).ok().filter(|value| *value < 1 << 9);
            assert_eq!(one.small_gamma(), small, "{value}");
            assert_eq!(reader.gamma(), value);
            let next = BitReader { ..reader }.gamma();
            let both = small.filter(|_| (1..1 << 9).contains(&next));
            assert_eq!(two.small_gammas(), both, "{value} {next}");
            assert_eq!(one.at == reader.at, small.is_some());
        }
        assert!(!reader.is_over());
    }

    #[test]
    fn what_ends_early_is_noticed() {
        let mut reader = BitReader::new(&[255]);
        assert_eq!((reader.get(8), reader.is_over()), (255, false));
        assert_eq!((reader.get(1), reader.is_over()), (0, true));
        assert_eq!(BitReader::new(&[0; 30]).gamma(), 0);
        reader.skip(usize::MAX / 2);
        assert_eq!((reader.get(9), reader.is_over()), (0, true));
    }
}
