//! Floor 8: what an aggregate is.

#[cfg(test)]
pub(crate) mod sample;

use crate::types::Event;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;

/// A thing whose state is the sum of its events: an account, an order, a user.
///
/// It begins with its default state, and every event changes it. It knows
/// nothing of a store: a `Repository` loads and saves it, a `Scenario` tests
/// it. The methods that decide what happens are its own and take what they
/// need; the usual form is `fn withdraw(&self, amount) -> Result<Vec<Event>, Error>`.
///
/// ```
/// use annals::Aggregate;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Default)]
/// struct Account { balance: i64 }
///
/// #[derive(Serialize, Deserialize)]
/// enum AccountEvent { Deposited { amount: i64 }, Withdrawn { amount: i64 } }
///
/// #[derive(Debug)]
/// struct Overdraft;
///
/// impl Account {
///     fn withdraw(&self, amount: i64) -> Result<[AccountEvent; 1], Overdraft> {
///         if amount > self.balance {
///             return Err(Overdraft);
///         }
///         Ok([AccountEvent::Withdrawn { amount }])
///     }
/// }
///
/// impl Aggregate for Account {
///     type Event = AccountEvent;
///     const CATEGORY: &'static str = "accounts";
///
///     fn apply(&mut self, event: &AccountEvent) {
///         match event {
///             AccountEvent::Deposited { amount } => self.balance += amount,
///             AccountEvent::Withdrawn { amount } => self.balance -= amount,
///         }
///     }
/// }
///
/// assert_eq!(Account::stream(7), "accounts/7");
/// ```
pub trait Aggregate: Default + Send + 'static {
    /// Its events: a serde enum (see `Schema`).
    type Event: Serialize + DeserializeOwned + Send + Sync + 'static;

    /// The category of its streams: one for each kind of aggregate.
    const CATEGORY: &'static str;

    /// The number of the state's own schema, for snapshots. Raise it whenever
    /// the fields of the state, or what `apply` does, change: snapshots with
    /// another number are not used.
    const SNAPSHOT_SCHEMA: u32 = 1;

    /// Changes the state as this event says. It happened: there is nothing to
    /// refuse here.
    fn apply(&mut self, event: &Self::Event);

    /// The name of the stream of the aggregate with this id: the category, a
    /// `/`, and the id, unless overridden.
    fn stream(id: impl fmt::Display) -> String {
        format!("{}/{id}", Self::CATEGORY)
    }

    /// Completes an event that is about to be stored: adds its tags, or when
    /// it happened. Leaves it as it is unless overridden.
    ///
    /// ```
    /// # use annals::{Aggregate, Event};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Default)]
    /// # struct Order;
    /// # #[derive(Serialize, Deserialize)]
    /// # enum OrderEvent { Placed { customer: u32 } }
    /// # impl Aggregate for Order {
    /// #   type Event = OrderEvent;
    /// #   const CATEGORY: &'static str = "orders";
    /// #   fn apply(&mut self, _: &OrderEvent) {}
    /// fn annotate(event: &OrderEvent, record: Event) -> Event {
    ///     match event {
    ///         OrderEvent::Placed { customer } => record.with_tag(format!("customer:{customer}")),
    ///     }
    /// }
    /// # }
    /// # let placed = Order::annotate(&OrderEvent::Placed { customer: 7 }, Event::new("Placed", ""));
    /// # assert!(placed.tags().contains("customer:7"));
    /// ```
    fn annotate(_event: &Self::Event, record: Event) -> Event {
        record
    }

    /// The events that make up for an event, so that it can be undone: for
    /// `Deposited { amount }` that is `Withdrawn { amount }`. `self` is the
    /// state now, `before` that just before the event, where the old value of
    /// what it changed is found. No events at all mean that there is nothing
    /// to make up for.
    ///
    /// # Errors
    /// Why it can't be undone, or not any more. Unless overridden, no event
    /// can.
    fn compensate(
        &self,
        _event: &Self::Event,
        _before: &Self,
    ) -> Result<Vec<Self::Event>, NotUndoable> {
        Err(NotUndoable::because(
            "its aggregate does not say how (see Aggregate::compensate)",
        ))
    }
}

/// Why an event can't be undone: what `Aggregate::compensate` refuses with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotUndoable {
    reason: String,
}

impl NotUndoable {
    /// It can't be undone for this reason: the end of a sentence that begins
    /// with "the event can't be undone: ".
    pub fn because(reason: impl Into<String>) -> Self {
        NotUndoable {
            reason: reason.into(),
        }
    }

    /// The reason.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl fmt::Display for NotUndoable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "the event can't be undone: {}", self.reason)
    }
}

impl std::error::Error for NotUndoable {}
