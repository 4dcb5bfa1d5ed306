//! A file of ids: which position of a range each event id stands at.
//!
//! Derived from the log and rebuildable from it, as index files are. A header,
//! then blocks that filter, then the entries, then checksums.

mod block;
mod header;

pub(crate) use block::{BLOCK_BYTES, Block, BlockBuilder, block_of};
pub(crate) use header::{HEADER_BYTES, IdsHeader};

use byteorder::{ByteOrder, LittleEndian};

/// How many bytes of a file one checksum covers.
pub(crate) const CHECK_BYTES: u64 = 4096;
/// How many bits of an id's hash are kept.
pub(crate) const FINGERPRINT_BITS: u32 = 48;
/// The length of an entry.
pub(crate) const ENTRY_BYTES: usize = 10;

/// An id's hash and where the event is, counted from the start of a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct IdEntry {
    pub(crate) fingerprint: u64,
    pub(crate) place: u32,
}

impl IdEntry {
    pub(crate) fn encode(self) -> [u8; ENTRY_BYTES] {
        let mut bytes = [0; ENTRY_BYTES];
        LittleEndian::write_u48(&mut bytes[..6], self.fingerprint);
        LittleEndian::write_u32(&mut bytes[6..], self.place);
        bytes
    }

    /// Decodes an entry: the first `ENTRY_BYTES` of these bytes.
    pub(crate) fn decode(bytes: &[u8]) -> Self {
        IdEntry {
            fingerprint: LittleEndian::read_u48(&bytes[..6]),
            place: LittleEndian::read_u32(&bytes[6..ENTRY_BYTES]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_comes_back() {
        let entry = IdEntry {
            fingerprint: (1 << FINGERPRINT_BITS) - 2,
            place: u32::MAX - 7,
        };
        assert_eq!(IdEntry::decode(&entry.encode()), entry);
    }
}
