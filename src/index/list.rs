//! A term's postings in one part of the index, searched without decoding more
//! of them than needed.

use super::file::IndexFile;
use super::parts::Part;
use super::table::Table;
use crate::env::sync::RwLock;
use crate::error::Result;
use crate::format::index::{BLOCK, Postings, TermKey};
use crate::types::Version;
use std::sync::Arc;

/// Ascending places within a part. What a table gains after the list was
/// opened is not in it.
#[derive(Debug)]
pub(super) struct List {
    source: Source,
    count: u32,
    first_version: Option<Version>,
    /// The block that was looked into last, and its number.
    block: Vec<u32>,
    loaded: Option<usize>,
    /// Where in it the posting is that was found last.
    hint: usize,
}

#[derive(Debug)]
enum Source {
    /// All postings are in `block`.
    Inline,
    File(Arc<IndexFile>, u64),
    Table(Arc<RwLock<Table>>, TermKey),
}

impl List {
    /// The postings of a term in a part, if it has any there.
    pub(super) fn open(part: &Part, key: TermKey) -> Result<Option<Self>> {
        match part {
            Part::File(file) => Self::in_file(file, key),
            Part::Table(table) => Ok(Self::in_table(table, key)),
        }
    }

    fn in_file(file: &Arc<IndexFile>, key: TermKey) -> Result<Option<Self>> {
        let Some(term) = file.find(key)? else {
            return Ok(None);
        };
        let (source, block, loaded) = match term.postings {
            Postings::Inline(postings) => (Source::Inline, postings, Some(0)),
            Postings::Listed(at) => (Source::File(Arc::clone(file), at), Vec::new(), None),
        };
        Ok(Some(List {
            source,
            count: term.count,
            first_version: term.first_version,
            block,
            loaded,
            hint: 0,
        }))
    }

    fn in_table(table: &Arc<RwLock<Table>>, key: TermKey) -> Option<Self> {
        let locked = table.read();
        let posting = locked.posting(key)?;
        let short = posting.places.len() <= BLOCK;
        Some(List {
            source: match short {
                true => Source::Inline,
                false => Source::Table(Arc::clone(table), key),
            },
            count: posting.places.len() as u32,
            first_version: posting.first_version,
            block: match short {
                true => posting.places.to_vec(),
                false => Vec::new(),
            },
            loaded: short.then_some(0),
            hint: 0,
        })
    }

    /// How many postings there are: at least one.
    pub(super) fn count(&self) -> u32 {
        self.count
    }

    /// For streams, the version of the first posting.
    pub(super) fn first_version(&self) -> Option<Version> {
        self.first_version
    }

    /// The posting at an index below `count`.
    pub(super) fn get(&mut self, index: u32) -> Result<u32> {
        self.load(index as usize / BLOCK)?;
        let posting = self.block.get(index as usize % BLOCK).copied();
        Ok(posting.unwrap_or(u32::MAX))
    }

    /// How many postings are below `place`.
    pub(super) fn rank(&mut self, place: u32) -> Result<u32> {
        let block = match self.loaded {
            Some(block) if self.holds(place) => block,
            _ => {
                let block = self.block_of(place)?;
                self.load(block)?;
                block
            }
        };
        let within = self.rank_in_block(place);
        Ok((block * BLOCK + within) as u32)
    }

    /// How many postings of the loaded block are below `place`. Searches mostly
    /// go from one posting to the next.
    fn rank_in_block(&mut self, place: u32) -> usize {
        let is_there = |index: usize| {
            let below = index
                .checked_sub(1)
                .and_then(|before| self.block.get(before));
            below.is_none_or(|below| *below < place)
                && self.block.get(index).is_some_and(|own| *own >= place)
        };
        let hint = self.hint;
        self.hint = match (is_there(hint + 1), is_there(hint)) {
            (true, _) => hint + 1,
            (_, true) => hint,
            _ if hint > 0 && is_there(hint - 1) => hint - 1,
            _ => self.block.partition_point(|posting| *posting < place),
        };
        self.hint
    }

