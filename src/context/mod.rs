//! Floor 8: who did it, why, and what caused it.

use crate::types::{Event, EventRef, RecordedEvent};
use serde_json::{Map, Value};
use std::cell::RefCell;
use uuid::Uuid;

/// What is known about the events to come and is not their data: who, why,
/// caused by what, as part of which process, and whatever else the
/// application notes.
///
/// Give it to a repository (`Repository::within`) or to a piece of code
/// (`scope`), and every event that is recorded there carries it: the two ids
/// as its correlation and causation, the rest as metadata, a JSON object.
///
/// ```
/// # use annals::{Aggregate, Context, EventStore, MemoryStore, Query, Repository};
/// # use serde::{Deserialize, Serialize};
/// # use std::sync::Arc;
/// # #[derive(Default)]
/// # struct User;
/// # #[derive(Serialize, Deserialize)]
/// # enum UserEvent { Renamed }
/// # impl Aggregate for User {
/// #   type Event = UserEvent;
/// #   const CATEGORY: &'static str = "users";
/// #   fn apply(&mut self, _: &UserEvent) {}
/// # }
/// # let store = Arc::new(MemoryStore::new());
/// # let users = Repository::<User>::new(store.clone());
/// let support = Context::new().by("support/eve").because("ticket 4711").with("client", "desk 2");
/// users.within(support).save(&mut users.load(1)?, [UserEvent::Renamed])?;
///
/// let event = store.read(&Query::stream("users/1")).next().unwrap()?;
/// assert_eq!(Context::of(&event).who(), Some("support/eve"));
/// assert_eq!(Context::of(&event).why(), Some("ticket 4711"));
/// # Ok::<(), annals::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Context {
    correlation: Option<Uuid>,
    causation: Option<Uuid>,
    metadata: Map<String, Value>,
}

const WHO: &str = "by";
const WHY: &str = "because";

thread_local! {
    /// The contexts of the scopes that this thread is in, the innermost last.
    static SCOPES: RefCell<Vec<Context>> = const { RefCell::new(Vec::new()) };
}

impl Context {
    /// Nothing is known yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What follows from this event: it is the cause, and its process (or, if
    /// it has none, the one that begins with it) goes on.
    pub fn caused_by(event: &RecordedEvent) -> Self {
        Self::caused_by_lent(&event.as_ref())
    }

    /// Like `caused_by`, for a lent event.
    pub fn caused_by_lent(event: &EventRef<'_>) -> Self {
        Context {
            correlation: event.correlation().or(Some(event.id())),
            causation: Some(event.id()),
            metadata: Map::new(),
        }
    }

    /// What was known when this event was recorded. Metadata that is no JSON
    /// object counts as none.
    pub fn of(event: &RecordedEvent) -> Self {
        Context {
            correlation: event.correlation(),
            causation: event.causation(),
            metadata: serde_json::from_slice(event.metadata()).unwrap_or_default(),
        }
    }

    /// Says who does it; kept as `by`.
    #[must_use]
    pub fn by(self, who: impl Into<String>) -> Self {
        self.with(WHO, who.into())
    }

    /// Says why; kept as `because`.
    #[must_use]
    pub fn because(self, why: impl Into<String>) -> Self {
        self.with(WHY, why.into())
    }

