//! Floor 8: the store as it was.

#[cfg(test)]
mod tests;

use crate::error::{ErrorKind, Result};
use crate::store::{Append, Capabilities, EventStore, Events, Explanation, Pending, Query};
use crate::types::{EventRef, Position, StoreId, Timestamp, Version};
use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

/// A moment in the life of a store: a position, or a time by its clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// After the event at this position.
    Position(Position),
    /// After the last event that was recorded at or before this time.
    Recorded(Timestamp),
}

impl From<Position> for Moment {
    fn from(position: Position) -> Self {
        Moment::Position(position)
    }
}

impl From<Timestamp> for Moment {
    fn from(time: Timestamp) -> Self {
        Moment::Recorded(time)
    }
}

/// What a view that looks at when things happened makes of events which don't
/// say when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undated {
    /// They happened, whenever it was.
    Include,
    /// They did not happen.
    Exclude,
    /// They happened when they were recorded.
    AsRecorded,
}

/// A store as it was at a moment, whatever was appended since: read a stream,
/// a query, an aggregate or a projection in it, as often as you like, and get
/// the same each time.
///
/// A view is a store that takes no appends, so everything that reads stores
/// reads views. Making one costs nothing.
///
/// What we knew then and what was true then are two questions. A view answers
/// the first; `happened_by` narrows it to answer the second.
///
/// ```
/// use annals::{Append, Event, EventStore, MemoryStore, Position, Query, View};
/// use std::sync::Arc;
///
/// let store = Arc::new(MemoryStore::new());
/// store.append(Append::to("users/1").event(Event::new("Registered", "{}")))?;
/// let view = View::as_of(store.clone(), Position::new(1))?;
///
/// store.append(Append::to("users/1").event(Event::new("EmailChanged", "{}")))?;
/// assert_eq!(view.read(&Query::stream("users/1")).count(), 1);
/// assert_eq!(view.version("users/1")?.get(), 1);
/// # Ok::<(), annals::Error>(())
/// ```
#[derive(Clone)]
pub struct View {
    store: Arc<dyn EventStore>,
    up_to: Position,
    happened: Option<Happened>,
}

#[derive(Clone, Copy, Debug)]
struct Happened {
    by: Timestamp,
    undated: Undated,
}

impl Happened {
    fn holds(self, event: &EventRef<'_>) -> bool {
        match (event.happened(), self.undated) {
            (Some(time), _) => time <= self.by,
            (None, Undated::Include) => true,
            (None, Undated::Exclude) => false,
            (None, Undated::AsRecorded) => event.recorded() <= self.by,
        }
    }
}

impl View {
    /// The store as it was at this moment.
    ///
    /// # Errors
    /// `NotReached` for a position after the last one: what will be there is
    /// not known yet. A time after the last event is no error; the view is
    /// that of now.
    pub fn as_of(store: Arc<dyn EventStore>, moment: impl Into<Moment>) -> Result<Self> {
        let head = store.head();
        let up_to = match moment.into() {
            Moment::Position(asked) if asked > head => {
                return Err(ErrorKind::NotReached { asked, head }.into());
            }
            Moment::Position(position) => position,
            Moment::Recorded(time) => store.position_at(time)?,
        };
        Ok(View {
            store,
            up_to,
            happened: None,
        })
    }

    /// The store as it is now, from now on unchanged.
    pub fn now(store: Arc<dyn EventStore>) -> Self {
        View {
            up_to: store.head(),
            store,
            happened: None,
        }
    }

