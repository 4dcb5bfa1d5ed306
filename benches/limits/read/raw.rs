//! What the machine can do: loops by hand over the mapped segments, with an
//! index of offsets in memory and no checks but those that a line names.
#![allow(unsafe_code)]

use crate::common::reading::sum;
use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};

/// How many records ahead a loop fetches.
const AHEAD: usize = 8;
/// How many bytes of a record are fetched ahead.
const FETCHED: usize = 320;
const LINE: usize = 64;
const HEADER: usize = 128;
const SHORTEST: usize = 38;

/// Where an event's frame begins.
#[derive(Clone, Copy)]
pub(crate) struct Address {
    segment: u32,
    offset: u32,
}

impl Address {
    /// The segment, from 0 on, and the offset in it.
    pub(crate) fn parts(self) -> (usize, u64) {
        (self.segment as usize, u64::from(self.offset))
    }
}

/// The mapped segments of a store in which each event has a frame of its own.
pub(crate) struct Raw {
    maps: Vec<memmap2::Mmap>,
    /// Where the frames of each segment end.
    ends: Vec<usize>,
    /// Every event, in order.
    pub(crate) events: Vec<Address>,
    /// And of each stream.
    pub(crate) streams: HashMap<String, Vec<Address>>,
}

/// A decoded record.
struct Fields<'a> {
    id: &'a [u8],
    stream: &'a [u8],
    event_type: &'a [u8],
    metadata: &'a [u8],
    data: &'a [u8],
}

impl Raw {
    pub(crate) fn open(dir: &Path) -> Self {
        let mut raw = Raw {
            maps: Vec::new(),
            ends: Vec::new(),
            events: Vec::new(),
            streams: HashMap::new(),
        };
        for (number, path) in segments(dir).iter().enumerate() {
            let file = File::open(path).unwrap();
            // SAFETY: nobody shrinks or rewrites a segment.
            let map = unsafe { memmap2::Mmap::map(&file) }.unwrap();
            let mut at = HEADER;
            while let Some(length) = frame_length(&map, at) {
                let address = Address {
                    segment: number as u32,
                    offset: at as u32,
                };
                let fields = decode(&map[at..at + length]);
                let stream = std::str::from_utf8(fields.stream).unwrap();
                raw.events.push(address);
                match raw.streams.get_mut(stream) {
                    Some(known) => known.push(address),
                    None => {
                        raw.streams.insert(stream.to_owned(), vec![address]);
                    }
                }
                at += length;
            }
            raw.maps.push(map);
            raw.ends.push(at);
        }
        raw
    }

    /// The bytes of all frames.
    pub(crate) fn bytes(&self) -> u64 {
        self.ends.iter().map(|end| (end - HEADER) as u64).sum()
    }

    fn frame(&self, address: Address) -> &[u8] {
        let rest = &self.maps[address.segment as usize][address.offset as usize..];
        &rest[..u32::from_le_bytes([rest[0], rest[1], rest[2], rest[3]]) as usize]
    }

    /// A sum over all bytes in order, frames or not.
    pub(crate) fn sum_in_order(&self) -> u64 {
        let sums = self.maps.iter().zip(&self.ends);
        sums.map(|(map, end)| sum(&map[HEADER..*end])).sum()
    }

    /// Every frame's fields, touched.
    pub(crate) fn decode_in_order(&self) -> u64 {
        self.each(|frame| touch(&decode(frame)))
    }

    /// Every frame's checksum, and each byte touched.
    pub(crate) fn check_in_order(&self) -> u64 {
        self.each(|frame| u64::from(crc32fast::hash(frame)) + sum(frame))
    }

    /// A checksum over everything.
    pub(crate) fn checksum_from(&self, first: usize) -> u64 {
        let frames = self.events[first..].iter();
        frames
            .map(|address| u64::from(crc32fast::hash(self.frame(*address))))
            .fold(0, u64::wrapping_add)
    }

    /// The frames from an event on, as they stand.
    pub(crate) fn bytes_from(&self, first: usize) -> Vec<u8> {
        let frames = self.events[first..].iter();
        frames
            .flat_map(|address| self.frame(*address))
            .copied()
            .collect()
    }

