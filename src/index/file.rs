//! An index file, opened: looked into where it lies.

mod ahead;

pub(super) use self::ahead::STEPS;
use super::body::Body;
use super::build::CHECK_BLOCK;
use super::filter::Filter;
use super::sealed::{self, damaged};
use super::search::Candidate;
use crate::env::{Bug, Env};
use crate::error::{Error, Result};
use crate::format::Fault;
use crate::format::index::{
    BLOCK, Directory, Entry, HEADER_BYTES, IndexHeader, PLACES_PER_BLOCK, PlaceBlock, Postings,
    TermKey,
};
use crate::format::mark::FrameMark;
use crate::types::{Position, StoreId, Version};
use byteorder::{ByteOrder, LittleEndian};
use std::ops::Range;
use std::path::Path;

/// The longest that a bucket of the directory is, in bytes. Keys are hashes
/// under a secret of the store, so that none gets nearly so long.
const MOST_IN_A_BUCKET: u64 = 64 << 10;

/// A term found in a file: everything but the postings of a long list.
pub(crate) type Term = Entry;

/// An open index file.
#[derive(Debug)]
pub(crate) struct IndexFile {
    header: IndexHeader,
    directory: Directory,
    body: Body,
    /// Which streams it has, for as long as whoever wrote it has it open.
    streams: Option<Filter>,
}

/// Where a position was found last: the next one is often close by.
#[derive(Clone, Debug, Default)]
pub(crate) struct LastPlace {
    segment: u64,
    /// The positions of the file's range that are in it.
    positions: Range<u64>,
    /// The block that it was found in, and its number.
    block: Option<(u64, Places)>,
}

/// A block of places whose data has been verified, and where that lies.
#[derive(Clone, Debug)]
struct Places {
    block: PlaceBlock,
    data: Range<usize>,
}

impl IndexFile {
    /// Opens a file and looks at its header only.
    pub(crate) fn open(env: &Env, path: &Path, store: StoreId, mapped: bool) -> Result<Self> {
        let decode = |head: &[u8], length| Self::check_header(head, store, length);
        let (file, header) = sealed::open::<HEADER_BYTES, _>(env, path, decode)?;
        let sections = &header.sections;
        let body = match sealed::map(&*file, path, mapped, sections.end)? {
            Some(map) => Body::mapped(path, map, sections),
            None => Body::read(path, file, sections),
        };
        if env.bug(Bug::TrustsIndexFile) {
            body.believe();
        }
        Ok(Self::with_body(header, body))
    }

    /// A file that is only in memory: for stores that are open for reading,
    /// and while a new file is on its way to the disk.
    pub(crate) fn in_memory(path: &Path, store: StoreId, bytes: Vec<u8>) -> Result<Self> {
        let header = Self::check_header(&bytes, store, bytes.len() as u64)
            .map_err(|fault| damaged(path, fault))?;
        let body = Body::in_memory(path, bytes, &header.sections);
        Ok(Self::with_body(header, body))
    }

    fn check_header(bytes: &[u8], store: StoreId, length: u64) -> Result<IndexHeader, Fault> {
        let header = IndexHeader::decode(bytes)?;
        if header.store != store {
            return Err(Fault::damaged(16, "the file is of another store"));
        }
        let sections = &header.sections;
        let blocks = sections.checks.div_ceil(CHECK_BLOCK as u64);
        if sections.end != length || sections.end - sections.checks != 4 * blocks {
            return Err(Fault::damaged(
                0,
                "the file is not as long as its header says",
            ));
        }
        match Self::sections_fit(&header) {
            true => Ok(header),
            false => Err(Fault::damaged(
                80,
                "the sections are not as long as the header's numbers ask",
            )),
        }
    }

    /// Whether the sections whose length is known have it. No other checksum
    /// than the header's own covers the header: bytes that end in their own
    /// CRC leave that of the first block the same, whatever they are.
    fn sections_fit(header: &IndexHeader) -> bool {
        let sections = &header.sections;
        let place_blocks = u64::from(header.positions()).div_ceil(PLACES_PER_BLOCK as u64);
        sections.segments == HEADER_BYTES as u64
            && (sections.place_table - sections.segments).is_multiple_of(16)
            && sections.place_data - sections.place_table
                == (place_blocks + 1) * PlaceBlock::stride(header.version) as u64
            && sections.entries - sections.buckets == 4 * ((1 << header.bucket_bits) + 1)
            && header.terms <= Directory::new(header).most_terms(sections.lists - sections.entries)
    }

    fn with_body(header: IndexHeader, body: Body) -> Self {
        IndexFile {
            directory: Directory::new(&header),
            header,
            body,
            streams: None,
        }
    }

