//! Finds the events of a stream at once, where they are few and all that says
//! where they are was looked at before: as for an aggregate that is loaded again.
//!
//! What a search keeps so that it can go on later takes longer to set up than
//! such a read takes by itself.

use super::file::LastPlace;
use super::parts::{Part, Parts};
use super::search::Candidate;
use crate::format::index::{BLOCK, TermKey};
use crate::types::{Position, Version};

/// A stream of which these versions are asked for, after the first and up to the
/// second position.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) stream: TermKey,
    pub(crate) versions: (Version, Version),
    pub(crate) bounds: (Position, Position),
}

/// What was found: the memory is used again for the next read.
#[derive(Debug, Default)]
pub(crate) struct Short {
    pub(crate) found: Vec<Candidate>,
    postings: Vec<u32>,
}

impl Short {
    /// Finds all that is asked for, ascending. `None`: a search has to, because
    /// a part has many events of the stream, or was not looked into before, or is
    /// damaged.
    pub(crate) fn find(&mut self, parts: &Parts, asked: &Asked) -> Option<()> {
        self.found.clear();
        for part in parts.iter() {
            let is_last = match part {
                Part::File(file) => {
                    if file.first() > asked.bounds.1 {
                        break;
                    }
                    if file.last() <= asked.bounds.0 {
                        continue;
                    }
                    let first = file.known_stream(asked.stream, &mut self.postings)?;
                    let mut last = LastPlace::default();
                    let place = |index| file.known_place(index, &mut last);
                    self.take(asked, first, file.first(), place)?
                }
                Part::Table(table) => {
                    let table = table.read();
                    if table.first() > asked.bounds.1 {
                        break;
                    }
                    let Some(posting) = table.posting(asked.stream) else {
                        continue;
                    };
                    if posting.places.len() > BLOCK {
                        return None;
                    }
                    self.postings.clear();
                    self.postings.extend_from_slice(posting.places);
                    let place = |index: u32| {
                        let position = table.first().plus(u64::from(index));
                        let (segment, offset) = table.place(position)?;
                        Some(Candidate {
                            position,
                            segment,
                            offset,
                        })
                    };
                    self.take(asked, posting.first_version?, table.first(), place)?
                }
            };
            if is_last {
                break;
            }
        }
        Some(())
    }

    /// Takes what is asked for of the postings of a part, the first of which has
    /// this version; whether no later part has more of it.
    fn take(
        &mut self,
        asked: &Asked,
        first_version: Version,
        first: Position,
        mut place: impl FnMut(u32) -> Option<Candidate>,
    ) -> Option<bool> {
        let (from, to) = asked.versions;
        let before = |version: Version| version.get().saturating_sub(first_version.get());
        let count = self.postings.len() as u64;
        if count == 0 {
            return Some(false);
        }
        let end = match to < first_version {
            true => 0,
            false => before(to).saturating_add(1).min(count),
        };
        for index in before(from)..end {
            let posting = self.postings[index as usize];
            let position = first.plus(u64::from(posting));
            if asked.bounds.0 < position && position <= asked.bounds.1 {
                self.found.push(place(posting)?);
            }
        }
        // Versions ascend from part to part.
        Some(to < first_version.plus(count))
    }
}
