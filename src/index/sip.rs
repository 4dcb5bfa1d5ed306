//! SipHash-1-3 with 128 bits, of a byte and a text at one go.
//!
//! Terms are short and there are three and more an event, so most of a hasher
//! that is fed bit by bit goes into keeping what does not fill a word yet.

use byteorder::{ByteOrder, LittleEndian};

/// The bytes of a word.
const WORD: usize = 8;

/// A hasher that has taken in its secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sip {
    start: [u64; 4],
}

impl Sip {
    pub(super) fn new(secret: &[u8; 16]) -> Self {
        let low = LittleEndian::read_u64(&secret[..WORD]);
        let high = LittleEndian::read_u64(&secret[WORD..]);
        Sip {
            start: [
                low ^ 0x736f_6d65_7073_6575,
                high ^ 0x646f_7261_6e64_6f6d ^ 0xee,
                low ^ 0x6c79_6765_6e65_7261,
                high ^ 0x7465_6462_7974_6573,
            ],
        }
    }

    /// The two words of the hash of this byte with the text behind it.
    pub(super) fn hash(&self, first: u8, text: &[u8]) -> [u64; 2] {
        let mut state = self.start;
        let length = (text.len() as u64 + 1) << 56;
        let last = match text.first_chunk::<WORD>() {
            Some(word) => {
                take_in(
                    &mut state,
                    u64::from_le_bytes(*word) << 8 | u64::from(first),
                );
                // The first word had room for all but one of its bytes.
                let words = text[WORD - 1..].chunks_exact(WORD);
                let left = words.remainder().len();
                words.for_each(|word| take_in(&mut state, LittleEndian::read_u64(word)));
                let end = LittleEndian::read_u64(&text[text.len() - WORD..]);
                end.checked_shr(64 - 8 * left as u32).unwrap_or(0)
            }
            None => {
                let word = short(text) << 8 | u64::from(first);
                match text.len() == WORD - 1 {
                    true => {
                        take_in(&mut state, word);
                        0
                    }
                    false => word,
                }
            }
        };
        take_in(&mut state, last | length);
        state[2] ^= 0xee;
        let one = finish(&mut state);
        state[1] ^= 0xdd;
        [one, finish(&mut state)]
    }
}

/// Less than a word of bytes as a number.
fn short(text: &[u8]) -> u64 {
    let byte = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
    text.iter().rev().fold(0, byte)
}

#[inline]
fn take_in(state: &mut [u64; 4], word: u64) {
    state[3] ^= word;
    round(state);
    state[0] ^= word;
}

#[inline]
fn finish(state: &mut [u64; 4]) -> u64 {
    (0..3).for_each(|_| round(state));
    state[0] ^ state[1] ^ state[2] ^ state[3]
}

#[inline]
fn round([a, b, c, d]: &mut [u64; 4]) {
    *a = a.wrapping_add(*b);
    *b = b.rotate_left(13) ^ *a;
    *a = a.rotate_left(32);
    *c = c.wrapping_add(*d);
    *d = d.rotate_left(16) ^ *c;
    *a = a.wrapping_add(*d);
    *d = d.rotate_left(21) ^ *a;
    *c = c.wrapping_add(*b);
    *b = b.rotate_left(17) ^ *c;
    *c = c.rotate_left(32);
}

#[cfg(test)]
mod tests {
    use super::*;
    use siphasher::sip128::{Hasher128, SipHasher13};
    use std::hash::Hasher;

    #[test]
    fn it_is_the_siphash_that_files_have_been_written_with() {
        let secret: [u8; 16] = std::array::from_fn(|index| 0xf1 ^ (index as u8 * 17));
        let text: Vec<u8> = (0..80u8)
            .map(|index| 0xc3 ^ index.wrapping_mul(37))
            .collect();
        for length in 0..=text.len() {
            for first in [0, 1, 7, 0xff] {
                let text = &text[..length];
                let mut other = SipHasher13::new_with_key(&secret);
                other.write_u8(first);
                other.write(text);
                let other = other.finish128();
                let own = Sip::new(&secret).hash(first, text);
                assert_eq!(own, [other.h1, other.h2], "{length}");
            }
        }
    }
}
