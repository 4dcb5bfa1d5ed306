//! Readers of the segments that a read comes by.

use super::super::shared::Shared;
use crate::error::Result;
use crate::index::Candidate;
use crate::log::SegmentReader;

/// How many are kept: a stream leads back and forth between segments, and each
/// costs a look into the locked list of segments.
const KEPT: usize = 16;

/// The readers that were used last, by the number of their segment.
#[derive(Debug, Default)]
pub(super) struct Readers {
    kept: Vec<(u64, SegmentReader)>,
    /// Which one is given up for the next.
    oldest: usize,
}

impl Readers {
    /// The reader of a segment.
    #[inline]
    pub(super) fn get(&mut self, shared: &Shared, number: u64) -> Result<&mut SegmentReader> {
        let at = match self.kept.iter().position(|(own, _)| *own == number) {
            Some(at) => at,
            None => self.open(shared, number)?,
        };
        Ok(&mut self.kept[at].1)
    }

    /// Has the processor fetch an event that will be read soon.
    #[inline]
    pub(super) fn fetch(&mut self, shared: &Shared, candidate: &Candidate) -> Result<()> {
        let reader = self.get(shared, candidate.segment)?;
        reader.segment().fetch(candidate.offset);
        Ok(())
    }

    /// The same somewhat earlier, for the page that it begins in.
    #[inline]
    pub(super) fn fetch_start(&mut self, shared: &Shared, candidate: &Candidate) -> Result<()> {
        let reader = self.get(shared, candidate.segment)?;
        reader.segment().fetch_start(candidate.offset);
        Ok(())
    }

    /// Gives up all readers but that of a segment.
    pub(super) fn keep_only(&mut self, number: Option<u64>) {
        self.kept.retain(|(own, _)| Some(*own) == number);
        self.oldest = 0;
    }

    #[cold]
    fn open(&mut self, shared: &Shared, number: u64) -> Result<usize> {
        let reader = shared.segments.get(number)?.reader();
        if self.kept.len() < KEPT {
            self.kept.push((number, reader));
            return Ok(self.kept.len() - 1);
        }
        let at = self.oldest;
        self.oldest = (at + 1) % KEPT;
        self.kept[at] = (number, reader);
        Ok(at)
    }
}
