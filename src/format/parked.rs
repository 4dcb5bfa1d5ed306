//! The file of a parked event.
//!
//! ```text
//! magic 8 | version u32 | tries u32 | store id 16 | position u64
//! parked, in microseconds, i64 | length of the handler's name u32
//! length of the error u32 | name | error | CRC-32 of all before
//! ```

use super::{Fault, checksum, take};
use crate::types::{MAX_NAME_BYTES, Position, StoreId, Timestamp};
use byteorder::{ByteOrder, LittleEndian};

const MAGIC: &[u8; 8] = b"ANNALPRK";
const VERSION: u32 = 1;
const FIXED_BYTES: usize = 56;
/// The longest text of an error.
const MAX_TEXT: usize = 4096;
/// The largest file that can be a parked event.
pub(crate) const MAX_BYTES: usize = FIXED_BYTES + MAX_NAME_BYTES + MAX_TEXT + 4;

/// What the file of a parked event says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ParkedFile {
    pub(crate) store: StoreId,
    pub(crate) handler: String,
    pub(crate) position: Position,
    pub(crate) tries: u32,
    pub(crate) error: String,
    pub(crate) parked: Timestamp,
}

impl ParkedFile {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![0; FIXED_BYTES];
        bytes[..8].copy_from_slice(MAGIC);
        LittleEndian::write_u32(&mut bytes[8..12], VERSION);
        LittleEndian::write_u32(&mut bytes[12..16], self.tries);
        bytes[16..32].copy_from_slice(self.store.as_bytes());
        LittleEndian::write_u64(&mut bytes[32..40], self.position.get());
        LittleEndian::write_i64(&mut bytes[40..48], self.parked.micros());
        LittleEndian::write_u32(&mut bytes[48..52], self.handler.len() as u32);
        LittleEndian::write_u32(&mut bytes[52..56], self.error.len() as u32);
        bytes.extend_from_slice(self.handler.as_bytes());
        bytes.extend_from_slice(self.error.as_bytes());
        let sum = checksum::plain(&bytes);
        bytes.extend_from_slice(&sum.to_le_bytes());
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Fault> {
        const SHORT: &str = "the file is cut off";
        let mut at = 0;
        let fixed = take(bytes, &mut at, FIXED_BYTES, SHORT)?;
        if &fixed[..8] != MAGIC {
            return Err(Fault::damaged(0, "the file does not begin as it should"));
        }
        let handler = take(
            bytes,
            &mut at,
            LittleEndian::read_u32(&fixed[48..52]) as usize,
            SHORT,
        )?;
        let error = take(
            bytes,
            &mut at,
            LittleEndian::read_u32(&fixed[52..56]) as usize,
            SHORT,
        )?;
        let sum = take(bytes, &mut at, 4, SHORT)?;
        if at != bytes.len() {
            return Err(Fault::damaged(at, "the file goes on after its end"));
        }
        if LittleEndian::read_u32(sum) != checksum::plain(&bytes[..at - 4]) {
            return Err(Fault::damaged(at - 4, "the checksum does not match"));
        }
        if LittleEndian::read_u32(&fixed[8..12]) != VERSION {
            return Err(Fault::newer(
                8,
                "another version of the file of a parked event",
            ));
        }
        let mut store = [0; 16];
        store.copy_from_slice(&fixed[16..32]);
        let parked = Timestamp::from_micros(LittleEndian::read_i64(&fixed[40..48]))
            .map_err(|_| Fault::damaged(40, "the time is out of range"))?;
        Ok(ParkedFile {
            store: StoreId::from_bytes(store),
            handler: text(handler)?,
            position: Position::new(LittleEndian::read_u64(&fixed[32..40])),
            tries: LittleEndian::read_u32(&fixed[12..16]),
            error: text(error)?,
            parked,
        })
    }
}

fn text(bytes: &[u8]) -> Result<String, Fault> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(_) => Err(Fault::damaged(FIXED_BYTES, "a text is no text")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_comes_back_and_every_flipped_bit_is_seen() {
        let sample = ParkedFile {
            store: StoreId::from_bytes([3; 16]),
            handler: "mailer".into(),
            position: Position::new(9),
            tries: 5,
            error: "naïve".into(),
            parked: Timestamp::from_micros(-7).unwrap(),
        };
        let good = sample.encode();
        assert_eq!(ParkedFile::decode(&good), Ok(sample));
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(ParkedFile::decode(&bad).is_err(), "bit {bit}");
        }
        for length in 0..good.len() {
            assert!(ParkedFile::decode(&good[..length]).is_err());
        }
    }
}
