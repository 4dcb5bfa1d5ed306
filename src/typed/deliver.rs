//! Subscriptions and handlers that are given values instead of bytes.

use super::Schema;
use crate::error::Result;
use crate::subscription::{Delivered, HandlerError, Subscription};
use std::collections::VecDeque;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

impl<E: 'static> Schema<E> {
    /// Makes a handler of stored events out of one of values, for a
    /// `publisher::Handler` or a `Delivery`.
    ///
    /// A stored event that upcasters split is one event to the publisher: if
    /// the handler fails on its second value, it is given the first again, too.
    /// An event that can't be decoded is an event that the handler fails on,
    /// so that it is parked in the end.
    ///
    /// ```
    /// use annals::cursor::MemoryCursors;
    /// use annals::parked::MemoryParked;
    /// use annals::publisher::{Handler, Publisher};
    /// use annals::{Append, EventStore, MemoryStore, Query, Schema};
    /// use serde::{Deserialize, Serialize};
    /// use std::sync::{Arc, mpsc};
    ///
    /// #[derive(Serialize, Deserialize)]
    /// enum UserEvent { Registered { name: String } }
    ///
    /// let (mails, sent) = mpsc::channel();
    /// let schema = Schema::<UserEvent>::new();
    /// let welcome = schema.handler(move |event, of| {
    ///     let UserEvent::Registered { name } = event;
    ///     mails.send(format!("Welcome, {name} ({})!", of.stream()))?;
    ///     Ok(())
    /// });
    ///
    /// let store = Arc::new(MemoryStore::new());
    /// let publishing = Publisher::new(store.clone(), Arc::new(MemoryCursors::new()), Arc::new(MemoryParked::new()))
    ///     .handler(Handler::new("mailer", Query::category("users"), welcome))
    ///     .start()?;
    /// let ada = schema.encode(&UserEvent::Registered { name: "Ada".into() })?;
    /// store.append(Append::to("users/1").event(ada))?;
    /// assert_eq!(sent.recv().unwrap(), "Welcome, Ada (users/1)!");
    /// # Ok::<(), annals::Error>(())
    /// ```
    pub fn handler<F>(
        &self,
        mut handle: F,
    ) -> impl FnMut(&Delivered) -> Result<(), HandlerError> + use<E, F>
    where
        F: FnMut(E, &Delivered) -> Result<(), HandlerError>,
    {
        let schema = self.clone();
        move |event| {
            let values = schema.decode(event)?;
            values
                .into_iter()
                .try_for_each(|value| handle(value, event))
        }
    }

    /// The events of a subscription, as values, each with what it was made
    /// of. Errors come as items; the iterator ends after one.
    ///
    /// ```
    /// use annals::subscription::subscribe;
    /// use annals::{Append, EventStore, MemoryStore, Position, Query, Schema};
    /// use serde::{Deserialize, Serialize};
    /// use std::sync::Arc;
    ///
    /// #[derive(Debug, PartialEq, Serialize, Deserialize)]
    /// enum UserEvent { Registered { name: String } }
    ///
    /// let schema = Schema::<UserEvent>::new();
    /// let store = Arc::new(MemoryStore::new());
    /// let ada = schema.encode(&UserEvent::Registered { name: "Ada".into() })?;
    /// store.append(Append::to("users/1").event(ada))?;
    ///
    /// let users = subscribe(store, Query::category("users"), Position::START);
    /// let first = schema.subscription(users).next().unwrap()?;
    /// assert_eq!(first.event, UserEvent::Registered { name: "Ada".into() });
    /// assert!(!first.is_live());
    /// # Ok::<(), annals::Error>(())
    /// ```
    pub fn subscription(&self, events: Subscription) -> TypedSubscription<E> {
        TypedSubscription {
            schema: self.clone(),
            source: events,
            ready: VecDeque::new(),
            failed: false,
        }
    }
}

/// A value of an event enum on its way to a consumer. It derefs to the stored
/// event that it was made of.
#[derive(Clone, Debug)]
pub struct TypedDelivered<E> {
    /// The value.
    pub event: E,
    /// Whether this is the last value of its stored event: the cursor may be
    /// saved.
    pub is_last: bool,
    /// Shared by the values of one stored event.
    delivered: Arc<Delivered>,
}

