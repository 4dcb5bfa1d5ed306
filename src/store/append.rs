//! What is handed in (`Append`), what comes back (`Appended`), and the wait
//! between the two (`Pending`).

use super::query::Query;
use crate::error::{Error, ErrorKind, Result};
use crate::types::{
    Durability, Event, Expected, MAX_NAME_BYTES, Micros, Position, Timestamp, Version,
};
use smallvec::{SmallVec, smallvec};
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use uuid::Uuid;

/// One atomic batch of events for one or many streams: all of it is recorded,
/// or nothing.
///
/// The usual case is one line:
///
/// ```
/// use annals::{Append, Event, EventStore, Expected, MemoryStore};
/// let store = MemoryStore::new();
/// store.append(Append::to("orders/42").expect(Expected::NoStream).event(Event::new("Placed", "{}")))?;
/// # Ok::<(), annals::Error>(())
/// ```
///
/// Several streams, and one that is only looked at:
///
/// ```
/// use annals::{Append, Event, EventStore, Expected, MemoryStore, Version};
/// let store = MemoryStore::new();
/// store.append(Append::to("limits/daily").event(Event::new("LimitSet", "100")))?;
/// let transfer = Append::to("accounts/a").event(Event::new("Withdrawn", "5"))
///     .and_to("accounts/b").event(Event::new("Deposited", "5"))
///     .check("limits/daily", Expected::Exact(Version::new(1)));
/// assert_eq!(store.append(transfer)?.last().get(), 3);
/// # Ok::<(), annals::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Append {
    streams: SmallVec<[StreamPart; 1]>,
    /// Where each stream stands in `streams`, once there are many.
    places: Option<HashMap<Cow<'static, str>, usize>>,
    events: SmallVec<[(usize, Event); 1]>,
    conditions: Vec<Query>,
    current: usize,
    durability: Option<Durability>,
}

/// Up to so many streams are found fastest by looking at each.
const FEW: usize = 16;

/// A stream that an append writes or checks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamPart {
    name: Cow<'static, str>,
    expected: Expected,
}

impl StreamPart {
    /// The stream's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What is expected of it before the append.
    pub fn expected(&self) -> Expected {
        self.expected
    }
}

impl Append {
    /// An append to this stream, expecting nothing of it yet.
    pub fn to(stream: impl Into<Cow<'static, str>>) -> Self {
        Append {
            streams: smallvec![StreamPart {
                name: stream.into(),
                expected: Expected::Any,
            }],
            places: None,
            events: SmallVec::new(),
            conditions: Vec::new(),
            current: 0,
            durability: None,
        }
    }

    /// Turns to another stream (or back to an earlier one): what follows is
    /// for that one. Events keep the order in which they are added, over all
    /// streams.
    #[must_use]
    pub fn and_to(mut self, stream: impl Into<Cow<'static, str>>) -> Self {
        let name = stream.into();
        self.current = match self.place(&name) {
            Some(known) => known,
            None => self.add(name),
        };
        self
    }

    /// Where a stream stands, if it was named before.
    fn place(&self, name: &str) -> Option<usize> {
        match &self.places {
            Some(places) => places.get(name).copied(),
            None => self.streams().iter().position(|part| part.name == name),
        }
    }

    fn add(&mut self, name: Cow<'static, str>) -> usize {
        let place = self.streams().len();
        if let Some(places) = &mut self.places {
            places.insert(name.clone(), place);
        }
        self.streams.push(StreamPart {
            name,
            expected: Expected::Any,
        });
        if place == FEW {
            let all = self.streams().iter().enumerate();
            let all = all.map(|(place, part)| (part.name.clone(), place));
            self.places = Some(all.collect());
        }
        place
    }

    /// Sets what is expected of the current stream.
    #[must_use]
    pub fn expect(mut self, expected: impl Into<Expected>) -> Self {
        self.streams[self.current].expected = expected.into();
        self
    }

    /// Adds an event to the current stream.
    #[must_use]
    pub fn event(mut self, event: Event) -> Self {
        self.events.push((self.current, event));
        self
    }

    /// Adds events to the current stream.
    #[must_use]
    pub fn events(mut self, events: impl IntoIterator<Item = Event>) -> Self {
        let current = self.current;
        let events = events.into_iter().map(|event| (current, event));
        self.events.extend(events);
        self
    }

    /// Sets what is expected of a stream that need not be written; the current
    /// stream stays the current one.
    #[must_use]
    pub fn check(
        self,
        stream: impl Into<Cow<'static, str>>,
        expected: impl Into<Expected>,
    ) -> Self {
        let current = self.current;
        let mut checked = self.and_to(stream).expect(expected);
        checked.current = current;
        checked
    }

