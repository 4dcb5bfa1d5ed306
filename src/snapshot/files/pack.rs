//! One file of snapshots.

use crate::env::fs::{self, File};
use crate::format::Fault;
use crate::format::snapshot::{HEADER, Header, PACK_HEADER, check_pack};
use std::io;
use std::sync::Arc;

const SUFFIX: &str = ".snaps";

/// The name of a pack.
pub(super) fn name(number: u32) -> String {
    format!("{number:010}{SUFFIX}")
}

/// The number of the pack with this name.
pub(super) fn parse_name(file: &str) -> Option<u32> {
    let number = file.strip_suffix(SUFFIX)?.parse().ok()?;
    (name(number) == file).then_some(number)
}

/// A pack that can be read.
#[derive(Clone, Debug)]
pub(super) struct Pack {
    pub(super) file: Arc<dyn File>,
    /// Up to where there are records.
    pub(super) end: u64,
    /// How many of its bytes are of records that are in use.
    pub(super) live: u64,
}

/// How much is read at a time: many records, where they are small.
const CHUNK: usize = 64 << 10;

/// Reads the headers of a pack, one after the other, as far as they verify: a
/// pack that was being written when its process ended has a torn end. Returns
/// where the records end, or why this is no pack.
pub(super) fn walk(
    file: &dyn File,
    visit: &mut dyn FnMut(u64, &Header),
) -> io::Result<Result<u64, Fault>> {
    let length = file.len()?;
    let mut window = Window {
        file,
        length,
        start: 0,
        bytes: Vec::new(),
    };
    let Some(head) = window.get(0, PACK_HEADER)?.and_then(<[u8]>::first_chunk) else {
        return Ok(Err(Fault::damaged(0, "the file is cut off")));
    };
    if let Err(fault) = check_pack(head) {
        return Ok(Err(fault));
    }
    let mut at = PACK_HEADER as u64;
    while let Some(bytes) = window.get(at, HEADER)? {
        let Some(Ok(header)) = bytes.first_chunk().map(Header::decode) else {
            break;
        };
        let Some(end) = at.checked_add(header.length()).filter(|end| *end <= length) else {
            break;
        };
        visit(at, &header);
        at = end;
    }
    Ok(Ok(at))
}

/// A part of a file that was read at once.
struct Window<'a> {
    file: &'a dyn File,
    length: u64,
    start: u64,
    bytes: Vec<u8>,
}

impl Window<'_> {
    /// Some bytes of the file; `None` if it ends before.
    fn get(&mut self, at: u64, count: usize) -> io::Result<Option<&[u8]>> {
        if at + count as u64 > self.length {
            return Ok(None);
        }
        let within = self.start <= at && at + count as u64 <= self.start + self.bytes.len() as u64;
        if !within {
            let size = (self.length - at).min(CHUNK as u64) as usize;
            self.bytes.resize(size, 0);
            fs::read_exact_at(self.file, &mut self.bytes, at)?;
            self.start = at;
        }
        let from = (at - self.start) as usize;
        Ok(Some(&self.bytes[from..from + count]))
    }
}

/// Reads one whole record of a pack. The inner error says what is wrong with
/// it; nothing longer than the pack is read.
pub(super) fn read(pack: &Pack, at: u64) -> io::Result<Result<(Header, Vec<u8>), Fault>> {
    let Some(rest) = pack.end.checked_sub(at) else {
        return Ok(Err(Fault::damaged(0, "the pack is cut off")));
    };
    let mut head = [0; HEADER];
    if rest < HEADER as u64 {
        return Ok(Err(Fault::damaged(0, "the pack is cut off")));
    }
    fs::read_exact_at(&*pack.file, &mut head, at)?;
    let header = match Header::decode(&head) {
        Ok(header) if header.length() <= rest => header,
        Ok(_) => return Ok(Err(Fault::damaged(HEADER, "the pack is cut off"))),
        Err(fault) => return Ok(Err(fault)),
    };
    // A state can be had again by a replay, so that nothing is risked.
    let length = header.length();
    if length > CHUNK as u64 && fs::count_data(&*pack.file, at, at + length)? < length / 2 {
        return Ok(Err(Fault::damaged(
            HEADER,
            "more than half of it is a hole",
        )));
    }
    let mut record = vec![0; length as usize];
    record[..HEADER].copy_from_slice(&head);
    fs::read_exact_at(&*pack.file, &mut record[HEADER..], at + HEADER as u64)?;
    Ok(Ok((header, record)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back() {
        assert_eq!(parse_name(&name(7)), Some(7));
        assert_eq!(parse_name(&name(u32::MAX)), Some(u32::MAX));
        assert_eq!(parse_name("7.snaps"), None);
        assert_eq!(parse_name("lock"), None);
    }
}
