//! Snapshots in a pack: a header for the file, then records one after the
//! other. A record does not depend on its place, so that it can be moved to
//! another pack as it is.
//!
//! ```text
//! pack:    magic 8 | version u32 | CRC-32 of what is before
//! record:  CRC-32 of the rest of this header | CRC-32 of that rest and the body
//!          hash of the owner u64 | store id 16 | version u64 | position u64
//!          taken, in microseconds, i64 | schema u32 | flags u32
//!          length of the state u32 | of the kind u16 | of the stream u16
//!          body: kind | stream | state
//! ```

use super::{Fault, checksum};
use crate::types::{Position, StoreId, Timestamp, Version};
use byteorder::{ByteOrder, LittleEndian};
use siphasher::sip::SipHasher13;
use std::hash::Hasher;

const MAGIC: &[u8; 8] = b"ANNALSNP";
const VERSION: u32 = 1;
/// The size of a pack's own header.
pub(crate) const PACK_HEADER: usize = 16;
/// The size of a record's header.
pub(crate) const HEADER: usize = 72;
/// The record says that there is no snapshot any more.
const REMOVED: u32 = 1;

/// The header of every pack.
pub(crate) fn pack_header() -> [u8; PACK_HEADER] {
    let mut bytes = [0; PACK_HEADER];
    bytes[..8].copy_from_slice(MAGIC);
    LittleEndian::write_u32(&mut bytes[8..12], VERSION);
    let sum = checksum::plain(&bytes[..12]);
    LittleEndian::write_u32(&mut bytes[12..], sum);
    bytes
}

/// Checks a pack's header.
pub(crate) fn check_pack(bytes: &[u8; PACK_HEADER]) -> Result<(), Fault> {
    if &bytes[..8] != MAGIC {
        return Err(Fault::damaged(0, "the file does not begin as it should"));
    }
    if LittleEndian::read_u32(&bytes[12..]) != checksum::plain(&bytes[..12]) {
        return Err(Fault::damaged(12, "the checksum does not match"));
    }
    if LittleEndian::read_u32(&bytes[8..12]) != VERSION {
        return Err(Fault::newer(8, "another version of the snapshot file"));
    }
    Ok(())
}

/// Under what a snapshot is found: a hash of store, kind and stream. Two that
/// have the same one take each other's place, which costs a replay.
pub(crate) fn owner_hash(store: StoreId, kind: &str, stream: &str) -> u64 {
    let mut hasher = SipHasher13::new_with_keys(0, 0);
    hasher.write(store.as_bytes());
    hasher.write(&(kind.len() as u64).to_le_bytes());
    hasher.write(kind.as_bytes());
    hasher.write(stream.as_bytes());
    hasher.finish()
}

/// A record's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    body_sum: u32,
    pub(crate) owner: u64,
    pub(crate) store: StoreId,
    pub(crate) version: Version,
    pub(crate) position: Position,
    pub(crate) taken: Timestamp,
    pub(crate) schema: u32,
    pub(crate) removed: bool,
    state_length: u32,
    kind_length: u16,
    stream_length: u16,
}

/// A record's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Body<'a> {
    pub(crate) kind: &'a str,
    pub(crate) stream: &'a str,
    pub(crate) state: &'a [u8],
}

/// What is to be written as a record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<'a> {
    pub(crate) store: StoreId,
    pub(crate) version: Version,
    pub(crate) position: Position,
    pub(crate) taken: Timestamp,
    pub(crate) schema: u32,
    pub(crate) removed: bool,
    pub(crate) body: Body<'a>,
}

impl Record<'_> {
    /// The record's bytes; `None` if a part is longer than can be written.
    pub(crate) fn encode(&self) -> Option<Vec<u8>> {
        let body = self.body;
        let mut bytes = vec![0; HEADER];
        let owner = owner_hash(self.store, body.kind, body.stream);
        LittleEndian::write_u64(&mut bytes[8..16], owner);
        bytes[16..32].copy_from_slice(self.store.as_bytes());
        LittleEndian::write_u64(&mut bytes[32..40], self.version.get());
        LittleEndian::write_u64(&mut bytes[40..48], self.position.get());
        LittleEndian::write_i64(&mut bytes[48..56], self.taken.micros());
        LittleEndian::write_u32(&mut bytes[56..60], self.schema);
        LittleEndian::write_u32(&mut bytes[60..64], u32::from(self.removed) * REMOVED);
        LittleEndian::write_u32(&mut bytes[64..68], u32::try_from(body.state.len()).ok()?);
        LittleEndian::write_u16(&mut bytes[68..70], u16::try_from(body.kind.len()).ok()?);
        LittleEndian::write_u16(&mut bytes[70..72], u16::try_from(body.stream.len()).ok()?);
        bytes.extend_from_slice(body.kind.as_bytes());
        bytes.extend_from_slice(body.stream.as_bytes());
        bytes.extend_from_slice(body.state);
        let all = checksum::plain(&bytes[8..]);
        LittleEndian::write_u32(&mut bytes[4..8], all);
        let head = checksum::plain(&bytes[4..HEADER]);
        LittleEndian::write_u32(&mut bytes[..4], head);
        Some(bytes)
    }
}

