//! A search of what has to come from the medium asks for it before it looks into
//! it, in all parts together.

use super::super::file::STEPS;
use super::super::parts::Part;
use super::Search;
use crate::error::Result;
use crate::format::index::TermKey;

impl Search {
    /// Asks the medium for what says where the next `count` candidates are, if that
    /// can be done without waiting, and prepares for that with as many behind them.
    #[cold]
    pub(crate) fn look_ahead(&mut self, count: usize) -> Result<()> {
        self.coming.ask_for_places(count);
        self.find_coming(2 * count)
    }

    /// Finds candidates until so many are coming.
    pub(super) fn find_coming(&mut self, count: usize) -> Result<()> {
        while let missing = count.saturating_sub(self.coming.count())
            && missing > 0
            && self.find(missing)?
        {
            if let Some(current) = &self.current {
                self.coming
                    .add(&current.part, std::mem::take(&mut self.found));
            }
        }
        Ok(())
    }

    /// Whether what is searched next has to come from the medium.
    pub(crate) fn is_cold(&mut self) -> Result<bool> {
        if self.current.is_none() {
            self.enter_next()?;
        }
        Ok(self.cold)
    }

    /// Whether a part has to be looked into where nobody has before.
    #[inline]
    pub(super) fn is_new(&self, part: &Part) -> bool {
        let Part::File(file) = part else {
            return false;
        };
        // Loops, since each part of each search comes by.
        for item in &self.items {
            for group in &item.groups {
                if group.iter().any(|key| file.is_cold(*key)) {
                    return true;
                }
            }
        }
        false
    }

    /// Asks the medium for what will be looked into of this part and of those
    /// behind it: for each step of that in all of them, before the next one, which
    /// has to wait for it.
    #[cold]
    pub(super) fn prepare(&self, next: &Part) {
        for step in STEPS {
            for part in std::iter::once(next).chain(self.parts.iter().rev()) {
                if let Part::File(file) = part {
                    self.keys().for_each(|key| step(file, key));
                }
            }
        }
    }

    fn keys(&self) -> impl Iterator<Item = TermKey> {
        let groups = self.items.iter().flat_map(|item| &item.groups);
        groups.flatten().copied()
    }
}
