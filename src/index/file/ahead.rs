//! What of an index file has to come from the medium is asked for before it is
//! looked into, so that a search waits once for many of them. Only hints: what
//! makes no sense here is met again where it is needed.

use super::super::body::Body;
use super::IndexFile;
use crate::format::index::{PLACES_PER_BLOCK, PlaceBlock, Postings, TermKey};
use std::ops::Range;

/// The most of a long list that is asked for, in bytes.
const MOST_OF_A_LIST: u64 = 64 << 10;
/// What a posting takes in a long list of a term that is rare enough not to be
/// walked, in bytes.
const POSTING: u64 = 2;

/// The steps in which a term is looked up: each asks for what the next one looks
/// into.
pub(in crate::index) const STEPS: [fn(&IndexFile, TermKey); 3] = [
    IndexFile::ask_for_bounds,
    IndexFile::ask_for_bucket,
    IndexFile::ask_for_list,
];

impl IndexFile {
    /// Whether a term can't be looked up but with bytes that were never touched.
    #[inline]
    pub(in crate::index) fn is_cold(&self, key: TermKey) -> bool {
        let (buckets, at) = self.bounds_of_bucket(key);
        self.body.is_cold(buckets.start + at)
    }

    #[inline]
    fn bounds_of_bucket(&self, key: TermKey) -> (Range<u64>, u64) {
        let sections = &self.header.sections;
        let bucket = key.bucket(self.header.bucket_bits);
        (sections.buckets..sections.entries, 4 * bucket)
    }

    fn ask_for_bounds(&self, key: TermKey) {
        let (buckets, at) = self.bounds_of_bucket(key);
        self.body.ask_for_checks();
        self.body.ask_for(&buckets, at, 8);
    }

    fn ask_for_bucket(&self, key: TermKey) {
        let sections = &self.header.sections;
        if let Ok(bucket) = self.bucket_range(key.bucket(self.header.bucket_bits)) {
            let entries = sections.entries..sections.lists;
            self.body
                .ask_for(&entries, bucket.start, bucket.end - bucket.start);
        }
    }

    fn ask_for_list(&self, key: TermKey) {
        if let Ok(Some(term)) = self.find(key)
            && let Postings::Listed(list) = term.postings
        {
            let length = POSTING * u64::from(term.count) + self.directory.skip_bytes(term.count);
            self.body
                .ask_for(&self.lists(), list, length.min(MOST_OF_A_LIST));
        }
    }

    /// Asks for what says where in the file the places of these positions are,
    /// counted from the first one.
    pub(in crate::index) fn ask_for_place_heads(&self, positions: &[u32]) {
        let sections = &self.header.sections;
        let segments = sections.segments..sections.place_table;
        self.body
            .ask_for(&segments, 0, segments.end - segments.start);
        let table = sections.place_table..sections.place_data;
        let version = self.header.version;
        let (stride, length) = (PlaceBlock::stride(version), PlaceBlock::bytes(version));
        for index in positions {
            let block = u64::from(*index) / PLACES_PER_BLOCK as u64;
            self.body
                .ask_for(&table, block * stride as u64, length as u64);
        }
    }

    /// Asks for the places of these positions, counted from the first one. Waits
    /// for what says where in the file they are.
    pub(in crate::index) fn ask_for_places(&self, positions: &[u32]) {
        let data = self.header.sections.place_data;
        self.body
            .ask_for_blocks(positions.iter().filter_map(|index| {
                let block = u64::from(*index) / PLACES_PER_BLOCK as u64;
                let (_, within) = self.place_head(block).ok()?;
                Some(Body::block(data.saturating_add(within.start)))
            }));
    }
}