    /// Notes anything else.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.metadata.insert(key.into(), value.into());
        self
    }

    /// Sets the process that it belongs to.
    #[must_use]
    pub fn with_correlation(mut self, id: Uuid) -> Self {
        self.correlation = Some(id);
        self
    }

    /// Sets the event or command that causes it.
    #[must_use]
    pub fn with_causation(mut self, id: Uuid) -> Self {
        self.causation = Some(id);
        self
    }

    /// Who does it, if that is known.
    pub fn who(&self) -> Option<&str> {
        self.get(WHO)?.as_str()
    }

    /// Why, if that is known.
    pub fn why(&self) -> Option<&str> {
        self.get(WHY)?.as_str()
    }

    /// What was noted under this key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.metadata.get(key)
    }

    /// The process that it belongs to.
    pub fn correlation(&self) -> Option<Uuid> {
        self.correlation
    }

    /// The event or command that causes it.
    pub fn causation(&self) -> Option<Uuid> {
        self.causation
    }

    /// Does a piece of work in this context: all events that repositories
    /// record meanwhile, on this thread, carry it. A publisher does so with
    /// `caused_by` around its handlers. What an inner scope, or a repository,
    /// says itself goes before what an outer one says.
    ///
    /// ```
    /// use annals::Context;
    /// let outer = Context::new().by("ann").because("she may");
    /// outer.scope(|| {
    ///     Context::new().because("she can").scope(|| {
    ///         let now = Context::current();
    ///         assert_eq!((now.who(), now.why()), (Some("ann"), Some("she can")));
    ///     });
    /// });
    /// assert_eq!(Context::current(), Context::new());
    /// ```
    pub fn scope<T>(&self, work: impl FnOnce() -> T) -> T {
        let inner = self.clone().or(Self::current());
        SCOPES.with_borrow_mut(|scopes| scopes.push(inner));
        let _leave = Leave;
        work()
    }

    /// The context of the scope that this thread is in; empty outside of any.
    pub fn current() -> Self {
        SCOPES.with_borrow(|scopes| scopes.last().cloned().unwrap_or_default())
    }

    /// What is known here, completed by what is known there. Of two causes
    /// the nearer one counts, together with its process.
    #[must_use]
    pub fn or(mut self, outer: Context) -> Self {
        self.correlation = self.correlation.or(outer.correlation);
        self.causation = self.causation.or(outer.causation);
        for (key, value) in outer.metadata {
            self.metadata.entry(key).or_insert(value);
        }
        self
    }

    /// Gives all this to an event. What the event says itself stays.
    #[must_use]
    pub fn stamp(&self, mut event: Event) -> Event {
        if let (None, Some(id)) = (event.correlation(), self.correlation) {
            event = event.with_correlation(id);
        }
        if let (None, Some(id)) = (event.causation(), self.causation) {
            event = event.with_causation(id);
        }
        if event.metadata().is_empty() && !self.metadata.is_empty() {
            event = event.with_metadata(Value::from(self.metadata.clone()).to_string());
        }
        event
    }
}

/// Leaves a scope, also when the work in it panics.
struct Leave;

impl Drop for Leave {
    fn drop(&mut self) {
        SCOPES.with_borrow_mut(Vec::pop);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{Position, Timestamp, Version};

    fn recorded(event: &Event) -> RecordedEvent {
        EventRef::recording(
            event,
            "s",
            Version::new(1),
            Position::new(1),
            Timestamp::UNIX_EPOCH,
        )
        .to_owned()
    }

    #[test]
    fn an_event_carries_it_and_gives_it_back() {
        let context = Context::new()
            .by("ann")
            .with("tries", 3)
            .with_correlation(Uuid::from_u128(1))
            .with_causation(Uuid::from_u128(2));
        let event = recorded(&context.stamp(Event::new("T", "")));
        assert_eq!(Context::of(&event), context);
        let odd = recorded(&Event::new("T", "").with_metadata("no JSON"));
        assert_eq!(Context::of(&odd), Context::new());
        assert!(
            Context::new()
                .stamp(Event::new("T", ""))
                .metadata()
                .is_empty()
        );
    }

    #[test]
    fn what_an_event_says_itself_stays() {
        let event = Event::new("T", "")
            .with_metadata("own")
            .with_causation(Uuid::from_u128(9));
        let context = Context::new()
            .by("ann")
            .with_causation(Uuid::from_u128(1))
            .with_correlation(Uuid::from_u128(2));
        let stamped = context.stamp(event);
        assert_eq!(&stamped.metadata()[..], b"own");
        assert_eq!(stamped.causation(), Some(Uuid::from_u128(9)));
        assert_eq!(stamped.correlation(), Some(Uuid::from_u128(2)));
    }

    #[test]
    fn a_process_begins_with_an_event_that_has_none() {
        let first = recorded(&Event::new("T", ""));
        let next = Context::caused_by(&first);
        assert_eq!(next.correlation(), Some(first.id()));
        let second = recorded(&next.stamp(Event::new("T", "")));
        let third = Context::caused_by(&second);
        assert_eq!(third.correlation(), Some(first.id()));
        assert_eq!(third.causation(), Some(second.id()));
    }

    #[test]
    fn an_inner_scope_completes_itself_from_the_outer() {
        let cause = Uuid::from_u128(1);
        let outer = Context::new().by("ann").with_causation(cause);
        let seen = outer.scope(|| Context::new().by("eve").scope(Context::current));
        assert_eq!((seen.who(), seen.causation()), (Some("eve"), Some(cause)));
    }

    #[test]
    fn a_scope_ends_with_a_panic_too() {
        let work = || Context::new().by("ann").scope(|| panic!("on purpose"));
        assert!(std::panic::catch_unwind(work).is_err());
        assert_eq!(Context::current(), Context::new());
    }
}
