//! Finds the positions that a query may want, from the postings alone.
//!
//! Terms are hashes and versions without a stream are in no list, so what is
//! found here is a candidate: whoever reads the event compares.

use super::file::LastPlace;
use super::list::List;
use super::parts::{Part, Parts};
use super::terms::TermHasher;
use crate::error::Result;
use crate::format::index::TermKey;
use crate::store::{Direction, Query, QueryItem};
use crate::types::{Position, Version};

/// An item of a query as terms: all groups must match, each by any of its terms.
#[derive(Clone, Debug)]
struct ItemTerms {
    groups: Vec<Vec<TermKey>>,
    stream: Option<TermKey>,
    versions: (Version, Version),
}

impl ItemTerms {
    fn new(item: &QueryItem, hasher: &TermHasher) -> Self {
        let mut groups = Vec::new();
        let stream = item.stream().map(|name| hasher.stream(name));
        groups.extend(stream.map(|stream| vec![stream]));
        groups.extend(item.category().map(|name| vec![hasher.category(name)]));
        if stream.is_none() && item.versions().1 == Version::new(1) {
            groups.push(vec![hasher.marks().stream_start]);
        }
        if !item.types().is_empty() {
            let types = item.types().iter().map(|name| hasher.event_type(name));
            groups.push(types.collect());
        }
        groups.extend(item.tags().iter().map(|name| vec![hasher.tag(name)]));
        ItemTerms {
            groups,
            stream,
            versions: item.versions(),
        }
    }
}

/// The candidates of a query between two positions, in its direction.
#[derive(Debug)]
pub(crate) struct Search {
    /// The parts still to be searched, the next one last.
    parts: Vec<Part>,
    items: Vec<ItemTerms>,
    low: Position,
    high: Position,
    direction: Direction,
    current: Option<PartSearch>,
}

impl Search {
    /// Searches the positions after `low` and up to `high`.
    pub(crate) fn new(
        parts: &Parts,
        hasher: &TermHasher,
        query: &Query,
        low: Position,
        high: Position,
    ) -> Self {
        let direction = query.direction();
        let mut remaining: Vec<Part> = parts
            .iter()
            .filter(|part| {
                let (first, last) = part.range();
                first <= high && last > low
            })
            .cloned()
            .collect();
        if direction == Direction::Forward {
            remaining.reverse();
        }
        let items = query.items().iter();
        Search {
            parts: remaining,
            items: items.map(|item| ItemTerms::new(item, hasher)).collect(),
            low,
            high,
            direction,
            current: None,
        }
    }

    /// Whether every candidate of an item is what it asks for: all of it is
    /// said in terms, or in versions of one stream.
    pub(crate) fn is_exact(item: &QueryItem) -> bool {
        let one = Version::new(1);
        let (from, to) = item.versions();
        item.stream().is_some() || (from <= one && (to == one || to == Version::MAX))
    }

    /// The next candidate.
    pub(crate) fn next(&mut self) -> Result<Option<Position>> {
        loop {
            if let Some(current) = &mut self.current {
                if let Some(position) = current.next()? {
                    return Ok(Some(position));
                }
                self.current = None;
            }
            match self.parts.pop() {
                Some(part) => self.current = Some(self.enter(part)?),
                None => return Ok(None),
            }
        }
    }

    /// The segment and the offset of the frame of the candidate found last.
    pub(crate) fn place(&mut self, position: Position) -> Result<Option<(u64, u64)>> {
        match &mut self.current {
            Some(current) => current.part.place(position, &mut current.last_place),
            None => Ok(None),
        }
    }

    fn enter(&mut self, part: Part) -> Result<PartSearch> {
        let (first, last) = part.range();
        let place = |position: Position| (position.get() - first.get()) as u32;
        let low = place(self.low.next().max(first));
        let high = place(self.high.min(last));
        let mut items = Vec::with_capacity(self.items.len());
        for terms in &self.items {
            items.extend(ItemSearch::open(&part, terms, low, high, self.direction)?);
        }
        if self.items.len() == 1 && items.iter().any(|item| item.is_last) {
            self.parts.clear();
        }
        Ok(PartSearch {
            part,
            first,
            items,
            last_place: LastPlace::default(),
            direction: self.direction,
            next: match self.direction {
                Direction::Forward => Some(low),
                Direction::Backward => Some(high),
            },
        })
    }
}

/// The candidates in one part.
#[derive(Debug)]
struct PartSearch {
    part: Part,
    first: Position,
    items: Vec<ItemSearch>,
    last_place: LastPlace,
    direction: Direction,
    /// Where to look on from; nothing once there is nothing more.
    next: Option<u32>,
}

