//! What a decision saw: the state, and up to where.

use super::facts::{Facts, Need};
use crate::error::Result;
use crate::store::{Append, EventStore, Query, QueryItem};
use crate::typed::Schema;
use crate::types::{EventRef, Position, RecordedEvent};
use std::fmt;
use std::marker::PhantomData;
use std::ops::ControlFlow;

/// What a decision rests on, as it was at one head.
pub struct Observed<E, F: Facts<E>> {
    facts: F,
    state: F::State,
    /// What is read whole, what of which the newest is read, and both.
    all: Vec<QueryItem>,
    newest: Vec<QueryItem>,
    condition: Vec<QueryItem>,
    head: Position,
    of: PhantomData<fn(&E)>,
}

impl<E, F: Facts<E>> Observed<E, F> {
    pub(super) fn new(facts: F) -> Self {
        let (mut all, mut newest, mut condition) = (Vec::new(), Vec::new(), Vec::new());
        facts.items(&mut |item, need| {
            let kind = match need {
                Need::All => &mut all,
                Need::Newest => &mut newest,
            };
            for items in [kind, &mut condition] {
                if !items.contains(item) {
                    items.push(item.clone());
                }
            }
        });
        newest.retain(|item| !all.contains(item));
        Observed {
            state: facts.start(),
            facts,
            all,
            newest,
            condition,
            head: Position::START,
            of: PhantomData,
        }
    }

    /// The state that the events make.
    pub fn state(&self) -> &F::State {
        &self.state
    }

    /// The state by value.
    pub fn into_state(self) -> F::State {
        self.state
    }

    /// The head that was seen: events up to this position are in the state.
    pub fn head(&self) -> Position {
        self.head
    }

    /// The query for all that the state rests on.
    pub fn query(&self) -> Query {
        Query::any_of(self.condition.iter().cloned())
    }

    /// Lets an append succeed only if nothing has come that would have changed
    /// the state.
    ///
    /// ```
    /// # use annals::decision::{Decisions, DomainEvent, Fold};
    /// # use annals::{Append, Event, EventStore, MemoryStore, QueryItem};
    /// # #[derive(serde::Serialize, serde::Deserialize)]
    /// # enum Campus { Enrolled }
    /// # impl DomainEvent for Campus { fn stream(&self) -> String { "enrolments".to_owned() } }
    /// # let store = std::sync::Arc::new(MemoryStore::new());
    /// # let campus = Decisions::<Campus>::new(store.clone());
    /// let enrolled = Fold::new(QueryItem::all().with_type("Enrolled"), 0, |count, _: &Campus| *count += 1);
    /// let observed = campus.observe(enrolled)?;
    /// let report = format!("{} enrolled", observed.state());
    /// let append = Append::to("reports").event(Event::new("Reported", report));
    /// store.append(observed.guard(append))?;
    /// # Ok::<(), annals::Error>(())
    /// ```
    #[must_use]
    pub fn guard(&self, append: Append) -> Append {
        match self.condition.is_empty() {
            true => append,
            false => append.unless(self.query(), self.head),
        }
    }

    /// Takes account of what has come since. Gives an item that something new
    /// matches, as a name for it.
    pub(super) fn refresh(
        &mut self,
        store: &dyn EventStore,
        schema: &Schema<E>,
    ) -> Result<Option<String>>
    where
        E: 'static,
    {
        let head = store.head();
        let between = |items: &[QueryItem]| {
            let query = Query::any_of(items.iter().cloned());
            query.after(self.head).up_to(head)
        };
        let mut newest = Vec::new();
        for item in &self.newest {
            let one = between(std::slice::from_ref(item)).backward().limit(1);
            newest.extend(store.read(&one).next().transpose()?);
        }
        newest.sort_by_key(RecordedEvent::position);
        newest.dedup_by_key(|event| event.position());
        let all = between(&self.all);

        let mut newest = newest.iter().peekable();
        let mut met = None;
        let mut outcome = Ok(());
        if !self.all.is_empty() {
            store.scan(&all, &mut |event| {
                let position = event.position();
                outcome = (|| {
                    while let Some(own) = newest.next_if(|own| own.position() < position) {
                        self.apply(schema, &own.as_ref(), &mut met)?;
                    }
                    let _ = newest.next_if(|own| own.position() == position);
                    self.apply(schema, &event, &mut met)
                })();
                match outcome {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(_) => ControlFlow::Break(()),
                }
            })?;
        }
        outcome?;
        for own in newest {
            self.apply(schema, &own.as_ref(), &mut met)?;
        }
        self.head = head;
        Ok(met)
    }

    fn apply(
        &mut self,
        schema: &Schema<E>,
        record: &EventRef<'_>,
        met: &mut Option<String>,
    ) -> Result<()>
    where
        E: 'static,
    {
        if self.head > Position::START && met.is_none() {
            let item = self.condition.iter().find(|item| item.matches(record));
            *met = item.map(|item| format!("{item:?}"));
        }
        let (facts, state) = (&self.facts, &mut self.state);
        schema.visit(record, |event| facts.apply(state, record, &event))
    }
}

impl<E, F: Facts<E>> fmt::Debug for Observed<E, F>
where
    F::State: fmt::Debug,
{
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Observed")
            .field("state", &self.state)
            .field("query", &self.condition)
            .field("head", &self.head)
            .finish_non_exhaustive()
    }
}
