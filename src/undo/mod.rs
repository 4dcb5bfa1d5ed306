//! Floor 8: undoing what happened, by making up for it.

#[cfg(test)]
mod tests;

use crate::aggregate::Aggregate;
use crate::context::Context;
use crate::error::{Error, ErrorKind, EventPlace, Result};
use crate::repository::{Loaded, Repository, no_such_version};
use crate::store::Query;
use crate::types::{Event, RecordedEvent, Version};
use std::collections::HashMap;
use std::fmt;
use uuid::Uuid;

/// How the tag begins that a compensating event carries; the id of the event
/// which it undoes follows.
const UNDOES: &str = "undoes:";

/// Which event of an aggregate: by its version or by its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The event of this version.
    Version(Version),
    /// The event with this id.
    Id(Uuid),
}

impl From<Version> for Which {
    fn from(version: Version) -> Self {
        Which::Version(version)
    }
}

impl From<Uuid> for Which {
    fn from(id: Uuid) -> Self {
        Which::Id(id)
    }
}

impl From<&RecordedEvent> for Which {
    fn from(event: &RecordedEvent) -> Self {
        Which::Id(event.id())
    }
}

impl Which {
    fn is(self, event: &RecordedEvent) -> bool {
        match self {
            Which::Version(version) => event.version() == version,
            Which::Id(id) => event.id() == id,
        }
    }
}

/// The id of the event that this one undoes, if it is the work of
/// `Repository::undo` or `revert_to`.
pub fn undoes(event: &RecordedEvent) -> Option<Uuid> {
    let mut tags = event.tags().iter();
    tags.find_map(|tag| Uuid::parse_str(tag.strip_prefix(UNDOES)?).ok())
}

/// An event as it was met on the way: what it says, part by part, each with
/// the state before it.
struct Met<A: Aggregate> {
    record: RecordedEvent,
    parts: Vec<(A::Event, A)>,
}

/// An aggregate now, and what was met on the way here.
struct Walk<A: Aggregate> {
    now: Loaded<A>,
    met: Vec<Met<A>>,
    /// For each event that is undone the version which undid it.
    undone: HashMap<Uuid, Version>,
}

impl<A: Aggregate + Clone> Repository<A> {
    /// Undoes one event of an aggregate: appends the events that make up for
    /// it (see `Aggregate::compensate`). Nothing is removed. What is appended
    /// names the event as its cause, and can itself be undone.
    ///
    /// ```
    /// # use annals::{Aggregate, MemoryStore, NotUndoable, Repository, Version};
    /// # use serde::{Deserialize, Serialize};
    /// #[derive(Clone, Default)]
    /// struct User { email: String }
    ///
    /// #[derive(Serialize, Deserialize)]
    /// enum UserEvent { EmailChanged { to: String } }
    ///
    /// impl Aggregate for User {
    ///     type Event = UserEvent;
    ///     const CATEGORY: &'static str = "users";
    ///
    ///     fn apply(&mut self, UserEvent::EmailChanged { to }: &UserEvent) {
    ///         self.email = to.clone();
    ///     }
    ///
    ///     fn compensate(&self, _: &UserEvent, before: &User) -> Result<Vec<UserEvent>, NotUndoable> {
    ///         Ok(vec![UserEvent::EmailChanged { to: before.email.clone() }])
    ///     }
    /// }
    ///
    /// # let users = Repository::<User>::new(std::sync::Arc::new(MemoryStore::new()));
    /// let mut ann = users.load("ann")?;
    /// for to in ["a@example.com", "b@example.com"] {
    ///     users.save(&mut ann, [UserEvent::EmailChanged { to: to.to_owned() }])?;
    /// }
    /// let ann = users.undo("ann", Version::new(2))?;
    /// assert_eq!((ann.email.as_str(), ann.version()), ("a@example.com", Version::new(3)));
    ///
    /// // Undo the undoing.
    /// assert_eq!(users.undo("ann", Version::new(3))?.email, "b@example.com");
    /// # Ok::<(), annals::Error>(())
    /// ```
    ///
    /// # Errors
    /// `NotUndoable` if the aggregate refuses, or the event is undone already;
    /// `NoSuchEvent`; what loading and saving fail with.
    pub fn undo(&self, id: impl fmt::Display, which: impl Into<Which>) -> Result<Loaded<A>> {
        let (stream, which) = (A::stream(id), which.into());
        self.compensating(&stream, |walk| {
            let Some(met) = walk.met.iter().find(|met| which.is(&met.record)) else {
                return Err(not_there(&stream, which));
            };
            if let Some(version) = walk.undone.get(&met.record.id()) {
                let reason = format!("version {version} has undone it already");
                return Err(not_undoable(&met.record, reason));
            }
            Ok(vec![met])
        })
    }