    /// The same file, of which it is known which streams it has.
    pub(crate) fn with_streams(self, streams: Filter) -> Self {
        IndexFile {
            streams: Some(streams),
            ..self
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.body.path()
    }

    pub(crate) fn header(&self) -> &IndexHeader {
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

    fn fail(&self, fault: Fault) -> Error {
        damaged(self.path(), fault)
    }

    /// Verifies all of it.
    pub(crate) fn verify(&self) -> Result<()> {
        let all = 0..self.header.sections.checks;
        self.body.slice(all.clone(), 0, all.end).map(drop)
    }

    /// The segments of the range: number, and first position in the range.
    pub(crate) fn segments(&self) -> Result<Vec<(u64, Position)>> {
        let sections = &self.header.sections;
        let range = sections.segments..sections.place_table;
        let bytes = self.body.slice(range.clone(), 0, range.end - range.start)?;
        let number = |at: usize| LittleEndian::read_u64(&bytes[at..at + 8]);
        Ok((0..bytes.len() / 16)
            .map(|index| (number(16 * index), Position::new(number(16 * index + 8))))
            .collect())
    }

    /// The segment and the offset of the frame of a position in the range.
    pub(crate) fn place(&self, position: Position) -> Result<(u64, u64)> {
        let index = position.get() - self.first().get();
        let bytes = self.body.bytes()?;
        let found = self.place_near(bytes, index as u32, &mut LastPlace::default())?;
        Ok((found.segment, found.offset))
    }

    /// Appends the frames of these positions, counted from the first one. `last`
    /// remembers where the last one was found, from one call to the next.
    pub(super) fn locate(
        &self,
        positions: &[u32],
        last: &mut LastPlace,
        out: &mut Vec<Candidate>,
    ) -> Result<()> {
        let bytes = self.body.bytes()?;
        for index in positions {
            out.push(self.place_near(bytes, *index, last)?);
        }
        Ok(())
    }

    /// The frame of a position among the bytes of the file. The next one to be
    /// looked up is often close by.
    #[inline]
    fn place_near(&self, bytes: &[u8], index: u32, last: &mut LastPlace) -> Result<Candidate> {
        let position = self.first().plus(u64::from(index));
        if !last.positions.contains(&position.get()) {
            (last.segment, last.positions) = self.segment_of(position)?;
        }
        let block = u64::from(index) / PLACES_PER_BLOCK as u64;
        let places = match &last.block {
            Some((own, places)) if *own == block => places,
            _ => &last.block.insert((block, self.place_block(block)?)).1,
        };
        // Its data was verified when the block was looked up.
        let packed = &bytes[places.data.clone()];
        let within = index as usize % PLACES_PER_BLOCK;
        Ok(Candidate {
            position,
            segment: last.segment,
            offset: places.block.offset(packed, within).into(),
        })
    }

    /// The frame of a position, counted from the first one, if what says so was
    /// looked at before.
    #[inline]
    pub(super) fn known_place(&self, index: u32, last: &mut LastPlace) -> Option<Candidate> {
        let block = u64::from(index) / PLACES_PER_BLOCK as u64;
        if last.block.as_ref().is_none_or(|(own, _)| *own != block) {
            last.block = Some((block, self.known_block(block)?));
        }
        self.place_near(self.body.bytes().ok()?, index, last).ok()
    }

    fn known_block(&self, block: u64) -> Option<Places> {
        let sections = &self.header.sections;
        let version = self.header.version;
        let bytes = self.body.known(
            sections.place_table..sections.place_data,
            block * PlaceBlock::stride(version) as u64,
            PlaceBlock::bytes(version) as u64,
        )?;
        let places = PlaceBlock::decode(version, bytes)?;
        let (start, length) = places.packed();
        let data = sections.place_data..sections.buckets;
        let from = data.start as usize + start;
        self.body.known(data, start as u64, length as u64)?;
        Some(Places {
            block: places,
            data: from..from + length,
        })
    }

    /// A block of places, its data verified.
    fn place_block(&self, block: u64) -> Result<Places> {
        let (places, within) = self.place_head(block)?;
        let sections = &self.header.sections;
        let data = sections.place_data..sections.buckets;
        let from = (data.start + within.start) as usize;
        let length = within.end - within.start;
        self.body.slice(data, within.start, length)?;
        Ok(Places {
            block: places,
            data: from..from + length as usize,
        })
    }

    /// A block of places, and where in the section its data lies.
    fn place_head(&self, block: u64) -> Result<(PlaceBlock, Range<u64>)> {
        let sections = &self.header.sections;
        let table = sections.place_table..sections.place_data;
        let version = self.header.version;
        let at = block * PlaceBlock::stride(version) as u64;
        let bytes = self
            .body
            .slice(table, at, PlaceBlock::bytes(version) as u64)?;
        let places = PlaceBlock::decode(version, bytes).ok_or_else(|| {
            self.fail(Fault::damaged(
                at as usize,
                "a block of places makes no sense",
            ))
        })?;
        let (start, length) = places.packed();
        Ok((places, start as u64..(start + length) as u64))
    }

    /// The segment of a position, and which positions of the range are in it.
    fn segment_of(&self, position: Position) -> Result<(u64, Range<u64>)> {
        let sections = &self.header.sections;
        let range = sections.segments..sections.place_table;
        let count = (range.end - range.start) / 16;
        let (mut low, mut high) = (0, count);
        // The last segment whose first position is not above this one.
        while low + 1 < high {
            let middle = low + (high - low) / 2;
            let entry = self.body.slice(range.clone(), middle * 16 + 8, 8)?;
            if LittleEndian::read_u64(entry) <= position.get() {
                low = middle;
            } else {
                high = middle;
            }
        }
        let entry = self.body.slice(range.clone(), low * 16, 16)?;
        let first = LittleEndian::read_u64(&entry[8..]).min(position.get());
        let end = match low + 1 < count {
            true => LittleEndian::read_u64(self.body.slice(range, low * 16 + 24, 8)?),
            false => self.last().get().saturating_add(1),
        };
        Ok((LittleEndian::read_u64(entry), first..end))
    }

    /// Appends the offsets of all positions of the range.
    pub(crate) fn read_offsets(&self, out: &mut Vec<u32>) -> Result<()> {
        let count = self.header.positions() as usize;
        for block in 0..count.div_ceil(PLACES_PER_BLOCK) {
            let places = self.place_block(block as u64)?;
            let packed = &self.body.bytes()?[places.data];
            let within = (count - block * PLACES_PER_BLOCK).min(PLACES_PER_BLOCK);
            out.extend((0..within).map(|index| places.block.offset(packed, index)));
        }
        Ok(())
    }

    /// What the file calls a term.
    pub(crate) fn key(&self, key: TermKey) -> TermKey {
        self.directory.key(key)
    }

    /// Looks a term up.
    pub(crate) fn find(&self, key: TermKey) -> Result<Option<Term>> {
        let bytes = self.bucket(key.bucket(self.header.bucket_bits))?;
        let found = self.directory.find(bytes, key);
        match found.map_err(|fault| self.fail(fault))? {
            Some(found) => self.checked(found).map(Some),
            None => Ok(None),
        }
    }

    /// Replaces `out` with the postings of a stream, and says which version the
    /// first has; with none if it has none here. `None`: they are many, or what
    /// says so was not looked at before, or makes no sense.
    pub(super) fn known_stream(&self, key: TermKey, out: &mut Vec<u32>) -> Option<Version> {
        out.clear();
        let sections = &self.header.sections;
        let bucket = key.bucket(self.header.bucket_bits);
        let buckets = sections.buckets..sections.entries;
        let bounds = self.body.known(buckets, 4 * bucket, 8)?;
        let start = u64::from(LittleEndian::read_u32(&bounds[..4]));
        let end = u64::from(LittleEndian::read_u32(&bounds[4..]));
        let length = end
            .checked_sub(start)
            .filter(|it| *it <= MOST_IN_A_BUCKET)?;
        let entries = sections.entries..sections.lists;
        let bytes = self.body.known(entries, start, length)?;
        let first = self.directory.find_short(bytes, key, out).ok()?;
        (out.len() as u64 <= u64::from(self.header.positions())).then_some(first?)
    }

    /// The version of a stream's last event in the range, if it has any.
    pub(crate) fn latest(&self, stream: TermKey) -> Result<Option<Version>> {
        let streams = self.streams.as_ref();
        if streams.is_some_and(|streams| !streams.may_hold(stream)) {
            return Ok(None);
        }
        let bytes = self.bucket(stream.bucket(self.header.bucket_bits))?;
        let found = self.directory.find_count(bytes, stream);
        let found = found.map_err(|fault| self.fail(fault))?;
        let Some((count, first)) = found else {
            return Ok(None);
        };
        self.check_count(count)?;
        let first = first.unwrap_or(Version::new(1));
        Ok(Some(first.plus(u64::from(count) - 1)))
    }

    fn bucket(&self, bucket: u64) -> Result<&[u8]> {
        let sections = &self.header.sections;
        let within = self.bucket_range(bucket)?;
        self.body.slice(
            sections.entries..sections.lists,
            within.start,
            within.end - within.start,
        )
    }

    /// Where among the entries those of a bucket lie.
    fn bucket_range(&self, bucket: u64) -> Result<Range<u64>> {
        let sections = &self.header.sections;
        let bounds = self
            .body
            .slice(sections.buckets..sections.entries, 4 * bucket, 8)?;
        let start = u64::from(LittleEndian::read_u32(&bounds[..4]));
        let end = u64::from(LittleEndian::read_u32(&bounds[4..]));
        let length = end.checked_sub(start).ok_or_else(|| {
            self.fail(Fault::damaged(
                4 * bucket as usize,
                "a bucket ends before it begins",
            ))
        })?;
        // Some ten terms share a bucket, so that a look through one is short.
        if length > MOST_IN_A_BUCKET {
            let fault = Fault::damaged(4 * bucket as usize, "a bucket has too many terms");
            return Err(self.fail(fault));
        }
        Ok(start..end)
    }

    /// What a term says of itself has to fit the file.
    fn checked(&self, term: Term) -> Result<Term> {
        self.check_count(term.count).map(|()| term)
    }

    fn check_count(&self, count: u32) -> Result<()> {
        if count > self.header.positions() {
            let fault = Fault::damaged(0, "a term has more postings than there are positions");
            return Err(self.fail(fault));
        }
        Ok(())
    }

    /// All terms, bucket by bucket.
    pub(crate) fn terms(&self) -> Terms<'_> {
        Terms {
            file: self,
            bucket: 0,
            lists: 0,
        }
    }

    /// Replaces `out` with a block of a long list.
    pub(crate) fn read_block(
        &self,
        list: u64,
        count: u32,
        block: usize,
        out: &mut Vec<u32>,
    ) -> Result<()> {
        let within = (count as usize - block * BLOCK).min(BLOCK);
        let skip = self.skip(list, self.directory.block_skip(block))?;
        let found = self.directory.block(skip, within);
        let (coded, start, length) = found.map_err(|fault| self.fail(fault))?;
        let behind = list.saturating_add(self.directory.skip_bytes(count));
        let bytes = self
            .body
            .slice(self.lists(), behind.saturating_add(start), length)?;
        coded.read(bytes, out).map_err(|fault| self.fail(fault))
    }

    /// The first posting of a block of a long list.
    pub(crate) fn block_first(&self, list: u64, block: usize) -> Result<u32> {
        let bytes = self.skip(list, self.directory.block_first(block))?;
        Ok(LittleEndian::read_u32(bytes))
    }

    /// A part of a long list's skip table.
    fn skip(&self, list: u64, part: Range<u64>) -> Result<&[u8]> {
        let at = list.saturating_add(part.start);
        self.body.slice(self.lists(), at, part.end - part.start)
    }

    fn lists(&self) -> Range<u64> {
        self.header.sections.lists..self.header.sections.checks
    }

    /// Appends all postings of a term, each moved up by `shift`.
    pub(crate) fn read_postings(&self, term: &Term, shift: u32, out: &mut Vec<u32>) -> Result<()> {
        let moved = |posting: &u32| posting.saturating_add(shift);
        match &term.postings {
            Postings::Inline(postings) => out.extend(postings.iter().map(moved)),
            Postings::Listed(list) => {
                let mut block_postings = Vec::new();
                for block in 0..(term.count as usize).div_ceil(BLOCK) {
                    self.read_block(*list, term.count, block, &mut block_postings)?;
                    out.extend(block_postings.iter().map(moved));
                }
            }
        }
        Ok(())
    }
}

/// Goes through the terms of a file.
#[derive(Debug)]
pub(crate) struct Terms<'a> {
    file: &'a IndexFile,
    bucket: u64,
    /// Where the lists met so far end at least: they lie one behind the other.
    lists: u64,
}