impl<E> Deref for TypedDelivered<E> {
    type Target = Delivered;

    fn deref(&self) -> &Delivered {
        &self.delivered
    }
}

/// What `Schema::subscription` returns: it blocks as the subscription does.
pub struct TypedSubscription<E> {
    schema: Schema<E>,
    source: Subscription,
    ready: VecDeque<TypedDelivered<E>>,
    failed: bool,
}

impl<E: 'static> TypedSubscription<E> {
    fn take(&mut self, delivered: Delivered) -> Result<()> {
        let values = self.schema.decode(&delivered)?;
        let delivered = Arc::new(delivered);
        let count = values.len();
        let with_place = values.into_iter().enumerate();
        self.ready
            .extend(with_place.map(|(index, event)| TypedDelivered {
                event,
                is_last: index + 1 == count,
                delivered: Arc::clone(&delivered),
            }));
        Ok(())
    }
}

impl<E: 'static> Iterator for TypedSubscription<E> {
    type Item = Result<TypedDelivered<E>>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.ready.is_empty() && !self.failed {
            let taken = self.source.next()?.and_then(|event| self.take(event));
            if let Err(error) = taken {
                self.failed = true;
                return Some(Err(error));
            }
        }
        self.ready.pop_front().map(Ok)
    }
}

impl<E> fmt::Debug for TypedSubscription<E> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("TypedSubscription")
            .field("schema", &self.schema)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::MemoryStore;
    use crate::store::{Append, EventStore, Query};
    use crate::subscription::subscribe;
    use crate::types::{Event, Position};
    use crate::upcast::Upcasters;
    use serde::{Deserialize, Serialize};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Told {
        A(u8),
        B(u8),
    }

    fn schema() -> Schema<Told> {
        let split = Upcasters::new().split(("Both", 1), [("A", 1), ("B", 1)], |n: u8, parts| {
            parts.push("A", &n);
            parts.push("B", &n);
        });
        Schema::upcasting(split.drop("None", 1)).unwrap()
    }

    fn store(types: &[&'static str]) -> Arc<dyn EventStore> {
        let store = MemoryStore::new();
        for event_type in types {
            let event = Event::new(*event_type, "7");
            store.append(Append::to("s").event(event)).unwrap();
        }
        store.close().unwrap();
        Arc::new(store)
    }

    #[test]
    fn values_come_with_the_event_that_they_were_made_of() {
        let store = store(&["A", "None", "Both"]);
        let events = subscribe(store, Query::all(), Position::START);
        let found: Vec<_> = schema()
            .subscription(events)
            .map(|event| event.unwrap())
            .map(|own| (own.position().get(), own.is_last, own.event))
            .collect();
        let expected = [
            (1, true, Told::A(7)),
            (3, false, Told::A(7)),
            (3, true, Told::B(7)),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn what_cannot_be_decoded_is_an_error_and_the_end() {
        let store = store(&["A", "Unheard", "A"]);
        let events = subscribe(Arc::clone(&store), Query::all(), Position::START);
        let found: Vec<_> = schema().subscription(events).collect();
        assert_eq!(found.len(), 2);
        assert!(found[1].is_err());
        let events = subscribe(store, Query::all(), Position::START);
        let skipping = schema().skip_unknown().subscription(events);
        assert_eq!(skipping.count(), 2);
    }

    #[test]
    fn a_handler_ends_at_the_first_value_that_it_fails_on() {
        let store = store(&["Both"]);
        let mut events = subscribe(store, Query::all(), Position::START);
        let event = events.try_next().unwrap().unwrap();
        let mut seen = Vec::new();
        let mut handler = schema().handler(|value, of| {
            assert_eq!(of.position(), Position::new(1));
            seen.push(value);
            Err("not today".into())
        });
        assert_eq!(handler(&event).unwrap_err().to_string(), "not today");
        drop(handler);
        assert_eq!(seen, [Told::A(7)]);
    }
}