    fn each(&self, mut work: impl FnMut(&[u8]) -> u64) -> u64 {
        let mut total = 0u64;
        for map in &self.maps {
            let mut at = HEADER;
            while let Some(length) = frame_length(map, at) {
                total = total.wrapping_add(work(&map[at..at + length]));
                at += length;
            }
        }
        total
    }

    /// Sums up records at known places.
    pub(crate) fn sum_at(&self, places: &[Address]) -> u64 {
        let sums = places.iter().map(|address| sum(self.frame(*address)));
        sums.fold(0, u64::wrapping_add)
    }

    /// The same, each fetched some records ahead.
    pub(crate) fn sum_at_ahead(&self, places: &[Address]) -> u64 {
        for address in places.iter().take(AHEAD) {
            self.fetch(*address);
        }
        let mut total = 0u64;
        for (index, address) in places.iter().enumerate() {
            if let Some(later) = places.get(index + AHEAD) {
                self.fetch(*later);
            }
            total = total.wrapping_add(sum(self.frame(*address)));
        }
        total
    }

    fn fetch(&self, address: Address) {
        #[cfg(target_arch = "x86_64")]
        for line in 0..FETCHED / LINE {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            let map = &self.maps[address.segment as usize];
            let at = address.offset as usize + line * LINE;
            // SAFETY: a hint; the address is never read from.
            unsafe { _mm_prefetch(map.as_ptr().wrapping_add(at).cast(), _MM_HINT_T0) };
        }
    }
}

/// Maps all segments, touching none of their bytes.
pub(crate) fn map_all(dir: &Path) -> Vec<memmap2::Mmap> {
    let files = segments(dir)
        .into_iter()
        .map(|path| File::open(path).unwrap());
    // SAFETY: nobody shrinks or rewrites a segment.
    files
        .map(|file| unsafe { memmap2::Mmap::map(&file) }.unwrap())
        .collect()
}

/// The byte that a frame begins with.
pub(crate) fn byte_at(maps: &[memmap2::Mmap], place: Address) -> u64 {
    u64::from(maps[place.segment as usize][place.offset as usize])
}

/// The bytes of all frames of a store.
pub(crate) fn frames(dir: &Path) -> u64 {
    let end_of = |map: &memmap2::Mmap| {
        let mut at = HEADER;
        while let Some(length) = frame_length(map, at) {
            at += length;
        }
        (at - HEADER) as u64
    };
    map_all(dir).iter().map(end_of).sum()
}

/// The segment files of a store, in order.
pub(crate) fn segments(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|own| own == "seg"))
        .collect();
    paths.sort();
    paths
}

fn frame_length(map: &[u8], at: usize) -> Option<usize> {
    let bytes = map.get(at..at + 4)?;
    let length = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize;
    (length >= SHORTEST && at + length <= map.len()).then_some(length)
}

fn varint(bytes: &[u8], at: &mut usize) -> usize {
    let (mut value, mut shift) = (0, 0);
    loop {
        let byte = bytes[*at];
        *at += 1;
        value |= usize::from(byte & 0x7f) << shift;
        shift += 7;
        if byte < 0x80 {
            return value;
        }
    }
}

/// The record of a frame of one event, as the benches append them.
fn decode(frame: &[u8]) -> Fields<'_> {
    let mut at = 9;
    let head = varint(frame, &mut at);
    let record = &frame[head..];
    at = 17;
    let mut text = || {
        let length = varint(record, &mut at);
        at += length;
        &record[at - length..at]
    };
    let (stream, event_type, metadata) = (text(), text(), text());
    Fields {
        id: &record[1..17],
        stream,
        event_type,
        metadata,
        data: &record[at..],
    }
}

fn touch(fields: &Fields<'_>) -> u64 {
    sum(fields.id)
        .wrapping_add(sum(fields.stream))
        .wrapping_add(sum(fields.event_type))
        .wrapping_add(sum(fields.metadata))
        .wrapping_add(sum(fields.data))
}
