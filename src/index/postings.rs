//! The postings of many terms in memory, of which most have one or two.

use super::lists::Lists;
use super::slots::{Slot, Slots, Whereabouts};
use crate::format::index::TermKey;
use crate::types::Version;
use std::ops::Range;

/// Terms and their postings. A term with one posting costs 43 to 85 bytes, a slot
/// and its share of those that are free; more postings lie in lists.
#[derive(Debug, Default)]
pub(super) struct PostingMap {
    slots: Slots,
    lists: Lists,
}

/// A term's postings, lent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Posting<'a> {
    /// For streams, the version of the first posting.
    pub(crate) first_version: Option<Version>,
    /// Places in the table's range, ascending; at least one.
    pub(crate) places: &'a [u32],
}

impl PostingMap {
    /// An empty one with room for as much as another has.
    pub(super) fn with_room_of(other: &Self) -> Self {
        PostingMap {
            slots: Slots::with_room_of(&other.slots),
            lists: Lists::with_room_of(&other.lists),
        }
    }

    /// Adds a posting, which is above all that the term has, and says whether it
    /// is the first. `version` is that of a stream's posting.
    pub(super) fn push(&mut self, key: TermKey, version: Option<Version>, place: u32) -> bool {
        // Most terms are there already.
        let Some(slot) = self.slots.get_mut(key) else {
            let version = version.map_or(0, Version::get);
            self.slots.insert(Slot::new(key, version, place));
            return true;
        };
        slot.at = match slot.count {
            1 => self.lists.begin(slot.at, place),
            count => self.lists.push(slot.at, count as usize, place),
        };
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
        match self.slots.get_mut(key) {
            Some(slot) if slot.count > 1 => {
                let count = slot.count;
                slot.count += places.len() as u32;
                slot.at = self.lists.extend(slot.at, count as usize, places);
                true
            }
            _ => false,
        }
    }

    /// Notes where the terms are now.
    pub(super) fn note(&self, whereabouts: &Whereabouts) {
        whereabouts.note(&self.slots);
    }

    pub(super) fn get(&self, key: TermKey) -> Option<Posting<'_>> {
        Some(self.posting(self.slots.get(key)?))
    }

    fn posting<'a>(&'a self, slot: &'a Slot) -> Posting<'a> {
        let version = slot.first_version;
        Posting {
            first_version: (version > 0).then_some(Version::new(version)),
            places: match slot.count {
                1 => std::slice::from_ref(&slot.at),
                count => self.lists.get(slot.at, count as usize),
            },
        }
    }

    /// All terms under the keys that files keep, in their order. Two may have
    /// one key there.
    pub(super) fn sorted(&self) -> Vec<(TermKey, Posting<'_>)> {
        let slots = self.slots.iter();
        let mut terms: Vec<_> = slots
            .map(|slot| (slot.key().short(), self.posting(slot)))
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
        assert_eq!(map.slots.iter().count(), 40);
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
