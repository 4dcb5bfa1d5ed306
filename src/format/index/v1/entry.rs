//! A term in the directory: whole keys, and all numbers as varints.

use crate::format::index::entry::{Entry, Postings};
use crate::format::index::key::TermKey;
use crate::format::{Fault, take, varint};
use crate::types::Version;
use byteorder::{ByteOrder, LittleEndian};
use std::cmp::Ordering;

const KEY_BYTES: usize = 12;
/// No entry is shorter: a key, a count and a posting.
pub(crate) const MIN_BYTES: u64 = 14;
/// Lists up to this length stand in the directory itself.
const INLINE_MAX: usize = 16;

/// Looks a term up in the bytes of its bucket.
pub(crate) fn find(bytes: &[u8], key: TermKey) -> Result<Option<Entry>, Fault> {
    let mut at = 0;
    while at < bytes.len() {
        let own = decode_key(bytes, &mut at)?;
        // They ascend.
        match own.cmp(&(key.high, key.low)) {
            Ordering::Less => skip_rest(bytes, &mut at)?,
            Ordering::Equal => {
                let found = decode_rest(own, bytes, &mut at)?;
                return Ok(Some(found).filter(|found| found.key == key));
            }
            Ordering::Greater => return Ok(None),
        }
    }
    Ok(None)
}

/// The term at `at`, which moves behind it.
pub(crate) fn decode(bytes: &[u8], at: &mut usize) -> Result<Entry, Fault> {
    let key = decode_key(bytes, at)?;
    decode_rest(key, bytes, at)
}

/// Decodes the key that an entry begins with: its upper and its lower part.
fn decode_key(bytes: &[u8], at: &mut usize) -> Result<(u64, u32), Fault> {
    let key = take(bytes, at, KEY_BYTES, "a term is cut off")?;
    Ok((
        LittleEndian::read_u64(&key[..8]),
        LittleEndian::read_u32(&key[8..]),
    ))
}

/// Moves `at` over what follows the key.
fn skip_rest(bytes: &[u8], at: &mut usize) -> Result<(), Fault> {
    let head = varint::get(bytes, at)?;
    let count = head >> 1;
    let version = head & 1;
    let numbers = match count > INLINE_MAX as u64 {
        true => 1,
        false => count,
    };
    (0..version + numbers).try_for_each(|_| varint::skip(bytes, at))
}

/// Decodes what follows the key.
fn decode_rest((high, low): (u64, u32), bytes: &[u8], at: &mut usize) -> Result<Entry, Fault> {
    let start = *at;
    let head = varint::get(bytes, at)?;
    let first_version = match head & 1 {
        0 => None,
        _ => Some(Version::new(varint::get(bytes, at)?)),
    };
    let count = u32::try_from(head >> 1)
        .ok()
        .filter(|count| *count > 0 && first_version != Some(Version::NONE))
        .ok_or(Fault::damaged(start, "a count of postings is out of range"))?;
    let postings = if count as usize > INLINE_MAX {
        Postings::Listed(varint::get(bytes, at)?)
    } else {
        Postings::Inline(decode_inline(bytes, at, count)?)
    };
    Ok(Entry {
        key: TermKey {
            high,
            low,
            is_stream: first_version.is_some(),
        },
        count,
        first_version,
        postings,
    })
}

fn decode_inline(bytes: &[u8], at: &mut usize, count: u32) -> Result<Vec<u32>, Fault> {
    let mut postings = Vec::with_capacity(count as usize);
    let mut next = 0u64;
    for _ in 0..count {
        let start = *at;
        let posting = next.saturating_add(varint::get(bytes, at)?);
        let posting = u32::try_from(posting)
            .map_err(|_| Fault::damaged(start, "a posting is out of range"))?;
        postings.push(posting);
        next = u64::from(posting) + 1;
    }
    Ok(postings)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(high: u64, is_stream: bool) -> TermKey {
        TermKey {
            high,
            low: 7,
            is_stream,
        }
    }

    /// As version 1 wrote an entry.
    fn put(out: &mut Vec<u8>, key: TermKey, numbers: &[u64]) {
        out.extend_from_slice(&key.high.to_le_bytes());
        out.extend_from_slice(&key.low.to_le_bytes());
        for number in numbers {
            varint::put(out, *number);
        }
    }

    #[test]
    fn terms_come_back() {
        let mut bytes = Vec::new();
        put(&mut bytes, key(1, false), &[1 << 1, 300]);
        put(&mut bytes, key(2, true), &[3 << 1 | 1, 9, 5, 0, 1]);
        put(&mut bytes, key(3, true), &[100 << 1 | 1, 1, 77]);
        let mut at = 0;
        let terms = [(); 3].map(|()| decode(&bytes, &mut at).unwrap());
        assert_eq!(at, bytes.len());
        assert_eq!(terms[0].postings, Postings::Inline(vec![300]));
        assert_eq!(terms[1].postings, Postings::Inline(vec![5, 6, 8]));
        assert_eq!(terms[2].postings, Postings::Listed(77));
        let versions = terms.each_ref().map(|term| term.first_version);
        let expected = [None, Some(Version::new(9)), Some(Version::new(1))];
        assert_eq!(versions, expected);
        for term in &terms {
            assert_eq!(find(&bytes, term.key).unwrap().as_ref(), Some(term));
            let other = key(term.key.high, !term.key.is_stream);
            assert_eq!(find(&bytes, other).unwrap(), None);
        }
        for length in 0..bytes.len() {
            let cut = &bytes[..length];
            assert!(find(cut, key(4, true)).is_err() || [0, 15, 32].contains(&length));
        }
    }
}
