//! Makes checksums right, by the description of the format and not by the
//! code that is tested.

use crate::format::checksum::{self, Place};
use crate::format::frame::MIN_BYTES;
use crate::format::{segment, varint};
use byteorder::{ByteOrder, LittleEndian};

/// Where the length of a frame's head stands.
const HEAD_LENGTH_AT: usize = 9;

/// Makes a frame of these bytes if they can be one: its length, the checksums
/// of the records that its entries speak of, and that of its head.
pub(super) fn frame(bytes: &mut [u8], place: &Place, offset: u64) {
    if bytes.len() < MIN_BYTES {
        return;
    }
    let length = bytes.len() as u32;
    LittleEndian::write_u32(&mut bytes[..4], length);
    let mut at = HEAD_LENGTH_AT;
    let Ok(head) = varint::get_len(bytes, &mut at) else {
        return;
    };
    if head < at || head > bytes.len() {
        return;
    }
    let _ = records(bytes, head, at);
    let sum = place.checksum(offset, length, &bytes[8..head]);
    LittleEndian::write_u32(&mut bytes[4..8], sum);
}

/// Writes the checksums of records, as far as the entries make sense.
fn records(bytes: &mut [u8], head: usize, mut at: usize) -> Option<()> {
    let number = |bytes: &[u8], at: &mut usize| varint::get(&bytes[..head], at).ok();
    // First position, lag, time and, by the flags, an epoch.
    for _ in 0..3 + (bytes[8] & 1) {
        number(bytes, &mut at)?;
    }
    let count = number(bytes, &mut at)?;
    let mut record = head;
    for index in 0..count {
        let entry = at;
        at = at.checked_add(4)?;
        number(bytes, &mut at)?;
        let length = match index + 1 < count {
            true => usize::try_from(number(bytes, &mut at)?).ok()?,
            false => bytes.len() - record,
        };
        let end = record.checked_add(length)?;
        let sum = checksum::plain(bytes.get(record..end)?);
        LittleEndian::write_u32(bytes.get_mut(entry..entry + 4)?, sum);
        record = end;
    }
    Some(())
}

/// Makes the frames of a segment whole, one behind the other from the end of
/// the header on; says where they end.
pub(super) fn frames(bytes: &mut [u8], place: &Place) -> usize {
    let mut at = segment::HEADER_BYTES;
    while let Some(rest) = bytes.get_mut(at..).filter(|rest| rest.len() >= MIN_BYTES) {
        let length = LittleEndian::read_u32(&rest[..4]) as usize;
        if length < MIN_BYTES || length > rest.len() {
            break;
        }
        frame(&mut rest[..length], place, at as u64);
        at += length;
    }
    at
}

/// Puts the checksum of the bytes before them into the last four of `bytes`.
pub(super) fn seal(bytes: &mut [u8]) {
    if let Some(body) = bytes.len().checked_sub(4) {
        let sum = checksum::plain(&bytes[..body]);
        LittleEndian::write_u32(&mut bytes[body..], sum);
    }
}
