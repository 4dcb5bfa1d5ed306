//! Makes the bytes of an index file: from a table, or from smaller files.

use super::file::{IndexFile, Term};
use super::filter::Filter;
use super::table::Table;
use crate::error::{Error, Result};
use crate::format::checksum;
use crate::format::index::{Entry, HEADER_BYTES, IndexHeader, Sections, TermKey, encode_places};
use crate::types::{Position, StoreId, Version};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

/// How many bytes of a file one checksum covers.
pub(super) const CHECK_BLOCK: usize = 16 << 10;
/// About how many terms share a bucket of the directory.
const TERMS_PER_BUCKET: u64 = 8;

/// Which frame in the log is the last that an index file covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameMark {
    pub(crate) segment: u64,
    pub(crate) offset: u64,
    pub(crate) checksum: u32,
}

/// The bytes of a new index file and the range that they are for.
#[derive(Debug)]
pub(crate) struct Image {
    pub(crate) first: Position,
    pub(crate) last: Position,
    pub(crate) bytes: Vec<u8>,
    /// The streams of the range.
    pub(crate) streams: Filter,
}

impl Image {
    /// The index file of a table's range, or nothing if the table is empty.
    pub(crate) fn of_table(store: StoreId, table: &Table, mark: FrameMark) -> Option<Self> {
        if table.is_empty() {
            return None;
        }
        let terms = table.sorted();
        let mut builder = Builder::new(table.segments(), table.offsets(), terms.len() as u64);
        for (key, posting) in terms {
            builder.term(key, posting.first_version, posting.places);
        }
        Some(builder.finish(store, table.first(), table.last(), mark))
    }
}

/// One index file in place of several over adjacent ranges, oldest first.
pub(crate) fn merge(store: StoreId, files: &[Arc<IndexFile>]) -> Result<Option<Image>> {
    let (Some(oldest), Some(newest)) = (files.first(), files.last()) else {
        return Ok(None);
    };
    let (mut segments, mut offsets, mut most) = (Vec::new(), Vec::new(), 0);
    for file in files {
        for (number, base) in file.segments()? {
            if segments.last().is_none_or(|(last, _)| *last != number) {
                segments.push((number, base));
            }
        }
        file.read_offsets(&mut offsets)?;
        most += file.header().terms;
    }
    let mut builder = Builder::new(&segments, &offsets, most);
    let first = oldest.first();
    let mut sources = files.iter().map(|file| file.terms()).collect::<Vec<_>>();
    let mut waiting = BinaryHeap::new();
    let mut current: Vec<Option<Term>> = Vec::new();
    for (index, source) in sources.iter_mut().enumerate() {
        let term = source.next().transpose()?;
        waiting.extend(term.as_ref().map(|term| Reverse((term.key, index))));
        current.push(term);
    }
    let (mut key, mut version, mut postings) = (None, None, Vec::new());
    // Equal keys come oldest file first, so that postings stay in order.
    while let Some(Reverse((next, index))) = waiting.pop() {
        if key != Some(next) {
            builder.flush(key, version, &mut postings);
            key = Some(next);
            version = current[index].as_ref().and_then(|term| term.first_version);
        }
        if let Some(term) = current[index].take() {
            let shift = (files[index].first().get() - first.get()) as u32;
            let before = postings.len();
            files[index].read_postings(&term, shift, &mut postings)?;
            // Checksums hold for lies, too.
            let own = &postings[before..];
            let end = u64::from(shift) + u64::from(files[index].header().positions());
            let within = own.last().is_none_or(|last| u64::from(*last) < end);
            if !within || !own.is_sorted_by(|one, next| one < next) {
                let reason = "the postings of a term are not those of its range";
                return Err(Error::corrupt(files[index].path(), 0, reason));
            }
        }
        current[index] = sources[index].next().transpose()?;
        waiting.extend(
            current[index]
                .as_ref()
                .map(|term| Reverse((term.key, index))),
        );
    }
    builder.flush(key, version, &mut postings);
    Ok(Some(builder.finish(
        store,
        first,
        newest.last(),
        newest.mark(),
    )))
}

