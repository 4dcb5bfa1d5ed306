//! Numbers in as few bytes as they need: seven bits a byte, the lowest first,
//! the top bit set on all bytes but the last (LEB128).

use super::Fault;

/// The top bits of the bytes of a word.
const TOPS: u64 = 0x8080_8080_8080_8080;
/// The most bytes that a number takes.
pub(crate) const MAX_BYTES: usize = 10;

/// Appends a number.
pub(crate) fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Writes a number at `at`, where there is room, and moves `at` behind it.
#[inline]
pub(crate) fn write(bytes: &mut [u8], at: &mut usize, mut value: u64) {
    while value >= 0x80 {
        bytes[*at] = value as u8 | 0x80;
        value >>= 7;
        *at += 1;
    }
    bytes[*at] = value as u8;
    *at += 1;
}

/// Reads a number at `at` and moves `at` behind it. Only the shortest form of
/// a number is accepted, so that there is one encoding of everything.
#[inline]
pub(crate) fn get(bytes: &[u8], at: &mut usize) -> Result<u64, Fault> {
    match quick(bytes, at) {
        Some(value) => Ok(value),
        None => get_slowly(bytes, at),
    }
}

/// The same, with one look at the eight bytes from `at` on. Nothing, and `at`
/// is where it was, if so many are not there, or what they begin with is longer
/// or no number.
#[allow(clippy::inline_always)] // See `lone`.
#[inline(always)]
pub(crate) fn quick(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let word = u64::from_le_bytes(*bytes.get(*at..)?.first_chunk()?);
    // Most numbers are small. The last byte of more than one is never 0.
    let (value, length, last) = if word & 0x80 == 0 {
        (word & 0x7f, 1, 1)
    } else if word & 0x8000 == 0 {
        (word & 0x7f | (word & 0x7f00) >> 1, 2, word & 0x7f00)
    } else if word & 0x0080_0000 == 0 {
        let low = word & 0x7f | (word & 0x7f00) >> 1;
        (low | (word & 0x7f_0000) >> 2, 3, word & 0x7f_0000)
    } else {
        let (value, length) = of_word(word)?;
        (value, length, 1)
    };
    if last == 0 {
        return None;
    }
    *at += length;
    Some(value)
}

/// The same for numbers that are now short and now long: without a branch on how
/// long they are, which would be guessed wrong too often.
#[allow(clippy::inline_always)]
#[inline(always)]
pub(crate) fn quick_of_any_length(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let word = u64::from_le_bytes(*bytes.get(*at..)?.first_chunk()?);
    let (value, length) = of_word(word)?;
    *at += length;
    Some(value)
}

/// The number that a word begins with, if it ends in there, and its length.
#[inline]
fn of_word(word: u64) -> Option<(u64, usize)> {
    let ends = !word & TOPS;
    if ends == 0 {
        return None;
    }
    let bits = ends.trailing_zeros();
    let word = word & (u64::MAX >> (63 - bits)) & !TOPS;
    // The last byte of more than one is never 0.
    if bits > 7 && word >> (bits - 7) == 0 {
        return None;
    }
    // Seven bits from every eight, by pairs, then fours, then all.
    let pairs = word & 0x007f_007f_007f_007f | (word & 0x7f00_7f00_7f00_7f00) >> 1;
    let fours = pairs & 0x0000_3fff_0000_3fff | (pairs & 0x3fff_0000_3fff_0000) >> 2;
    let value = fours & 0x0fff_ffff | (fours & 0x0fff_ffff_0000_0000) >> 4;
    Some((value, bits as usize / 8 + 1))
}

fn get_slowly(bytes: &[u8], at: &mut usize) -> Result<u64, Fault> {
    let start = *at;
    let mut value = 0u64;
    for (index, byte) in bytes[start.min(bytes.len())..]
        .iter()
        .take(MAX_BYTES)
        .enumerate()
    {
        let low = u64::from(byte & 0x7f);
        if index == MAX_BYTES - 1 && low > 1 {
            break;
        }
        value |= low << (7 * index);
        if byte & 0x80 == 0 {
            if *byte == 0 && index > 0 {
                break;
            }
            *at = start + index + 1;
            return Ok(value);
        }
    }
    Err(Fault::damaged(start, "a number is cut off or malformed"))
}

