//! The postings of many terms in memory, of which most have one or two.

use crate::format::index::TermKey;
use crate::types::Version;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::ops::Range;

/// Terms and their postings. A term with one posting costs about 50 bytes, of
/// which the hash table's empty places are the half; more postings lie in
/// blocks of four, and those of long lists in lists of their own.
#[derive(Debug, Default)]
pub(super) struct PostingMap {
    slots: HashMap<PackedKey, Slot, BuildHasherDefault<KeyHasher>>,
    /// Blocks of `SHORT` postings.
    blocks: Vec<[u32; SHORT]>,
    /// Blocks that are in use no more.
    free: Vec<u32>,
    long: Vec<Vec<u32>>,
}

/// How many postings a block has.
const SHORT: usize = 4;

/// A term's postings, lent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Posting<'a> {
    /// For streams, the version of the first posting.
    pub(crate) first_version: Option<Version>,
    /// Places in the table's range, ascending; at least one.
    pub(crate) places: &'a [u32],
}

/// Four-byte numbers throughout, so that nothing is lost to alignment.
#[derive(Clone, Copy, Debug)]
struct Slot {
    /// The first version, lower and upper half; 0 if the term is no stream.
    version: [u32; 2],
    count: u32,
    /// The only posting; or the number of a block, or of a long list.
    at: u32,
}

impl Slot {
    /// That of a term with one posting.
    fn new(version: Option<Version>, place: u32) -> Self {
        let version = version.map_or(0, Version::get);
        Slot {
            version: [version as u32, (version >> 32) as u32],
            count: 1,
            at: place,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct PackedKey([u32; 3]);

impl PackedKey {
    fn new(key: TermKey) -> Self {
        PackedKey([(key.high >> 32) as u32, key.high as u32, key.low])
    }

    fn high(self) -> u64 {
        u64::from(self.0[0]) << 32 | u64::from(self.0[1])
    }

    fn key(self, is_stream: bool) -> TermKey {
        TermKey {
            high: self.high(),
            low: self.0[2],
            is_stream,
        }
    }
}

impl Hash for PackedKey {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        hasher.write_u64(self.high());
    }
}

/// Keys are hashes already: the table takes them as they are.
#[derive(Default)]
struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 ^= value;
    }
}

impl PostingMap {
    /// An empty one with room for as many terms as another has.
    pub(super) fn with_room_of(other: &Self) -> Self {
        PostingMap {
            slots: HashMap::with_capacity_and_hasher(
                other.slots.len(),
                BuildHasherDefault::default(),
            ),
            ..PostingMap::default()
        }
    }

    /// Adds a posting, which is above all that the term has, and says whether it
    /// is the first. `version` is that of a stream's posting.
    pub(super) fn push(&mut self, key: TermKey, version: Option<Version>, place: u32) -> bool {
        // Most terms are there already.
        let Some(slot) = self.slots.get_mut(&PackedKey::new(key)) else {
            let slot = Slot::new(version, place);
            self.slots.insert(PackedKey::new(key), slot);
            return true;
        };
        match slot.count as usize {
            0 | 1 => {
                let block = [slot.at, place, 0, 0];
                slot.at = match self.free.pop() {
                    Some(freed) => freed,
                    None => {
                        self.blocks.push([0; SHORT]);
                        self.blocks.len() as u32 - 1
                    }
                };
                self.blocks[slot.at as usize] = block;
            }
            count @ 2..SHORT => self.blocks[slot.at as usize][count] = place,
            SHORT => {
                let mut list = Vec::with_capacity(2 * SHORT);
                list.extend_from_slice(&self.blocks[slot.at as usize]);
                list.push(place);
                self.free.push(slot.at);
                slot.at = self.long.len() as u32;
                self.long.push(list);
            }
            _ => self.long[slot.at as usize].push(place),
        }
        slot.count += 1;
        false
    }

