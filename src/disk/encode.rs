//! What can be done for an append before its place is known: records, their
//! checksums, and the keys of their terms. All of it outside the lock.

use super::ids::AskedIds;
use crate::env::fetch;
use crate::format::checksum;
use crate::format::frame::Entry;
use crate::format::index::TermKey;
use crate::format::record;
use crate::index::{EventTerms, Index, KnownKeys, TermHasher};
use crate::store::Append;
use crate::types::{Event, Version};

/// An append, encoded. Kept and used again, so that appending allocates
/// nothing once its buffers have grown.
#[derive(Debug, Default)]
pub(super) struct Encoded {
    pub(super) records: Vec<u8>,
    known: KnownKeys,
    pub(super) entries: Vec<Entry>,
    /// The key of each stream of the append.
    pub(super) streams: Vec<TermKey>,
    /// That of its category.
    categories: Vec<TermKey>,
    types: Vec<TermKey>,
    /// The keys of each event's tags, and where they end.
    tags: Vec<TermKey>,
    ends: Vec<usize>,
    /// The ids, where the store keeps them unique.
    pub(super) ids: AskedIds,
}

/// How many events ahead their data are fetched: who made an append may have
/// made many, and what was made long ago is far from the processor.
const AHEAD: usize = 4;
/// How much of an event's data is fetched.
const FETCHED: usize = 512;

fn fetch_data((_, event): &(usize, Event)) {
    let data = event.data();
    fetch(&data[..data.len().min(FETCHED)]);
    fetch(event.metadata());
}

impl Encoded {
    pub(super) fn fill(&mut self, append: &Append, hasher: &TermHasher, index: &Index) {
        self.records.clear();
        self.entries.clear();
        self.streams.clear();
        self.types.clear();
        self.tags.clear();
        self.ends.clear();
        let (streams, events) = (append.streams(), append.entries());
        events[..events.len().min(AHEAD)]
            .iter()
            .for_each(fetch_data);
        self.categories.clear();
        self.known.turn_to(hasher);
        for part in streams {
            let stream = hasher.stream(part.name());
            index.fetch(stream);
            self.streams.push(stream);
            let category = self.known.category_of(hasher, part.name());
            self.categories.push(category);
        }
        for (index, (stream, event)) in events.iter().enumerate() {
            events.get(index + AHEAD).into_iter().for_each(fetch_data);
            let name = streams[*stream].name();
            let start = self.records.len();
            record::encode(&mut self.records, name, event);
            let bytes = &self.records[start..];
            self.entries.push(Entry {
                checksum: checksum::plain(bytes),
                length: bytes.len() as u32,
                version: Version::NONE,
            });
            let event_type = self.known.event_type(hasher, event.event_type());
            self.types.push(event_type);
            hasher.tags(event.tags().iter(), &mut self.tags);
            self.ends.push(self.tags.len());
        }
    }

    /// The terms of the event at an index, which is of this stream.
    pub(super) fn terms(&self, event: usize, stream: usize) -> EventTerms<'_> {
        let start = event.checked_sub(1).map_or(0, |before| self.ends[before]);
        EventTerms {
            stream: self.streams[stream],
            category: self.categories[stream],
            event_type: self.types[event],
            tags: &self.tags[start..self.ends[event]],
        }
    }
}
