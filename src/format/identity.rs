//! The two small files that speak of the whole store: its identity, written
//! when it is created, and what the last clean close said.

use super::{Fault, checksum};
use crate::types::{Position, StoreId};
use byteorder::{ByteOrder, LittleEndian};

const MAGIC: &[u8; 8] = b"ANNALS\r\n";
const CLOSE_MAGIC: &[u8; 8] = b"ANNALCLO";
/// The version of the store's layout that this code writes and reads.
pub(crate) const FORMAT_VERSION: u32 = 1;
const IDENTITY_BYTES: usize = 64;
const CLOSE_BYTES: usize = 64;

/// Who a store is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) id: StoreId,
    /// The key of the hash that turns terms into keys of the index.
    pub(crate) hash_key: [u8; 16],
}

impl Identity {
    pub(crate) fn encode(&self) -> [u8; IDENTITY_BYTES] {
        let mut bytes = [0; IDENTITY_BYTES];
        bytes[..8].copy_from_slice(MAGIC);
        LittleEndian::write_u32(&mut bytes[8..12], FORMAT_VERSION);
        bytes[16..32].copy_from_slice(self.id.as_bytes());
        bytes[32..48].copy_from_slice(&self.hash_key);
        seal(&mut bytes);
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Fault> {
        let bytes = unseal(bytes, MAGIC, IDENTITY_BYTES)?;
        if LittleEndian::read_u32(&bytes[8..12]) != FORMAT_VERSION {
            return Err(Fault::newer(8, "another version of the store's layout"));
        }
        Ok(Identity {
            id: StoreId::from_bytes(sixteen(&bytes[16..32])),
            hash_key: sixteen(&bytes[32..48]),
        })
    }
}

/// What a clean close stated: up to here everything was written and synced.
/// Events may have been appended since, but never fewer be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CloseStatement {
    pub(crate) store: StoreId,
    pub(crate) head: Position,
    pub(crate) segment: u64,
    pub(crate) end: u64,
    /// Whether a writer has begun to append since: then it is only the least
    /// that must be there.
    pub(crate) reopened: bool,
}

impl CloseStatement {
    pub(crate) fn encode(&self) -> [u8; CLOSE_BYTES] {
        let mut bytes = [0; CLOSE_BYTES];
        bytes[..8].copy_from_slice(CLOSE_MAGIC);
        bytes[8..24].copy_from_slice(self.store.as_bytes());
        LittleEndian::write_u64(&mut bytes[24..32], self.head.get());
        LittleEndian::write_u64(&mut bytes[32..40], self.segment);
        LittleEndian::write_u64(&mut bytes[40..48], self.end);
        bytes[48] = u8::from(self.reopened);
        seal(&mut bytes);
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Fault> {
        let bytes = unseal(bytes, CLOSE_MAGIC, CLOSE_BYTES)?;
        Ok(CloseStatement {
            store: StoreId::from_bytes(sixteen(&bytes[8..24])),
            head: Position::new(LittleEndian::read_u64(&bytes[24..32])),
            segment: LittleEndian::read_u64(&bytes[32..40]),
            end: LittleEndian::read_u64(&bytes[40..48]),
            reopened: bytes[48] != 0,
        })
    }
}

/// Puts the checksum of all that is before into the last four bytes.
fn seal(bytes: &mut [u8]) {
    let (body, last) = bytes.split_at_mut(bytes.len() - 4);
    LittleEndian::write_u32(last, checksum::plain(body));
}

fn unseal<'a>(bytes: &'a [u8], magic: &[u8], length: usize) -> Result<&'a [u8], Fault> {
    let bytes = bytes
        .get(..length)
        .ok_or(Fault::damaged(bytes.len(), "the file is cut off"))?;
    if &bytes[..8] != magic {
        return Err(Fault::damaged(0, "the file does not begin as it should"));
    }
    let (body, last) = bytes.split_at(length - 4);
    if LittleEndian::read_u32(last) != checksum::plain(body) {
        return Err(Fault::damaged(length - 4, "the checksum does not match"));
    }
    Ok(bytes)
}

fn sixteen(bytes: &[u8]) -> [u8; 16] {
    let mut out = [0; 16];
    out.copy_from_slice(bytes);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement() -> CloseStatement {
        CloseStatement {
            store: StoreId::from_bytes([7; 16]),
            head: Position::new(3),
            segment: 1,
            end: 500,
            reopened: true,
        }
    }

    #[test]
    fn both_come_back() {
        let identity = Identity {
            id: StoreId::from_bytes([7; 16]),
            hash_key: [9; 16],
        };
        assert_eq!(Identity::decode(&identity.encode()), Ok(identity));
        assert_eq!(
            CloseStatement::decode(&statement().encode()),
            Ok(statement())
        );
    }

    #[test]
    fn every_flipped_bit_is_seen() {
        let good = statement().encode();
        for bit in 0..good.len() * 8 {
            let mut bad = good;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(CloseStatement::decode(&bad).is_err(), "bit {bit}");
        }
        for length in 0..good.len() {
            assert!(CloseStatement::decode(&good[..length]).is_err());
        }
    }
}
