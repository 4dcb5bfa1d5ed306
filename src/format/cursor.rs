//! A cursor file: who it is of, and how far that one has come.
//!
//! ```text
//! magic 8 | version u32 | length of the name u32 | store id 16
//! position u64 | replay u64 | name | CRC-32 of all before
//! ```

use super::{Fault, checksum, take};
use crate::types::{MAX_NAME_BYTES, Position, StoreId};
use byteorder::{ByteOrder, LittleEndian};
use siphasher::sip128::{Hasher128, SipHasher13};
use std::hash::Hasher;

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

/// A file name for any name: as much of it as is safe everywhere, for people,
/// and a hash of all of it, which also tells apart what differs in case only.
pub(crate) fn safe_file_name(name: &str, suffix: &str) -> String {
    let readable: String = name
        .chars()
        .take(40)
        .map(|own| match own.to_ascii_lowercase() {
            safe @ ('a'..='z' | '0'..='9' | '-') => safe,
            _ => '_',
        })
        .collect();
    let mut hasher = SipHasher13::new_with_keys(0, 0);
    hasher.write(name.as_bytes());
    let hash = hasher.finish128().as_u128();
    format!("{readable}-{hash:032x}.{suffix}")
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

    #[test]
    fn file_names_are_safe_short_and_differ_by_more_than_case() {
        let long = "x".repeat(MAX_NAME_BYTES);
        let names = [
            "Mailer",
            "mailer",
            "con",
            "",
            "../up",
            "ä",
            long.as_str(),
            "a.b",
            "a b",
        ];
        let mut seen = std::collections::HashSet::new();
        for name in names {
            let file = safe_file_name(name, "cursor");
            assert!(file.len() < 100);
            assert!(file.bytes().all(|byte| byte.is_ascii_lowercase()
                || byte.is_ascii_digit()
                || b"-_.".contains(&byte)));
            assert!(seen.insert(file.to_ascii_lowercase()), "{name}");
        }
        assert_eq!(
            safe_file_name("Mailer", "cursor"),
            safe_file_name("Mailer", "cursor")
        );
    }
}
