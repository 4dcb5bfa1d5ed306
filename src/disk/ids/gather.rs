//! Gathers ids from the log, in little memory however many there are.

use super::files::Place;
use crate::disk::rebuild::walk_range;
use crate::error::Result;
use crate::format::frame::Frame;
use crate::format::ids::IdEntry;
use crate::format::mark::FrameMark;
use crate::index::{IdFile, IdTable, TermHasher};
use crate::log::{Segment, Segments};
use crate::types::Position;
use std::sync::Arc;

/// How many full tables a file is gathered from at most: with the usual
/// options, a million ids and 16 MB of memory.
const TABLES: usize = 16;

/// Reads the log for the ids in it.
pub(super) struct Gather<'a> {
    place: Place<'a>,
    segments: &'a Segments,
    hasher: &'a TermHasher,
}

impl<'a> Gather<'a> {
    pub(super) fn new(place: Place<'a>, segments: &'a Segments, hasher: &'a TermHasher) -> Self {
        Gather {
            place,
            segments,
            hasher,
        }
    }

    /// Makes files over a range of positions, which begins and ends at the
    /// borders of appends. `table` is how many events a table takes.
    pub(super) fn files(
        &self,
        (first, last): (Position, Position),
        table: usize,
    ) -> Result<Vec<Arc<IdFile>>> {
        let most = table.saturating_mul(TABLES);
        let (mut files, mut entries) = (Vec::new(), Vec::new());
        let mut start = first;
        self.walk((first, last), &mut |segment, offset, frame| {
            for fingerprint in self.fingerprints(segment, offset, frame) {
                entries.push(IdEntry {
                    fingerprint: fingerprint?,
                    place: entries.len() as u32,
                });
            }
            let end = frame.head().last();
            if entries.len() >= most || end >= last {
                let mark = FrameMark {
                    segment: segment.number(),
                    offset,
                    checksum: frame.checksum(),
                };
                entries.sort_unstable();
                let mut sorted = entries.drain(..).map(Ok);
                files.push(self.place.save((start, end), mark, &mut sorted)?);
                start = end.next();
            }
            Ok(())
        })?;
        Ok(files)
    }

    /// Adds the ids of a range to a table that ends before it.
    pub(super) fn table(&self, range: (Position, Position), table: &mut IdTable) -> Result<()> {
        self.walk(range, &mut |segment, offset, frame| {
            for fingerprint in self.fingerprints(segment, offset, frame) {
                table.push(fingerprint?);
            }
            Ok(())
        })
    }

    fn walk(
        &self,
        (first, last): (Position, Position),
        visit: &mut dyn FnMut(&Segment, u64, &Frame<'_>) -> Result<()>,
    ) -> Result<()> {
        match first <= last {
            true => walk_range(self.segments, self.place.dir, (first, last), visit),
            false => Ok(()),
        }
    }

    fn fingerprints<'f>(
        &'f self,
        segment: &'f Segment,
        offset: u64,
        frame: &'f Frame<'f>,
    ) -> impl Iterator<Item = Result<u64>> + 'f {
        frame.records().map(move |record| {
            let event = record.and_then(|record| record.decode());
            let event = event.map_err(|fault| segment.fault(offset, fault))?;
            Ok(self.hasher.id(event.id()))
        })
    }
}
