//! Writes a file of ids in one pass over sorted entries, in little memory
//! however many there are.

use super::file::{Entries, IdFile};
use crate::env::fs::{self, File};
use crate::error::Result;
use crate::format::checksum;
use crate::format::ids::{BlockBuilder, CHECK_BYTES, HEADER_BYTES, IdEntry, IdsHeader, block_of};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::sync::Arc;

/// Entries in the order of a file. What can't be read ends them.
pub(crate) type Sorted<'a> = dyn Iterator<Item = Result<IdEntry>> + 'a;

/// Why a file could not be written.
#[derive(Debug)]
pub(crate) enum WriteFailure {
    /// The new file can't be written.
    Write(io::Error),
    /// What it is made of can't be read.
    Read(crate::Error),
}

impl From<io::Error> for WriteFailure {
    fn from(error: io::Error) -> Self {
        WriteFailure::Write(error)
    }
}

/// Writes a file of ids: as many entries as its header says.
pub(crate) fn write(
    file: &dyn File,
    header: &IdsHeader,
    entries: &mut Sorted<'_>,
) -> std::result::Result<(), WriteFailure> {
    let mut blocks = Section::new(file, 0);
    blocks.put(&header.encode())?;
    debug_assert_eq!(HEADER_BYTES as u64, blocks.end());
    let mut sorted = Section::new(file, header.entries_at());
    let mut block = BlockBuilder::new(0);
    let (mut open, mut count) = (0, 0);
    for entry in entries {
        let entry = entry.map_err(WriteFailure::Read)?;
        let own = block_of(entry.fingerprint, header.blocks);
        while open < own {
            blocks.put(block.bytes())?;
            block = BlockBuilder::new(count);
            open += 1;
        }
        block.add(entry.fingerprint);
        sorted.put(&entry.encode())?;
        count += 1;
    }
    while open < u64::from(header.blocks) {
        blocks.put(block.bytes())?;
        block = BlockBuilder::new(count);
        open += 1;
    }
    let gap = header.entries_at() - blocks.end();
    blocks.put(&vec![0; gap as usize])?;
    let mut checks = blocks.finish()?;
    checks.extend(sorted.finish()?);
    let checks: Vec<u8> = checks.iter().flat_map(|sum| sum.to_le_bytes()).collect();
    fs::write_all_at(file, &checks, header.checks_at())?;
    Ok(())
}

/// A part of a file that is written from one end to the other.
struct Section<'a> {
    file: &'a dyn File,
    /// Where the buffer's bytes will stand.
    at: u64,
    buffer: Vec<u8>,
    checks: Vec<u32>,
}

impl<'a> Section<'a> {
    /// How many bytes are written at once: whole blocks of one checksum.
    const AT_ONCE: usize = 64 * CHECK_BYTES as usize;

    fn new(file: &'a dyn File, at: u64) -> Self {
        Section {
            file,
            at,
            buffer: Vec::new(),
            checks: Vec::new(),
        }
    }

    /// Where the next bytes will stand.
    fn end(&self) -> u64 {
        self.at + self.buffer.len() as u64
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.buffer.extend_from_slice(bytes);
        match self.buffer.len() >= Self::AT_ONCE {
            true => self.write(Self::AT_ONCE),
            false => Ok(()),
        }
    }

    fn write(&mut self, length: usize) -> io::Result<()> {
        let bytes = &self.buffer[..length];
        self.checks
            .extend(bytes.chunks(CHECK_BYTES as usize).map(checksum::plain));
        fs::write_all_at(self.file, bytes, self.at)?;
        self.at += length as u64;
        self.buffer.drain(..length);
        Ok(())
    }

    /// Writes the rest, and gives the checksums.
    fn finish(mut self) -> io::Result<Vec<u32>> {
        self.write(self.buffer.len())?;
        Ok(self.checks)
    }
}

/// The entries of files over adjacent ranges, oldest first, as those of one.
pub(crate) fn merged(files: &[Arc<IdFile>]) -> impl Iterator<Item = Result<IdEntry>> {
    let first = files.first().map_or(0, |file| file.first().get());
    let mut sources: Vec<Source<'_>> = files
        .iter()
        .map(|file| Source {
            shift: (file.first().get() - first) as u32,
            entries: file.entries(),
        })
        .collect();
    let mut waiting = BinaryHeap::new();
    let mut failed = None;
    for number in 0..sources.len() {
        refill(&mut sources, number, &mut waiting, &mut failed);
    }
    std::iter::from_fn(move || {
        if let Some(error) = failed.take() {
            waiting.clear();
            return Some(Err(error));
        }
        let Reverse((entry, number)) = waiting.pop()?;
        refill(&mut sources, number, &mut waiting, &mut failed);
        Some(Ok(entry))
    })
}

