//! Numbers of a fixed width, packed without gaps.

/// The bits that a number takes: 0 for 0.
pub(super) fn width(value: u32) -> u32 {
    32 - value.leading_zeros()
}

/// The bytes that this many numbers of this width take.
pub(super) fn packed_len(count: usize, width: u32) -> usize {
    (count * width as usize).div_ceil(8)
}

/// Appends numbers, each of which fits into `width` bits.
pub(super) fn pack(out: &mut Vec<u8>, width: u32, values: impl Iterator<Item = u32>) {
    let (mut held, mut bits) = (0u64, 0);
    for value in values {
        held |= u64::from(value) << bits;
        bits += width;
        while bits >= 8 {
            out.push(held as u8);
            held >>= 8;
            bits -= 8;
        }
    }
    if bits > 0 {
        out.push(held as u8);
    }
}

/// The number at an index; 0 where the bytes end before it.
pub(super) fn unpack(bytes: &[u8], width: u32, index: usize) -> u32 {
    let bit = index * width as usize;
    let tail = bytes.get(bit / 8..).unwrap_or(&[]);
    let mut word = [0; 8];
    match tail.first_chunk::<8>() {
        Some(chunk) => word = *chunk,
        None => word[..tail.len()].copy_from_slice(tail),
    }
    let mask = (1u64 << width) - 1;
    (u64::from_le_bytes(word) >> (bit % 8) & mask) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_width_come_back() {
        for bits in 0..=32 {
            let top = ((1u64 << bits) - 1) as u32;
            let values: Vec<u32> = (0..77).map(|n| top.wrapping_sub(n) & top).collect();
            let mut out = Vec::new();
            pack(&mut out, bits, values.iter().copied());
            assert_eq!(out.len(), packed_len(values.len(), bits));
            for (index, value) in values.iter().enumerate() {
                assert_eq!(unpack(&out, bits, index), *value, "width {bits}");
            }
        }
        assert_eq!(
            (width(0), width(1), width(255), width(u32::MAX)),
            (0, 1, 8, 32)
        );
    }
}
