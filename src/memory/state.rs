//! The events of a store in memory, and the rules of appending to them.

use crate::env::Clock;
use crate::error::{ErrorKind, Result};
use crate::store::{Append, Appended, Direction, Query};
use crate::types::{Event, EventRef, Position, RecordedEvent, Timestamp, Version};
use std::collections::HashMap;
use uuid::Uuid;

/// Everything that a store in memory holds.
#[derive(Default)]
pub(super) struct State {
    /// The event of position p is at index p - 1.
    events: Vec<RecordedEvent>,
    /// For each stream the positions of its events: that of version v is at
    /// index v - 1.
    streams: HashMap<String, Vec<Position>>,
    /// The first position of each id.
    ids: HashMap<Uuid, Position>,
    closed: bool,
}

impl State {
    pub(super) fn check_open(&self) -> Result<()> {
        if self.closed {
            return Err(ErrorKind::Closed.into());
        }
        Ok(())
    }

    pub(super) fn close(&mut self) {
        self.closed = true;
    }

    pub(super) fn head(&self) -> Position {
        Position::new(self.events.len() as u64)
    }

    pub(super) fn version(&self, stream: &str) -> Version {
        Version::new(self.positions(stream).len() as u64)
    }

    pub(super) fn position_at(&self, time: Timestamp) -> Position {
        let count = self
            .events
            .partition_point(|event| event.recorded() <= time);
        Position::new(count as u64)
    }

    /// Records an append, or says what became of it before or why it can't be.
    pub(super) fn append(
        &mut self,
        append: &Append,
        clock: &dyn Clock,
        unique_ids: bool,
    ) -> Result<Appended> {
        if unique_ids && let Some(first_outcome) = self.known(append)? {
            return Ok(first_outcome.as_repeat());
        }
        if let Some(first_outcome) = self.repeat(append) {
            return Ok(first_outcome.as_repeat());
        }
        self.check_expectations(append)?;
        self.check_conditions(append)?;
        self.check_room(append)?;
        Ok(self.record(append, self.time(clock)))
    }

    fn check_expectations(&self, append: &Append) -> Result<()> {
        for part in append.streams() {
            let actual = self.version(part.name());
            if !part.expected().holds(actual) {
                return Err(ErrorKind::Conflict {
                    stream: part.name().to_owned(),
                    expected: part.expected(),
                    actual,
                }
                .into());
            }
        }
        Ok(())
    }

    fn check_conditions(&self, append: &Append) -> Result<()> {
        for (clause, query) in append.conditions().iter().enumerate() {
            let excluded = self.events.iter().find(|own| query.matches(&own.as_ref()));
            if let Some(event) = excluded {
                let position = event.position();
                return Err(ErrorKind::ConditionFailed { clause, position }.into());
            }
        }
        Ok(())
    }

    /// The last number is never given. If the store has room, its streams do,
    /// too: no stream has more events than the store.
    fn check_room(&self, append: &Append) -> Result<()> {
        if self.head().plus(append.entries().len() as u64) < Position::MAX {
            return Ok(());
        }
        let what = "the store's position".to_owned();
        Err(ErrorKind::Overflow { what }.into())
    }

    /// The clock's time, but not before that of the last event.
    fn time(&self, clock: &dyn Clock) -> Timestamp {
        let now = clock.now().whole_micros();
        self.events
            .last()
            .map_or(now, |last| now.max(last.recorded()))
    }

    fn record(&mut self, append: &Append, recorded: Timestamp) -> Appended {
        let first = self.head().next();
        let last = self.head().plus(append.entries().len() as u64);
        for (stream, event) in append.entries() {
            let name = append.streams()[*stream].name();
            let position = self.head().next();
            let positions = self.streams.entry(name.to_owned()).or_default();
            positions.push(position);
            let version = Version::new(positions.len() as u64);
            let recorded = EventRef::recording(event, name, version, position, recorded)
                .within_append(first, last);
            self.events.push(recorded.to_owned());
            self.ids.entry(event.id()).or_insert(position);
        }
        Appended::new(first, last, &self.versions_at(append, last), recorded)
    }

    /// The outcome of the same append, wherever it is; nothing if none of its
    /// ids is taken.
    fn known(&self, append: &Append) -> Result<Option<Appended>> {
        let ids = append.entries().iter().map(|(_, event)| event.id());
        let mut taken = ids.filter_map(|id| Some((id, *self.ids.get(&id)?)));
        let Some((id, position)) = taken.next() else {
            return Ok(None);
        };
        match self.at(position) {
            Some(there) if self.is_same_append(there, append) => {
                Ok(Some(self.outcome_of(there, append)))
            }
            _ => {
                let position = Some(position);
                Err(ErrorKind::DuplicateId { id, position }.into())
            }
        }
    }