/// Moves `at` behind a number without looking at it.
#[inline]
pub(crate) fn skip(bytes: &[u8], at: &mut usize) -> Result<(), Fault> {
    let start = *at;
    let rest = bytes.get(start..).unwrap_or(&[]);
    if let Some(word) = rest.first_chunk::<8>() {
        let ends = !u64::from_le_bytes(*word) & TOPS;
        if ends != 0 {
            *at = start + ends.trailing_zeros() as usize / 8 + 1;
            return Ok(());
        }
    }
    match rest.iter().take(MAX_BYTES).position(|byte| *byte < 0x80) {
        Some(last) => {
            *at = start + last + 1;
            Ok(())
        }
        None => Err(Fault::damaged(start, "a number is cut off or malformed")),
    }
}

/// Reads a number that must fit into a length.
#[inline]
pub(crate) fn get_len(bytes: &[u8], at: &mut usize) -> Result<usize, Fault> {
    let start = *at;
    let value = get(bytes, at)?;
    usize::try_from(value).map_err(|_| Fault::damaged(start, "a length is out of range"))
}

/// Maps small negative numbers to small positive ones: 0, -1, 1, -2, ...
pub(crate) fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

/// The reverse of `zigzag`.
pub(crate) fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -((value & 1).cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_and_take_what_they_need() {
        let cases = [
            (0, 1),
            (127, 1),
            (128, 2),
            (16_383, 2),
            (16_384, 3),
            (u64::MAX, 10),
        ];
        for (value, bytes) in cases {
            let mut out = Vec::new();
            put(&mut out, value);
            assert_eq!(out.len(), bytes);
            let mut at = 0;
            assert_eq!(get(&out, &mut at), Ok(value));
            assert_eq!(at, bytes);
            let (mut written, mut at) = ([0; MAX_BYTES], 0);
            write(&mut written, &mut at, value);
            assert_eq!(written[..at], out);
        }
    }

    #[test]
    fn numbers_of_every_length_come_back_also_when_more_follows() {
        for bits in 0..64 {
            for value in [1 << bits, (1 << bits) - 1, u64::MAX >> bits] {
                for more in 0..12 {
                    let mut out = Vec::new();
                    put(&mut out, value);
                    let length = out.len();
                    out.resize(length + more, 0xff);
                    let (mut at, mut skipped, mut quickly) = (0, 0, 0);
                    assert_eq!(get(&out, &mut at), Ok(value));
                    let is_near = length <= 8 && out.len() >= 8;
                    let expected = is_near.then_some(value);
                    assert_eq!(quick(&out, &mut quickly), expected);
                    assert_eq!(quickly, if is_near { length } else { 0 });
                    let mut quickly = 0;
                    assert_eq!(quick_of_any_length(&out, &mut quickly), expected);
                    assert_eq!(quickly, if is_near { length } else { 0 });
                    skip(&out, &mut skipped).unwrap();
                    assert_eq!((at, skipped), (length, length));
                }
            }
        }
        for padding in 0..9 {
            let mut padded = vec![0x81];
            padded.resize(1 + padding, 0x80);
            padded.resize(12, 0);
            assert!(get(&padded, &mut 0).is_err());
            assert_eq!(quick(&padded, &mut 0), None);
            assert_eq!(quick_of_any_length(&padded, &mut 0), None);
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        let cut_off: &[u8] = &[0x80];
        let padded: &[u8] = &[0x80, 0x00];
        let too_large: &[u8] = &[0xff; 10];
        for bytes in [&[], cut_off, padded, too_large] {
            assert!(get(bytes, &mut 0).is_err());
        }
        assert!(get(&[1], &mut 2).is_err());
    }

    #[test]
    fn zigzag_goes_both_ways() {
        for value in [0, -1, 1, i64::MIN, i64::MAX] {
            assert_eq!(unzigzag(zigzag(value)), value);
        }
        assert_eq!(zigzag(-1), 1);
    }
}