impl Header {
    pub(crate) fn decode(bytes: &[u8; HEADER]) -> Result<Self, Fault> {
        if LittleEndian::read_u32(&bytes[..4]) != checksum::plain(&bytes[4..]) {
            return Err(Fault::damaged(
                0,
                "the checksum of the header does not match",
            ));
        }
        let flags = LittleEndian::read_u32(&bytes[60..64]);
        if flags & !REMOVED != 0 {
            return Err(Fault::newer(60, "a snapshot with unknown flags"));
        }
        let mut store = [0; 16];
        store.copy_from_slice(&bytes[16..32]);
        let taken = Timestamp::from_micros(LittleEndian::read_i64(&bytes[48..56]))
            .map_err(|_| Fault::damaged(48, "the time is out of range"))?;
        Ok(Header {
            body_sum: LittleEndian::read_u32(&bytes[4..8]),
            owner: LittleEndian::read_u64(&bytes[8..16]),
            store: StoreId::from_bytes(store),
            version: Version::new(LittleEndian::read_u64(&bytes[32..40])),
            position: Position::new(LittleEndian::read_u64(&bytes[40..48])),
            taken,
            schema: LittleEndian::read_u32(&bytes[56..60]),
            removed: flags & REMOVED != 0,
            state_length: LittleEndian::read_u32(&bytes[64..68]),
            kind_length: LittleEndian::read_u16(&bytes[68..70]),
            stream_length: LittleEndian::read_u16(&bytes[70..72]),
        })
    }

    /// The size of the body that follows.
    pub(crate) fn body_length(&self) -> u64 {
        u64::from(self.state_length) + u64::from(self.kind_length) + u64::from(self.stream_length)
    }

    /// The size of the whole record.
    pub(crate) fn length(&self) -> u64 {
        HEADER as u64 + self.body_length()
    }

    /// The body of a whole record that begins with this header.
    pub(crate) fn body<'a>(&self, record: &'a [u8]) -> Result<Body<'a>, Fault> {
        if record.len() as u64 != self.length() {
            return Err(Fault::damaged(record.len(), "the snapshot is cut off"));
        }
        if self.body_sum != checksum::plain(&record[8..]) {
            return Err(Fault::damaged(
                4,
                "the checksum of the snapshot does not match",
            ));
        }
        let (kind, rest) = record[HEADER..].split_at(usize::from(self.kind_length));
        let (stream, state) = rest.split_at(usize::from(self.stream_length));
        let text = |bytes| {
            std::str::from_utf8(bytes).map_err(|_| Fault::damaged(HEADER, "a name is no text"))
        };
        Ok(Body {
            kind: text(kind)?,
            stream: text(stream)?,
            state,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Record<'static> {
        Record {
            store: StoreId::from_bytes([3; 16]),
            version: Version::new(7),
            position: Position::new(70),
            taken: Timestamp::from_micros(-1).unwrap(),
            schema: 2,
            removed: false,
            body: Body {
                kind: "Account",
                stream: "accounts/ä",
                state: b"{}",
            },
        }
    }

    fn decode(bytes: &[u8]) -> Result<(Header, Body<'_>), Fault> {
        let head = bytes.first_chunk().ok_or(Fault::damaged(0, "short"))?;
        let header = Header::decode(head)?;
        Ok((header, header.body(bytes)?))
    }

    #[test]
    fn it_comes_back_and_every_flipped_bit_is_seen() {
        let good = sample().encode().unwrap();
        let (header, body) = decode(&good).unwrap();
        assert_eq!(body, sample().body);
        assert_eq!(header.version, Version::new(7));
        assert_eq!(header.taken, sample().taken);
        assert_eq!(header.length(), good.len() as u64);
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(decode(&bad).is_err(), "bit {bit}");
        }
        for length in 0..good.len() {
            assert!(decode(&good[..length]).is_err());
        }
    }

    #[test]
    fn zeros_are_no_record_and_no_pack() {
        assert!(Header::decode(&[0; HEADER]).is_err());
        assert!(check_pack(&[0; PACK_HEADER]).is_err());
        assert_eq!(check_pack(&pack_header()), Ok(()));
    }

    #[test]
    fn what_is_too_long_is_not_written() {
        let long = "x".repeat(70_000);
        let mut record = sample();
        record.body.kind = &long;
        assert!(record.encode().is_none());
    }
}
