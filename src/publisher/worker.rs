//! The thread of one handler.

use super::handler::Handler;
use crate::cursor::{Cursor, Keeper};
use crate::env::{Clock, Env, SystemClock, say};
use crate::error::{Error, Result};
use crate::parked::{Parked, ParkedEvents};
use crate::store::{EventStore, Query};
use crate::subscription::{Delivered, HandlerError, Progress, Subscription, caught};
use crate::types::Position;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};

/// Asks a worker to try a parked event again, and to tell what came of it.
pub(super) struct Again {
    pub(super) position: Position,
    pub(super) answer: SyncSender<Result<()>>,
}

pub(super) struct Worker {
    pub(super) store: Arc<dyn EventStore>,
    pub(super) parked: Arc<dyn ParkedEvents>,
    pub(super) handler: Handler,
    pub(super) keeper: Keeper,
    pub(super) progress: Arc<Progress>,
    pub(super) orders: Receiver<Again>,
}

/// The handler is to stop before it has dealt with an event.
struct Stopped;

impl Worker {
    pub(super) fn run(mut self) {
        let mut events = self.subscribe(self.keeper.saved().position);
        let mut failures = 0;
        while !self.progress.is_stopping() {
            self.progress.answer_call();
            self.follow_orders();
            match self.step(&mut events) {
                Ok(true) => failures = 0,
                Ok(false) => break,
                Err(error) => {
                    // The store or the cursors fail for now. The handler has
                    // lost nothing: it goes on from where it stands.
                    self.note(error);
                    failures += 1;
                    self.progress.sleep(self.handler.retry.wait(failures));
                    events = self.subscribe(self.progress.reached());
                }
            }
        }
        let kept = self.keeper.keep_last(self.progress.reached());
        self.progress.set_trouble(kept.err());
        self.progress.end();
    }

    fn subscribe(&self, position: Position) -> Subscription {
        let cursor = Cursor {
            position,
            ..self.keeper.saved()
        };
        let query = self.handler.query.clone();
        Subscription::resume(Arc::clone(&self.store), query, cursor)
    }

    /// Deals with the next event, or waits for one. Whether there
    /// may be more.
    fn step(&mut self, events: &mut Subscription) -> Result<bool> {
        match events.try_next()? {
            Some(event) => {
                if self.deal_with(&event).is_err() {
                    return Ok(false);
                }
                self.progress.reach(events.reached());
            }
            None if events.has_ended() => {
                self.progress.reach(events.reached());
                return Ok(false);
            }
            None => {
                self.progress.reach(events.reached());
                let rest = self.keeper.rest(self.progress.reached());
                events.wait_for_more(rest, &|| self.progress.is_wanted())?;
            }
        }
        self.keeper.keep(self.progress.reached())?;
        Ok(true)
    }

    /// Gives an event to the handler until it succeeds or the event is parked.
    fn deal_with(&mut self, event: &Delivered) -> Result<(), Stopped> {
        let mut failures = 0;
        loop {
            let Err(error) = caught(|| event.as_cause(|| (self.handler.function)(event))) else {
                self.progress.set_trouble(None);
                return Ok(());
            };
            failures += 1;
            let text = error.to_string();
            self.note(self.failure(event.position(), error));
            let retry = self.handler.retry;
            let wait = match retry.after(failures) {
                Some(wait) => wait,
                None if self.park(event.position(), failures, text) => return Ok(()),
                None => retry.longest,
            };
            let chance = Env::os().random.bytes()[0];
            if self.progress.sleep(retry.shortened(wait, chance)) {
                return Err(Stopped);
            }
        }
    }

    /// Parks an event, unless that fails or too many are parked already.
    ///
    /// It is made durable first, as it would be before a cursor passes it: a
    /// crash that took it would put another one in its place, and that would
    /// be taken for parked.
    fn park(&self, position: Position, tries: u32, error: String) -> bool {
        let name = &self.handler.name;
        let parked = Parked {
            handler: name.clone(),
            position,
            tries,
            error,
            parked: SystemClock.now(),
        };
        let outcome = self.parked.list(name).and_then(|others| {
            let others = others.iter().filter(|own| own.position != position);
            if others.count() >= self.handler.most_parked {
                let what = format!("park the event at {position} for the handler {name:?}");
                return Err(Error::outside(what, "too many are parked already"));
            }
            if position > self.store.durable() {
                self.store.flush()?;
            }
            self.parked.park(&parked)
        });
        match outcome {
            Ok(()) => {
                say::warn(format_args!(
                    "the event at {position} is parked for the handler {name:?}"
                ));
                self.progress.set_trouble(None);
                true
            }
            Err(error) => {
                self.note(error);
                false
            }
        }
    }

    fn failure(&self, position: Position, error: HandlerError) -> Error {
        let name = &self.handler.name;
        Error::outside(format!("handle the event at {position} ({name:?})"), error)
    }

    fn note(&self, error: Error) {
        say::warn(format_args!("{:?}: {error}", self.handler.name));
        self.progress.set_trouble(Some(error));
    }

    fn follow_orders(&mut self) {
        while let Ok(again) = self.orders.try_recv() {
            let outcome = self.try_again(again.position);
            // Whoever asked may not have waited for the answer.
            let _ = again.answer.send(outcome);
        }
    }

    /// Tries a parked event once more; forgets it, or notes the failure.
    fn try_again(&mut self, position: Position) -> Result<()> {
        let name = self.handler.name.clone();
        let listed = self.parked.list(&name)?;
        let Some(mut parked) = listed.into_iter().find(|own| own.position == position) else {
            let what = format!("retry the event at {position} ({name:?})");
            return Err(Error::outside(what, "it is not parked"));
        };
        let query = Query::all().after(position.previous()).up_to(position);
        let Some(event) = self.store.read(&query).next().transpose()? else {
            let what = format!("retry the event at {position} ({name:?})");
            return Err(Error::outside(what, "the store does not have it any more"));
        };
        let event = Delivered::new(event, self.keeper.saved().replay);
        match caught(|| event.as_cause(|| (self.handler.function)(&event))) {
            Ok(()) => self.parked.remove(&name, position),
            Err(error) => {
                parked.tries = parked.tries.saturating_add(1);
                parked.error = error.to_string();
                self.parked.park(&parked)?;
                Err(self.failure(position, error))
            }
        }
    }
}
