//! Floor 8: decisions whose rule reaches over many streams.
//!
//! An aggregate draws the boundary of consistency when an application is
//! designed: one stream. Many rules cross it: a course has seats, a student a
//! number of courses; a name is taken once. A decision draws the boundary when
//! it is made. It says which events it rests on ([`Facts`]), folds them into a
//! state, decides, and records what it decided on the condition that none of
//! those events has come meanwhile. If one has, it decides again.
//!
//! ```
//! use annals::decision::{Decisions, DomainEvent, Fold};
//! use annals::{CommandError, MemoryStore, QueryItem};
//! use serde::{Deserialize, Serialize};
//! use std::sync::Arc;
//!
//! #[derive(Serialize, Deserialize)]
//! enum UserEvent {
//!     Registered { id: u32, name: String },
//! }
//! use UserEvent::Registered;
//!
//! impl DomainEvent for UserEvent {
//!     fn stream(&self) -> String {
//!         let Registered { id, .. } = self;
//!         format!("users/{id}")
//!     }
//!
//!     fn tags(&self) -> Vec<String> {
//!         let Registered { name, .. } = self;
//!         vec![format!("name:{name}")]
//!     }
//! }
//!
//! /// Whether a name is taken.
//! fn taken(name: &str) -> Fold<UserEvent, bool> {
//!     Fold::new(QueryItem::all().with_tag(format!("name:{name}")), false, |taken, _| *taken = true)
//! }
//!
//! #[derive(Debug)]
//! struct Taken;
//!
//! let users = Decisions::<UserEvent>::new(Arc::new(MemoryStore::new()));
//! let register = |id, name: &str| {
//!     users.decide(taken(name), |taken| match taken {
//!         true => Err(Taken),
//!         false => Ok([Registered { id, name: name.to_owned() }]),
//!     })
//! };
//! assert!(register(1, "ada").is_ok());
//! assert!(matches!(register(2, "ada"), Err(CommandError::Refused(Taken))));
//! ```

mod facts;
mod observed;
#[cfg(test)]
mod tests;

pub use facts::{Facts, Fold, Latest, Need};
pub use observed::Observed;

use crate::command::{CommandError, Recorder, turn};
use crate::context::Context;
use crate::error::Result;
use crate::store::{Append, Appended, EventStore};
use crate::typed::Schema;
use crate::types::{Durability, Event};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::sync::Arc;

/// An event enum (see `Schema`) that knows where its events belong: their
/// stream, and the tags under which decisions find them.
///
/// Tags are said here, once, and not where events are made: an event without
/// the tag that a rule looks for would break the rule in silence.
pub trait DomainEvent: Serialize + DeserializeOwned + 'static {
    /// The stream in which the event is recorded.
    fn stream(&self) -> String;

    /// The tags under which it is found; usually one for each entity that it
    /// concerns. None unless said.
    fn tags(&self) -> Vec<String> {
        Vec::new()
    }

    /// Completes the record, which has its tags: when it happened, say. Leaves
    /// it as it is unless overridden.
    fn annotate(&self, record: Event) -> Event {
        record
    }
}

/// Makes decisions on a store; see the [module](self).
pub struct Decisions<E> {
    recorder: Recorder<E>,
}

/// A decision that was made and recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided<E, S> {
    state: S,
    events: Vec<E>,
    appended: Option<Appended>,
}

impl<E, S> Decided<E, S> {
    /// The state on which it was decided: that before the events.
    pub fn state(&self) -> &S {
        &self.state
    }

    /// What was decided, in order; nothing if nothing is to happen.
    pub fn events(&self) -> &[E] {
        &self.events
    }

    /// The events by value.
    pub fn into_events(self) -> Vec<E> {
        self.events
    }

    /// Where that was recorded; nothing if nothing was.
    pub fn appended(&self) -> Option<&Appended> {
        self.appended.as_ref()
    }
}

