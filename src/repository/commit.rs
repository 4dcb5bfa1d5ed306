//! From new events to an append, and from its outcome to the new state.

use super::{Loaded, Repository};
use crate::aggregate::Aggregate;
use crate::error::Result;
use crate::store::{Append, Appended};
use crate::types::{Event, Position};

impl<A: Aggregate> Repository<A> {
    /// Saves what has happened to an aggregate since it was loaded, provided
    /// that nothing else has; and brings it up to date. Without events it does
    /// nothing.
    ///
    /// ```
    /// # use annals::{Aggregate, MemoryStore, Repository, Version};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Default)]
    /// # struct User;
    /// # #[derive(Serialize, Deserialize)]
    /// # enum UserEvent { Created, Renamed }
    /// # impl Aggregate for User {
    /// #   type Event = UserEvent;
    /// #   const CATEGORY: &'static str = "users";
    /// #   fn apply(&mut self, _: &UserEvent) {}
    /// # }
    /// # let users = Repository::<User>::new(std::sync::Arc::new(MemoryStore::new()));
    /// let mut user = users.load(1)?;
    /// let mut same = users.load(1)?;
    /// users.save(&mut user, [UserEvent::Created])?;
    /// assert_eq!(user.version(), Version::new(1));
    ///
    /// assert!(users.save(&mut same, [UserEvent::Renamed]).unwrap_err().is_conflict());
    /// users.refresh(&mut same)?;
    /// users.save(&mut same, [UserEvent::Renamed])?;
    /// # Ok::<(), annals::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Conflict` if something else has happened to it; `Unencodable`; what
    /// else an append fails with. The aggregate is then as it was.
    pub fn save(
        &self,
        loaded: &mut Loaded<A>,
        events: impl IntoIterator<Item = A::Event>,
    ) -> Result<()> {
        let events: Vec<A::Event> = events.into_iter().collect();
        let records = self.records(&events)?;
        self.save_records(loaded, &events, records)
    }

    /// Like `save`, with events that have been made into records already.
    pub(crate) fn save_records(
        &self,
        loaded: &mut Loaded<A>,
        events: &[A::Event],
        records: Vec<Event>,
    ) -> Result<()> {
        if events.is_empty() {
            return Ok(());
        }
        let append = Self::opened(loaded).events(records);
        let appended = self.recorder.append(append)?;
        let last = appended.last();
        self.follow(loaded, events, appended, last);
        Ok(())
    }

    /// Adds new events of an aggregate to an append, with what they expect of
    /// its stream: for an append over any number of aggregates. `refresh` the
    /// aggregate after the append.
    ///
    /// ```
    /// # use annals::{Aggregate, Append, Event, EventStore, MemoryStore, Repository, Version};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Default)]
    /// # struct User;
    /// # #[derive(Serialize, Deserialize)]
    /// # enum UserEvent { Created }
    /// # impl Aggregate for User {
    /// #   type Event = UserEvent;
    /// #   const CATEGORY: &'static str = "users";
    /// #   fn apply(&mut self, _: &UserEvent) {}
    /// # }
    /// # let store = std::sync::Arc::new(MemoryStore::new());
    /// # let users = Repository::<User>::new(store.clone());
    /// let mut append = Append::to("imports").event(Event::new("Imported", "2 users"));
    /// for id in [1, 2] {
    ///     append = users.add_to(append, &users.load(id)?, &[UserEvent::Created])?;
    /// }
    /// assert_eq!(store.append(append)?.last().get(), 3);
    /// # Ok::<(), annals::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Unencodable`.
    pub fn add_to(
        &self,
        append: Append,
        loaded: &Loaded<A>,
        events: &[A::Event],
    ) -> Result<Append> {
        let records = self.records(events)?;
        Ok(append
            .and_to(loaded.stream.clone())
            .expect(loaded.version)
            .events(records))
    }

    /// An append to an aggregate's stream that expects it to be as loaded.
    pub(super) fn opened(loaded: &Loaded<A>) -> Append {
        Append::to(loaded.stream.clone()).expect(loaded.version)
    }

    /// Events as they are stored, in the context of this repository and scope.
    pub(crate) fn records(&self, events: &[A::Event]) -> Result<Vec<Event>> {
        let context = self.recorder.context_now();
        let record = |event| {
            let record = A::annotate(event, self.schema().encode(event)?);
            Ok(context.stamp(record))
        };
        events.iter().map(record).collect()
    }

    /// Brings an aggregate up to date after its events were appended, of which
    /// the last is at this position.
    pub(super) fn follow(
        &self,
        loaded: &mut Loaded<A>,
        events: &[A::Event],
        appended: Appended,
        last: Position,
    ) {
        if !events.is_empty() {
            for event in events {
                loaded.state.apply(event);
            }
            loaded.version = loaded.version.plus(events.len() as u64);
            loaded.position = last;
            loaded.since.get_or_insert(appended.recorded());
        }
        loaded.appended = Some(appended);
        self.snapshot_if_due(loaded);
    }
}
