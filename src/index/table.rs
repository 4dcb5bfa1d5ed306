//! The index of what was appended last, in memory.

use super::postings::{Posting, PostingMap};
use super::slots::Whereabouts;
use super::terms::{EventTerms, Marks};
use crate::env::fetch_item;
use crate::format::index::TermKey;
use crate::types::{Position, Version};

/// Postings of a range of positions that begins at `first` and grows.
#[derive(Debug)]
pub(crate) struct Table {
    first: Position,
    /// Where each position's frame begins in its segment.
    offsets: Vec<u32>,
    /// The segments of the range: number, and first position within it.
    segments: Vec<(u64, Position)>,
    terms: PostingMap,
}

impl Table {
    /// An empty table over the positions from `first` on.
    pub(crate) fn new(first: Position) -> Self {
        Table {
            first,
            offsets: Vec::new(),
            segments: Vec::new(),
            terms: PostingMap::default(),
        }
    }

    /// An empty table over the positions from `first` on, which are likely to
    /// have about as many terms as those before them.
    pub(crate) fn after(before: &Table, first: Position) -> Self {
        Table {
            offsets: Vec::with_capacity(before.len()),
            terms: PostingMap::with_room_of(&before.terms),
            ..Table::new(first)
        }
    }

    pub(crate) fn first(&self) -> Position {
        self.first
    }

    /// The last position; the one before `first` while there is none.
    pub(crate) fn last(&self) -> Position {
        self.first.previous().plus(self.offsets.len() as u64)
    }

    pub(crate) fn len(&self) -> usize {
        self.offsets.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.offsets.is_empty()
    }

    /// Adds the next position: an event in the frame at this offset of this
    /// segment, with this version in its stream.
    pub(crate) fn push(
        &mut self,
        segment: u64,
        offset: u32,
        version: Version,
        terms: EventTerms<'_>,
        marks: Marks,
    ) {
        self.push_run(segment, offset, version, std::iter::once(terms), marks);
    }

    /// Adds the next positions: events of one stream that follow each other in
    /// a frame, the first of them with this version. What they have in common is
    /// looked up once for all.
    pub(crate) fn push_run<'a>(
        &mut self,
        segment: u64,
        offset: u32,
        version: Version,
        events: impl Iterator<Item = EventTerms<'a>>,
        marks: Marks,
    ) {
        let (start, position) = (self.offsets.len() as u32, self.last().next());
        let mut common = None;
        for terms in events {
            let place = self.offsets.len() as u32;
            self.offsets.push(offset);
            if self.terms.push(terms.event_type, None, place) {
                self.terms.push(marks.type_seen, None, place);
            }
            for tag in terms.tags {
                self.terms.push(*tag, None, place);
            }
            common = Some((terms.stream, terms.category));
        }
        let Some((stream, category)) = common else {
            return;
        };
        let places = start..self.offsets.len() as u32;
        self.terms.push_run(stream, Some(version), places.clone());
        self.terms.push_run(category, None, places);
        if version == Version::new(1) {
            self.terms.push(marks.stream_start, None, start);
        }
        if self
            .segments
            .last()
            .is_none_or(|(last, _)| *last != segment)
        {
            self.segments.push((segment, position));
        }
    }

    /// The segment and the offset of the frame of a position in the range.
    pub(crate) fn place(&self, position: Position) -> Option<(u64, u64)> {
        let index = position.get().checked_sub(self.first.get())?;
        let offset = *self.offsets.get(usize::try_from(index).ok()?)?;
        let after = self.segments.partition_point(|(_, base)| *base <= position);
        let (segment, _) = self.segments.get(after.checked_sub(1)?)?;
        Some((*segment, u64::from(offset)))
    }

    pub(crate) fn posting(&self, key: TermKey) -> Option<Posting<'_>> {
        self.terms.get(key)
    }

    /// The version of a stream's last event in the range, if it has any.
    pub(crate) fn latest(&self, stream: TermKey) -> Option<Version> {
        let posting = self.posting(stream)?;
        // The next one, which who asks is about to add, stands behind the last.
        posting.places.last().into_iter().for_each(fetch_item);
        let first = posting.first_version.unwrap_or(Version::new(1));
        Some(first.plus(posting.places.len() as u64 - 1))
    }

    /// Notes where the terms are now.
    pub(super) fn note(&self, whereabouts: &Whereabouts) {
        self.terms.note(whereabouts);
    }

    pub(crate) fn offsets(&self) -> &[u32] {
        &self.offsets
    }

    pub(crate) fn segments(&self) -> &[(u64, Position)] {
        &self.segments
    }

    /// All terms under the keys that files keep, in their order. Two may have
    /// one key there.
    pub(crate) fn sorted(&self) -> Vec<(TermKey, Posting<'_>)> {
        self.terms.sorted()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u64) -> TermKey {
        TermKey {
            high: number,
            low: 0,
            is_stream: matches!(number, 1 | 3),
        }
    }

    #[test]
    fn streams_are_numbered_and_places_found() {
        let mut table = Table::new(Position::new(11));
        let marks = Marks {
            stream_start: key(9),
            type_seen: key(8),
        };
        let terms = EventTerms {
            stream: key(1),
            category: key(2),
            event_type: key(5),
            tags: &[],
        };
        let other = EventTerms {
            stream: key(3),
            category: key(4),
            tags: &[key(6)],
            ..terms
        };
        table.push_run(4, 128, Version::new(7), [terms; 2].into_iter(), marks);
        table.push(5, 128, Version::new(1), other, marks);
        let range = (table.first().get(), table.last().get());
        assert_eq!(range, (11, 13));
        assert_eq!(table.posting(key(5)).unwrap().places, [0, 1, 2]);
        assert_eq!(table.posting(key(8)).unwrap().places, [0]);
        let stream = table.posting(key(1)).unwrap();
        assert_eq!(stream.first_version, Some(Version::new(7)));
        assert_eq!(stream.places, [0, 1]);
        assert_eq!(table.posting(key(2)).unwrap().places, [0, 1]);
        assert_eq!(table.posting(key(4)).unwrap().places, [2]);
        assert_eq!(table.posting(key(6)).unwrap().places, [2]);
        assert_eq!(table.posting(key(9)).unwrap().places, [2]);
        assert_eq!(table.place(Position::new(12)), Some((4, 128)));
        assert_eq!(table.place(Position::new(13)), Some((5, 128)));
        assert_eq!(table.place(Position::new(14)), None);
        assert_eq!(table.place(Position::new(10)), None);
    }
}
