//! Floor 8: the history of one aggregate.

mod difference;
#[cfg(test)]
mod tests;

pub use difference::{Change, Difference};

use crate::aggregate::Aggregate;
use crate::error::Result;
use crate::repository::{Repository, no_such_version};
use crate::store::{Events, Query};
use crate::typed::Schema;
use crate::types::{RecordedEvent, Version};
use serde::Serialize;
use std::fmt;

/// One step in the history of an aggregate: an event, and the state after it.
pub struct Step<A: Aggregate> {
    /// The recorded event.
    pub record: RecordedEvent,
    /// What it says: one value, unless upcasters split or drop it.
    pub events: Vec<A::Event>,
    /// The state after it.
    pub state: A,
}

/// The steps of an aggregate's history, the oldest first: what
/// `Repository::history` returns.
pub struct History<A: Aggregate> {
    schema: Schema<A::Event>,
    source: Events,
    state: A,
}

impl<A: Aggregate> History<A> {
    fn advance(&mut self, record: &RecordedEvent) -> Result<Vec<A::Event>> {
        let events = self.schema.decode(record)?;
        for event in &events {
            self.state.apply(event);
        }
        Ok(events)
    }
}

impl<A: Aggregate + Clone> Iterator for History<A> {
    type Item = Result<Step<A>>;

    fn next(&mut self) -> Option<Self::Item> {
        let record = match self.source.next()? {
            Ok(record) => record,
            Err(error) => return Some(Err(error)),
        };
        match self.advance(&record) {
            Ok(events) => Some(Ok(Step {
                record,
                events,
                state: self.state.clone(),
            })),
            Err(error) => {
                self.source = ended();
                Some(Err(error))
            }
        }
    }
}

fn ended() -> Events {
    Events::new(std::iter::empty())
}

impl<A: Aggregate> Repository<A> {
    /// The history of an aggregate: each event and the state after it. Errors
    /// come as items; the iterator ends after one.
    ///
    /// ```
    /// # use annals::{Aggregate, MemoryStore, Repository, Version};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Clone, Default, Serialize)]
    /// # struct Account { balance: i64 }
    /// # #[derive(Serialize, Deserialize)]
    /// # enum AccountEvent { Deposited(i64), Withdrawn(i64) }
    /// # impl Aggregate for Account {
    /// #   type Event = AccountEvent;
    /// #   const CATEGORY: &'static str = "accounts";
    /// #   fn apply(&mut self, event: &AccountEvent) {
    /// #     match event {
    /// #       AccountEvent::Deposited(amount) => self.balance += amount,
    /// #       AccountEvent::Withdrawn(amount) => self.balance -= amount,
    /// #     }
    /// #   }
    /// # }
    /// use AccountEvent::{Deposited, Withdrawn};
    /// # let accounts = Repository::<Account>::new(std::sync::Arc::new(MemoryStore::new()));
    /// accounts.save(&mut accounts.load(7)?, [Deposited(5), Withdrawn(9), Deposited(1)])?;
    ///
    /// let balances = accounts.history(7).map(|step| Ok(step?.state.balance));
    /// assert_eq!(balances.collect::<annals::Result<Vec<_>>>()?, [5, -4, -3]);
    ///
    /// let overdrawn = accounts.bisect(7, |account| account.balance < 0)?.unwrap();
    /// assert_eq!(overdrawn.record.version(), Version::new(2));
    ///
    /// let difference = accounts.difference(7, 1, 3)?;
    /// assert_eq!(difference.to_string(), "/balance: 5 -> -3\n");
    /// # Ok::<(), annals::Error>(())
    /// ```
    pub fn history(&self, id: impl fmt::Display) -> History<A> {
        self.history_of(&A::stream(id))
    }

    fn history_of(&self, stream: &str) -> History<A> {
        History {
            schema: self.schema().clone(),
            source: self.store().read(&Query::stream(stream.to_owned())),
            state: A::default(),
        }
    }

    /// The event at which something became true of an aggregate: the first
    /// after which the predicate holds and before which it did not. Nothing,
    /// if there is none. It may become false again later: each event is looked
    /// at once, in order, until that one is found.
    ///
    /// # Errors
    /// What reading met: corruption, I/O, an event that can't be decoded.
    pub fn bisect(
        &self,
        id: impl fmt::Display,
        mut predicate: impl FnMut(&A) -> bool,
    ) -> Result<Option<Step<A>>> {
        let mut history = self.history(id);
        let mut before = predicate(&history.state);
        while let Some(record) = history.source.next() {
            let record = record?;
            let events = history.advance(&record)?;
            let after = predicate(&history.state);
            if after && !before {
                return Ok(Some(Step {
                    record,
                    events,
                    state: history.state,
                }));
            }
            before = after;
        }
        Ok(None)
    }
}

impl<A: Aggregate + Serialize> Repository<A> {
    /// What differs in the state of an aggregate between two versions, and the
    /// events that lie between them. `from` may be the later one.
    ///
    /// # Errors
    /// `NoSuchEvent` if the aggregate has not come that far; `Unencodable` if
    /// its state can't be written as JSON; what reading met.
    pub fn difference(
        &self,
        id: impl fmt::Display,
        from: impl Into<Version>,
        to: impl Into<Version>,
    ) -> Result<Difference> {
        let (from, to) = (from.into(), to.into());
        let (first, last) = (from.min(to), from.max(to));
        let stream = A::stream(id);
        let mut history = self.history_of(&stream);
        let mut difference = Difference::default();
        let mut lower = None;
        let mut version = Version::NONE;
        loop {
            if version == first {
                lower = Some(difference::as_json(&history.state)?);
            }
            if version >= last {
                break;
            }
            let Some(record) = history.source.next() else {
                break;
            };
            let record = record?;
            history.advance(&record)?;
            version = record.version();
            if version > first {
                difference.events.push(record);
            }
        }
        let (Some(lower), true) = (lower, version == last) else {
            let wanted = if version < first { first } else { last };
            return Err(no_such_version(&stream, wanted));
        };
        let upper = difference::as_json(&history.state)?;
        let (before, after) = if from <= to {
            (&lower, &upper)
        } else {
            (&upper, &lower)
        };
        difference.changes = difference::changes(before, after);
        Ok(difference)
    }
}

impl<A: Aggregate + Clone> Clone for Step<A>
where
    A::Event: Clone,
{
    fn clone(&self) -> Self {
        Step {
            record: self.record.clone(),
            events: self.events.clone(),
            state: self.state.clone(),
        }
    }
}

impl<A: Aggregate + fmt::Debug> fmt::Debug for Step<A>
where
    A::Event: fmt::Debug,
{
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Step")
            .field("version", &self.record.version())
            .field("events", &self.events)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

impl<A: Aggregate> fmt::Debug for History<A> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("History")
            .field("category", &A::CATEGORY)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}
