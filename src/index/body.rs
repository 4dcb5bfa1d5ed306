//! The bytes of an index file: verified block by block as they are touched.

use super::build::CHECK_BLOCK;
use super::sealed::{self, damaged};
use crate::env::Map;
use crate::env::fs::{self, File};
use crate::env::sync::{AtomicU64, Ordering};
use crate::error::{Error, Result};
use crate::format::Fault;
use crate::format::index::Sections;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// How many blocks that checksums are for are read from the medium at once: 64
/// KiB.
const BLOCKS_PER_PIECE: usize = 4;

#[derive(Debug)]
pub(super) struct Body {
    path: PathBuf,
    held: Held,
    /// Where the checksums stand: behind all that they are for.
    checks: usize,
    /// The blocks that have been verified.
    verified: Blocks,
    /// The blocks that the medium was asked for: they are taken to be in memory,
    /// or on their way.
    asked: Blocks,
}

/// Some of the blocks: a bit for each.
#[derive(Debug)]
struct Blocks(Box<[AtomicU64]>);

impl Blocks {
    fn none_of(count: usize) -> Self {
        let words = 0..count.div_ceil(64);
        Blocks(words.map(|_| AtomicU64::new(0)).collect())
    }

    #[inline]
    fn has(&self, block: usize) -> bool {
        let word = self.0.get(block / 64);
        word.is_some_and(|word| word.load(Ordering::Relaxed) & 1 << (block % 64) != 0)
    }

    fn add(&self, block: usize) {
        if let Some(word) = self.0.get(block / 64) {
            word.fetch_or(1 << (block % 64), Ordering::Relaxed);
        }
    }
}

#[derive(Debug)]
enum Held {
    Mapped(Map),
    /// Without mappings a file, of so many bytes, is read whole when it is first
    /// needed.
    Read(Arc<dyn File>, usize, OnceLock<Vec<u8>>),
    Memory(Vec<u8>),
}

impl Body {
    pub(super) fn mapped(path: &Path, map: Map, sections: &Sections) -> Self {
        map.expect_jumps();
        Self::new(path, Held::Mapped(map), sections)
    }

    pub(super) fn read(path: &Path, file: Arc<dyn File>, sections: &Sections) -> Self {
        let held = Held::Read(file, sections.end as usize, OnceLock::new());
        Self::new(path, held, sections)
    }

    pub(super) fn in_memory(path: &Path, bytes: Vec<u8>, sections: &Sections) -> Self {
        Self::new(path, Held::Memory(bytes), sections)
    }

    fn new(path: &Path, held: Held, sections: &Sections) -> Self {
        let checks = sections.checks as usize;
        let blocks = checks.div_ceil(CHECK_BLOCK);
        Body {
            path: path.to_path_buf(),
            held,
            checks,
            verified: Blocks::none_of(blocks),
            asked: Blocks::none_of(blocks),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Takes all of it for verified.
    pub(super) fn believe(&self) {
        let all = self.verified.0.iter();
        all.for_each(|word| word.store(u64::MAX, Ordering::Relaxed));
    }

    /// The bytes of a range within a section, if they have verified before: then
    /// they come from memory, most likely.
    #[inline]
    pub(super) fn known(&self, section: Range<u64>, start: u64, length: u64) -> Option<&[u8]> {
        let from = section.start.saturating_add(start);
        let to = from.saturating_add(length);
        if to > section.end || to > self.checks as u64 {
            return None;
        }
        let mut blocks = from as usize / CHECK_BLOCK..(to as usize).div_ceil(CHECK_BLOCK);
        if !blocks.all(|block| self.verified.has(block)) {
            return None;
        }
        Some(&self.bytes().ok()?[from as usize..to as usize])
    }

    /// The bytes of a range within a section, verified.
    #[inline]
    pub(super) fn slice(&self, section: Range<u64>, start: u64, length: u64) -> Result<&[u8]> {
        let from = section.start.saturating_add(start);
        let to = from.saturating_add(length);
        if to > section.end || to > self.checks as u64 {
            return Err(self.leads_outside(from));
        }
        let bytes = self.bytes()?;
        let (first, end) = (
            from as usize / CHECK_BLOCK,
            (to as usize).div_ceil(CHECK_BLOCK),
        );
        // Most of what is looked at is short, and was verified before.
        if end != first + 1 || !self.verified.has(first) {
            self.verify_blocks(bytes, first..end)?;
        }
        Ok(&bytes[from as usize..to as usize])
    }

    #[cold]
    fn leads_outside(&self, from: u64) -> Error {
        let fault = Fault::damaged(from as usize, "something leads outside its section");
        damaged(&self.path, fault)
    }

    fn verify_blocks(&self, bytes: &[u8], blocks: Range<usize>) -> Result<()> {
        for block in blocks {
            if !self.verified.has(block) {
                self.ask(block);
                self.verify(bytes, block)?;
                self.verified.add(block);
            }
        }
        Ok(())
    }

    /// All bytes, verified or not.
    #[inline]
    pub(super) fn bytes(&self) -> Result<&[u8]> {
        match &self.held {
            Held::Mapped(map) => Ok(map.as_ref()),
            Held::Memory(bytes) => Ok(bytes),
            Held::Read(file, length, read) => self.read_whole(&**file, *length, read),
        }
    }

    #[cold]
    fn read_whole<'a>(
        &self,
        file: &dyn File,
        length: usize,
        read: &'a OnceLock<Vec<u8>>,
    ) -> Result<&'a [u8]> {
        if let Some(bytes) = read.get() {
            return Ok(bytes);
        }
        // As long as the file is: who opened it has compared.
        let mut bytes = vec![0; length];
        fs::read_exact_at(file, &mut bytes, 0)
            .map_err(|error| Error::io(&self.path, "read", error))?;
        Ok(read.get_or_init(|| bytes))
    }