impl<E: DomainEvent> Decisions<E> {
    /// Decisions on this store, with events as JSON.
    pub fn new(store: Arc<dyn EventStore>) -> Self {
        Decisions {
            recorder: Recorder::new(store, Schema::new()),
        }
    }

    /// Sets how events are written and read: codec and upcasters.
    #[must_use]
    pub fn with_schema(mut self, schema: Schema<E>) -> Self {
        self.recorder.schema = schema;
        self
    }

    /// Sets how often `decide` decides at most when others keep recording what
    /// it rests on: 32 times unless set; 0 counts as 1.
    #[must_use]
    pub fn with_attempts(mut self, attempts: u32) -> Self {
        self.recorder.attempts = attempts.max(1);
        self
    }

    /// Sets how safe events must be before a decision is done; the store's own
    /// setting holds unless this is called.
    #[must_use]
    pub fn with_durability(mut self, durability: Durability) -> Self {
        self.recorder.durability = Some(durability);
        self
    }

    /// The same decisions, within a context: who, why, caused by what. Events
    /// recorded through them carry that. Cheap: make one for every command.
    #[must_use]
    pub fn within(&self, context: Context) -> Self {
        let mut own = self.clone();
        own.recorder.context = context.or(own.recorder.context);
        own
    }

    /// The store.
    pub fn store(&self) -> &Arc<dyn EventStore> {
        &self.recorder.store
    }

    /// How events are written and read.
    pub fn schema(&self) -> &Schema<E> {
        &self.recorder.schema
    }

    /// Makes a decision: reads what it rests on, lets `decide` say what
    /// happens (or that it refuses), and records that in one atomic append, on
    /// the condition that nothing it rests on has come meanwhile. If something
    /// has, it reads what is new and decides again, up to `with_attempts`
    /// times in all; so `decide` should do nothing but decide.
    ///
    /// Facts that belong together go in a tuple, or many of a kind in a `Vec`;
    /// the state is then a tuple, or a `Vec`, of theirs. Deciding that nothing
    /// happens is fine: nothing is recorded then.
    ///
    /// ```
    /// # use annals::decision::{Decisions, DomainEvent, Fold};
    /// # use annals::{MemoryStore, QueryItem};
    /// # use serde::{Deserialize, Serialize};
    /// #[derive(Debug, Serialize, Deserialize)]
    /// enum Campus {
    ///     CourseOffered { course: u32, seats: usize },
    ///     Enrolled { course: u32, student: u32 },
    /// }
    /// # use Campus::{CourseOffered, Enrolled};
    /// # impl DomainEvent for Campus {
    /// #     fn stream(&self) -> String {
    /// #         match self { CourseOffered { course, .. } | Enrolled { course, .. } => format!("courses/{course}") }
    /// #     }
    /// #     fn tags(&self) -> Vec<String> {
    /// #         match self {
    /// #             CourseOffered { course, .. } => vec![format!("course:{course}")],
    /// #             Enrolled { course, student } => vec![format!("course:{course}"), format!("student:{student}")],
    /// #         }
    /// #     }
    /// # }
    ///
    /// fn seats_left(course: u32) -> Fold<Campus, usize> {
    ///     let item = QueryItem::all().with_tag(format!("course:{course}"));
    ///     Fold::new(item, 0, |left, event| match event {
    ///         CourseOffered { seats, .. } => *left = *seats,
    ///         Enrolled { .. } => *left -= 1,
    ///     })
    /// }
    ///
    /// fn courses_of(student: u32) -> Fold<Campus, usize> {
    ///     let item = QueryItem::all().with_type("Enrolled").with_tag(format!("student:{student}"));
    ///     Fold::new(item, 0, |courses, _| *courses += 1)
    /// }
    ///
    /// let campus = Decisions::<Campus>::new(std::sync::Arc::new(MemoryStore::new()));
    /// campus.decide((), |()| Ok::<_, &str>([CourseOffered { course: 1, seats: 1 }])).unwrap();
    /// let enrol = |course, student| {
    ///     campus.decide((seats_left(course), courses_of(student)), |(left, courses)| {
    ///         if *left == 0 { return Err("the course is full"); }
    ///         if *courses >= 5 { return Err("five courses are enough"); }
    ///         Ok([Enrolled { course, student }])
    ///     })
    /// };
    /// assert!(enrol(1, 7).is_ok());
    /// assert_eq!(enrol(1, 8).unwrap_err().refused(), Some(&"the course is full"));
    /// ```
    ///
    /// # Errors
    /// `Refused` with the error of `decide`, untouched. `Failed` with what
    /// reading or appending failed with, in the end; `ConditionFailed` means
    /// that others recorded what it rests on each time before it was done.
    pub fn decide<F: Facts<E>, D, I>(
        &self,
        facts: F,
        mut decide: impl FnMut(&F::State) -> Result<I, D>,
    ) -> Result<Decided<E, F::State>, CommandError<D>>
    where
        I: IntoIterator<Item = E>,
    {
        let mut observed = self.observe(facts)?;
        let mut attempt = 1;
        let mut own_turn = None;
        loop {
            let decided = decide(observed.state()).map_err(CommandError::Refused)?;
            let events: Vec<E> = decided.into_iter().collect();
            match self.record(&observed, &events) {
                Err(error) if error.is_conflict() && attempt < self.recorder.attempts => {
                    attempt += 1;
                    let met = self.refresh(&mut observed)?;
                    if let (None, Some(item)) = (&own_turn, met) {
                        own_turn = turn(&item);
                        // Those who waited have read in vain: they read again.
                        self.refresh(&mut observed)?;
                    }
                }
                outcome => {
                    let appended = outcome?;
                    let state = observed.into_state();
                    return Ok(Decided {
                        state,
                        events,
                        appended,
                    });
                }
            }
        }
    }