/// Gathers the sections of a file.
struct Builder {
    segments: Vec<u8>,
    place_table: Vec<u8>,
    place_data: Vec<u8>,
    bucket_bits: u32,
    buckets: Vec<u32>,
    entries: Vec<u8>,
    lists: Vec<u8>,
    terms: u64,
    streams: Vec<TermKey>,
}

impl Builder {
    fn new(segments: &[(u64, Position)], offsets: &[u32], most_terms: u64) -> Self {
        let (mut place_table, mut place_data) = (Vec::new(), Vec::new());
        encode_places(&mut place_table, &mut place_data, offsets);
        let buckets = (most_terms / TERMS_PER_BUCKET).max(1).next_power_of_two();
        let mut segment_bytes = Vec::new();
        for (number, base) in segments {
            segment_bytes.extend_from_slice(&number.to_le_bytes());
            segment_bytes.extend_from_slice(&base.get().to_le_bytes());
        }
        Builder {
            segments: segment_bytes,
            place_table,
            place_data,
            bucket_bits: buckets.ilog2(),
            buckets: Vec::with_capacity(buckets as usize + 1),
            entries: Vec::new(),
            lists: Vec::new(),
            terms: 0,
            streams: Vec::new(),
        }
    }

    /// Adds a term; keys come in ascending order.
    fn term(&mut self, key: TermKey, first_version: Option<Version>, postings: &[u32]) {
        let bucket = key.bucket(self.bucket_bits);
        while self.buckets.len() <= bucket {
            self.buckets.push(self.entries.len() as u32);
        }
        Entry::encode(
            &mut self.entries,
            &mut self.lists,
            key,
            first_version,
            postings,
        );
        self.terms += 1;
        if first_version.is_some() {
            self.streams.push(key);
        }
    }

    fn flush(&mut self, key: Option<TermKey>, version: Option<Version>, postings: &mut Vec<u32>) {
        if let Some(key) = key {
            self.term(key, version, postings);
        }
        postings.clear();
    }

    fn finish(mut self, store: StoreId, first: Position, last: Position, mark: FrameMark) -> Image {
        while self.buckets.len() <= 1 << self.bucket_bits {
            self.buckets.push(self.entries.len() as u32);
        }
        let buckets: Vec<u8> = self
            .buckets
            .iter()
            .flat_map(|at| at.to_le_bytes())
            .collect();
        let parts = [
            &self.segments,
            &self.place_table,
            &self.place_data,
            &buckets,
            &self.entries,
            &self.lists,
        ];
        let mut bytes = vec![0; HEADER_BYTES];
        let mut starts = [0; 6];
        for (part, start) in parts.iter().zip(&mut starts) {
            *start = bytes.len() as u64;
            bytes.extend_from_slice(part);
        }
        let checks = bytes.len() as u64;
        let blocks = bytes.len().div_ceil(CHECK_BLOCK) as u64;
        let header = IndexHeader {
            store,
            first,
            last,
            bucket_bits: self.bucket_bits,
            terms: self.terms,
            last_segment: mark.segment,
            last_offset: mark.offset,
            last_checksum: mark.checksum,
            sections: Sections {
                segments: starts[0],
                place_table: starts[1],
                place_data: starts[2],
                buckets: starts[3],
                entries: starts[4],
                lists: starts[5],
                checks,
                end: checks + 4 * blocks,
            },
        };
        bytes[..HEADER_BYTES].copy_from_slice(&header.encode());
        let sums: Vec<u8> = bytes
            .chunks(CHECK_BLOCK)
            .flat_map(|block| checksum::plain(block).to_le_bytes())
            .collect();
        bytes.extend_from_slice(&sums);
        Image {
            first,
            last,
            bytes,
            streams: Filter::new(&self.streams),
        }
    }
}
