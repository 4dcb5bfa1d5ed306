//! Does the same to two stores and looks at every answer.

use crate::ops::{AppendPlan, Change, EventPlan, Expectation, Op, STREAMS};
use crate::{HandClock, Subject};
use annals::{
    Append, Appended, Durability, Error, Event, EventStore, Events, Expected, MemoryStore, Pending,
    Position, Query, RecordedEvent, Result, Timestamp, Uuid, Version,
};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestCaseResult;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

pub(crate) struct Comparison<S> {
    subject: S,
    oracle: MemoryStore,
    clock: Arc<HandClock>,
    /// Every append that was tried, to be retried.
    tried: Vec<Append>,
    /// Reads that were begun: the subject's and the oracle's.
    begun: Vec<(Events, Events)>,
    ids: u128,
}

impl<S: Subject> Comparison<S> {
    pub(crate) fn new(subject: S, oracle: MemoryStore, clock: Arc<HandClock>) -> Self {
        Comparison {
            subject,
            oracle,
            clock,
            tried: Vec::new(),
            begun: Vec::new(),
            ids: 0,
        }
    }

    pub(crate) fn step(&mut self, operation: &Op) -> TestCaseResult {
        match operation {
            Op::Append(plans) => self.append_all(plans),
            Op::Retry(index, change, durability) => self.retry(*index, *change, *durability),
            Op::Read(query) => self.read(query),
            Op::Scan(query) => self.scan(query),
            Op::Begin(query) => {
                let query = self.visible_to_both(query);
                let subject = self.subject.store().read(&query);
                self.begun.push((subject, self.oracle.read(&query)));
                Ok(())
            }
            Op::Continue(index, count) => self.go_on(*index, *count),
            Op::Version(stream) => self.version(stream),
            Op::PositionAt(index, nanos) => self.position_at(*index, *nanos),
            Op::Wait(distance) => self.wait(*distance),
            Op::Flush => self.flush(),
            Op::Reopen => {
                self.subject.reopen();
                self.all_is_visible()
            }
            Op::Clock(nanos) => {
                self.clock.advance(*nanos);
                Ok(())
            }
        }
    }

    /// Looks at everything, once more after opening anew.
    pub(crate) fn finish(&mut self) -> TestCaseResult {
        while !self.begun.is_empty() {
            self.go_on_with(0, usize::MAX)?;
        }
        self.flush()?;
        self.look_at_everything()?;
        self.subject.reopen();
        self.look_at_everything()
    }

    fn look_at_everything(&self) -> TestCaseResult {
        self.all_is_visible()?;
        self.read(&Query::all())?;
        self.read(&Query::all().backward())?;
        for stream in STREAMS {
            self.version(stream)?;
            self.read(&Query::stream(stream))?;
        }
        Ok(())
    }

    /// Both submit all of it before they are asked for the answers.
    fn append_all(&mut self, plans: &[AppendPlan]) -> TestCaseResult {
        let mut pending = Vec::new();
        for plan in plans {
            let append = self.build(plan);
            pending.push(self.submit(append));
        }
        for (append, subject, oracle) in pending {
            self.answered(&append, subject.wait(), &oracle.wait())?;
        }
        Ok(())
    }

    fn submit(&mut self, append: Append) -> (Append, Pending, Pending) {
        self.tried.push(append.clone());
        let subject = self.subject.store().submit(append.clone());
        let oracle = self.oracle.submit(append.clone());
        (append, subject, oracle)
    }

    fn retry(
        &mut self,
        index: Index,
        change: Change,
        durability: Option<Durability>,
    ) -> TestCaseResult {
        if self.tried.is_empty() {
            return Ok(());
        }
        let earlier = index.get(&self.tried).clone();
        let mut append = self.changed(earlier, change);
        if let Some(durability) = durability {
            append = append.durability(durability);
        }
        let (append, subject, oracle) = self.submit(append);
        self.answered(&append, subject.wait(), &oracle.wait())
    }

    fn answered(
        &self,
        append: &Append,
        subject: Result<Appended>,
        oracle: &Result<Appended>,
    ) -> TestCaseResult {
        let store = self.subject.store();
        prop_assert_eq!(shown(&subject), shown(oracle), "of {:?}", append);
        match (subject, append.wanted_durability()) {
            (Ok(done), Some(Durability::Durable)) => {
                prop_assert!(store.durable() >= done.last());
                prop_assert!(store.head() >= done.last());
            }
            (Ok(done), Some(Durability::Written)) => prop_assert!(store.head() >= done.last()),
            (Ok(_), _) => {}
            (Err(error), _) => self.conflict_is_visible(&error)?,
        }
        Ok(())
    }

