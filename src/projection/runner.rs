//! The thread of a projection.

use super::{Projection, Shared};
use crate::cursor::{Cursor, Keeper};
use crate::env::{Env, say};
use crate::error::{Error, Result};
use crate::subscription::{Delivered, HandlerError, Retry, Subscription, caught};
use crate::types::Position;
use std::sync::Arc;
use std::time::Duration;

pub(super) struct Runner<P> {
    pub(super) shared: Arc<Shared<P>>,
    pub(super) keeper: Option<Keeper>,
    pub(super) retry: Retry,
    pub(super) replay: Position,
}

/// The events of a projection of one generation.
struct Source {
    generation: u64,
    events: Subscription,
    /// The next event, where it was looked at already.
    next: Option<Delivered>,
}

impl Source {
    fn next(&mut self) -> Result<Option<Delivered>> {
        match self.next.take() {
            Some(event) => Ok(Some(event)),
            None => self.events.try_next(),
        }
    }

    /// Up to where all was taken account of when `next` is what is left.
    fn reached(&self) -> Position {
        let before = |event: &Delivered| event.position().previous();
        self.next.as_ref().map_or(self.events.reached(), before)
    }
}

/// Why the loop can't go on as it is.
enum Hitch {
    /// Another projection is there now.
    Swapped,
    /// The projection failed on an event.
    Failed(Position, HandlerError),
    /// The store or the cursors failed.
    Other(Error),
}

impl From<Error> for Hitch {
    fn from(error: Error) -> Self {
        Hitch::Other(error)
    }
}

impl<P: Projection> Runner<P> {
    pub(super) fn run(mut self) {
        let mut source = self.source();
        let mut failures = 0;
        while !self.shared.progress.is_stopping() {
            match self.step(&mut source) {
                Ok(true) => {
                    if failures > 0 {
                        self.shared.progress.set_trouble(None);
                    }
                    failures = 0;
                }
                Ok(false) => break,
                Err(hitch) => {
                    failures = self.overcome(hitch, failures);
                    source = self.source();
                }
            }
        }
        let reached = self.shared.progress.reached();
        let kept = self
            .keeper
            .as_mut()
            .map_or(Ok(()), |keeper| keeper.keep_last(reached));
        self.shared.progress.set_trouble(kept.err());
        self.shared.progress.end();
    }

    /// What there is to read for the projection as it stands.
    fn source(&self) -> Source {
        let slot = self.shared.slot.read();
        let cursor = Cursor {
            position: self.shared.progress.reached(),
            replay: self.replay,
        };
        let store = Arc::clone(&self.shared.store);
        Source {
            generation: slot.generation,
            events: Subscription::resume(store, slot.projection.query(), cursor),
            next: None,
        }
    }

    /// Takes account of the next append, or waits for one. Whether
    /// there may be more.
    fn step(&mut self, source: &mut Source) -> Result<bool, Hitch> {
        let found = source.next()?;
        let ended = found.is_none() && source.events.has_ended();
        let idle = found.is_none();
        if idle && source.reached() == self.shared.progress.reached() {
            if !ended {
                let progress = &self.shared.progress;
                let keeper = self.keeper.as_ref();
                let rest = keeper.map_or(Duration::MAX, |keeper| keeper.rest(progress.reached()));
                source
                    .events
                    .wait_for_more(rest, &|| progress.is_wanted())?;
            }
        } else {
            self.advance(source, found)?;
        }
        if let Some(keeper) = &mut self.keeper {
            keeper.keep(self.shared.progress.reached())?;
        }
        Ok(!ended)
    }

    /// Takes account of an event and of those appended together with it.
    fn advance(&self, source: &mut Source, first: Option<Delivered>) -> Result<(), Hitch> {
        let mut slot = self.shared.slot.write();
        if slot.generation != source.generation {
            return Err(Hitch::Swapped);
        }
        let mut found = first;
        while let Some(event) = found {
            caught(|| slot.projection.handle(&event))
                .map_err(|error| Hitch::Failed(event.position(), error))?;
            self.shared.progress.reach(event.position());
            if event.position() == event.append_last() {
                break;
            }
            found = source.events.try_next()?;
            if let Some(next) = &found
                && next.append_first() != event.append_first()
            {
                source.next = found;
                break;
            }
        }
        self.shared.progress.reach(source.reached());
        Ok(())
    }

    /// Waits until it is worth another try; how often it has failed by now.
    fn overcome(&self, hitch: Hitch, failures: u32) -> u32 {
        let progress = &self.shared.progress;
        let (error, may_get_stuck) = match hitch {
            Hitch::Swapped => return 0,
            Hitch::Failed(position, error) => {
                let what = format!("project the event at {position}");
                (Error::outside(what, error), true)
            }
            Hitch::Other(error) => (error, false),
        };
        say::warn(format_args!("a projection: {error}"));
        let failures = failures.saturating_add(1);
        if may_get_stuck && self.retry.after(failures).is_none() {
            progress.get_stuck(error);
            progress.wait_while_stuck();
            return 0;
        }
        progress.set_trouble(Some(error));
        let chance = Env::os().random.bytes()[0];
        progress.sleep(self.retry.shortened(self.retry.wait(failures), chance));
        failures
    }
}