    /// Takes an aggregate back to what it was at a version: undoes the events
    /// after it, the newest first, in one append. Nothing is removed.
    ///
    /// # Errors
    /// `NotUndoable` if the aggregate refuses for any of them, and then
    /// nothing is undone; `NoSuchEvent` if it has not come that far; what
    /// loading and saving fail with.
    pub fn revert_to(
        &self,
        id: impl fmt::Display,
        version: impl Into<Version>,
    ) -> Result<Loaded<A>> {
        let (stream, version) = (A::stream(id), version.into());
        self.compensating(&stream, |walk| {
            if walk.now.version() < version {
                return Err(no_such_version(&stream, version));
            }
            let later = walk.met.iter().rev();
            Ok(later.filter(|met| met.record.version() > version).collect())
        })
    }

    /// Makes up for the events that `choose` names, in that order; once more
    /// from the start if the aggregate changes meanwhile.
    fn compensating(
        &self,
        stream: &str,
        choose: impl Fn(&Walk<A>) -> Result<Vec<&Met<A>>>,
    ) -> Result<Loaded<A>> {
        let mut attempt = 1;
        loop {
            let walk = self.walk(stream)?;
            let chosen = choose(&walk)?;
            let (events, records) = self.compensation(walk.now.state(), &chosen)?;
            let mut now = walk.now;
            match self.save_records(&mut now, &events, records) {
                Err(error) if error.is_conflict() && attempt < self.recorder.attempts => {
                    attempt += 1;
                }
                outcome => return outcome.map(|()| now),
            }
        }
    }

    fn walk(&self, stream: &str) -> Result<Walk<A>> {
        let mut walk = Walk {
            now: Loaded::<A>::empty(stream.to_owned()),
            met: Vec::new(),
            undone: HashMap::new(),
        };
        for record in self.store().read(&Query::stream(stream.to_owned())) {
            let record = record?;
            let mut parts = Vec::new();
            for event in self.schema().decode(&record)? {
                let before = walk.now.state.clone();
                walk.now.state.apply(&event);
                parts.push((event, before));
            }
            walk.now.passed(&record.as_ref());
            walk.met.push(Met { record, parts });
        }
        // What undoes an event comes after it, so from the end on it is known
        // of each event whether it is undone itself.
        for met in walk.met.iter().rev() {
            if let Some(target) = undoes(&met.record)
                && !walk.undone.contains_key(&met.record.id())
            {
                walk.undone.insert(target, met.record.version());
            }
        }
        Ok(walk)
    }

    /// The events that make up for these, one after the other, and their
    /// records.
    fn compensation(&self, now: &A, chosen: &[&Met<A>]) -> Result<(Vec<A::Event>, Vec<Event>)> {
        let mut now = now.clone();
        let (mut events, mut records) = (Vec::new(), Vec::new());
        for met in chosen {
            let mut own = Vec::new();
            for (event, before) in met.parts.iter().rev() {
                let made = now.compensate(event, before);
                let made = made.map_err(|no| not_undoable(&met.record, no.reason()))?;
                for event in &made {
                    now.apply(event);
                }
                own.extend(made);
            }
            let caused = self.within(Context::caused_by(&met.record));
            let tag = format!("{UNDOES}{}", met.record.id());
            let tagged = caused.records(&own)?.into_iter();
            records.extend(tagged.map(|record| record.with_tag(tag.clone())));
            events.extend(own);
        }
        Ok((events, records))
    }
}

fn not_there(stream: &str, which: Which) -> Error {
    match which {
        Which::Version(version) => no_such_version(stream, version),
        Which::Id(id) => {
            let what = format!("event {id} in stream {stream:?}");
            ErrorKind::NoSuchEvent { what }.into()
        }
    }
}

fn not_undoable(record: &RecordedEvent, reason: impl Into<String>) -> Error {
    ErrorKind::NotUndoable {
        event_type: record.event_type().to_owned(),
        at: EventPlace::from(&record.as_ref()),
        reason: reason.into(),
    }
    .into()
}
