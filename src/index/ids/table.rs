//! The ids of what was appended last, in memory.

use crate::format::ids::IdEntry;
use crate::types::Position;

/// The fingerprints of a range of positions that begins at `first` and grows.
/// An event costs 16 to 24 bytes.
#[derive(Debug)]
pub(crate) struct IdTable {
    first: Position,
    fingerprints: Vec<u64>,
    /// Places by fingerprint: each lies, plus one, in the first slot that was
    /// free from the one on that its fingerprint names. At most half are used.
    slots: Vec<u32>,
}

/// How many slots a table begins with; a power of two.
const FEWEST: usize = 64;

impl IdTable {
    /// An empty table over the positions from `first` on.
    pub(crate) fn new(first: Position) -> Self {
        IdTable {
            first,
            fingerprints: Vec::new(),
            slots: vec![0; FEWEST],
        }
    }

    pub(crate) fn first(&self) -> Position {
        self.first
    }

    /// The last position; the one before `first` while there is none.
    pub(crate) fn last(&self) -> Position {
        self.first.previous().plus(self.fingerprints.len() as u64)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.fingerprints.is_empty()
    }

    /// Adds the id of the next position.
    pub(crate) fn push(&mut self, fingerprint: u64) {
        self.fingerprints.push(fingerprint);
        if 2 * self.fingerprints.len() > self.slots.len() {
            self.grow();
        } else {
            self.enter(self.fingerprints.len() - 1);
        }
    }

    fn grow(&mut self) {
        self.slots = vec![0; 2 * self.slots.len()];
        for place in 0..self.fingerprints.len() {
            self.enter(place);
        }
    }

    fn enter(&mut self, place: usize) {
        let mut slot = self.slot(self.fingerprints[place]);
        while self.slots[slot] != 0 {
            slot = self.after(slot);
        }
        self.slots[slot] = place as u32 + 1;
    }

    /// Fingerprints are hashes already: their low bits are as good as any.
    fn slot(&self, fingerprint: u64) -> usize {
        fingerprint as usize & (self.slots.len() - 1)
    }

    fn after(&self, slot: usize) -> usize {
        (slot + 1) & (self.slots.len() - 1)
    }

    /// The positions of a fingerprint, in no order.
    pub(crate) fn find(&self, fingerprint: u64) -> impl Iterator<Item = Position> {
        let mut slot = self.slot(fingerprint);
        std::iter::from_fn(move || {
            loop {
                // There is always a free slot.
                let place = self.slots[slot].checked_sub(1)?;
                slot = self.after(slot);
                if self.fingerprints[place as usize] == fingerprint {
                    return Some(self.first.plus(u64::from(place)));
                }
            }
        })
    }

    /// All entries, in the order of a file.
    pub(crate) fn sorted(&self) -> Vec<IdEntry> {
        let places = self.fingerprints.iter().enumerate();
        let mut entries: Vec<_> = places
            .map(|(place, fingerprint)| IdEntry {
                fingerprint: *fingerprint,
                place: place as u32,
            })
            .collect();
        entries.sort_unstable();
        entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_of_a_fingerprint_is_found() {
        let mut table = IdTable::new(Position::new(11));
        assert_eq!(table.last(), Position::new(10));
        // Neighbours, repetitions, and more than fit at first.
        for number in 0..1000 {
            table.push(number % 700);
        }
        assert_eq!(table.last(), Position::new(1010));
        let found = |fingerprint| {
            let mut found: Vec<_> = table.find(fingerprint).map(Position::get).collect();
            found.sort_unstable();
            found
        };
        assert_eq!(found(5), [16, 716]);
        assert_eq!(found(699), [710]);
        assert!(found(700).is_empty());
        let sorted = table.sorted();
        assert!(sorted.is_sorted() && sorted.len() == 1000);
    }
}
