//! Making a projection anew beside the running one.

use super::{Projected, Projection, Shared};
use crate::error::{Error, ErrorKind, Result};
use crate::subscription::{Delivered, caught};
use crate::types::Position;

/// How far behind the running projection a new one may be to take its place:
/// the rest is made up for while readers wait.
const CLOSE: u64 = 256;

/// How often the new one tries to come that close. After that readers wait
/// longer, because it would never come closer.
const ROUNDS: u32 = 16;

impl<P: Projection> Projected<P> {
    /// Makes a projection anew from the first event on, beside the running
    /// one, which goes on and is read as before. Once it has caught up it
    /// takes the running one's place, at once for all readers; the old one is
    /// given back.
    ///
    /// To the new one, everything that the old one has taken account of is
    /// history (`Phase::Replay`), so that side effects are not repeated. A
    /// projection that is stuck is unstuck by this.
    ///
    /// This blocks until it is done: call it on a thread of its own if need
    /// be. Of two calls at once, one waits for the other.
    ///
    /// ```
    /// use annals::projection::{Projection, Projector};
    /// use annals::subscription::{Delivered, HandlerError};
    /// use annals::{Append, Event, EventStore, MemoryStore};
    /// use std::{sync::Arc, time::Duration};
    ///
    /// /// Counts bytes, as the code of the day has it.
    /// struct Sizes { unit: usize, sum: usize }
    ///
    /// impl Projection for Sizes {
    ///     fn handle(&mut self, event: &Delivered) -> Result<(), HandlerError> {
    ///         self.sum += event.data().len() / self.unit;
    ///         Ok(())
    ///     }
    /// }
    ///
    /// let store = Arc::new(MemoryStore::new());
    /// let done = store.append(Append::to("files/1").event(Event::new("Added", vec![0; 3000])))?;
    /// let sizes = Projector::new(store, Sizes { unit: 1000, sum: 0 }).start()?;
    /// sizes.wait_for(done.last(), Duration::from_secs(10))?;
    /// assert_eq!(sizes.read(|sizes| sizes.sum), 3);
    ///
    /// let old = sizes.rebuild(Sizes { unit: 1, sum: 0 })?;
    /// assert_eq!((old.sum, sizes.read(|sizes| sizes.sum)), (3, 3000));
    /// # Ok::<(), annals::Error>(())
    /// ```
    ///
    /// # Errors
    /// - What the new projection fails with, or the store: the running one
    ///   stays.
    /// - `Closed` if the running one has ended.
    pub fn rebuild(&self, mut fresh: P) -> Result<P> {
        let shared = &*self.shared;
        let _alone = shared.rebuilding.lock();
        let mut done = Position::START;
        for _ in 0..ROUNDS {
            let reached = shared.progress.reached();
            if reached.get() - done.get() <= CLOSE {
                break;
            }
            shared.catch_up(&mut fresh, done, reached)?;
            done = reached;
        }
        let mut slot = shared.slot.write();
        shared.catch_up(&mut fresh, done, shared.progress.reached())?;
        caught(|| fresh.take_over())
            .map_err(|error| Error::outside("take over from the running projection", error))?;
        slot.generation += 1;
        let old = std::mem::replace(&mut slot.projection, fresh);
        shared.progress.set_trouble(None);
        Ok(old)
    }
}

impl<P: Projection> Shared<P> {
    /// Gives a new projection the history between two positions.
    fn catch_up(&self, fresh: &mut P, after: Position, up_to: Position) -> Result<()> {
        for event in self.store.read(&fresh.query().after(after).up_to(up_to)) {
            if self.progress.is_stopping() || self.progress.has_ended() {
                return Err(ErrorKind::Closed.into());
            }
            let event = Delivered::new(event?, up_to);
            caught(|| fresh.handle(&event)).map_err(|error| {
                let what = format!("project the event at {}", event.position());
                Error::outside(what, error)
            })?;
        }
        Ok(())
    }
}