    /// How many postings are in a range, both ends included.
    pub(super) fn within(&mut self, low: u32, high: u32) -> Result<u64> {
        let above = self.rank(high.saturating_add(1))?;
        Ok(u64::from(above.saturating_sub(self.rank(low)?)))
    }

    /// The first posting that is not below `place`.
    pub(super) fn at_or_above(&mut self, place: u32) -> Result<Option<u32>> {
        if let Some(next) = self.step(place) {
            return Ok(Some(next));
        }
        let index = self.rank(place)?;
        match index < self.count {
            true => self.get(index).map(Some),
            false => Ok(None),
        }
    }

    /// The postings from the first one on that is not below `place`, as many as
    /// are at hand and `most` at most; none if there is none.
    pub(super) fn run(&mut self, place: u32, most: usize) -> Result<&[u32]> {
        let index = self.rank(place)?;
        if index >= self.count {
            return Ok(&[]);
        }
        self.load(index as usize / BLOCK)?;
        let start = index as usize % BLOCK;
        let run = self.block.get(start..).unwrap_or(&[]);
        let run = &run[..run.len().min(most)];
        // Searches go on behind it.
        self.hint = (start + run.len()).saturating_sub(1);
        Ok(run)
    }

    /// The first posting that is not below `place`, if it stands right behind
    /// the one that was found last.
    #[inline]
    fn step(&mut self, place: u32) -> Option<u32> {
        let pair = self.block.get(self.hint..)?.first_chunk::<2>()?;
        let [last, next] = *pair;
        if self.loaded.is_none() || last >= place || next < place {
            return None;
        }
        self.hint += 1;
        Some(next)
    }

    /// The last posting that is not above `place`.
    pub(super) fn at_or_below(&mut self, place: u32) -> Result<Option<u32>> {
        match self.rank(place.saturating_add(1))? {
            0 => Ok(None),
            above => self.get(above - 1).map(Some),
        }
    }

    /// Whether the loaded block alone tells the rank of `place`.
    fn holds(&self, place: u32) -> bool {
        let (Some(first), Some(last)) = (self.block.first(), self.block.last()) else {
            return false;
        };
        matches!(self.source, Source::Inline) || (*first <= place && place <= *last)
    }

    /// The last block whose first posting is below `place`, or the first.
    fn block_of(&self, place: u32) -> Result<usize> {
        let (mut low, mut high) = (0, (self.count as usize).div_ceil(BLOCK));
        while low + 1 < high {
            let middle = low + (high - low) / 2;
            if self.block_start(middle)? < place {
                low = middle;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    fn block_start(&self, block: usize) -> Result<u32> {
        match &self.source {
            Source::Inline => Ok(self.block.first().copied().unwrap_or(0)),
            Source::File(file, list) => file.block_first(*list, block),
            Source::Table(table, key) => {
                let table = table.read();
                let posting = table.posting(*key);
                let start = posting.and_then(|posting| posting.places.get(block * BLOCK));
                Ok(start.copied().unwrap_or(u32::MAX))
            }
        }
    }

    fn load(&mut self, block: usize) -> Result<()> {
        if self.loaded == Some(block) {
            return Ok(());
        }
        self.loaded = None;
        match &self.source {
            Source::Inline => {}
            Source::File(file, list) => {
                file.read_block(*list, self.count, block, &mut self.block)?;
            }
            Source::Table(table, key) => {
                self.block.clear();
                if let Some(posting) = table.read().posting(*key) {
                    let start = block * BLOCK;
                    let end = (start + BLOCK).min(self.count as usize);
                    let within = posting.places.get(start..end).unwrap_or(&[]);
                    self.block.extend_from_slice(within);
                }
            }
        }
        self.loaded = Some(block);
        Ok(())
    }
}
