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
/// KiB. It divides the bits of a word.
const BLOCKS_PER_PIECE: usize = 4;
const _: () = assert!(64 % BLOCKS_PER_PIECE == 0);

#[derive(Debug)]
pub(super) struct Body {
    path: PathBuf,
    held: Held,
    /// Where the checksums stand: behind all that they are for.
    checks: usize,
    /// A bit for each block that has been verified.
    verified: Box<[AtomicU64]>,
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
        let words = checks.div_ceil(CHECK_BLOCK).div_ceil(64);
        Body {
            path: path.to_path_buf(),
            held,
            checks,
            verified: (0..words).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn is_mapped(&self) -> bool {
        matches!(self.held, Held::Mapped(_))
    }

    /// Takes all of it for verified.
    pub(super) fn believe(&self) {
        let all = self.verified.iter();
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
        if !blocks.all(|block| self.is_known(block)) {
            return None;
        }
        Some(&self.bytes().ok()?[from as usize..to as usize])
    }

    #[inline]
    fn is_known(&self, block: usize) -> bool {
        let word = self.verified.get(block / 64);
        word.is_some_and(|word| word.load(Ordering::Relaxed) & 1 << (block % 64) != 0)
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
        if end != first + 1 || !self.is_known(first) {
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
            let (word, bit) = (&self.verified[block / 64], 1 << (block % 64));
            let known = word.load(Ordering::Relaxed);
            if known & bit == 0 {
                self.read_piece(known, block);
                self.verify(bytes, block)?;
                word.fetch_or(bit, Ordering::Relaxed);
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

    /// Has a block read from the medium, and doesn't wait for it. One that was
    /// touched before is taken to be in memory.
    pub(super) fn read_ahead(&self, block: usize) {
        if let Held::Mapped(map) = &self.held
            && !self.is_known(block)
        {
            map.read_ahead((block * CHECK_BLOCK) as u64, CHECK_BLOCK);
        }
    }

    /// Has the piece read in which a block is, if no block of it was touched
    /// before. `known` is the word in which the block has its bit.
    fn read_piece(&self, known: u64, block: usize) {
        let first = block - block % BLOCKS_PER_PIECE;
        let of_piece = ((1 << BLOCKS_PER_PIECE) - 1) << (first % 64);
        if let Held::Mapped(map) = &self.held
            && known & of_piece == 0
        {
            let start = (first * CHECK_BLOCK) as u64;
            map.read_ahead(start, BLOCKS_PER_PIECE * CHECK_BLOCK);
        }
    }

    fn verify(&self, bytes: &[u8], block: usize) -> Result<()> {
        let start = block * CHECK_BLOCK;
        let content = &bytes[start..(start + CHECK_BLOCK).min(self.checks)];
        let sum = &bytes[self.checks + 4 * block..];
        sealed::verify(&self.path, start, content, sum)
    }
}