/// A file that is being merged.
struct Source<'a> {
    /// By how much its range begins later than that of the first.
    shift: u32,
    entries: Entries<'a>,
}

/// Has the next entry of a source wait for its turn.
fn refill(
    sources: &mut [Source<'_>],
    number: usize,
    waiting: &mut BinaryHeap<Reverse<(IdEntry, usize)>>,
    failed: &mut Option<crate::Error>,
) {
    let source = &mut sources[number];
    match source.entries.next() {
        Some(Ok(mut entry)) => {
            entry.place = entry.place.saturating_add(source.shift);
            waiting.push(Reverse((entry, number)));
        }
        Some(Err(error)) => *failed = Some(error),
        None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::Env;
    use crate::env::fs::Mode;
    use crate::format::mark::FrameMark;
    use crate::types::{Position, StoreId};

    const STORE: StoreId = StoreId::from_bytes([3; 16]);

    fn header(first: u64, entries: u64) -> IdsHeader {
        IdsHeader {
            store: STORE,
            first: Position::new(first),
            last: Position::new(first + entries - 1),
            blocks: IdsHeader::blocks_for(entries),
            last_frame: FrameMark::from_numbers([1, 2, 3]),
        }
    }

    /// The fingerprint of a position; every tenth has that of its neighbour.
    fn fingerprint(position: u64) -> u64 {
        let position = position - u64::from(position.is_multiple_of(10));
        position.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 16
    }

    fn file(dir: &tempfile::TempDir, first: u64, entries: u64, mapped: bool) -> Arc<IdFile> {
        let env = Env::os();
        let path = dir.path().join(format!("{first}-{entries}"));
        let mut sorted: Vec<_> = (0..entries)
            .map(|place| IdEntry {
                fingerprint: fingerprint(first + place),
                place: place as u32,
            })
            .collect();
        sorted.sort_unstable();
        let file = env.fs.open(&path, Mode::Create).unwrap();
        let mut sorted = sorted.into_iter().map(Ok);
        write(&*file, &header(first, entries), &mut sorted).unwrap();
        Arc::new(IdFile::open(&env, &path, STORE, mapped).unwrap())
    }

    fn assert_finds(file: &IdFile) {
        let (first, last) = (file.first().get(), file.last().get());
        for position in first..=last {
            let mut found = Vec::new();
            file.find(fingerprint(position), &mut found).unwrap();
            let own = |other: &u64| fingerprint(*other) == fingerprint(position);
            let near = position.saturating_sub(1).max(first)..=(position + 1).min(last);
            let expected: Vec<_> = near.filter(own).map(Position::new).collect();
            assert_eq!(found, expected, "{position} of {first} to {last}");
        }
        for position in last + 10..last + 1000 {
            let mut found = Vec::new();
            file.find(fingerprint(position), &mut found).unwrap();
            assert_eq!(found, []);
        }
    }

    #[test]
    fn every_id_is_found_in_files_of_every_size() {
        let dir = tempfile::tempdir().unwrap();
        for mapped in [true, false] {
            for entries in [1, 2, 30, 31, 1000, 70_000] {
                assert_finds(&file(&dir, 12, entries, mapped));
            }
        }
    }

    #[test]
    fn merged_files_are_one_file_over_all() {
        let dir = tempfile::tempdir().unwrap();
        let sizes = [(1, 5), (6, 4095), (4101, 1), (4102, 9000)];
        let parts = sizes.map(|(first, entries)| file(&dir, first, entries, true));
        let path = dir.path().join("merged");
        let env = Env::os();
        let target = env.fs.open(&path, Mode::Create).unwrap();
        write(&*target, &header(1, 13_101), &mut merged(&parts)).unwrap();
        let whole = std::fs::read(file(&dir, 1, 13_101, true).path()).unwrap();
        assert!(std::fs::read(&path).unwrap() == whole);
        assert_finds(&IdFile::open(&env, &path, STORE, true).unwrap());
    }

    #[test]
    fn a_damaged_byte_is_never_believed() {
        let dir = tempfile::tempdir().unwrap();
        let good = file(&dir, 1, 500, true);
        let bytes = std::fs::read(good.path()).unwrap();
        let path = dir.path().join("damaged");
        for at in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[at] ^= 0x10;
            std::fs::write(&path, &bad).unwrap();
            for mapped in [true, false] {
                let Ok(file) = IdFile::open(&Env::os(), &path, STORE, mapped) else {
                    continue;
                };
                let read = file.entries().collect::<Result<Vec<_>>>();
                let mut found = Vec::new();
                let looked = (1..=500).map(|at| file.find(fingerprint(at), &mut found));
                let looked: Result<Vec<_>> = looked.collect();
                assert!(read.is_err() || looked.is_err(), "byte {at}");
            }
        }
    }
}