    /// What a conflict saw, a reader sees.
    fn conflict_is_visible(&self, error: &Error) -> TestCaseResult {
        if let annals::ErrorKind::Conflict { stream, actual, .. } = error.kind() {
            prop_assert!(self.subject.store().version(stream).unwrap() >= *actual);
        }
        if let annals::ErrorKind::ConditionFailed { position, .. } = error.kind() {
            prop_assert!(self.subject.store().head() >= *position);
        }
        if let annals::ErrorKind::DuplicateId { position, .. } = error.kind() {
            let position = position.unwrap_or(Position::START);
            prop_assert!(self.subject.store().head() >= position);
        }
        Ok(())
    }

    fn read(&self, query: &Query) -> TestCaseResult {
        let query = self.visible_to_both(query);
        let subject = collect(self.subject.store().read(&query));
        prop_assert_eq!(subject, collect(self.oracle.read(&query)), "{:?}", query);
        Ok(())
    }

    fn scan(&self, query: &Query) -> TestCaseResult {
        let query = self.visible_to_both(query);
        let mut lent = Vec::new();
        self.subject
            .store()
            .scan(&query, &mut |event| {
                lent.push(event.to_owned());
                ControlFlow::Continue(())
            })
            .unwrap();
        prop_assert_eq!(lent, collect(self.oracle.read(&query)), "{:?}", query);
        Ok(())
    }

    fn go_on(&mut self, index: Index, count: usize) -> TestCaseResult {
        if self.begun.is_empty() {
            return Ok(());
        }
        self.go_on_with(index.index(self.begun.len()), count)
    }

    fn go_on_with(&mut self, index: usize, count: usize) -> TestCaseResult {
        let (subject, oracle) = &mut self.begun[index];
        let subject = collect(subject.take(count));
        let oracle = collect(oracle.take(count));
        let ended = oracle.len() < count;
        prop_assert_eq!(subject, oracle);
        if ended {
            drop(self.begun.swap_remove(index));
        }
        Ok(())
    }

    fn version(&self, stream: &str) -> TestCaseResult {
        let at_least = self.oracle_version(stream, self.subject.store().head());
        let version = self.subject.store().version(stream).unwrap();
        let at_most = self.oracle_version(stream, self.subject.store().head());
        prop_assert!((at_least..=at_most).contains(&version));
        Ok(())
    }

    fn oracle_version(&self, stream: &str, head: Position) -> Version {
        let newest = Query::stream(stream.to_owned()).up_to(head).backward();
        let newest = self.oracle.read(&newest.limit(1)).next();
        newest.map_or(Version::NONE, |event| event.unwrap().version())
    }

    fn position_at(&self, index: Index, nanos: i64) -> TestCaseResult {
        let all = collect(self.oracle.read(&Query::all()));
        if all.is_empty() {
            return Ok(());
        }
        let time = moved(index.get(&all).recorded(), nanos);
        let due = self.oracle.position_at(time).unwrap();
        let at_least = due.min(self.subject.store().head());
        let found = self.subject.store().position_at(time).unwrap();
        let at_most = due.min(self.subject.store().head());
        prop_assert!(
            (at_least..=at_most).contains(&found),
            "{} for {}",
            found,
            time
        );
        Ok(())
    }

    fn wait(&self, distance: i64) -> TestCaseResult {
        let store = self.subject.store();
        let at_least = store.head();
        let after = Position::new(at_least.get().saturating_add_signed(distance));
        let head = store.wait(after, Duration::ZERO).unwrap();
        prop_assert!((at_least..=store.head()).contains(&head));
        Ok(())
    }

    fn flush(&self) -> TestCaseResult {
        let flushed = self.subject.store().flush().unwrap();
        prop_assert_eq!(flushed, self.oracle.flush().unwrap());
        prop_assert_eq!(self.subject.store().durable(), flushed);
        self.all_is_visible()
    }

    fn all_is_visible(&self) -> TestCaseResult {
        prop_assert_eq!(self.subject.store().head(), self.oracle.head());
        prop_assert_eq!(self.subject.store().first(), self.oracle.first());
        Ok(())
    }

    /// The query, bounded by what the subject shows already: buffered events
    /// need not be visible, and become so at any time.
    fn visible_to_both(&self, query: &Query) -> Query {
        let head = self.subject.store().head();
        if head == self.oracle.head() {
            return query.clone();
        }
        let (_, up_to) = query.bounds();
        query.clone().up_to(up_to.min(head))
    }