    /// Reads what a decision rests on, for those who decide and append
    /// themselves: see [`Observed::guard`].
    ///
    /// # Errors
    /// What reading met: corruption, I/O, an event that can't be decoded.
    pub fn observe<F: Facts<E>>(&self, facts: F) -> Result<Observed<E, F>> {
        let mut observed = Observed::new(facts);
        self.refresh(&mut observed)?;
        Ok(observed)
    }

    /// The records of these events, each in its stream, added to an append.
    ///
    /// # Errors
    /// `Unencodable`.
    pub fn add_to(&self, append: Append, events: &[E]) -> Result<Append> {
        let context = self.recorder.context_now();
        events.iter().try_fold(append, |append, event| {
            let record = self.schema().encode(event)?.with_tags(event.tags());
            let record = context.stamp(event.annotate(record));
            Ok(append.and_to(event.stream()).event(record))
        })
    }

    /// Reads on; gives an item that what is new matches, as a name for it.
    fn refresh<F: Facts<E>>(&self, observed: &mut Observed<E, F>) -> Result<Option<String>> {
        observed.refresh(&**self.store(), self.schema())
    }

    fn record<F: Facts<E>>(
        &self,
        observed: &Observed<E, F>,
        events: &[E],
    ) -> Result<Option<Appended>> {
        let Some(first) = events.first() else {
            return Ok(None);
        };
        let append = self.add_to(Append::to(first.stream()), events)?;
        self.recorder.append(observed.guard(append)).map(Some)
    }
}

impl<E> Clone for Decisions<E> {
    fn clone(&self) -> Self {
        Decisions {
            recorder: self.recorder.clone(),
        }
    }
}

impl<E: Serialize + DeserializeOwned + 'static> fmt::Debug for Decisions<E> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Decisions")
            .field("schema", &self.recorder.schema)
            .field("context", &self.recorder.context)
            .field("attempts", &self.recorder.attempts)
            .finish_non_exhaustive()
    }
}