    /// Narrows the view to what had happened by a time, according to the
    /// events themselves; `undated` says what to make of those that don't say.
    ///
    /// An event that was recorded late, about something long past, is in it;
    /// one about something still to come is not. Streams have gaps in such a
    /// view, and aggregates are replayed without snapshots.
    ///
    /// ```
    /// use annals::{Append, Event, EventStore, MemoryStore, Query, Timestamp, Undated, View};
    /// use std::sync::Arc;
    ///
    /// let day = |day: i64| Timestamp::new(day * 86_400, 0).unwrap();
    /// let moved = |to: &'static str, on: i64| Event::new("Moved", to).with_happened(day(on));
    /// let store = Arc::new(MemoryStore::new());
    /// store.append(Append::to("people/ann").event(moved("Rome", 10)).event(moved("Oslo", 30)))?;
    ///
    /// let then = View::now(store).happened_by(day(20), Undated::Include);
    /// let homes: Vec<_> = then.read(&Query::stream("people/ann")).collect::<Result<_, _>>()?;
    /// assert_eq!(homes.len(), 1);
    /// assert_eq!(homes[0].data(), b"Rome");
    /// # Ok::<(), annals::Error>(())
    /// ```
    #[must_use]
    pub fn happened_by(mut self, time: Timestamp, undated: Undated) -> Self {
        self.happened = Some(Happened { by: time, undated });
        self
    }

    /// The position that bounds the view.
    pub fn position(&self) -> Position {
        self.up_to
    }

    /// The query as the store is to be asked, and how many events are wanted.
    fn bounded(&self, query: &Query) -> (Query, u64) {
        let up_to = query.bounds().1.min(self.up_to);
        let bounded = query.clone().up_to(up_to);
        match self.happened {
            None => (bounded, u64::MAX),
            Some(_) => (bounded.limit(u64::MAX), query.max_events()),
        }
    }
}

impl EventStore for View {
    /// Always `ReadOnly`.
    fn submit(&self, _: Append) -> Pending {
        Pending::ready(Err(ErrorKind::ReadOnly.into()))
    }

    fn read(&self, query: &Query) -> Events {
        let (bounded, wanted) = self.bounded(query);
        let found = self.store.read(&bounded);
        let Some(happened) = self.happened else {
            return found;
        };
        let holds = move |event: &Result<crate::RecordedEvent>| match event {
            Ok(event) => happened.holds(&event.as_ref()),
            Err(_) => true,
        };
        let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
        Events::new(found.filter(holds).take(wanted))
    }

    fn scan(
        &self,
        query: &Query,
        visit: &mut dyn FnMut(EventRef<'_>) -> ControlFlow<()>,
    ) -> Result<()> {
        let (bounded, mut wanted) = self.bounded(query);
        let Some(happened) = self.happened else {
            return self.store.scan(&bounded, visit);
        };
        if wanted == 0 {
            return Ok(());
        }
        self.store.scan(&bounded, &mut |event| {
            if !happened.holds(&event) {
                return ControlFlow::Continue(());
            }
            wanted -= 1;
            visit(event)?;
            if wanted == 0 {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        })
    }

    fn version(&self, stream: &str) -> Result<Version> {
        let last = Query::stream(stream.to_owned()).backward().limit(1);
        let last = self.read(&last).next().transpose()?;
        Ok(last.map_or(Version::NONE, |event| event.version()))
    }

    fn head(&self) -> Position {
        self.up_to
    }

    fn durable(&self) -> Position {
        self.store.durable().min(self.up_to)
    }

    fn flush(&self) -> Result<Position> {
        Ok(self.durable())
    }

    /// As of a closed store: there is nothing to wait for.
    fn wait(&self, after: Position, _: Duration) -> Result<Position> {
        if self.up_to > after {
            return Ok(self.up_to);
        }
        Err(ErrorKind::Closed.into())
    }

    fn id(&self) -> StoreId {
        self.store.id()
    }

    /// Does nothing: the store stays open.
    fn close(&self) -> Result<()> {
        Ok(())
    }

    fn capabilities(&self) -> Capabilities {
        let own = self.store.capabilities();
        let whole = self.happened.is_none();
        Capabilities {
            gapless_positions: own.gapless_positions && whole,
            gapless_versions: own.gapless_versions && whole,
            ..own
        }
    }

    fn explain(&self, query: &Query) -> Result<Explanation> {
        self.store.explain(&self.bounded(query).0)
    }

    fn first(&self) -> Position {
        self.store.first()
    }

    fn position_at(&self, time: Timestamp) -> Result<Position> {
        Ok(self.store.position_at(time)?.min(self.up_to))
    }
}

impl fmt::Debug for View {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("View")
            .field("store", &self.store.id())
            .field("up_to", &self.up_to)
            .field("happened", &self.happened)
            .finish()
    }
}