    fn build(&mut self, plan: &AppendPlan) -> Append {
        let first = plan.parts.first().unwrap();
        let mut append = Append::to(first.stream.clone());
        for part in &plan.parts {
            append = append.and_to(part.stream.clone());
            if let Some(expectation) = part.expectation {
                append = append.expect(self.resolve(&part.stream, expectation));
            }
            for event in &part.events {
                append = append.event(self.event(event));
            }
        }
        for (stream, expectation) in &plan.checks {
            append = append.check(stream.clone(), self.resolve(stream, *expectation));
        }
        for (query, newest) in &plan.conditions {
            let head = self.oracle.head().get();
            let after = newest.map_or(0, |newest| head.saturating_sub(newest));
            append = append.unless(query.clone(), Position::new(after));
        }
        match plan.durability {
            Some(durability) => append.durability(durability),
            None => append,
        }
    }

    fn event(&mut self, plan: &EventPlan) -> Event {
        self.ids += 1;
        let id = Uuid::from_u128(self.ids);
        let mut event = Event::with_id(id, plan.event_type.clone(), plan.data.clone())
            .with_metadata(plan.metadata.clone())
            .with_schema(plan.schema)
            .with_tags(plan.tags.clone());
        if let Some(nanos) = plan.happened {
            event = event.with_happened(moved(Timestamp::UNIX_EPOCH, nanos));
        }
        if let Some(id) = plan.related.0 {
            event = event.with_correlation(Uuid::from_u128(id));
        }
        if let Some(id) = plan.related.1 {
            event = event.with_causation(Uuid::from_u128(id));
        }
        event
    }

    fn resolve(&self, stream: &str, expectation: Expectation) -> Expected {
        match expectation {
            Expectation::Plain(expected) => expected,
            Expectation::Near(distance) => {
                let version = self.oracle.version(stream).unwrap().get();
                Expected::Exact(Version::new(version.saturating_add_signed(distance)))
            }
        }
    }

    /// An earlier append with a change, and with the ids that it had.
    fn changed(&mut self, append: Append, change: Change) -> Append {
        match change {
            Change::Nothing => append,
            Change::Shorter => {
                let count = append.entries().len().saturating_sub(1);
                rebuilt(&append, &append.entries()[..count], |name| name)
            }
            Change::Longer => {
                self.ids += 1;
                let first = append.streams()[0].name().to_owned();
                let event = Event::with_id(Uuid::from_u128(self.ids), "Placed", "");
                append.and_to(first).event(event)
            }
            Change::Expect(expectation) => {
                let first = append.streams()[0].name().to_owned();
                let expected = self.resolve(&first, expectation);
                append.and_to(first).expect(expected)
            }
            Change::Stream(name) => rebuilt(&append, append.entries(), |_| name),
            Change::Data => {
                let mut entries = append.entries().to_vec();
                if let Some((_, last)) = entries.last_mut() {
                    *last = Event::with_id(last.id(), last.event_type().to_owned(), "other");
                }
                rebuilt(&append, &entries, |name| name)
            }
            Change::Both(index) => {
                let earlier = index.get(&self.tried).clone();
                let mut both = append;
                for (stream, event) in earlier.entries() {
                    let name = earlier.streams()[*stream].name().to_owned();
                    both = both.and_to(name).event(event.clone());
                }
                both
            }
        }
    }
}

/// The append with these events, and with other names.
fn rebuilt<'a>(
    append: &'a Append,
    entries: &[(usize, Event)],
    name: impl Fn(&'a str) -> &'a str,
) -> Append {
    let parts = append.streams();
    let mut changed = Append::to(name(parts[0].name()).to_owned());
    for part in parts {
        changed = changed.and_to(name(part.name()).to_owned());
        changed = changed.expect(part.expected());
    }
    for (stream, event) in entries {
        changed = changed.and_to(name(parts[*stream].name()).to_owned());
        changed = changed.event(event.clone());
    }
    changed
}

/// Errors have no equality of their own: their kinds' fields are compared.
fn shown(outcome: &Result<Appended>) -> std::result::Result<&Appended, String> {
    outcome
        .as_ref()
        .map_err(|error| format!("{:?}", error.kind()))
}

fn collect(events: impl Iterator<Item = Result<RecordedEvent>>) -> Vec<RecordedEvent> {
    events.collect::<Result<_>>().unwrap()
}

fn moved(time: Timestamp, nanos: i64) -> Timestamp {
    let second = 1_000_000_000;
    let nanos = i64::from(time.nanos()) + nanos;
    let rest = u32::try_from(nanos.rem_euclid(second)).unwrap();
    Timestamp::new(time.seconds() + nanos.div_euclid(second), rest).unwrap()
}
