//! A term in the directory of an index file.

use super::list;
use crate::format::{Fault, take, varint};
use crate::types::Version;
use byteorder::{ByteOrder, LittleEndian};

/// The name of a term in the index: 96 bits of a keyed hash over its kind and
/// its text. Any two of a store's n terms share a key with a probability of
/// about n^2 / 2^97: 6 in a trillion for a billion terms. Reads compare the
/// names in the records all the same; the version of a stream is taken from
/// its postings alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TermKey {
    pub(crate) high: u64,
    pub(crate) low: u32,
}

impl TermKey {
    const BYTES: usize = 12;

    /// The bucket of `2^bits` that the key belongs to. Buckets are in the
    /// order of keys.
    pub(crate) fn bucket(self, bits: u32) -> usize {
        self.high.checked_shr(64 - bits).unwrap_or(0) as usize
    }
}

/// Lists up to this length stand in the directory itself.
pub(crate) const INLINE_MAX: usize = 16;

/// A term's postings, as the directory tells them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Postings {
    /// All of them.
    Inline(Vec<u32>),
    /// Where the list begins, counted from the start of the lists.
    Listed(u64),
}

/// A term in the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) key: TermKey,
    pub(crate) count: u32,
    /// For streams, the version of the first posting; nothing for other terms.
    pub(crate) first_version: Option<Version>,
    pub(crate) postings: Postings,
}

impl Entry {
    /// No entry is shorter: a key, a count and a posting.
    pub(crate) const MIN_BYTES: u64 = 14;

    /// Appends a term with its postings, of which there is at least one;
    /// long lists go to `lists`.
    pub(crate) fn encode(
        out: &mut Vec<u8>,
        lists: &mut Vec<u8>,
        key: TermKey,
        first_version: Option<Version>,
        postings: &[u32],
    ) {
        out.extend_from_slice(&key.high.to_le_bytes());
        out.extend_from_slice(&key.low.to_le_bytes());
        let is_stream = u64::from(first_version.is_some());
        varint::put(out, (postings.len() as u64) << 1 | is_stream);
        if let Some(version) = first_version {
            varint::put(out, version.get());
        }
        if postings.len() > INLINE_MAX {
            varint::put(out, lists.len() as u64);
            list::encode(lists, postings);
            return;
        }
        let mut next = 0;
        for posting in postings {
            varint::put(out, u64::from(posting - next));
            next = posting + 1;
        }
    }

    /// Decodes the key that an entry begins with.
    pub(crate) fn decode_key(bytes: &[u8], at: &mut usize) -> Result<TermKey, Fault> {
        let key = take(bytes, at, TermKey::BYTES, "a term is cut off")?;
        Ok(TermKey {
            high: LittleEndian::read_u64(&key[..8]),
            low: LittleEndian::read_u32(&key[8..]),
        })
    }

    /// Moves `at` over what follows the key.
    pub(crate) fn skip_rest(bytes: &[u8], at: &mut usize) -> Result<(), Fault> {
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
    pub(crate) fn decode_rest(key: TermKey, bytes: &[u8], at: &mut usize) -> Result<Self, Fault> {
        let start = *at;
        let head = varint::get(bytes, at)?;
        let first_version = match head & 1 {
            0 => None,
            _ => Some(Version::new(varint::get(bytes, at)?)),
        };
        let count = u32::try_from(head >> 1)
            .ok()
            .filter(|count| *count > 0)
            .ok_or(Fault::damaged(start, "a count of postings is out of range"))?;
        let postings = if count as usize > INLINE_MAX {
            Postings::Listed(varint::get(bytes, at)?)
        } else {
            Postings::Inline(decode_inline(bytes, at, count)?)
        };
        Ok(Entry {
            key,
            count,
            first_version,
            postings,
        })
    }
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

    const KEY: TermKey = TermKey {
        high: 1 << 63,
        low: 7,
    };

    #[test]
    fn terms_come_back() {
        let long: Vec<u32> = (0..100).map(|n| n * 3).collect();
        for (version, postings) in [
            (None, &long[..1]),
            (Some(Version::new(9)), &long[..INLINE_MAX]),
            (Some(Version::new(1)), &long[..]),
        ] {
            let (mut out, mut lists) = (Vec::new(), vec![0; 5]);
            Entry::encode(&mut out, &mut lists, KEY, version, postings);
            let mut at = 0;
            let key = Entry::decode_key(&out, &mut at).unwrap();
            let entry = Entry::decode_rest(key, &out, &mut at).unwrap();
            assert_eq!(at, out.len());
            assert_eq!(entry.key, KEY);
            assert_eq!(entry.count as usize, postings.len());
            assert_eq!(entry.first_version, version);
            match entry.postings {
                Postings::Inline(inline) => assert_eq!(inline, postings),
                Postings::Listed(at) => assert_eq!((at, postings.len()), (5, 100)),
            }
        }
    }

    #[test]
    fn buckets_are_in_the_order_of_keys() {
        assert_eq!(KEY.bucket(0), 0);
        assert_eq!(KEY.bucket(1), 1);
        assert_eq!(KEY.bucket(3), 4);
        assert_eq!(TermKey { high: 0, ..KEY }.bucket(3), 0);
    }

    #[test]
    fn a_term_that_is_cut_off_is_refused() {
        let mut out = Vec::new();
        Entry::encode(
            &mut out,
            &mut Vec::new(),
            KEY,
            Some(Version::new(1)),
            &[1, 2],
        );
        for length in 0..out.len() {
            let bytes = &out[..length];
            let mut at = 0;
            let entry = Entry::decode_key(bytes, &mut at)
                .and_then(|key| Entry::decode_rest(key, bytes, &mut at));
            assert!(entry.is_err());
        }
    }
}
