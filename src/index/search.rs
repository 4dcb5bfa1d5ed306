//! Finds the positions that a query may want, from the postings alone.
//!
//! Terms are hashes and versions without a stream are in no list, so what is
//! found here is a candidate: whoever reads the event compares.

mod ahead;

use super::coming::Coming;
use super::file::LastPlace;
use super::list::List;
use super::parts::{Part, Parts};
use super::terms::TermHasher;
use crate::error::Result;
use crate::format::index::TermKey;
use crate::store::{Direction, Query, QueryItem};
use crate::types::{Position, Version};
use smallvec::{SmallVec, smallvec};

/// A list that nearly always has one element: most queries have one item of one
/// term, and most of what is searched for them is one list.
type Few<T> = SmallVec<[T; 1]>;

/// How the parts of the index are searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// By postings alone: as few candidates as they can tell.
    Postings,
    /// In each part by whichever is cheaper: postings, or walking its events.
    Cheaper,
    /// By walking the events, whatever it costs.
    #[cfg(feature = "testing")]
    Walk,
}

/// Where postings lead to at least this share of the events of a range, in
/// percent, walking the events in order is cheaper: each stands right behind
/// the last one, while a posting after a gap has to have its place looked up.
/// The bench `limits_query` prints where the two meet.
pub(crate) const WALK_PERCENT: u64 = 90;

/// An item of a query as terms: all groups must match, each by any of its terms.
#[derive(Clone, Debug)]
struct ItemTerms {
    groups: Few<Few<TermKey>>,
    stream: Option<TermKey>,
    versions: (Version, Version),
}

impl ItemTerms {
    fn new(item: &QueryItem, hasher: &TermHasher) -> Self {
        let mut groups = Few::new();
        let stream = item.stream().map(|name| hasher.stream(name));
        groups.extend(stream.map(|key| smallvec![key]));
        groups.extend(item.category().map(|name| smallvec![hasher.category(name)]));
        if stream.is_none() && item.versions().1 == Version::new(1) {
            groups.push(smallvec![hasher.marks().stream_start]);
        }
        if !item.types().is_empty() {
            let types = item.types().iter().map(|name| hasher.event_type(name));
            groups.push(types.collect());
        }
        groups.extend(item.tags().iter().map(|name| smallvec![hasher.tag(name)]));
        ItemTerms {
            groups,
            stream,
            versions: item.versions(),
        }
    }
}

/// An event that a query may want, and where its frame is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate {
    pub(crate) position: Position,
    /// The number of the segment.
    pub(crate) segment: u64,
    pub(crate) offset: u64,
}

/// The candidates of a query between two positions, in its direction.
#[derive(Debug)]
pub(crate) struct Search {
    /// The parts still to be searched, the next one last.
    parts: Few<Part>,
    items: Few<ItemTerms>,
    low: Position,
    high: Position,
    direction: Direction,
    way: Way,
    current: Option<PartSearch>,
    /// Candidates on their way, as places in the range of the part.
    found: Vec<u32>,
    /// Those whose places are on their way from the medium.
    coming: Coming,
    /// Whether a part was met that nobody had looked into before.
    cold: bool,
}

