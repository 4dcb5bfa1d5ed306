//! Keeps the cursor of a running consumer: not at every event, and never
//! ahead of the durable log.

use super::{Cursor, CursorStore, Start};
use crate::env::Deadline;
use crate::error::{ErrorKind, Result};
use crate::store::EventStore;
use crate::types::Position;
use std::sync::Arc;
use std::time::Duration;

pub(crate) struct Keeper {
    store: Arc<dyn EventStore>,
    cursors: Arc<dyn CursorStore>,
    name: String,
    saved: Cursor,
    interval: Duration,
    next: Deadline,
}

impl Keeper {
    /// Finds the place where a consumer goes on, or makes one where it starts.
    pub(crate) fn open(
        store: Arc<dyn EventStore>,
        cursors: Arc<dyn CursorStore>,
        name: &str,
        start: Start,
        interval: Duration,
    ) -> Result<Self> {
        let saved = match cursors.load(name)? {
            Some(saved) => saved,
            None => begin(&*store, &*cursors, name, start)?,
        };
        if saved.position > store.head() {
            return Err(ErrorKind::CursorAhead {
                name: name.to_owned(),
                cursor: saved.position,
                head: store.head(),
            }
            .into());
        }
        Ok(Keeper {
            store,
            cursors,
            name: name.to_owned(),
            saved,
            interval,
            next: Deadline::after(interval),
        })
    }

    /// The cursor as it was saved last.
    pub(crate) fn saved(&self) -> Cursor {
        self.saved
    }

    /// Saves that everything up to here was dealt with, if the last time is
    /// long enough ago.
    pub(crate) fn keep(&mut self, reached: Position) -> Result<()> {
        if !self.next.left().is_zero() {
            return Ok(());
        }
        self.keep_now(reached)
    }

    /// How long its consumer may sleep while nothing happens: until the next
    /// time to save, if there is anything to be saved. What is to be saved may
    /// not be durable yet, so it is looked at now and then.
    pub(crate) fn rest(&self, reached: Position) -> Duration {
        const LEAST: Duration = Duration::from_millis(50);
        match reached > self.saved.position {
            true => self.next.left().max(LEAST),
            false => Duration::MAX,
        }
    }

    /// Saves that everything up to here was dealt with.
    ///
    /// Events may be seen before they are durable. If a crash takes those,
    /// others will have their positions: the cursor must not be past them.
    pub(crate) fn keep_now(&mut self, reached: Position) -> Result<()> {
        self.next = Deadline::after(self.interval);
        let position = reached.min(self.store.durable());
        if position <= self.saved.position {
            return Ok(());
        }
        let cursor = Cursor {
            position,
            ..self.saved
        };
        self.cursors.save(&self.name, cursor)?;
        self.saved = cursor;
        Ok(())
    }

    /// Saves where a consumer stands that does no more, and first makes the
    /// events durable that it has dealt with.
    pub(crate) fn keep_last(&mut self, reached: Position) -> Result<()> {
        if reached > self.store.durable() {
            // A store that can't (closed, read-only) leaves the cursor behind,
            // and what it doesn't cover is dealt with again.
            let _ = self.store.flush();
        }
        self.keep_now(reached)
    }
}

/// The first cursor of a consumer: saved at once, because what is history to
/// it is decided now and not when it is started again.
fn begin(
    store: &dyn EventStore,
    cursors: &dyn CursorStore,
    name: &str,
    start: Start,
) -> Result<Cursor> {
    let now = store.flush().unwrap_or_else(|_| store.durable());
    let cursor = Cursor {
        position: match start {
            Start::Beginning => Position::START,
            Start::Now => now,
            Start::After(position) => position.min(now),
        },
        replay: now,
    };
    cursors.save(name, cursor)?;
    Ok(cursor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cursor::MemoryCursors;
    use crate::memory::MemoryStore;
    use crate::store::Append;
    use crate::types::Event;

    fn opened(
        store: &Arc<MemoryStore>,
        cursors: &Arc<MemoryCursors>,
        start: Start,
    ) -> Result<Keeper> {
        Keeper::open(store.clone(), cursors.clone(), "c", start, Duration::ZERO)
    }

    fn store(events: usize) -> Arc<MemoryStore> {
        let store = Arc::new(MemoryStore::new());
        for _ in 0..events {
            store
                .append(Append::to("a").event(Event::new("T", "")))
                .unwrap();
        }
        store
    }

    #[test]
    fn what_is_history_is_settled_at_the_first_start() {
        let (store, cursors) = (store(3), Arc::new(MemoryCursors::new()));
        let first = opened(&store, &cursors, Start::Beginning).unwrap().saved();
        assert_eq!(first, Cursor::beginning(Position::new(3)));
        store
            .append(Append::to("a").event(Event::new("T", "")))
            .unwrap();
        let again = opened(&store, &cursors, Start::Now).unwrap().saved();
        assert_eq!(again, first);
    }

    #[test]
    fn starts_are_where_they_say() {
        let start = |start| {
            opened(&store(3), &Arc::default(), start)
                .unwrap()
                .saved()
                .position
        };
        assert_eq!(start(Start::Now), Position::new(3));
        assert_eq!(start(Start::After(Position::new(2))), Position::new(2));
        assert_eq!(start(Start::After(Position::new(9))), Position::new(3));
    }

    #[test]
    fn a_cursor_goes_forward_only_and_not_past_the_durable_log() {
        let cursors = Arc::new(MemoryCursors::new());
        let mut keeper = opened(&store(3), &cursors, Start::Beginning).unwrap();
        let kept = || cursors.load("c").unwrap().unwrap().position.get();
        keeper.keep(Position::new(2)).unwrap();
        assert_eq!(kept(), 2);
        keeper.keep(Position::new(1)).unwrap();
        assert_eq!(kept(), 2);
        keeper.keep_last(Position::new(9)).unwrap();
        assert_eq!(kept(), 3);
    }

    #[test]
    fn a_cursor_ahead_of_the_store_is_refused() {
        let cursors = Arc::new(MemoryCursors::new());
        let ahead = Cursor {
            position: Position::new(4),
            replay: Position::START,
        };
        cursors.save("c", ahead).unwrap();
        let refused = opened(&store(3), &cursors, Start::Beginning).err().unwrap();
        assert!(
            matches!(refused.kind(), ErrorKind::CursorAhead { .. }),
            "{refused}"
        );
    }
}
