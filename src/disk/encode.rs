//! What can be done for an append before its place is known: records, their
//! checksums, and the keys of their terms. All of it outside the lock.

use super::ids::AskedIds;
use crate::format::checksum;
use crate::format::frame::Entry;
use crate::format::index::TermKey;
use crate::format::record;
use crate::index::{EventTerms, TermHasher};
use crate::store::Append;
use crate::types::Version;

/// An append, encoded. Kept and used again, so that appending allocates
/// nothing once its buffers have grown.
#[derive(Debug, Default)]
pub(super) struct Encoded {
    pub(super) records: Vec<u8>,
    pub(super) entries: Vec<Entry>,
    /// The key of each stream of the append.
    pub(super) streams: Vec<TermKey>,
    types: Vec<TermKey>,
    /// The keys of each event's other terms, and where they end.
    others: Vec<TermKey>,
    ends: Vec<usize>,
    /// The ids, where the store keeps them unique.
    pub(super) ids: AskedIds,
}

impl Encoded {
    pub(super) fn fill(&mut self, append: &Append, hasher: &TermHasher) {
        self.records.clear();
        self.entries.clear();
        self.streams.clear();
        self.types.clear();
        self.others.clear();
        self.ends.clear();
        let streams = append.streams();
        self.streams
            .extend(streams.iter().map(|part| hasher.stream(part.name())));
        for (stream, event) in append.entries() {
            let name = streams[*stream].name();
            let start = self.records.len();
            record::encode(&mut self.records, name, event);
            let bytes = &self.records[start..];
            self.entries.push(Entry {
                checksum: checksum::plain(bytes),
                length: bytes.len() as u32,
                version: Version::NONE,
            });
            self.types.push(hasher.event_type(event.event_type()));
            hasher.others(name, event.tags().iter(), &mut self.others);
            self.ends.push(self.others.len());
        }
    }

    /// The terms of the event at an index, which is of this stream.
    pub(super) fn terms(&self, event: usize, stream: usize) -> EventTerms<'_> {
        let start = event.checked_sub(1).map_or(0, |before| self.ends[before]);
        EventTerms {
            stream: self.streams[stream],
            event_type: self.types[event],
            others: &self.others[start..self.ends[event]],
        }
    }
}
