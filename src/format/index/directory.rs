//! Terms and lists, read in whichever version a file has.

use super::entry::{self, Entries, Entry, Widths};
use super::header::{IndexHeader, IndexVersion};
use super::key::TermKey;
use super::list::{self, BLOCK};
use super::stream::BitWriter;
use super::v1;
use crate::format::Fault;
use crate::types::Version;
use byteorder::{ByteOrder, LittleEndian};
use std::ops::Range;

/// How a file's terms are to be read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Directory {
    version: IndexVersion,
    widths: Widths,
}

/// A block of a long list: where its bytes lie, and how they are read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ListBlock {
    Packed(v1::list::Block),
    Coded { first: u32, count: usize },
}

impl Directory {
    pub(crate) fn new(header: &IndexHeader) -> Self {
        Directory {
            version: header.version,
            widths: Widths::new(header.bucket_bits, header.positions()),
        }
    }

    /// What the file calls a term: version 1 has whole keys.
    pub(crate) fn key(&self, key: TermKey) -> TermKey {
        match self.version {
            IndexVersion::One => key,
            IndexVersion::Two => key.short(),
        }
    }

    /// The most terms that so many bytes may hold.
    pub(crate) fn most_terms(&self, bytes: u64) -> u64 {
        match self.version {
            IndexVersion::One => bytes / v1::entry::MIN_BYTES,
            IndexVersion::Two => bytes / Entry::MIN_BYTES,
        }
    }

    /// Looks a term up in the bytes of its bucket.
    pub(crate) fn find(&self, bucket: &[u8], key: TermKey) -> Result<Option<Entry>, Fault> {
        let key = self.key(key);
        if self.version == IndexVersion::One {
            return v1::entry::find(bucket, key);
        }
        let mut entries = Entries::new(bucket, self.widths);
        match entries.find(key)? {
            Some(head) => entries.entry(key, head).map(Some),
            None => Ok(None),
        }
    }

    /// Appends the postings of a stream to `out`, if they stand in its bucket, and
    /// gives the version of the first; with none, if it has none. Nothing if they
    /// do not stand there, or stand there as version 1 has them.
    pub(crate) fn find_short(
        &self,
        bucket: &[u8],
        key: TermKey,
        out: &mut Vec<u32>,
    ) -> Result<Option<Version>, Fault> {
        if self.version == IndexVersion::One {
            return Ok(None);
        }
        let mut entries = Entries::new(bucket, self.widths);
        match entries.find(key.short())? {
            Some(head) => entries.short(head, out),
            None => Ok(Some(Version::NONE)),
        }
    }

    /// How many postings a term has and, for a stream, the version of the
    /// first: what can be told without reading them.
    pub(crate) fn find_count(
        &self,
        bucket: &[u8],
        key: TermKey,
    ) -> Result<Option<(u32, Option<Version>)>, Fault> {
        if self.version == IndexVersion::One {
            let found = v1::entry::find(bucket, key)?;
            return Ok(found.map(|found| (found.count, found.first_version)));
        }
        let found = Entries::new(bucket, self.widths).find(key.short())?;
        Ok(found.map(|head| (head.count, head.first_version)))
    }

    /// All terms of a bucket, in the order in which they stand there.
    pub(crate) fn terms(&self, number: u64, bucket: &[u8]) -> Result<Vec<Entry>, Fault> {
        let mut terms = Vec::new();
        if self.version == IndexVersion::One {
            let mut at = 0;
            while at < bucket.len() {
                terms.push(v1::entry::decode(bucket, &mut at)?);
            }
            return Ok(terms);
        }
        let mut entries = Entries::new(bucket, self.widths);
        while let Some(entry) = entries.next(number)? {
            terms.push(entry);
        }
        Ok(terms)
    }

    /// The bytes of the skip table of a list with so many postings.
    pub(crate) fn skip_bytes(&self, count: u32) -> u64 {
        (count as usize).div_ceil(BLOCK) as u64 * self.skip_stride()
    }

    fn skip_stride(&self) -> u64 {
        match self.version {
            IndexVersion::One => v1::list::SKIP_BYTES as u64,
            IndexVersion::Two => list::SKIP_BYTES as u64,
        }
    }

