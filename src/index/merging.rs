//! The terms of several index files in one order.

use super::file::{IndexFile, Term, Terms};
use crate::error::{Error, Result};
use crate::format::index::TermKey;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

/// Goes through the terms of files over adjacent ranges, oldest first, in the
/// order of their keys as files keep them; of equal keys those of the oldest
/// file come first.
#[derive(Debug)]
pub(super) struct Merging<'a> {
    files: &'a [Arc<IndexFile>],
    sources: Vec<Source<'a>>,
    /// The key of each source's next term, and the source's number.
    waiting: BinaryHeap<Reverse<(TermKey, usize)>>,
}

/// The terms of one file.
#[derive(Debug)]
struct Source<'a> {
    terms: Terms<'a>,
    /// What is left of a bucket, the next term last.
    bucket: Vec<Term>,
}

impl Source<'_> {
    /// The key of the next term.
    fn peek(&mut self) -> Result<Option<TermKey>> {
        while self.bucket.is_empty() {
            match self.terms.next_bucket()? {
                Some(bucket) => self.bucket = bucket,
                None => return Ok(None),
            }
            // Version 1 has them in the order of whole keys.
            for term in &mut self.bucket {
                term.key = term.key.short();
            }
            self.bucket.sort_by_key(|term| Reverse(term.key));
        }
        Ok(self.bucket.last().map(|term| term.key))
    }
}

impl<'a> Merging<'a> {
    pub(super) fn new(files: &'a [Arc<IndexFile>]) -> Result<Self> {
        let mut merging = Merging {
            files,
            sources: Vec::with_capacity(files.len()),
            waiting: BinaryHeap::with_capacity(files.len()),
        };
        for (index, file) in files.iter().enumerate() {
            merging.sources.push(Source {
                terms: file.terms(),
                bucket: Vec::new(),
            });
            merging.wait_for(index)?;
        }
        Ok(merging)
    }

    fn wait_for(&mut self, index: usize) -> Result<()> {
        let key = self.sources[index].peek()?;
        self.waiting.extend(key.map(|key| Reverse((key, index))));
        Ok(())
    }

    /// The next term, and the number of the file that it is from.
    pub(super) fn next(&mut self) -> Result<Option<(usize, Term)>> {
        let Some(Reverse((_, index))) = self.waiting.pop() else {
            return Ok(None);
        };
        let term = self.sources[index].bucket.pop();
        self.wait_for(index)?;
        Ok(term.map(|term| (index, term)))
    }

    /// How many different keys there are.
    pub(super) fn count_keys(mut self) -> Result<u64> {
        let (mut count, mut last) = (0, None);
        while let Some((_, term)) = self.next()? {
            if last != Some(term.key) {
                count += 1;
                last = Some(term.key);
            }
        }
        Ok(count)
    }

    /// Appends the postings of a term, as places in the range of all files.
    pub(super) fn read_postings(
        &self,
        index: usize,
        term: &Term,
        out: &mut Vec<u32>,
    ) -> Result<()> {
        let file = &self.files[index];
        let shift = (file.first().get() - self.files[0].first().get()) as u32;
        let before = out.len();
        file.read_postings(term, shift, out)?;
        // Checksums hold for lies, too.
        let own = &out[before..];
        let end = u64::from(shift) + u64::from(file.header().positions());
        let within = own.last().is_none_or(|last| u64::from(*last) < end);
        if !within || !own.is_sorted_by(|one, next| one < next) {
            let reason = "the postings of a term are not those of its range";
            return Err(Error::corrupt(file.path(), 0, reason));
        }
        Ok(())
    }
}