    /// Whether the byte at an offset has yet to come from the medium, as far as we
    /// know.
    #[inline]
    pub(super) fn is_cold(&self, offset: u64) -> bool {
        matches!(self.held, Held::Mapped(_)) && !self.asked.has(Self::block(offset))
    }

    /// Has the bytes of a range within a section read from the medium, with what
    /// lies around them, and doesn't wait for it.
    pub(super) fn ask_for(&self, section: &Range<u64>, start: u64, length: u64) {
        for block in self.blocks(section, start, length) {
            self.ask(block);
        }
    }

    /// The same for these blocks and nothing around them: neighbours together, if
    /// they come in order.
    pub(super) fn ask_for_blocks(&self, blocks: impl Iterator<Item = usize>) {
        let mut run = 0..0;
        for block in blocks.filter(|block| !self.asked.has(*block)) {
            if block == run.end && !run.is_empty() {
                run.end += 1;
            } else if !run.contains(&block) {
                self.ask_run(std::mem::replace(&mut run, block..block + 1));
            }
        }
        self.ask_run(run);
    }

    /// Has all checksums read from the medium, and doesn't wait for it.
    pub(super) fn ask_for_checks(&self) {
        if let Held::Mapped(map) = &self.held {
            let length = 4 * self.checks.div_ceil(CHECK_BLOCK);
            map.read_ahead(self.checks as u64, length);
        }
    }

    /// The block in which an offset of the file is.
    pub(super) fn block(offset: u64) -> usize {
        offset as usize / CHECK_BLOCK
    }

    /// The blocks of a range within a section; none if it leads outside.
    fn blocks(&self, section: &Range<u64>, start: u64, length: u64) -> Range<usize> {
        let from = section.start.saturating_add(start);
        let to = from.saturating_add(length).min(section.end);
        match from < to && to <= self.checks as u64 {
            true => Self::block(from)..(to as usize).div_ceil(CHECK_BLOCK),
            false => 0..0,
        }
    }

    /// Has a block read that was not asked for before: with the piece in which it
    /// is, if none of that was.
    fn ask(&self, block: usize) {
        if self.asked.has(block) {
            return;
        }
        let first = block - block % BLOCKS_PER_PIECE;
        let piece = first..first + BLOCKS_PER_PIECE;
        match piece.clone().any(|block| self.asked.has(block)) {
            true => self.ask_run(block..block + 1),
            false => self.ask_run(piece),
        }
    }

    fn ask_run(&self, blocks: Range<usize>) {
        let Held::Mapped(map) = &self.held else {
            return;
        };
        let start = (blocks.start * CHECK_BLOCK) as u64;
        map.read_ahead(start, blocks.len() * CHECK_BLOCK);
        blocks.for_each(|block| self.asked.add(block));
    }

    fn verify(&self, bytes: &[u8], block: usize) -> Result<()> {
        let start = block * CHECK_BLOCK;
        let content = &bytes[start..(start + CHECK_BLOCK).min(self.checks)];
        let sum = &bytes[self.checks + 4 * block..];
        sealed::verify(&self.path, start, content, sum)
    }
}