    /// Adds a condition: the append fails if any event after this position is
    /// what the query asks for. The query's own bounds hold, too; its direction
    /// and limit play no part. Any number of conditions may be given; a failure
    /// names the first that does not hold, counted from 0.
    ///
    /// This is how a rule over many streams is kept: read with a query, decide,
    /// and append unless something more has come that the query would have
    /// found.
    ///
    /// ```
    /// use annals::{Append, Event, EventStore, MemoryStore, Query};
    /// let store = MemoryStore::new();
    /// let taken = Query::all().with_type("UserRegistered").with_tag("name:ada");
    /// let head = store.head();
    /// assert_eq!(store.read(&taken).count(), 0);
    /// let register = |id: &str| {
    ///     let event = Event::new("UserRegistered", "{}").with_tag("name:ada");
    ///     store.append(Append::to(format!("users/{id}")).event(event).unless(taken.clone(), head))
    /// };
    /// assert!(register("1").is_ok());
    /// assert!(register("2").is_err());
    /// ```
    #[must_use]
    pub fn unless(mut self, query: Query, after: Position) -> Self {
        let (own, _) = query.bounds();
        self.conditions.push(query.after(own.max(after)));
        self
    }

    /// Sets how safe the append must be before it is acknowledged and seen;
    /// the store's own setting holds unless this is called.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = Some(durability);
        self
    }

    /// The streams, written or only checked, each name once.
    pub fn streams(&self) -> &[StreamPart] {
        self.streams.as_slice()
    }

    /// The events in order, each with the index of its stream in `streams`.
    pub fn entries(&self) -> &[(usize, Event)] {
        self.events.as_slice()
    }

    /// The conditions: none of these queries may find anything.
    pub fn conditions(&self) -> &[Query] {
        &self.conditions
    }

    /// How safe it must be, if the append says so.
    pub fn wanted_durability(&self) -> Option<Durability> {
        self.durability
    }

    /// Checks what every backend checks first: that there are events, and that
    /// names are neither empty nor too long. Backends call this in `submit`.
    ///
    /// # Errors
    /// `EmptyAppend`, `InvalidName`.
    pub fn validate(&self) -> Result<()> {
        if self.entries().is_empty() {
            return Err(ErrorKind::EmptyAppend.into());
        }
        for part in self.streams() {
            check_name("stream", &part.name)?;
        }
        for (_, event) in self.entries() {
            check_name("event type", event.event_type())?;
            for tag in event.tags() {
                check_name("tag", tag)?;
            }
        }
        Ok(())
    }
}

impl Append {
    /// An id that comes twice.
    pub(crate) fn repeated_id(&self) -> Option<Uuid> {
        let ids = || self.entries().iter().map(|(_, event)| event.id());
        if self.entries().len() <= FEW {
            return ids()
                .enumerate()
                .find(|(count, id)| ids().take(*count).any(|earlier| earlier == *id))
                .map(|(_, id)| id);
        }
        let mut sorted: Vec<Uuid> = ids().collect();
        sorted.sort_unstable();
        let twice = sorted.windows(2).find(|pair| pair[0] == pair[1]);
        twice.map(|pair| pair[0])
    }
}

/// Checks that a name is neither empty nor too long.
pub(crate) fn check_name(what: &'static str, name: &str) -> Result<()> {
    if (1..=MAX_NAME_BYTES).contains(&name.len()) {
        return Ok(());
    }
    Err(ErrorKind::InvalidName {
        what,
        length: name.len(),
        limit: MAX_NAME_BYTES,
    }
    .into())
}

/// What became of an append that succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    first: Position,
    last: Position,
    versions: Versions,
    recorded: Micros,
    repeat: bool,
}

/// The usual append writes one stream, and then there is nothing to allocate.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Versions {
    One(Version),
    Many(Box<[Version]>),
}

impl Appended {
    /// The outcome of an append: its positions, and the version of each stream
    /// of `Append::streams` after it. Backends make these.
    pub fn new(first: Position, last: Position, versions: &[Version], recorded: Timestamp) -> Self {
        Self::at(first, last, versions, recorded.into())
    }

    /// The same, with the time as the log keeps it.
    pub(crate) fn at(
        first: Position,
        last: Position,
        versions: &[Version],
        recorded: Micros,
    ) -> Self {
        let versions = match versions {
            [one] => Versions::One(*one),
            many => Versions::Many(many.into()),
        };
        Appended {
            first,
            last,
            versions,
            recorded,
            repeat: false,
        }
    }

    /// The same outcome, marked as that of an earlier append.
    #[must_use]
    pub fn as_repeat(mut self) -> Self {
        self.repeat = true;
        self
    }

    /// The position of the first event.
    pub fn first(&self) -> Position {
        self.first
    }