impl Terms<'_> {
    /// The terms of the next bucket, in the order in which they stand there;
    /// nothing behind the last one.
    pub(crate) fn next_bucket(&mut self) -> Result<Option<Vec<Term>>> {
        let file = self.file;
        if self.bucket >= 1 << file.header.bucket_bits {
            return Ok(None);
        }
        let bytes = file.bucket(self.bucket)?;
        let terms = file.directory.terms(self.bucket, bytes);
        self.bucket += 1;
        let terms = terms.map_err(|fault| file.fail(fault))?;
        for term in &terms {
            file.check_count(term.count)?;
            if term.key.bucket(file.header.bucket_bits) != self.bucket - 1 {
                let fault = Fault::damaged(0, "a term stands in the bucket of others");
                return Err(file.fail(fault));
            }
            if let Postings::Listed(list) = term.postings {
                self.behind_the_others(list, term.count)?;
            }
        }
        Ok(Some(terms))
    }

    fn behind_the_others(&mut self, list: u64, count: u32) -> Result<()> {
        if list < self.lists {
            let fault = Fault::damaged(list as usize, "a list begins within another one");
            return Err(self.file.fail(fault));
        }
        self.lists = list.saturating_add(self.file.directory.skip_bytes(count));
        Ok(())
    }
}
