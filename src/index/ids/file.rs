//! A file of ids, opened: looked into where it lies, and verified as it is
//! touched.

use crate::env::fs::{self, File};
use crate::env::sync::{AtomicU64, Ordering};
use crate::env::{Env, Map};
use crate::error::{Error, Result};
use crate::format::Fault;
use crate::format::ids::{
    BLOCK_BYTES, Block, CHECK_BYTES, ENTRY_BYTES, HEADER_BYTES, IdEntry, IdsHeader, block_of,
};
use crate::format::mark::FrameMark;
use crate::index::sealed::{self, damaged};
use crate::types::{Position, StoreId};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An open file of ids.
#[derive(Debug)]
pub(crate) struct IdFile {
    path: PathBuf,
    header: IdsHeader,
    body: Body,
}

#[derive(Debug)]
enum Body {
    /// And a bit for each checksum that was found to hold.
    Mapped(Map, Box<[AtomicU64]>),
    /// Without mappings what is looked at is read each time, and nothing is
    /// held in memory.
    Read(Arc<dyn File>),
}

/// Where bytes are put that are not mapped.
type Buffer = Vec<u8>;

impl IdFile {
    /// Opens a file and looks at its header only.
    pub(crate) fn open(env: &Env, path: &Path, store: StoreId, mapped: bool) -> Result<Self> {
        let decode = |head: &[u8], length| match IdsHeader::decode(head, length)? {
            header if header.store == store => Ok(header),
            _ => Err(Fault::damaged(16, "the file is of another store")),
        };
        let (file, header) = sealed::open::<HEADER_BYTES, _>(env, path, decode)?;
        let body = match sealed::map(&*file, path, mapped, header.end())? {
            Some(map) => {
                let checks = header.checks_at().div_ceil(CHECK_BYTES);
                let words = (0..checks.div_ceil(64)).map(|_| AtomicU64::new(0));
                Body::Mapped(map, words.collect())
            }
            None => Body::Read(file),
        };
        Ok(IdFile {
            path: path.to_path_buf(),
            header,
            body,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn header(&self) -> &IdsHeader {
        &self.header
    }

    pub(crate) fn first(&self) -> Position {
        self.header.first
    }

    pub(crate) fn last(&self) -> Position {
        self.header.last
    }

    /// The frame that the file's range ends with.
    pub(crate) fn mark(&self) -> FrameMark {
        self.header.last_frame
    }

    /// Appends the positions of a fingerprint, ascending. Most often the
    /// filter says that there are none.
    pub(crate) fn find(&self, fingerprint: u64, found: &mut Vec<Position>) -> Result<()> {
        let mut buffer = Buffer::new();
        let number = block_of(fingerprint, self.header.blocks);
        let block = Block::new(self.block(number, &mut buffer)?);
        if !block.may_hold(fingerprint) {
            return Ok(());
        }
        let first = u64::from(block.first());
        let end = match number + 1 < u64::from(self.header.blocks) {
            true => u64::from(Block::new(self.block(number + 1, &mut buffer)?).first()),
            false => self.header.entries(),
        };
        let entries = self.entries_between(first..end, &mut buffer)?;
        for bytes in entries.chunks_exact(ENTRY_BYTES) {
            let entry = IdEntry::decode(bytes);
            if entry.fingerprint == fingerprint {
                found.push(self.first().plus(u64::from(entry.place)));
            }
        }
        Ok(())
    }

    fn block<'a>(&'a self, number: u64, buffer: &'a mut Buffer) -> Result<&'a [u8]> {
        let start = IdsHeader::block_at(number);
        self.bytes(start..start + BLOCK_BYTES as u64, buffer)
    }

    fn entries_between<'a>(
        &'a self,
        entries: Range<u64>,
        buffer: &'a mut Buffer,
    ) -> Result<&'a [u8]> {
        if entries.start > entries.end || entries.end > self.header.entries() {
            let fault = Fault::damaged(HEADER_BYTES, "a block leads outside the entries");
            return Err(damaged(&self.path, fault));
        }
        let at = |number| self.header.entries_at() + number * ENTRY_BYTES as u64;
        self.bytes(at(entries.start)..at(entries.end), buffer)
    }

    /// The bytes of a range before the checksums, verified.
    fn bytes<'a>(&'a self, range: Range<u64>, buffer: &'a mut Buffer) -> Result<&'a [u8]> {
        let checks_at = self.header.checks_at();
        let checks = range.start / CHECK_BYTES..range.end.div_ceil(CHECK_BYTES);
        let start = checks.start * CHECK_BYTES;
        let within = (range.start - start) as usize..(range.end - start) as usize;
        match &self.body {
            Body::Mapped(map, verified) => {
                let bytes = map.as_ref();
                for check in checks {
                    let (word, bit) = (&verified[check as usize / 64], 1 << (check % 64));
                    if word.load(Ordering::Relaxed) & bit == 0 {
                        let sum = &bytes[(checks_at + 4 * check) as usize..];
                        let end = ((check + 1) * CHECK_BYTES).min(checks_at);
                        let content = &bytes[(check * CHECK_BYTES) as usize..end as usize];
                        self.verify(check, content, sum)?;
                        word.fetch_or(bit, Ordering::Relaxed);
                    }
                }
                Ok(&bytes[range.start as usize..range.end as usize])
            }
            Body::Read(file) => {
                let end = (checks.end * CHECK_BYTES).min(checks_at);
                let mut sums = vec![0; 4 * (checks.end - checks.start) as usize];
                buffer.resize((end - start) as usize, 0);
                fs::read_exact_at(&**file, buffer, start)
                    .and_then(|()| {
                        fs::read_exact_at(&**file, &mut sums, checks_at + 4 * checks.start)
                    })
                    .map_err(|error| Error::io(&self.path, "read", error))?;
                let contents = buffer.chunks(CHECK_BYTES as usize);
                for ((check, content), sum) in checks.zip(contents).zip(sums.chunks_exact(4)) {
                    self.verify(check, content, sum)?;
                }
                Ok(&buffer[within])
            }
        }
    }

    fn verify(&self, check: u64, content: &[u8], sum: &[u8]) -> Result<()> {
        sealed::verify(&self.path, (check * CHECK_BYTES) as usize, content, sum)
    }

    /// All entries in their order.
    pub(crate) fn entries(&self) -> Entries<'_> {
        Entries {
            file: self,
            next: 0,
            read: Vec::new().into_iter(),
        }
    }
}

/// Iterates over the entries of a file.
#[derive(Debug)]
pub(crate) struct Entries<'a> {
    file: &'a IdFile,
    /// The number of the first entry that has not been read.
    next: u64,
    read: std::vec::IntoIter<IdEntry>,
}

impl Iterator for Entries<'_> {
    type Item = Result<IdEntry>;

    fn next(&mut self) -> Option<Self::Item> {
        const AT_ONCE: u64 = 4096;
        if let Some(entry) = self.read.next() {
            return Some(Ok(entry));
        }
        let end = (self.next + AT_ONCE).min(self.file.header.entries());
        let range = std::mem::replace(&mut self.next, end)..end;
        match self.file.entries_between(range, &mut Buffer::new()) {
            Ok(bytes) => {
                let entries = bytes.chunks_exact(ENTRY_BYTES).map(IdEntry::decode);
                self.read = entries.collect::<Vec<_>>().into_iter();
                self.read.next().map(Ok)
            }
            Err(error) => {
                self.next = self.file.header.entries();
                Some(Err(error))
            }
        }
    }
}
