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

    /// The checksum of bytes at an offset of the segment.
    pub(crate) fn checksum(&self, offset: u64, parts: [&[u8]; 2]) -> u32 {
        let mut hasher = self.hasher.clone();
        hasher.update(&offset.to_le_bytes());
        hasher.update(parts[0]);
        hasher.update(parts[1]);
        hasher.finalize()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_bytes_elsewhere_have_another_checksum() {
        let store = StoreId::from_bytes([1; 16]);
        let parts: [&[u8]; 2] = [b"some", b"bytes"];
        let here = Place::segment(store, 1).checksum(128, parts);
        let other_store = Place::segment(StoreId::from_bytes([2; 16]), 1);
        assert_ne!(here, other_store.checksum(128, parts));
        assert_ne!(here, Place::segment(store, 2).checksum(128, parts));
        assert_ne!(here, Place::segment(store, 1).checksum(129, parts));
        assert_eq!(here, Place::segment(store, 1).checksum(128, parts));
    }
}
