//! A term in the directory of an index file.
//!
//! Entries are bits without gaps: the kind of the term and its key, but for
//! the bits that its bucket implies; how many postings it has; and the postings
//! themselves, or where their list is.

use super::bits;
use super::gaps::{self, Parameter};
use super::key::{PREFIX_BITS, TermKey};
use super::list;
use super::stream::{BitReader, BitWriter};
use crate::format::Fault;
use crate::types::Version;

/// Lists up to this length stand in the directory itself.
pub(crate) const INLINE_MAX: usize = list::BLOCK;
/// The bits of the place of a list among the lists.
const LIST_BITS: u32 = 40;

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
    /// No entry is shorter, in whole bytes.
    pub(crate) const MIN_BYTES: u64 = 2;
}

/// What has to be known of a file to read or write its entries.
#[derive(Clone, Copy, Debug)]
pub(super) struct Widths {
    /// The bits of a key that its bucket implies, at most 32.
    pub(super) bucket: u32,
    /// The bits of the largest place.
    pub(super) place: u32,
}

impl Widths {
    /// Those of a file with 2^`bucket` buckets and so many positions.
    pub(super) fn new(bucket: u32, positions: u32) -> Self {
        Widths {
            bucket,
            place: bits::width(positions.saturating_sub(1)),
        }
    }

    /// The bits of a key's first half that stand in its entry.
    fn own(self) -> u32 {
        PREFIX_BITS - self.bucket
    }

    /// As much of a key's first half as stands in its entry.
    fn own_prefix(self, key: TermKey) -> u64 {
        key.prefix() & ((1 << self.own()) - 1)
    }
}

/// Appends a term with its postings, of which there is at least one and which
/// ascend; long lists go to `lists`.
pub(super) fn encode(
    out: &mut BitWriter,
    lists: &mut Vec<u8>,
    widths: Widths,
    key: TermKey,
    first_version: Option<Version>,
    postings: &[u32],
) {
    out.put(key.is_stream.into(), 1);
    out.put(widths.own_prefix(key), widths.own());
    if key.is_stream {
        out.put(key.rest(), PREFIX_BITS);
    }
    out.put_gamma(postings.len() as u64);
    if key.is_stream {
        out.put_gamma(first_version.map_or(1, Version::get));
    }
    if postings.len() > INLINE_MAX {
        out.put(lists.len() as u64, LIST_BITS);
        list::encode(lists, postings);
        return;
    }
    let first = postings.first().copied().unwrap_or(0);
    out.put(first.into(), widths.place);
    if postings.len() > 1 {
        let gaps = gaps::between(postings);
        let parameter = Parameter::of(&gaps);
        parameter.put(out);
        parameter.put_length(out, postings.len() - 1);
        parameter.put_codes(out, gaps);
    }
}

/// Entries of one bucket, read one after the other.
#[derive(Debug)]
pub(super) struct Entries<'a> {
    widths: Widths,
    bits: BitReader<'a>,
}

/// What an entry says before its postings.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    pub(super) count: u32,
    pub(super) first_version: Option<Version>,
}

impl<'a> Entries<'a> {
    pub(super) fn new(bytes: &'a [u8], widths: Widths) -> Self {
        let bits = BitReader::new(bytes);
        Entries { widths, bits }
    }

    /// Moves to what follows a term's key, if the bucket has it.
    pub(super) fn find(&mut self, key: TermKey) -> Result<Option<Head>, Fault> {
        let prefix = self.widths.own_prefix(key);
        while !self.bits.is_at_end() {
            let kind_and_prefix = self.bits.get(1 + self.widths.own());
            let (is_stream, own) = (kind_and_prefix & 1 != 0, kind_and_prefix >> 1);
            // They ascend.
            if own > prefix {
                return Ok(None);
            }
            if own == prefix && is_stream == key.is_stream {
                let rest = match is_stream {
                    true => self.bits.get(PREFIX_BITS),
                    false => key.rest(),
                };
                let head = self.head(is_stream)?;
                if rest == key.rest() {
                    return Ok(Some(head));
                }
                self.pass_over_postings(head.count);
                continue;
            }
            if is_stream {
                self.bits.skip(PREFIX_BITS as usize);
            }
            self.pass_over(is_stream)?;
        }
        self.whole().map(|()| None)
    }

    /// The next term; `bucket` is the number of the bucket.
    pub(super) fn next(&mut self, bucket: u64) -> Result<Option<Entry>, Fault> {
        if self.bits.is_at_end() {
            return Ok(None);
        }
        let own_bits = self.widths.own();
        let is_stream = self.bits.get(1) != 0;
        let prefix = bucket << own_bits | self.bits.get(own_bits);
        let key = match is_stream {
            true => TermKey::of_stream(prefix, self.bits.get(PREFIX_BITS)),
            false => TermKey::of_other(prefix),
        };
        let head = self.head(is_stream)?;
        self.entry(key, head).map(Some)
    }

    fn head(&mut self, is_stream: bool) -> Result<Head, Fault> {
        let at = self.bits.byte();
        let count = u32::try_from(self.bits.gamma()).unwrap_or(0);
        let first_version = is_stream.then(|| Version::new(self.bits.gamma()));
        if count == 0 || first_version == Some(Version::NONE) {
            return Err(Fault::damaged(at, "a count of postings is out of range"));
        }
        Ok(Head {
            count,
            first_version,
        })
    }