    /// Adds postings that follow each other, as `push` does each. `version` is
    /// that of the first of them.
    pub(super) fn push_run(
        &mut self,
        key: TermKey,
        version: Option<Version>,
        mut places: Range<u32>,
    ) {
        while let Some(place) = places.next() {
            self.push(key, version, place);
            if places.is_empty() || self.extend_list(key, places.clone()) {
                return;
            }
        }
    }

    /// Adds postings to those of a term, if it has a list of them.
    fn extend_list(&mut self, key: TermKey, places: Range<u32>) -> bool {
        let Some(slot) = self.slots.get_mut(&PackedKey::new(key)) else {
            return false;
        };
        if slot.count as usize <= SHORT {
            return false;
        }
        slot.count += places.len() as u32;
        self.long[slot.at as usize].extend(places);
        true
    }

    pub(super) fn get(&self, key: TermKey) -> Option<Posting<'_>> {
        let slot = self.slots.get(&PackedKey::new(key))?;
        Some(self.posting(slot))
    }

    fn posting<'a>(&'a self, slot: &'a Slot) -> Posting<'a> {
        let [low, high] = slot.version.map(u64::from);
        let version = high << 32 | low;
        Posting {
            first_version: (version > 0).then_some(Version::new(version)),
            places: match slot.count as usize {
                0 | 1 => std::slice::from_ref(&slot.at),
                count @ 2..=SHORT => &self.blocks[slot.at as usize][..count],
                _ => &self.long[slot.at as usize],
            },
        }
    }

    /// All terms under the keys that files keep, in their order. Two may have
    /// one key there.
    pub(super) fn sorted(&self) -> Vec<(TermKey, Posting<'_>)> {
        let slots = self.slots.iter();
        let mut terms: Vec<_> = slots
            .map(|(key, slot)| {
                let posting = self.posting(slot);
                let key = key.key(posting.first_version.is_some());
                (key.short(), posting)
            })
            .collect();
        terms.sort_unstable_by_key(|(key, _)| *key);
        terms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_every_length_come_back_in_order() {
        let mut map = PostingMap::default();
        let key = |number: u64| TermKey {
            high: number << 60 | number,
            low: number as u32 % 3,
            is_stream: number.is_multiple_of(2),
        };
        // The n-th term has n postings; they come in turn.
        for round in 0..40u64 {
            for term in round + 1..=40 {
                let version = (term % 2 == 0).then_some(Version::new((term << 33) | (round + 1)));
                let is_first = map.push(key(term), version, (round * 100 + term) as u32);
                assert_eq!(is_first, round == 0);
            }
        }
        assert_eq!(map.slots.len(), 40);
        for term in 1..=40 {
            let posting = map.get(key(term)).unwrap();
            let places: Vec<_> = (0..term).map(|round| (round * 100 + term) as u32).collect();
            assert_eq!(posting.places, places);
            let version = (term % 2 == 0).then_some(Version::new(term << 33 | 1));
            assert_eq!(posting.first_version, version);
        }
        assert!(map.get(key(41)).is_none());
        let keys: Vec<_> = map.sorted().iter().map(|(key, _)| *key).collect();
        assert!(keys.is_sorted() && keys.len() == 40);
    }

    #[test]
    fn a_run_is_as_many_postings_one_by_one() {
        let key = |high| TermKey {
            high,
            low: 0,
            is_stream: false,
        };
        for before in 0..8 {
            for length in 1..8 {
                let (mut runs, mut single) = (PostingMap::default(), PostingMap::default());
                for map in [&mut runs, &mut single] {
                    (0..before).for_each(|place| {
                        map.push(key(1), None, place);
                    });
                }
                let places = before..before + length;
                runs.push_run(key(1), None, places.clone());
                places.for_each(|place| {
                    single.push(key(1), None, place);
                });
                for map in [&mut runs, &mut single] {
                    map.push_run(key(2), None, 7..9);
                    assert_eq!(map.get(key(2)).unwrap().places, [7, 8]);
                    let all: Vec<_> = (0..before + length).collect();
                    assert_eq!(map.get(key(1)).unwrap().places, all);
                }
            }
        }
    }
}
