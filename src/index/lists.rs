//! Lists of postings that grow, side by side in one piece of memory.

use std::ops::Range;

/// How many postings have room in a unit, which is what a list begins with.
const UNIT: usize = 4;

/// Lists whose room doubles when they have outgrown it. None of them is an
/// allocation of its own, and room that one has left is used by others.
///
/// A list is known by where it begins, in units, and how many postings it has.
#[derive(Debug, Default)]
pub(super) struct Lists {
    units: Vec<[u32; UNIT]>,
    /// The beginnings of rooms that nobody uses. Those of 2^n units are in the
    /// n-th row.
    free: Vec<Vec<u32>>,
}

impl Lists {
    /// None, with room for as many as another has, and some more.
    pub(super) fn with_room_of(other: &Self) -> Self {
        Lists {
            units: Vec::with_capacity(other.units.len() * 9 / 8),
            free: Vec::new(),
        }
    }

    /// Begins a list of two postings; says where.
    pub(super) fn begin(&mut self, first: u32, second: u32) -> u32 {
        let at = self.take_room(0);
        self.units[at as usize] = [first, second, 0, 0];
        at
    }

    /// Adds a posting to a list; says where that is now.
    pub(super) fn push(&mut self, at: u32, count: usize, place: u32) -> u32 {
        let at = self.with_room_for(at, count, count + 1);
        self.units.as_flattened_mut()[at as usize * UNIT + count] = place;
        at
    }

    /// Adds postings that follow each other, as `push` does each.
    pub(super) fn extend(&mut self, at: u32, count: usize, places: Range<u32>) -> u32 {
        let at = self.with_room_for(at, count, count + places.len());
        let own = &mut self.units.as_flattened_mut()[at as usize * UNIT + count..];
        own.iter_mut()
            .zip(places)
            .for_each(|(own, place)| *own = place);
        at
    }

    /// A list's postings.
    pub(super) fn get(&self, at: u32, count: usize) -> &[u32] {
        &self.units.as_flattened()[at as usize * UNIT..][..count]
    }

    /// Where a list is, of `count` postings, once it has room for `wanted`.
    fn with_room_for(&mut self, at: u32, count: usize, wanted: usize) -> u32 {
        let (old, new) = (size_of_room(count), size_of_room(wanted));
        if old == new {
            return at;
        }
        let to = self.take_room(new);
        let start = at as usize;
        self.units
            .copy_within(start..start + (1 << old), to as usize);
        self.leave_room(at, old);
        to
    }

    /// Room of 2^`size` units, in which anything may stand.
    fn take_room(&mut self, size: usize) -> u32 {
        if let Some(at) = self.free.get_mut(size).and_then(Vec::pop) {
            return at;
        }
        let at = self.units.len();
        self.units.resize(at + (1 << size), [0; UNIT]);
        at as u32
    }

    fn leave_room(&mut self, at: u32, size: usize) {
        if self.free.len() <= size {
            self.free.resize_with(size + 1, Vec::new);
        }
        self.free[size].push(at);
    }
}

/// How much room a list of so many postings has: the power of two, in units.
fn size_of_room(count: usize) -> usize {
    count.div_ceil(UNIT).next_power_of_two().trailing_zeros() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_grow_side_by_side_and_keep_what_they_have() {
        let mut lists = Lists::default();
        let mut own: Vec<(u32, Vec<u32>)> = (0..20)
            .map(|list| (lists.begin(list, 1000 + list), vec![list, 1000 + list]))
            .collect();
        for round in 2..100u32 {
            for (number, (at, places)) in own.iter_mut().enumerate() {
                let next = round * 1000 + number as u32;
                match number % 3 {
                    0 => {
                        *at = lists.extend(*at, places.len(), next..next + round % 7);
                        places.extend(next..next + round % 7);
                    }
                    _ => {
                        *at = lists.push(*at, places.len(), next);
                        places.push(next);
                    }
                }
            }
            for (at, places) in &own {
                assert_eq!(lists.get(*at, places.len()), places);
            }
        }
    }

    #[test]
    fn what_a_list_has_outgrown_is_used_by_others() {
        let mut lists = Lists::default();
        let grow = |lists: &mut Lists| {
            let at = lists.begin(0, 1);
            (2..64).fold(at, |at, place| lists.push(at, place as usize, place))
        };
        grow(&mut lists);
        let (first, second) = (lists.units.len(), grow(&mut lists));
        // The room of 16 units is taken, those of 1, 2, 4 and 8 were free.
        assert_eq!(lists.units.len(), first + 16);
        assert_eq!(second as usize, first);
    }
}
