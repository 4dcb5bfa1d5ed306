//! A cursor file: who it is of, and how far that one has come.
//!
//! ```text
//! magic 8 | version u32 | length of the name u32 | store id 16
//! position u64 | replay u64 | name | CRC-32 of all before
//! ```

use super::{Fault, checksum, take};
use crate::types::{MAX_NAME_BYTES, Position, StoreId};
use byteorder::{ByteOrder, LittleEndian};

const MAGIC: &[u8; 8] = b"ANNALCUR";
const VERSION: u32 = 1;
const FIXED_BYTES: usize = 48;
/// The largest file that can be a cursor.
pub(crate) const MAX_BYTES: usize = FIXED_BYTES + MAX_NAME_BYTES + 4;

/// What a cursor file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CursorFile {
    pub(crate) store: StoreId,
    pub(crate) name: String,
    pub(crate) position: Position,
    pub(crate) replay: Position,
}

impl CursorFile {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![0; FIXED_BYTES];
        bytes[..8].copy_from_slice(MAGIC);
        LittleEndian::write_u32(&mut bytes[8..12], VERSION);
        LittleEndian::write_u32(&mut bytes[12..16], self.name.len() as u32);
        bytes[16..32].copy_from_slice(self.store.as_bytes());
        LittleEndian::write_u64(&mut bytes[32..40], self.position.get());
        LittleEndian::write_u64(&mut bytes[40..48], self.replay.get());
        bytes.extend_from_slice(self.name.as_bytes());
        let sum = checksum::plain(&bytes);
        bytes.extend_from_slice(&sum.to_le_bytes());
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Fault> {
        let mut at = 0;
        let fixed = take(bytes, &mut at, FIXED_BYTES, "the file is cut off")?;
        if &fixed[..8] != MAGIC {
            return Err(Fault::damaged(0, "the file does not begin as it should"));
        }
        let length = LittleEndian::read_u32(&fixed[12..16]) as usize;
        let name = take(bytes, &mut at, length, "the file is cut off")?;
        let sum = take(bytes, &mut at, 4, "the file is cut off")?;
        if at != bytes.len() {
            return Err(Fault::damaged(at, "the file goes on after its end"));
        }
        if LittleEndian::read_u32(sum) != checksum::plain(&bytes[..at - 4]) {
            return Err(Fault::damaged(at - 4, "the checksum does not match"));
        }
        if LittleEndian::read_u32(&fixed[8..12]) != VERSION {
            return Err(Fault::newer(8, "another version of the cursor file"));
        }
        let mut store = [0; 16];
        store.copy_from_slice(&fixed[16..32]);
        let name = std::str::from_utf8(name)
            .map_err(|_| Fault::damaged(FIXED_BYTES, "the name is no text"))?;
        Ok(CursorFile {
            store: StoreId::from_bytes(store),
            name: name.to_owned(),
            position: Position::new(LittleEndian::read_u64(&fixed[32..40])),
            replay: Position::new(LittleEndian::read_u64(&fixed[40..48])),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> CursorFile {
        CursorFile {
            store: StoreId::from_bytes([3; 16]),
            name: "naïve/mailer".into(),
            position: Position::new(77),
            replay: Position::new(5),
        }
    }

    #[test]
    fn it_comes_back_and_every_flipped_bit_is_seen() {
        let good = sample().encode();
        assert!(good.len() <= MAX_BYTES);
        assert_eq!(CursorFile::decode(&good), Ok(sample()));
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(CursorFile::decode(&bad).is_err(), "bit {bit}");
        }
        for length in 0..good.len() {
            assert!(CursorFile::decode(&good[..length]).is_err());
        }
        let mut longer = good;
        longer.push(0);
        assert!(CursorFile::decode(&longer).is_err());
    }
}
