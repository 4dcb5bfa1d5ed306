//! A subscription that is emptied into something, on a thread of its own.

use super::{Delivered, Subscription, SubscriptionHandle};
use crate::error::{Error, Result};
use crate::types::Position;
use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{Builder, JoinHandle};

/// A thread that empties a subscription into a sink. Dropping it closes the
/// subscription, and doesn't wait for the thread.
#[derive(Debug)]
pub struct Delivery {
    handle: SubscriptionHandle,
    thread: Option<JoinHandle<Result<Position>>>,
}

impl Subscription {
    /// Hands every event to a sink, on a thread of its own, until the sink
    /// breaks or the subscription ends. A sink that blocks holds up this
    /// subscription and nothing else: that is all it takes for back-pressure.
    ///
    /// With any channel that blocks when it is full (`std`'s `SyncSender`,
    /// crossbeam's bounded one) that reads
    ///
    /// ```
    /// use annals::subscription::subscribe;
    /// use annals::{Append, Event, EventStore, MemoryStore, Position, Query};
    /// use std::{ops::ControlFlow, sync::{Arc, mpsc}};
    /// let store = Arc::new(MemoryStore::new());
    /// store.append(Append::to("a").event(Event::new("Happened", "")))?;
    ///
    /// let (sender, receiver) = mpsc::sync_channel(16);
    /// let delivery = subscribe(store, Query::all(), Position::START).deliver(move |event| {
    ///     match sender.send(event) {
    ///         Ok(()) => ControlFlow::Continue(()),
    ///         Err(_) => ControlFlow::Break(()), // Nobody listens any more.
    ///     }
    /// })?;
    ///
    /// assert_eq!(receiver.recv().unwrap().event_type(), "Happened");
    /// delivery.close();
    /// assert_eq!(delivery.join()?, Position::new(1));
    /// # Ok::<(), annals::Error>(())
    /// ```
    ///
    /// # Errors
    /// The thread can't be started.
    pub fn deliver(
        mut self,
        mut sink: impl FnMut(Delivered) -> ControlFlow<()> + Send + 'static,
    ) -> Result<Delivery> {
        let handle = self.handle();
        let work = move || {
            for event in self.by_ref() {
                if sink(event?).is_break() {
                    break;
                }
            }
            Ok(self.reached())
        };
        let thread = Builder::new()
            .name("annals-delivery".into())
            .spawn(work)
            .map_err(|error| Error::outside("start a thread", error))?;
        Ok(Delivery {
            handle,
            thread: Some(thread),
        })
    }

    /// Sends every event into a channel that holds at most `capacity` of them
    /// (0: each is handed over). When it is full, the subscription waits.
    /// Dropping the receiver ends it.
    ///
    /// ```
    /// use annals::subscription::subscribe;
    /// use annals::{Append, Event, EventStore, MemoryStore, Position, Query};
    /// use std::sync::Arc;
    /// let store = Arc::new(MemoryStore::new());
    /// store.append(Append::to("a").event(Event::new("Happened", "")))?;
    /// let (events, _delivery) = subscribe(store, Query::all(), Position::START).into_channel(16)?;
    /// assert_eq!(events.recv().unwrap().event_type(), "Happened");
    /// # Ok::<(), annals::Error>(())
    /// ```
    ///
    /// # Errors
    /// The thread can't be started.
    pub fn into_channel(self, capacity: usize) -> Result<(Receiver<Delivered>, Delivery)> {
        let (sender, receiver) = sync_channel(capacity);
        let delivery = self.deliver(move |event| match sender.send(event) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        })?;
        Ok((receiver, delivery))
    }
}

impl Delivery {
    /// Closes the subscription: nothing more is handed over. A sink that is
    /// at work, or blocked, is not interrupted.
    pub fn close(&self) {
        self.handle.close();
    }

    /// How far the subscription is, and how far behind.
    pub fn handle(&self) -> &SubscriptionHandle {
        &self.handle
    }

    /// Waits for the subscription's end: the position up to which everything
    /// was handed over.
    ///
    /// # Errors
    /// What reading the store failed with.
    ///
    /// # Panics
    /// If the sink did: its panic goes on here.
    pub fn join(mut self) -> Result<Position> {
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(end)) => end,
            Some(Err(panic)) => std::panic::resume_unwind(panic),
            None => Ok(self.handle.reached()),
        }
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        self.handle.close();
    }
}