impl Search {
    /// Searches the positions after `low` and up to `high`.
    pub(crate) fn new(
        parts: &Parts,
        hasher: &TermHasher,
        query: &Query,
        (low, high): (Position, Position),
        way: Way,
    ) -> Self {
        let direction = query.direction();
        let mut remaining: Few<Part> = parts
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
            way,
            current: None,
            found: Vec::new(),
            coming: Coming::default(),
            cold: false,
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
            if let Some(current) = &mut self.current
                && let Some(place) = current.next()?
            {
                return Ok(Some(current.first.plus(u64::from(place))));
            }
            if !self.enter_next()? {
                return Ok(None);
            }
        }
    }

    /// Goes on to the next part, if there is one.
    fn enter_next(&mut self) -> Result<bool> {
        self.current = None;
        let Some(part) = self.parts.pop() else {
            return Ok(false);
        };
        if !self.cold && self.is_new(&part) {
            self.cold = true;
            self.prepare(&part);
        }
        let entered = self.enter(part)?;
        if entered.is_last {
            self.parts = Few::new();
        }
        self.current = Some(entered);
        Ok(true)
    }

    /// Appends some candidates; none if there are no more. They are `most` at most,
    /// but for those that `look_ahead` has found. With `ahead`, what says where
    /// they are is asked for together before it is looked into, since it may have
    /// to come from the medium. Gives the position of one whose place is not known,
    /// if there is such.
    pub(crate) fn gather(
        &mut self,
        most: usize,
        ahead: bool,
        out: &mut Vec<Candidate>,
    ) -> Result<Option<Position>> {
        if ahead {
            self.find_coming(most)?;
            self.coming.ask_for_places(most);
        }
        if let Some(run) = self.coming.next() {
            return run.locate(out);
        }
        let found = self.find(most)?;
        match &mut self.current {
            Some(current) if found => current.locate(&self.found, out),
            _ => Ok(None),
        }
    }

    /// Finds up to `most` of the next candidates, all in one part; whether there
    /// are any.
    fn find(&mut self, most: usize) -> Result<bool> {
        loop {
            if let Some(current) = &mut self.current {
                current.gather(most, &mut self.found)?;
                if !self.found.is_empty() {
                    return Ok(true);
                }
            }
            if !self.enter_next()? {
                return Ok(false);
            }
        }
    }

    /// The parts still to be searched, opened for that, in order.
    pub(super) fn into_parts(mut self) -> impl Iterator<Item = Result<PartSearch>> {
        std::iter::from_fn(move || self.parts.pop().map(|part| self.enter(part)))
    }

    fn enter(&self, part: Part) -> Result<PartSearch> {
        let (first, last) = part.range();
        let place = |position: Position| (position.get() - first.get()) as u32;
        let low = place(self.low.next().max(first));
        let high = place(self.high.min(last));
        let mut items = Few::new();
        for terms in &self.items {
            items.extend(ItemSearch::open(&part, terms, low, high, self.direction)?);
        }
        let is_last = self.items.len() == 1 && items.iter().any(|item| item.is_last);
        items.retain(|item| item.low <= item.high);
        let walked = match self.way {
            Way::Postings => None,
            #[cfg(feature = "testing")]
            Way::Walk => hull(&items),
            Way::Cheaper => self.cheaper_to_walk(&mut items)?,
        };
        if let Some((low, high)) = walked {
            items = smallvec![ItemSearch::every(low, high)];
        }
        Ok(PartSearch {
            part,
            first,
            items,
            last_place: LastPlace::default(),
            walked,
            is_last,
            direction: self.direction,
            next: match self.direction {
                Direction::Forward => Some(low),
                Direction::Backward => Some(high),
            },
        })
    }
}

impl Search {
    /// The range to be walked, if that is cheaper than looking up what the
    /// postings lead to. Backward it never is: frames are walked forward only.
    fn cheaper_to_walk(&self, items: &mut [ItemSearch]) -> Result<Option<(u32, u32)>> {
        let Some((low, high)) = hull(items) else {
            return Ok(None);
        };
        let range = u64::from(high - low) + 1;
        let enough = |candidates: u64| candidates * 100 >= range * WALK_PERCENT;
        let most = items.iter().map(ItemSearch::most).sum();
        if self.direction == Direction::Backward || !enough(most) {
            return Ok(None);
        }
        let mut candidates = 0;
        for item in items {
            candidates += item.led()?;
        }
        Ok(enough(candidates).then_some((low, high)))
    }
}

/// The range that some item has candidates in.
fn hull(items: &[ItemSearch]) -> Option<(u32, u32)> {
    let low = items.iter().map(|item| item.low).min()?;
    let high = items.iter().map(|item| item.high).max()?;
    Some((low, high))
}

