//! Makes the bytes of an index file: from a table, or from smaller files.

use super::file::IndexFile;
use super::filter::Filter;
use super::merging::Merging;
use super::table::Table;
use crate::error::Result;
use crate::format::checksum;
use crate::format::index::{
    DirectoryWriter, HEADER_BYTES, IndexHeader, IndexVersion, Sections, TermKey, encode_places,
};
use crate::format::mark::FrameMark;
use crate::types::{Position, StoreId, Version};
use std::sync::Arc;

/// How many bytes of a file one checksum covers.
pub(super) const CHECK_BLOCK: usize = 16 << 10;

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
            let postings = builder.begin(key, posting.first_version);
            postings.extend_from_slice(posting.places);
        }
        Some(builder.finish(store, table.first(), table.last(), mark))
    }
}

/// One index file in place of several over adjacent ranges, oldest first.
pub(crate) fn merge(store: StoreId, files: &[Arc<IndexFile>]) -> Result<Option<Image>> {
    let (Some(oldest), Some(newest)) = (files.first(), files.last()) else {
        return Ok(None);
    };
    let (mut segments, mut offsets) = (Vec::new(), Vec::new());
    for file in files {
        for (number, base) in file.segments()? {
            if segments.last().is_none_or(|(last, _)| *last != number) {
                segments.push((number, base));
            }
        }
        file.read_offsets(&mut offsets)?;
    }
    // How many buckets there are depends on how many terms there will be.
    let terms = Merging::new(files)?.count_keys()?;
    let mut builder = Builder::new(&segments, &offsets, terms);
    let mut merging = Merging::new(files)?;
    // Of equal keys those of the oldest file come first, so that postings stay
    // in order.
    while let Some((index, term)) = merging.next()? {
        let postings = builder.begin(term.key, term.first_version);
        merging.read_postings(index, &term, postings)?;
    }
    let (first, last) = (oldest.first(), newest.last());
    Ok(Some(builder.finish(store, first, last, newest.mark())))
}

/// Gathers the sections of a file.
struct Builder {
    segments: Vec<u8>,
    place_table: Vec<u8>,
    place_data: Vec<u8>,
    directory: DirectoryWriter,
    streams: Vec<TermKey>,
    /// The term that is being gathered, and its postings so far.
    term: Option<(TermKey, Option<Version>)>,
    postings: Vec<u32>,
}

impl Builder {
    fn new(segments: &[(u64, Position)], offsets: &[u32], terms: u64) -> Self {
        let (mut place_table, mut place_data) = (Vec::new(), Vec::new());
        encode_places(&mut place_table, &mut place_data, offsets);
        let mut segment_bytes = Vec::new();
        for (number, base) in segments {
            segment_bytes.extend_from_slice(&number.to_le_bytes());
            segment_bytes.extend_from_slice(&base.get().to_le_bytes());
        }
        Builder {
            segments: segment_bytes,
            place_table,
            place_data,
            directory: DirectoryWriter::new(terms, offsets.len() as u32),
            streams: Vec::new(),
            term: None,
            postings: Vec::new(),
        }
    }

    /// Begins a term, or goes on with it if it is the last one: keys come in
    /// ascending order. Gives the list that its postings are to be added to.
    fn begin(&mut self, key: TermKey, first_version: Option<Version>) -> &mut Vec<u32> {
        if self.term.is_none_or(|(last, _)| last != key) {
            self.put_term();
            self.term = Some((key, first_version));
        }
        &mut self.postings
    }

    fn put_term(&mut self) {
        if let Some((key, first_version)) = self.term.take() {
            // Two terms of one part may share a key.
            if !self.postings.is_sorted_by(|one, next| one < next) {
                self.postings.sort_unstable();
                self.postings.dedup();
            }
            self.directory.put(key, first_version, &self.postings);
            if key.is_stream {
                self.streams.push(key);
            }
        }
        self.postings.clear();
    }

    fn finish(mut self, store: StoreId, first: Position, last: Position, mark: FrameMark) -> Image {
        self.put_term();
        let directory = self.directory.finish();
        let parts = [
            &self.segments,
            &self.place_table,
            &self.place_data,
            &directory.buckets,
            &directory.entries,
            &directory.lists,
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
            version: IndexVersion::Two,
            store,
            first,
            last,
            bucket_bits: directory.bucket_bits,
            terms: directory.terms,
            last_frame: mark,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::index::Postings;
    use crate::index::terms::{EventTerms, Marks};
    use std::path::Path;

    const STORE: StoreId = StoreId::from_bytes([1; 16]);
    const MARK: FrameMark = FrameMark {
        segment: 1,
        offset: 128,
        checksum: 0,
    };

    fn key(high: u64, low: u32, is_stream: bool) -> TermKey {
        TermKey {
            high,
            low,
            is_stream,
        }
    }

    /// A file of two events of one stream, each with a tag of its own; the two
    /// tags and the stream begin with the same 48 bits.
    fn file(first: u64) -> Arc<IndexFile> {
        let mut table = Table::new(Position::new(first));
        let marks = Marks {
            stream_start: key(1 << 60, 0, false),
            type_seen: key(2 << 60, 0, false),
        };
        for (place, low) in [(0, 9), (1, 8)] {
            let terms = EventTerms {
                stream: key(7 << 60 | 1, 7, true),
                category: key(4 << 60, 0, false),
                event_type: key(3 << 60, 0, false),
                tags: &[key(7 << 60 | 5, low, false)],
            };
            table.push(1, 128, Version::new(first + place), terms, marks);
        }
        let image = Image::of_table(STORE, &table, MARK).unwrap();
        Arc::new(IndexFile::in_memory(Path::new("a.idx"), STORE, image.bytes).unwrap())
    }

    fn found(file: &IndexFile, key: TermKey) -> Option<Postings> {
        file.find(key).unwrap().map(|term| term.postings)
    }

    #[test]
    fn tags_that_share_a_key_have_their_postings_in_common_and_streams_do_not() {
        let (one, two) = (file(1), file(3));
        let image = merge(STORE, &[Arc::clone(&one), two]).unwrap().unwrap();
        let merged = IndexFile::in_memory(Path::new("a.idx"), STORE, image.bytes).unwrap();
        for (file, places) in [(&*one, vec![0, 1]), (&merged, vec![0, 1, 2, 3])] {
            let all = Some(Postings::Inline(places.clone()));
            for low in [8, 9, 10] {
                assert_eq!(found(file, key(7 << 60 | 5, low, false)), all);
            }
            assert_eq!(found(file, key(7 << 60 | 1, 7, true)), all);
            assert_eq!(found(file, key(7 << 60 | 1, 8, true)), None);
            assert_eq!(found(file, key(7 << 60 | 2, 7, true)), None);
            assert_eq!(found(file, key(7 << 60 | 1 << 16, 9, false)), None);
            let latest = file.latest(key(7 << 60 | 1, 7, true)).unwrap();
            assert_eq!(latest, Some(Version::new(places.len() as u64)));
        }
    }
}
