//! Checksums that are bound to a place.

use crate::types::StoreId;
use crc32fast::Hasher;

/// CRC-32 (IEEE) of some bytes, bound to no place.
pub(crate) fn plain(bytes: &[u8]) -> u32 {
    crc32fast::hash(bytes)
}

/// The part of a place that all frames of a segment have in common.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    hasher: Hasher,
}

impl Place {
    /// The place that is this segment of this store.
    pub(crate) fn segment(store: StoreId, number: u64) -> Self {
        let mut hasher = Hasher::new();
        hasher.update(store.as_bytes());
        hasher.update(&number.to_le_bytes());
        Place { hasher }
    }

    /// The checksum of a length, and the bytes that it stands before, at an
    /// offset of the segment.
    pub(crate) fn checksum(&self, offset: u64, length: u32, rest: &[u8]) -> u32 {
        // Few bytes at a time cost most.
        let mut start = [0; 12];
        start[..8].copy_from_slice(&offset.to_le_bytes());
        start[8..].copy_from_slice(&length.to_le_bytes());
        let mut hasher = self.hasher.clone();
        hasher.update(&start);
        hasher.update(rest);
        hasher.finalize()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_bytes_elsewhere_have_another_checksum() {
        let store = StoreId::from_bytes([1; 16]);
        let sum = |place: Place, offset| place.checksum(offset, 7, b"bytes");
        let here = sum(Place::segment(store, 1), 128);
        let other_store = Place::segment(StoreId::from_bytes([2; 16]), 1);
        assert_ne!(here, sum(other_store, 128));
        assert_ne!(here, sum(Place::segment(store, 2), 128));
        assert_ne!(here, sum(Place::segment(store, 1), 129));
        assert_eq!(here, sum(Place::segment(store, 1), 128));
    }
}