    /// Whether the append in which an event was recorded was this one, content
    /// and all.
    fn is_same_append(&self, event: &RecordedEvent, append: &Append) -> bool {
        let recorded = self.between(event.append_first(), event.append_last());
        let same = |(own, (_, asked)): (&RecordedEvent, &(usize, Event))| own.as_ref().says(asked);
        self.is_whole_append(event, append) && recorded.iter().zip(append.entries()).all(same)
    }

    fn outcome_of(&self, event: &RecordedEvent, append: &Append) -> Appended {
        let (first, last) = (event.append_first(), event.append_last());
        Appended::new(
            first,
            last,
            &self.versions_at(append, last),
            event.recorded(),
        )
    }

    /// The outcome of the same append, if it succeeded before: a stream of
    /// which it expects an exact version goes on with this append's events,
    /// and they were recorded together with the rest of it and nothing else.
    fn repeat(&self, append: &Append) -> Option<Appended> {
        let mut parts = append.streams().iter().enumerate();
        parts.find_map(|(index, part)| {
            let expected = part.expected().exact()?;
            let (_, first) = append.entries().iter().find(|(own, _)| *own == index)?;
            let there = self.at_version(part.name(), expected.next())?;
            if there.id() != first.id() || !self.is_whole_append(there, append) {
                return None;
            }
            Some(self.outcome_of(there, append))
        })
    }

    /// Whether the append in which an event was recorded was this one.
    fn is_whole_append(&self, event: &RecordedEvent, append: &Append) -> bool {
        let recorded = self.between(event.append_first(), event.append_last());
        let asked = append.entries().iter();
        let asked = asked.map(|(stream, event)| (append.streams()[*stream].name(), event.id()));
        recorded
            .iter()
            .map(|own| (own.stream(), own.id()))
            .eq(asked)
    }

    /// The versions of an append's streams as they were at a position.
    fn versions_at(&self, append: &Append, at: Position) -> Vec<Version> {
        let version = |name| {
            let count = self.positions(name).partition_point(|own| *own <= at);
            Version::new(count as u64)
        };
        let parts = append.streams().iter();
        parts.map(|part| version(part.name())).collect()
    }

    fn positions(&self, stream: &str) -> &[Position] {
        self.streams.get(stream).map_or(&[], Vec::as_slice)
    }

    fn at_version(&self, stream: &str, version: Version) -> Option<&RecordedEvent> {
        let index = usize::try_from(version.get().checked_sub(1)?).ok()?;
        self.at(*self.positions(stream).get(index)?)
    }

    fn at(&self, position: Position) -> Option<&RecordedEvent> {
        let index = usize::try_from(position.get().checked_sub(1)?).ok()?;
        self.events.get(index)
    }

    fn between(&self, first: Position, last: Position) -> &[RecordedEvent] {
        &self.events[first.get() as usize - 1..last.get() as usize]
    }
}

/// A read on its way: what is left to be looked at.
pub(super) struct Cursor {
    query: Query,
    after: Position,
    up_to: Position,
    left: u64,
}

impl Cursor {
    /// A read that sees nothing after `head`.
    pub(super) fn new(query: Query, head: Position) -> Self {
        let (after, up_to) = query.bounds();
        Cursor {
            after,
            up_to: up_to.min(head),
            left: query.max_events(),
            query,
        }
    }

    /// The next event that the query asks for.
    pub(super) fn next(&mut self, state: &State) -> Option<RecordedEvent> {
        while self.left > 0 && self.after < self.up_to {
            let position = self.step();
            let event = state.at(position)?;
            if self.query.asks_for(&event.as_ref()) {
                self.left -= 1;
                return Some(event.clone());
            }
        }
        None
    }

    /// Goes on, forward, up to another position, with `most` events at most.
    pub(super) fn resume(&mut self, up_to: Position, most: u64) -> bool {
        if self.query.direction() == Direction::Backward {
            return false;
        }
        self.left = most;
        self.up_to = up_to;
        true
    }

    /// Takes the nearest position off what is left.
    fn step(&mut self) -> Position {
        match self.query.direction() {
            Direction::Forward => {
                self.after = self.after.next();
                self.after
            }
            Direction::Backward => {
                let position = self.up_to;
                self.up_to = position.previous();
                position
            }
        }
    }
}
