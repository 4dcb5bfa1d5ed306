//! What a subscription shares with other threads.

use crate::env::sync::{AtomicBool, AtomicU64, Ordering};
use crate::store::EventStore;
use crate::types::Position;
use std::fmt;
use std::sync::Arc;

pub(super) struct Switch {
    store: Arc<dyn EventStore>,
    closed: AtomicBool,
    position: AtomicU64,
}

impl Switch {
    pub(super) fn new(store: Arc<dyn EventStore>, position: Position) -> Self {
        Switch {
            store,
            closed: AtomicBool::new(false),
            position: AtomicU64::new(position.get()),
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    pub(super) fn reach(&self, position: Position) {
        self.position.store(position.get(), Ordering::Release);
    }

    pub(super) fn reached(&self) -> Position {
        Position::new(self.position.load(Ordering::Acquire))
    }

    pub(super) fn lag(&self) -> u64 {
        let position = self.reached();
        self.store.head().get().saturating_sub(position.get())
    }
}

/// Closes a subscription, or looks at it, from anywhere. Cheap to clone.
///
/// ```
/// use annals::subscription::subscribe;
/// use annals::{MemoryStore, Position, Query};
/// use std::sync::Arc;
/// let subscription = subscribe(Arc::new(MemoryStore::new()), Query::all(), Position::START);
/// let handle = subscription.handle();
/// let reader = std::thread::spawn(move || subscription.count());
/// handle.close();
/// assert_eq!(reader.join().unwrap(), 0);
/// ```
#[derive(Clone)]
pub struct SubscriptionHandle {
    switch: Arc<Switch>,
}

impl SubscriptionHandle {
    pub(super) fn new(switch: Arc<Switch>) -> Self {
        SubscriptionHandle { switch }
    }

    /// Ends the subscription: what it hasn't given yet it won't give. Whoever
    /// waits in it is woken.
    pub fn close(&self) {
        self.switch.closed.store(true, Ordering::Release);
        self.switch.store.wake();
    }

    /// Whether it was closed by a handle.
    pub fn is_closed(&self) -> bool {
        self.switch.is_closed()
    }

    /// Everything that the subscription's query asks for up to here was given.
    pub fn reached(&self) -> Position {
        self.switch.reached()
    }

    /// How many positions the store is ahead of `reached`.
    pub fn lag(&self) -> u64 {
        self.switch.lag()
    }
}

impl fmt::Debug for SubscriptionHandle {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SubscriptionHandle")
            .field("reached", &self.reached())
            .field("is_closed", &self.is_closed())
            .finish()
    }
}
