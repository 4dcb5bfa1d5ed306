//! Which snapshot is where: sixteen bytes for each, in memory.

use super::pack::Pack;
use crate::format::snapshot::Header;
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};

/// Where a record begins. Packs hold less than 4 GiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) pack: u32,
    pub(super) offset: u32,
}

/// The owners' hashes are spread evenly as they are.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

/// The latest record of each owner, and the packs that they are in.
#[derive(Debug, Default)]
pub(super) struct Index {
    places: HashMap<u64, Place, BuildHasherDefault<AsItIs>>,
    pub(super) packs: BTreeMap<u32, Pack>,
    /// How many of the latest records say that there is no snapshot any more.
    removals: usize,
}

impl Index {
    /// How many snapshots there are.
    pub(super) fn len(&self) -> usize {
        self.places.len().saturating_sub(self.removals)
    }

    /// What the packs take on the disk, in bytes.
    pub(super) fn bytes(&self) -> u64 {
        let ends = self.packs.values().map(|pack| pack.end);
        ends.fold(0, u64::saturating_add)
    }

    pub(super) fn place(&self, owner: u64) -> Option<Place> {
        self.places.get(&owner).copied()
    }

    /// Whether a record is the latest of its owner.
    pub(super) fn is_latest(&self, owner: u64, place: Place) -> bool {
        self.place(owner) == Some(place)
    }

    /// Notes a record as the latest of its owner, in place of `before`.
    pub(super) fn put(&mut self, header: &Header, place: Place, before: Option<(Place, Header)>) {
        if let Some((before, old)) = before {
            self.forget(old.owner, before, &old);
        }
        self.places.insert(header.owner, place);
        self.removals += usize::from(header.removed);
        if let Some(pack) = self.packs.get_mut(&place.pack) {
            pack.live += header.length();
        }
    }

    /// Forgets a record, if it is the latest of its owner.
    pub(super) fn forget(&mut self, owner: u64, place: Place, header: &Header) {
        if !self.is_latest(owner, place) {
            return;
        }
        self.places.remove(&owner);
        self.removals -= usize::from(header.removed);
        if let Some(pack) = self.packs.get_mut(&place.pack) {
            pack.live = pack.live.saturating_sub(header.length());
        }
    }
}
