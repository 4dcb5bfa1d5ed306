//! Makes checksums right, by `docs/format.md`: an enemy can do that, too.

/// Where the frames of a segment begin.
pub const FRAMES: usize = 128;
/// How many bytes of an index file one checksum covers.
const BLOCK: usize = 16 << 10;
/// Where an index file says where its checksums begin.
const CHECKS_AT: usize = 128;
const INDEX_HEADER: usize = 192;

/// Puts the CRC-32 of the bytes before into the last four.
pub fn seal(bytes: &mut [u8]) {
    if let Some(body) = bytes.len().checked_sub(4) {
        let sum = crc32fast::hash(&bytes[..body]);
        bytes[body..].copy_from_slice(&sum.to_le_bytes());
    }
}

/// Mends the file of this name.
pub fn file(name: &str, bytes: &mut [u8]) {
    if name.ends_with(".seg") {
        segment(bytes);
    } else if name.ends_with(".idx") {
        index(bytes);
    } else if name.ends_with(".ids") {
        ids(bytes);
    } else if let Some(bytes) = bytes.get_mut(..64) {
        seal(bytes);
    }
}

fn number(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).map_or(0, |bytes| {
        u64::from_le_bytes(bytes.try_into().unwrap_or_default())
    })
}

fn segment(bytes: &mut [u8]) {
    let Some(header) = bytes.get_mut(..FRAMES) else {
        return;
    };
    seal(header);
    let mut place = crc32fast::Hasher::new();
    place.update(&bytes[16..40]);
    let mut at = FRAMES;
    while let Some(head) = bytes.get(at..at + 4) {
        let length = u32::from_le_bytes(head.try_into().unwrap_or_default()) as usize;
        if length < 38 || length > bytes.len() - at {
            break;
        }
        frame(&mut bytes[at..at + length], place.clone(), at as u64);
        at += length;
    }
}

/// A varint, and where it ends.
fn varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        number |= u64::from(byte & 0x7F) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

fn frame(bytes: &mut [u8], place: crc32fast::Hasher, offset: u64) {
    let mut at = 9;
    let head = match varint(bytes, &mut at) {
        Some(head) if head as usize <= bytes.len() && head as usize > at => head as usize,
        _ => return,
    };
    let _ = records(bytes, at, head);
    self::head(&mut bytes[..head], place, offset);
}

/// Writes the checksum of a frame's head.
pub fn head(bytes: &mut [u8], mut place: crc32fast::Hasher, offset: u64) {
    place.update(&offset.to_le_bytes());
    place.update(&bytes[..4]);
    place.update(&bytes[8..]);
    bytes[4..8].copy_from_slice(&place.finalize().to_le_bytes());
}

/// Writes the checksums of records, as far as the entries make sense.
fn records(bytes: &mut [u8], mut at: usize, head: usize) -> Option<()> {
    for _ in 0..3 + (bytes[8] & 1) {
        varint(bytes, &mut at)?;
    }
    let count = varint(bytes, &mut at)?;
    let mut record = head;
    for index in 0..count {
        let sum_at = at;
        at += 4;
        varint(bytes, &mut at)?;
        let length = match index + 1 < count {
            true => varint(bytes, &mut at)? as usize,
            false => bytes.len().checked_sub(record)?,
        };
        if at > head {
            return None;
        }
        let sum = crc32fast::hash(bytes.get(record..record.checked_add(length)?)?);
        bytes[sum_at..sum_at + 4].copy_from_slice(&sum.to_le_bytes());
        record += length;
    }
    Some(())
}

fn index(bytes: &mut [u8]) {
    let Some(header) = bytes.get_mut(..INDEX_HEADER) else {
        return;
    };
    seal(header);
    let checks = number(bytes, CHECKS_AT) as usize;
    if checks > bytes.len() {
        return;
    }
    let (body, sums) = bytes.split_at_mut(checks);
    for (block, sum) in body.chunks(BLOCK).zip(sums.chunks_exact_mut(4)) {
        sum.copy_from_slice(&crc32fast::hash(block).to_le_bytes());
    }
}

/// What precedes the entries of a file of ids is a header and a block for each
/// number that it states; each entry has ten bytes.
fn ids(bytes: &mut [u8]) {
    const HEADER: usize = 128;
    const CHECKED: usize = 4096;
    let Some(header) = bytes.get_mut(..HEADER) else {
        return;
    };
    seal(header);
    let blocks = number(bytes, 12) & u64::from(u32::MAX);
    let count = number(bytes, 40).wrapping_sub(number(bytes, 32));
    let entries_at = (HEADER as u64 + 64 * blocks).next_multiple_of(CHECKED as u64);
    let checks = entries_at.saturating_add(count.saturating_add(1).saturating_mul(10));
    if checks > bytes.len() as u64 {
        return;
    }
    let (body, sums) = bytes.split_at_mut(checks as usize);
    for (block, sum) in body.chunks(CHECKED).zip(sums.chunks_exact_mut(4)) {
        sum.copy_from_slice(&crc32fast::hash(block).to_le_bytes());
    }
}
