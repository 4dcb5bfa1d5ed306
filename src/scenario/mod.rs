//! Floor 8: given, when, then: tests of aggregates that need no store.

#[cfg(test)]
mod tests;

use crate::aggregate::Aggregate;
use crate::typed::Schema;
use crate::types::{EventRef, Position, Timestamp, Version};
use std::fmt::Debug;

/// A test of an aggregate: given what has happened, when this is done, then
/// that happens. It needs no store; what fails panics, as `assert_eq!` does.
///
/// ```
/// use annals::{Aggregate, Scenario};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Default)]
/// struct Account { balance: i64 }
///
/// #[derive(Debug, PartialEq, Serialize, Deserialize)]
/// enum AccountEvent { Deposited(i64), Withdrawn(i64) }
/// use AccountEvent::{Deposited, Withdrawn};
///
/// #[derive(Debug, PartialEq)]
/// enum Refusal { Overdraft { balance: i64 } }
///
/// impl Account {
///     fn withdraw(&self, amount: i64) -> Result<[AccountEvent; 1], Refusal> {
///         if amount > self.balance {
///             return Err(Refusal::Overdraft { balance: self.balance });
///         }
///         Ok([Withdrawn(amount)])
///     }
/// }
/// # impl Aggregate for Account {
/// #   type Event = AccountEvent;
/// #   const CATEGORY: &'static str = "accounts";
/// #   fn apply(&mut self, event: &AccountEvent) {
/// #     match event {
/// #       AccountEvent::Deposited(amount) => self.balance += amount,
/// #       AccountEvent::Withdrawn(amount) => self.balance -= amount,
/// #     }
/// #   }
/// # }
///
/// Scenario::<Account>::given([Deposited(5)])
///     .when(|account| account.withdraw(3))
///     .then([Withdrawn(3)])
///     .then_state(|account| assert_eq!(account.balance, 2))
///     // and it goes on from there:
///     .when(|account| account.withdraw(3))
///     .then_refused(Refusal::Overdraft { balance: 2 });
/// ```
#[derive(Clone, Debug)]
#[must_use = "a scenario shows something only when something is done in it"]
pub struct Scenario<A> {
    state: A,
}

/// What happened in a scenario, to be compared with what should have.
#[derive(Clone, Debug)]
#[must_use = "say what should have happened: then, then_nothing or then_refused"]
pub struct Outcome<A: Aggregate, D> {
    state: A,
    decided: Result<Vec<A::Event>, D>,
}

impl<A: Aggregate> Scenario<A> {
    /// Nothing has happened yet.
    pub fn new() -> Self {
        Self::given([])
    }

    /// These events have happened.
    pub fn given(events: impl IntoIterator<Item = A::Event>) -> Self {
        let scenario = Scenario {
            state: A::default(),
        };
        scenario.and_given(events)
    }

    /// These have happened, too.
    pub fn and_given(mut self, events: impl IntoIterator<Item = A::Event>) -> Self {
        for event in events {
            self.state.apply(&event);
        }
        self
    }

    /// Does something: decides on the state, as in `Repository::execute`.
    pub fn when<D, I>(self, decide: impl FnOnce(&A) -> Result<I, D>) -> Outcome<A, D>
    where
        I: IntoIterator<Item = A::Event>,
    {
        let decided = decide(&self.state).map(|events| events.into_iter().collect());
        Outcome {
            state: self.state,
            decided,
        }
    }

    /// Looks at the state.
    pub fn then_state(self, check: impl FnOnce(&A)) -> Self {
        check(&self.state);
        self
    }
}

impl<A: Aggregate> Default for Scenario<A> {
    fn default() -> Self {
        Self::new()
    }
}

impl<A: Aggregate, D: Debug> Outcome<A, D>
where
    A::Event: Debug + PartialEq,
{
    /// Exactly these events happened, in this order. Each of them must also
    /// survive being stored as JSON and read again.
    ///
    /// # Panics
    /// If something else happened, or it was refused.
    #[track_caller]
    pub fn then(self, events: impl IntoIterator<Item = A::Event>) -> Scenario<A> {
        let expected: Vec<A::Event> = events.into_iter().collect();
        assert!(
            self.decided.is_ok(),
            "it was refused: {:?}; expected were {expected:?}",
            self.decided
        );
        let happened = self.decided.unwrap_or_default();
        assert_eq!(happened, expected, "other events happened than expected");
        for event in &happened {
            let back = stored_and_read(event);
            assert_eq!(
                back.as_deref(),
                Ok(std::slice::from_ref(event)),
                "an event is not the same after it was stored and read"
            );
        }
        let scenario = Scenario { state: self.state };
        scenario.and_given(happened)
    }

    /// Nothing happened, and it was not refused.
    ///
    /// # Panics
    /// If something happened, or it was refused.
    #[track_caller]
    #[allow(clippy::must_use_candidate, clippy::return_self_not_must_use)]
    pub fn then_nothing(self) -> Scenario<A> {
        self.then([])
    }

    /// It was refused with this error.
    ///
    /// # Panics
    /// If it was not, or with another error.
    #[track_caller]
    pub fn then_refused(self, refusal: D)
    where
        D: PartialEq,
    {
        assert_eq!(self.decided, Err(refusal), "it was not refused as expected");
    }

    /// It was refused, with an error for which this holds.
    ///
    /// # Panics
    /// If it was not, or with another error.
    #[track_caller]
    pub fn then_refused_as(self, is_expected: impl FnOnce(&D) -> bool) {
        let expected = self.decided.as_ref().is_err_and(is_expected);
        assert!(
            expected,
            "it was not refused as expected: {:?}",
            self.decided
        );
    }
}

fn stored_and_read<E>(event: &E) -> Result<Vec<E>, String>
where
    E: serde::Serialize + serde::de::DeserializeOwned + 'static,
{
    let schema = Schema::new();
    let stored = schema.encode(event).map_err(|error| error.to_string())?;
    let recorded = EventRef::recording(
        &stored,
        "scenario",
        Version::new(1),
        Position::new(1),
        Timestamp::UNIX_EPOCH,
    );
    let read = schema.decode(&recorded.to_owned());
    read.map_err(|error| error.to_string())
}