    /// Where the first posting of a block stands in the skip table.
    pub(crate) fn block_first(&self, block: usize) -> Range<u64> {
        let at = block as u64 * self.skip_stride();
        at..at + 4
    }

    /// The part of the skip table that a block is described by.
    pub(crate) fn block_skip(&self, block: usize) -> Range<u64> {
        let at = block as u64 * self.skip_stride();
        let before = match (self.version, block) {
            (IndexVersion::One, _) | (_, 0) => 0,
            // Where the one before it ends.
            (IndexVersion::Two, _) => 4,
        };
        at - before..at + self.skip_stride()
    }

    /// A block with so many postings, as that part describes it, and where its
    /// bytes lie behind the skip table: start and length.
    pub(crate) fn block(&self, skip: &[u8], count: usize) -> Result<(ListBlock, u64, u64), Fault> {
        let decoded = match self.version {
            IndexVersion::One => v1::list::Block::decode(skip, count).map(|block| {
                let (start, length) = block.packed();
                (ListBlock::Packed(block), start, length)
            }),
            IndexVersion::Two => {
                let (before, entry) = skip.split_at(skip.len() - list::SKIP_BYTES);
                let before = match before {
                    [] => 0,
                    before => LittleEndian::read_u32(before),
                };
                list::decode_skip(entry, before).map(|(first, length)| {
                    let block = ListBlock::Coded { first, count };
                    (block, before.into(), length.into())
                })
            }
        };
        decoded.ok_or(Fault::damaged(0, "a block of postings makes no sense"))
    }
}

impl ListBlock {
    /// Replaces `out` with the postings of the block.
    pub(crate) fn read(self, bytes: &[u8], out: &mut Vec<u32>) -> Result<(), Fault> {
        match self {
            ListBlock::Packed(block) => block.unpack(bytes, out),
            ListBlock::Coded { first, count } => {
                if !list::decode_block(bytes, first, count, out) {
                    return Err(Fault::damaged(0, "a block of postings is cut off"));
                }
            }
        }
        Ok(())
    }
}

/// Writes a directory and its lists, in the newest version.
#[derive(Debug)]
pub(crate) struct DirectoryWriter {
    widths: Widths,
    buckets: Vec<u32>,
    entries: BitWriter,
    lists: Vec<u8>,
    terms: u64,
}

/// The sections that have come of it.
#[derive(Debug)]
pub(crate) struct DirectoryBytes {
    pub(crate) bucket_bits: u32,
    pub(crate) terms: u64,
    pub(crate) buckets: Vec<u8>,
    pub(crate) entries: Vec<u8>,
    pub(crate) lists: Vec<u8>,
}

/// At least so many terms share a bucket, and fewer than twice as many.
const TERMS_PER_BUCKET: u64 = 4;

impl DirectoryWriter {
    /// A directory of so many terms of a range with so many positions.
    pub(crate) fn new(terms: u64, positions: u32) -> Self {
        let bucket_bits = (terms / TERMS_PER_BUCKET).max(1).ilog2().min(32);
        DirectoryWriter {
            widths: Widths::new(bucket_bits, positions),
            buckets: Vec::with_capacity((1 << bucket_bits) + 1),
            entries: BitWriter::default(),
            lists: Vec::new(),
            terms: 0,
        }
    }

    /// Adds a term; its key is short, and above those before it.
    pub(crate) fn put(&mut self, key: TermKey, first_version: Option<Version>, postings: &[u32]) {
        self.begin_buckets(key.bucket(self.widths.bucket) + 1);
        entry::encode(
            &mut self.entries,
            &mut self.lists,
            self.widths,
            key,
            first_version,
            postings,
        );
        self.terms += 1;
    }

    /// Begins buckets until there are so many.
    fn begin_buckets(&mut self, many: u64) {
        while (self.buckets.len() as u64) < many {
            self.entries.align();
            self.buckets.push(self.entries.len() as u32);
        }
    }

    pub(crate) fn finish(mut self) -> DirectoryBytes {
        // One more says where the last one ends.
        self.begin_buckets((1 << self.widths.bucket) + 1);
        let buckets = self.buckets.iter().flat_map(|at| at.to_le_bytes());
        DirectoryBytes {
            bucket_bits: self.widths.bucket,
            terms: self.terms,
            buckets: buckets.collect(),
            entries: self.entries.into_bytes(),
            lists: self.lists,
        }
    }
}