    /// The position of the last event.
    pub fn last(&self) -> Position {
        self.last
    }

    /// The version of the append's first stream after it: what to expect of
    /// that stream next time.
    pub fn version(&self) -> Version {
        self.versions().first().copied().unwrap_or(Version::NONE)
    }

    /// The version after the append of each stream of `Append::streams`.
    pub fn versions(&self) -> &[Version] {
        match &self.versions {
            Versions::One(version) => std::slice::from_ref(version),
            Versions::Many(versions) => versions,
        }
    }

    /// When the store recorded it.
    pub fn recorded(&self) -> Timestamp {
        self.recorded.timestamp()
    }

    /// Whether the same append had succeeded before: the outcome is that of
    /// then, and nothing was written now.
    pub fn is_repeat(&self) -> bool {
        self.repeat
    }
}

/// An append on its way. Nothing need be done for it to be written; `wait`
/// tells what became of it. Answers come in the order of submission.
#[must_use = "the outcome of an append is known only by waiting for it"]
pub struct Pending {
    state: State,
}

enum State {
    Ready(Result<Appended>),
    Waiting(Box<dyn Answer>),
}

/// A backend's side of `Pending`.
pub trait Answer: Send {
    /// Whether `wait` would return at once.
    fn is_ready(&self) -> bool;

    /// Blocks until the append is as safe as it asked for, or has failed.
    fn wait(self: Box<Self>) -> Result<Appended>;
}

impl Pending {
    /// An append whose outcome is known already.
    pub fn ready(outcome: Result<Appended>) -> Self {
        Pending {
            state: State::Ready(outcome),
        }
    }

    /// An append whose outcome this will tell.
    pub fn waiting(answer: Box<dyn Answer>) -> Self {
        Pending {
            state: State::Waiting(answer),
        }
    }

    /// Whether `wait` would return at once.
    pub fn is_ready(&self) -> bool {
        match &self.state {
            State::Ready(_) => true,
            State::Waiting(answer) => answer.is_ready(),
        }
    }

    /// Blocks until the append is as safe as it asked for, or has failed.
    ///
    /// # Errors
    /// Whatever the append failed with; see `EventStore::append`.
    pub fn wait(self) -> Result<Appended> {
        match self.state {
            State::Ready(outcome) => outcome,
            State::Waiting(answer) => answer.wait(),
        }
    }
}

impl From<Error> for Pending {
    fn from(error: Error) -> Self {
        Pending::ready(Err(error))
    }
}

impl fmt::Debug for Pending {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Pending")
            .field("is_ready", &self.is_ready())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> Event {
        Event::new("T", "")
    }

    #[test]
    fn a_stream_is_named_once_and_events_keep_their_order() {
        let append = Append::to("a")
            .event(event())
            .and_to("b")
            .expect(Version::new(3))
            .event(event())
            .and_to("a")
            .event(event())
            .check("c", Expected::Exists)
            .event(event());
        let names: Vec<_> = append.streams().iter().map(StreamPart::name).collect();
        assert_eq!(names, ["a", "b", "c"]);
        let order: Vec<_> = append.entries().iter().map(|(stream, _)| *stream).collect();
        assert_eq!(order, [0, 1, 0, 0]);
        assert_eq!(
            append.streams()[1].expected(),
            Expected::Exact(Version::new(3))
        );
    }

    #[test]
    fn of_many_streams_each_is_named_once() {
        let names = || (0..3 * FEW).map(|number| format!("s/{number}"));
        let mut append = Append::to("s/0");
        for name in names().chain(names()) {
            append = append.and_to(name).event(event());
        }
        let own: Vec<_> = append.streams().iter().map(StreamPart::name).collect();
        assert_eq!(own, names().collect::<Vec<_>>());
        let order: Vec<_> = append.entries().iter().map(|(stream, _)| *stream).collect();
        assert!(order.iter().copied().eq((0..3 * FEW).chain(0..3 * FEW)));
    }

    #[test]
    fn names_have_bounds_and_an_append_has_events() {
        let refused = |append: Append| append.validate().unwrap_err().to_string();
        assert_eq!(refused(Append::to("a")), "the append has no events");
        assert_eq!(
            refused(Append::to("").event(event())),
            "the name of the stream is empty"
        );
        let long = "x".repeat(MAX_NAME_BYTES + 1);
        assert_eq!(
            refused(Append::to("a").event(event().with_tag(long.clone()))),
            "the name of the tag is 1025 bytes long; the limit is 1024"
        );
        assert!(refused(Append::to("a").event(Event::new(long, ""))).contains("event type"));
        let longest = "x".repeat(MAX_NAME_BYTES);
        assert!(Append::to(longest).event(event()).validate().is_ok());
    }
}
