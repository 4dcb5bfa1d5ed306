//! From terms to where their postings are, in memory.

use crate::env::fetch_address;
use crate::env::sync::{AtomicU64, Ordering};
use crate::format::index::TermKey;

/// What is known of a term. It lies in one line of the processor's cache.
#[derive(Clone, Copy, Debug)]
#[repr(align(32))]
pub(super) struct Slot {
    high: u64,
    /// The version of the first posting; 0 if the term is no stream.
    pub(super) first_version: u64,
    low: u32,
    /// How many postings there are; 0 if this is no term's slot.
    pub(super) count: u32,
    /// The only posting, or where the list of them begins.
    pub(super) at: u32,
}

impl Slot {
    const FREE: Slot = Slot {
        high: 0,
        first_version: 0,
        low: 0,
        count: 0,
        at: 0,
    };

    /// That of a term with one posting.
    pub(super) fn new(key: TermKey, first_version: u64, place: u32) -> Self {
        Slot {
            high: key.high,
            first_version,
            low: key.low,
            count: 1,
            at: place,
        }
    }

    pub(super) fn key(&self) -> TermKey {
        TermKey {
            high: self.high,
            low: self.low,
            is_stream: self.first_version > 0,
        }
    }

    fn is_free(&self) -> bool {
        self.count == 0
    }

    fn is_of(&self, key: TermKey) -> bool {
        self.high == key.high && self.low == key.low
    }
}

/// The slots of terms, each where its key says, or at the next free place behind
/// that. Keys are hashes already, with a secret, so that they are spread well
/// whatever the names.
#[derive(Debug, Default)]
pub(super) struct Slots {
    /// As many as a power of two, or none; a quarter of them is free at least.
    slots: Vec<Slot>,
    taken: usize,
}

/// How many slots there are at first.
const FEW: usize = 16;

/// Where slots were a moment ago, for those who have no lock to look at them:
/// good for nothing but to have one fetched from memory before it is needed.
#[derive(Debug, Default)]
pub(super) struct Whereabouts {
    address: AtomicU64,
    /// As many as a power of two, or none.
    count: AtomicU64,
}

impl Whereabouts {
    /// Notes where slots are now, which is seldom elsewhere than before.
    pub(super) fn note(&self, slots: &Slots) {
        let address = slots.slots.as_ptr().addr() as u64;
        if self.address.load(Ordering::Relaxed) != address {
            self.address.store(address, Ordering::Relaxed);
            self.count
                .store(slots.slots.len() as u64, Ordering::Relaxed);
        }
    }

    /// Has the processor fetch what is known of a term. Should the slots be
    /// elsewhere by now, something else is fetched, which harms nothing.
    pub(super) fn fetch(&self, key: TermKey) {
        let count = self.count.load(Ordering::Relaxed);
        if count > 0 {
            let at = start(key, count as usize) as u64;
            let address = self.address.load(Ordering::Relaxed);
            fetch_address(address + at * size_of::<Slot>() as u64, size_of::<Slot>());
        }
    }
}

impl Slots {
    /// None, with room for as many as another has.
    pub(super) fn with_room_of(other: &Self) -> Self {
        Slots {
            slots: vec![Slot::FREE; other.slots.len()],
            taken: 0,
        }
    }

    #[inline]
    pub(super) fn get(&self, key: TermKey) -> Option<&Slot> {
        let slot = self.slots.get(self.find(key))?;
        (!slot.is_free()).then_some(slot)
    }

    #[inline]
    pub(super) fn get_mut(&mut self, key: TermKey) -> Option<&mut Slot> {
        let at = self.find(key);
        let slot = self.slots.get_mut(at)?;
        (!slot.is_free()).then_some(slot)
    }

    /// Adds the slot of a term that has none.
    pub(super) fn insert(&mut self, slot: Slot) {
        if (self.taken + 1) * 4 > self.slots.len() * 3 {
            self.grow();
        }
        let at = self.find(slot.key());
        self.slots[at] = slot;
        self.taken += 1;
    }

    /// The slots of all terms, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Slot> {
        self.slots.iter().filter(|slot| !slot.is_free())
    }

    /// Where a term's slot is, or is to be; outside if there are no slots.
    #[inline]
    fn find(&self, key: TermKey) -> usize {
        let mut at = start(key, self.slots.len());
        while let Some(slot) = self.slots.get(at) {
            if slot.is_free() || slot.is_of(key) {
                break;
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
        at
    }

    fn grow(&mut self) {
        let room = (self.slots.len() * 2).max(FEW);
        let old = std::mem::replace(&mut self.slots, vec![Slot::FREE; room]);
        for slot in old.into_iter().filter(|slot| !slot.is_free()) {
            let at = self.find(slot.key());
            self.slots[at] = slot;
        }
    }
}

/// Where among so many slots the look for a term begins.
#[inline]
fn start(key: TermKey, count: usize) -> usize {
    key.high as usize & count.wrapping_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(high: u64, low: u32) -> TermKey {
        TermKey {
            high,
            low,
            is_stream: true,
        }
    }

    fn places(slots: &Slots, keys: &[TermKey]) -> Vec<Option<u32>> {
        let place = |key: &TermKey| slots.get(*key).map(|slot| slot.at);
        keys.iter().map(place).collect()
    }

    #[test]
    fn every_term_is_found_however_many_want_the_same_place() {
        let mut slots = Slots::default();
        assert!(slots.get(key(0, 0)).is_none());
        // All want the last place, whatever the size, or the first.
        let keys: Vec<_> = (0..200)
            .map(|number| match number % 3 {
                0 => key(u64::MAX, number),
                1 => key(u64::from(number) << 32 | 0xffff, 0),
                _ => key(u64::from(number) << 32, 0),
            })
            .collect();
        for (number, own) in keys.iter().enumerate() {
            assert!(slots.get_mut(*own).is_none());
            slots.insert(Slot::new(*own, 1, number as u32));
            let seen = places(&slots, &keys);
            let is_there =
                |(at, place): (usize, Option<u32>)| place == (at <= number).then_some(at as u32);
            assert!(seen.into_iter().enumerate().all(is_there));
        }
        let mut all: Vec<_> = slots.iter().map(|slot| (slot.at, slot.key())).collect();
        all.sort_unstable();
        assert!(all.into_iter().map(|(_, key)| key).eq(keys));
    }

    #[test]
    fn a_quarter_is_free_at_least() {
        let mut slots = Slots::default();
        for number in 0..1000 {
            slots.insert(Slot::new(key(number, 0), 1, 0));
            assert!(slots.taken * 4 <= slots.slots.len() * 3);
            assert_eq!(slots.taken, slots.iter().count());
        }
        let other = Slots::with_room_of(&slots);
        assert_eq!(other.slots.len(), slots.slots.len());
        assert_eq!(other.iter().count(), 0);
    }
}