/// The candidates in one part.
#[derive(Debug)]
pub(super) struct PartSearch {
    part: Part,
    first: Position,
    items: Few<ItemSearch>,
    last_place: LastPlace,
    /// The range whose events are walked, whatever the postings say.
    pub(super) walked: Option<(u32, u32)>,
    /// Whether, in this direction, no other part has more.
    is_last: bool,
    direction: Direction,
    /// Where to look on from; nothing once there is nothing more.
    next: Option<u32>,
}

impl PartSearch {
    pub(super) fn part(&self) -> &Part {
        &self.part
    }

    /// Replaces `out` with up to `most` candidates, as places in the range.
    fn gather(&mut self, most: usize, out: &mut Vec<u32>) -> Result<()> {
        out.clear();
        while out.len() < most
            && let Some(from) = self.next
        {
            let run = match (&mut *self.items, self.direction) {
                ([only], Direction::Forward) => only.run(from, most - out.len())?,
                _ => &[],
            };
            if let Some(last) = run.last() {
                out.extend_from_slice(run);
                self.next = last.checked_add(1);
            } else if let Some(place) = self.next()? {
                out.push(place);
            }
        }
        Ok(())
    }

    /// Appends these places as candidates.
    fn locate(&mut self, places: &[u32], out: &mut Vec<Candidate>) -> Result<Option<Position>> {
        self.part.locate(places, &mut self.last_place, out)
    }

    /// The next candidate, as its place in the range.
    fn next(&mut self) -> Result<Option<u32>> {
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
        Ok(best)
    }
}

/// The candidates of one item in one part.
#[derive(Debug)]
struct ItemSearch {
    /// The shortest first: it leads, the others are asked about what it finds.
    groups: Few<Few<List>>,
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
            groups: Few::new(),
            low,
            high,
            found: None,
            ended: false,
            is_last: false,
        };
        for keys in &terms.groups {
            let mut lists = Few::new();
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
        item.groups.sort_by_key(|lists| postings(lists));
        // One without candidates here may still say that there are none elsewhere.
        Ok((item.low <= item.high || item.is_last).then_some(item))
    }

    /// Every place of a range is a candidate.
    fn every(low: u32, high: u32) -> Self {
        ItemSearch {
            groups: Few::new(),
            low,
            high,
            found: None,
            ended: false,
            is_last: false,
        }
    }

    /// How many candidates there are at most, without looking into a list.
    fn most(&self) -> u64 {
        let range = u64::from(self.high - self.low) + 1;
        let leading = self.groups.first();
        leading.map_or(range, |lists| postings(lists).min(range))
    }

    /// How many postings of the leading group there are in the range: so many
    /// candidates at most. Without groups every place is one.
    fn led(&mut self) -> Result<u64> {
        let (low, high) = (self.low, self.high);
        let Some(leading) = self.groups.first_mut() else {
            return Ok(u64::from(high - low) + 1);
        };
        leading.iter_mut().map(|list| list.within(low, high)).sum()
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

    /// The candidates from `from` on, as many as are at hand and `most` at most,
    /// where one list alone tells. None: `seek` says whether there is one.
    fn run(&mut self, from: u32, most: usize) -> Result<&[u32]> {
        let high = self.high;
        match &mut *self.groups {
            [lists] if !self.ended => match &mut **lists {
                [list] => {
                    let run = list.run(from.max(self.low), most)?;
                    Ok(&run[..run.partition_point(|place| *place <= high)])
                }
                _ => Ok(&[]),
            },
            _ => Ok(&[]),
        }
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
        if let [lists] = &mut *self.groups {
            // Nobody else has to agree.
            let found = seek_any(lists, candidate, direction)?;
            self.found = found.filter(|found| (self.low..=self.high).contains(found));
            self.ended = self.found.is_none();
            return Ok(self.found);
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

/// How many postings these lists have.
fn postings(lists: &[List]) -> u64 {
    lists.iter().map(|list| u64::from(list.count())).sum()
}

/// The nearest posting of any of these lists.
#[inline]
fn seek_any(lists: &mut [List], from: u32, direction: Direction) -> Result<Option<u32>> {
    if let ([list], Direction::Forward) = (&mut *lists, direction) {
        return list.at_or_above(from);
    }
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