impl PartSearch {
    fn next(&mut self) -> Result<Option<Position>> {
        let Some(from) = self.next else {
            return Ok(None);
        };
        let mut best: Option<u32> = None;
        for item in &mut self.items {
            let Some(found) = item.seek(from, self.direction)? else {
                continue;
            };
            best = Some(match (best, self.direction) {
                (None, _) => found,
                (Some(best), Direction::Forward) => best.min(found),
                (Some(best), Direction::Backward) => best.max(found),
            });
        }
        self.next = best.and_then(|best| match self.direction {
            Direction::Forward => best.checked_add(1),
            Direction::Backward => best.checked_sub(1),
        });
        Ok(best.map(|place| self.first.plus(u64::from(place))))
    }
}

/// The candidates of one item in one part.
#[derive(Debug)]
struct ItemSearch {
    /// The shortest first: it leads, the others are asked about what it finds.
    groups: Vec<Vec<List>>,
    low: u32,
    high: u32,
    /// What was found last, and holds as long as it isn't passed.
    found: Option<u32>,
    ended: bool,
    /// Whether, in this direction, no other part has more of it.
    is_last: bool,
}

impl ItemSearch {
    /// Nothing if the part can't have a match.
    fn open(
        part: &Part,
        terms: &ItemTerms,
        low: u32,
        high: u32,
        direction: Direction,
    ) -> Result<Option<Self>> {
        let mut item = ItemSearch {
            groups: Vec::with_capacity(terms.groups.len()),
            low,
            high,
            found: None,
            ended: false,
            is_last: false,
        };
        for keys in &terms.groups {
            let mut lists = Vec::with_capacity(keys.len());
            for key in keys {
                lists.extend(List::open(part, *key)?);
            }
            if lists.is_empty() {
                return Ok(None);
            }
            if terms.stream == keys.first().copied() {
                item.bound_versions(&mut lists[0], terms.versions, direction)?;
            }
            item.groups.push(lists);
        }
        let size = |lists: &Vec<List>| {
            lists
                .iter()
                .map(|list| u64::from(list.count()))
                .sum::<u64>()
        };
        item.groups.sort_by_key(size);
        // One without candidates here may still say that there are none elsewhere.
        Ok((item.low <= item.high || item.is_last).then_some(item))
    }

    /// Narrows the range to where a stream has these versions.
    fn bound_versions(
        &mut self,
        stream: &mut List,
        versions: (Version, Version),
        direction: Direction,
    ) -> Result<()> {
        let first = stream.first_version().unwrap_or(Version::new(1)).get();
        let (from, to) = (versions.0.get(), versions.1.get());
        // Versions ascend from part to part.
        self.is_last = match direction {
            Direction::Forward => to < first + u64::from(stream.count()),
            Direction::Backward => from >= first,
        };
        if to < first || from >= first + u64::from(stream.count()) {
            (self.low, self.high) = (1, 0);
            return Ok(());
        }
        if from > first {
            self.low = self.low.max(stream.get((from - first) as u32)?);
        }
        if to - first < u64::from(stream.count()) - 1 {
            self.high = self.high.min(stream.get((to - first) as u32)?);
        }
        Ok(())
    }

    /// The nearest candidate at `from` or beyond, in this direction.
    fn seek(&mut self, from: u32, direction: Direction) -> Result<Option<u32>> {
        if self.ended {
            return Ok(None);
        }
        let mut candidate = match direction {
            Direction::Forward => from.max(self.low),
            Direction::Backward => from.min(self.high),
        };
        let still_ahead = |found: u32| match direction {
            Direction::Forward => found >= candidate,
            Direction::Backward => found <= candidate,
        };
        if let Some(found) = self.found.filter(|found| still_ahead(*found)) {
            return Ok(Some(found));
        }
        let mut agreed = 0;
        let mut group = 0;
        // Each group in turn moves the candidate on, until all of them agree.
        while agreed < self.groups.len() {
            if candidate < self.low || candidate > self.high {
                break;
            }
            match seek_any(&mut self.groups[group], candidate, direction)? {
                Some(place) if place == candidate => agreed += 1,
                Some(place) => {
                    candidate = place;
                    agreed = 1;
                }
                None => {
                    self.ended = true;
                    return Ok(None);
                }
            }
            group = (group + 1) % self.groups.len();
        }
        self.found = (self.low..=self.high)
            .contains(&candidate)
            .then_some(candidate);
        self.ended = self.found.is_none();
        Ok(self.found)
    }
}

/// The nearest posting of any of these lists.
fn seek_any(lists: &mut [List], from: u32, direction: Direction) -> Result<Option<u32>> {
    let mut best: Option<u32> = None;
    for list in lists {
        let found = match direction {
            Direction::Forward => list.at_or_above(from)?,
            Direction::Backward => list.at_or_below(from)?,
        };
        best = match (best, found, direction) {
            (Some(best), Some(found), Direction::Forward) => Some(best.min(found)),
            (Some(best), Some(found), Direction::Backward) => Some(best.max(found)),
            (best, found, _) => best.or(found),
        };
    }
    Ok(best)
}
