//! Numbers in as few bytes as they need: seven bits a byte, the lowest first,
//! the top bit set on all bytes but the last (LEB128).

use super::Fault;

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

/// Reads a number at `at` and moves `at` behind it. Only the shortest form of
/// a number is accepted, so that there is one encoding of everything.
pub(crate) fn get(bytes: &[u8], at: &mut usize) -> Result<u64, Fault> {
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

/// Reads a number that must fit into a length.
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
