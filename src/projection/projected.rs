//! A running projection, as its readers have it.

use super::runner::Runner;
use super::{Projection, Shared};
use crate::env::join;
use crate::error::{Error, ErrorKind, Result};
use crate::types::Position;
use std::fmt;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

/// A running projection. Dropping it stops it, and waits until it is done with
/// the event that it is at.
pub struct Projected<P: Projection> {
    pub(super) shared: Arc<Shared<P>>,
    thread: Option<JoinHandle<()>>,
}

impl<P: Projection> Projected<P> {
    pub(super) fn start(shared: Arc<Shared<P>>, runner: Runner<P>) -> Result<Self> {
        let thread = Builder::new()
            .name("annals-projection".into())
            .spawn(move || runner.run())
            .map_err(|error| Error::outside("start a thread", error))?;
        Ok(Projected {
            shared,
            thread: Some(thread),
        })
    }

    /// Reads the projection. What it has made of one append is seen whole or
    /// not at all (unless it failed amid one). It stands still meanwhile.
    pub fn read<R>(&self, read: impl FnOnce(&P) -> R) -> R {
        read(&self.shared.slot.read().projection)
    }

    /// Every event up to here was taken account of.
    pub fn reached(&self) -> Position {
        self.shared.progress.reached()
    }

    /// How many positions the store is ahead of that.
    pub fn lag(&self) -> u64 {
        let head = self.shared.store.head();
        head.get().saturating_sub(self.reached().get())
    }

    /// Blocks until everything up to a position was taken account of: give it
    /// the `last` position of your append, and you read your own write.
    ///
    /// # Errors
    /// - `TimedOut`.
    /// - What the projection failed with, if it is stuck before that position.
    /// - `Closed` if it has ended before it got there.
    pub fn wait_for(&self, position: Position, timeout: Duration) -> Result<()> {
        self.shared.progress.wait_for(position, timeout)
    }

    /// What is in its way, if something is.
    pub fn trouble(&self) -> Option<Error> {
        self.shared.progress.trouble()
    }

    /// Stops it, and gives it back.
    ///
    /// # Errors
    /// Its cursor could not be saved: it will be given events again.
    pub fn stop(mut self) -> Result<P> {
        self.end();
        if let Some(trouble) = self.trouble() {
            return Err(trouble);
        }
        let shared = Arc::clone(&self.shared);
        drop(self);
        // The thread has ended, so that nobody else has it.
        match Arc::try_unwrap(shared) {
            Ok(shared) => Ok(shared.slot.into_inner().projection),
            Err(_) => Err(ErrorKind::Closed.into()),
        }
    }

    fn end(&mut self) {
        self.shared.progress.stop();
        self.shared.store.wake();
        self.thread.take().into_iter().for_each(join);
    }
}

impl<P: Projection> Drop for Projected<P> {
    fn drop(&mut self) {
        self.end();
    }
}

impl<P: Projection> fmt::Debug for Projected<P> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Projected")
            .field("reached", &self.reached())
            .field("lag", &self.lag())
            .field("trouble", &self.trouble())
            .finish_non_exhaustive()
    }
}