    /// The term whose postings stand here.
    pub(super) fn entry(&mut self, key: TermKey, head: Head) -> Result<Entry, Fault> {
        let count = head.count as usize;
        let postings = if count > INLINE_MAX {
            Postings::Listed(self.bits.get(LIST_BITS))
        } else {
            let mut postings = Vec::with_capacity(count);
            self.inline(count, &mut postings);
            Postings::Inline(postings)
        };
        self.whole()?;
        Ok(Entry {
            key,
            count: head.count,
            first_version: head.first_version,
            postings,
        })
    }

    /// Appends the postings that stand here, unless they stand elsewhere, and
    /// gives the version of the first.
    pub(super) fn short(
        &mut self,
        head: Head,
        out: &mut Vec<u32>,
    ) -> Result<Option<Version>, Fault> {
        if head.count as usize > INLINE_MAX {
            return Ok(None);
        }
        self.inline(head.count as usize, out);
        self.whole()?;
        Ok(head.first_version)
    }

    fn inline(&mut self, count: usize, postings: &mut Vec<u32>) {
        let first = self.bits.get(self.widths.place) as u32;
        if count == 1 {
            postings.push(first);
            return;
        }
        let parameter = Parameter::get(&mut self.bits);
        parameter.get_length(&mut self.bits, count - 1);
        parameter.get_postings(&mut self.bits, first, count, postings);
    }

    /// Passes over what follows a key. Nearly always the count and the version
    /// are small enough to be looked at together.
    #[inline]
    fn pass_over(&mut self, is_stream: bool) -> Result<(), Fault> {
        let both = match is_stream {
            true => self.bits.small_gammas(),
            false => self.bits.small_gamma(),
        };
        let count = match both {
            Some(count) => count,
            None => self.head(is_stream)?.count,
        };
        self.pass_over_postings(count);
        Ok(())
    }

    #[inline]
    fn pass_over_postings(&mut self, count: u32) {
        if count as usize > INLINE_MAX {
            return self.bits.skip(LIST_BITS as usize);
        }
        self.bits.skip(self.widths.place as usize);
        if count > 1 {
            Parameter::pass_over(&mut self.bits, count as usize - 1);
        }
    }

    /// Nothing was read that is not there.
    fn whole(&self) -> Result<(), Fault> {
        match self.bits.is_over() {
            true => Err(Fault::damaged(self.bits.byte(), "a term is cut off")),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTHS: Widths = Widths {
        bucket: 3,
        place: 12,
    };

    fn key(number: u64, is_stream: bool) -> TermKey {
        let key = TermKey {
            high: 5 << 61 | number << 30,
            low: 7,
            is_stream,
        };
        key.short()
    }

    fn bucket() -> (Vec<Entry>, Vec<u8>) {
        let long: Vec<u32> = (0..1000).map(|n| n * 3).collect();
        let version = |number| Some(Version::new(number));
        let terms = [
            (key(0, false), None, &long[..1]),
            (key(0, true), version(9), &long[..2]),
            (key(1, true), version(1), &long[3..INLINE_MAX + 3]),
            (key(2, true), version(u64::MAX), &long[..]),
            (key(1 << 29, false), None, &[5, 6, 7][..]),
            (key(1 << 30, false), None, &long[..=INLINE_MAX]),
        ];
        let (mut out, mut lists) = (BitWriter::default(), vec![0; 5]);
        let entries = terms.map(|(key, first_version, postings)| {
            let at = lists.len() as u64;
            encode(&mut out, &mut lists, WIDTHS, key, first_version, postings);
            Entry {
                key,
                count: postings.len() as u32,
                first_version,
                postings: match postings.len() > INLINE_MAX {
                    true => Postings::Listed(at),
                    false => Postings::Inline(postings.to_vec()),
                },
            }
        });
        (entries.to_vec(), out.into_bytes())
    }

    #[test]
    fn terms_come_back_in_order_and_when_asked_for() {
        let (expected, bytes) = bucket();
        let mut entries = Entries::new(&bytes, WIDTHS);
        for entry in &expected {
            assert_eq!(entries.next(5).unwrap().as_ref(), Some(entry));
            let mut found = Entries::new(&bytes, WIDTHS);
            let head = found.find(entry.key).unwrap().unwrap();
            assert_eq!(&found.entry(entry.key, head).unwrap(), entry);
        }
        assert_eq!(entries.next(5).unwrap(), None);
        for missing in [key(3, true), key(1, false), key(3 << 29, false)] {
            let found = Entries::new(&bytes, WIDTHS).find(missing).unwrap();
            assert!(found.is_none(), "{missing:?}");
        }
    }

    #[test]
    fn a_term_that_is_cut_off_is_refused() {
        let (all, bytes) = bucket();
        for length in 0..bytes.len() {
            let mut entries = Entries::new(&bytes[..length], WIDTHS);
            let read = std::iter::from_fn(|| entries.next(5).transpose());
            let read: Result<Vec<_>, _> = read.collect();
            // What ends between two terms is one bucket for another.
            assert!(read.map_or(true, |read| read.len() < all.len()), "{length}");
        }
    }

    #[test]
    fn no_bits_make_the_reader_fail_otherwise_than_with_a_fault() {
        let mut random = 1u64;
        let mut next = || {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (random >> 33) as u8
        };
        for length in 0..2000 {
            let bytes: Vec<u8> = (0..length % 200).map(|_| next() & next()).collect();
            for bucket in [0, 3, 32] {
                let widths = Widths { bucket, place: 32 };
                let mut entries = Entries::new(&bytes, widths);
                while let Ok(Some(entry)) = entries.next(0) {
                    assert!(entry.count > 0);
                }
                let _ = Entries::new(&bytes, widths).find(key(4, true));
            }
        }
    }
}
