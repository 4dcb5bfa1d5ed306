use super::*;
use crate::aggregate::sample::{Account, Entry, Overdraft};
use serde::{Deserialize, Serialize};
use std::panic::catch_unwind;

fn given() -> Scenario<Account> {
    Scenario::new().and_given([Entry::Deposited(5)])
}

#[test]
fn what_is_right_passes() {
    given()
        .when(|account| account.withdraw(5))
        .then([Entry::Withdrawn(5)])
        .then_state(|account| assert_eq!(account.balance, 0))
        .when(|account| account.withdraw(1))
        .then_refused(Overdraft);
    given()
        .when(|_| Ok::<_, Overdraft>([]))
        .then_nothing()
        .when(|account| account.withdraw(9))
        .then_refused_as(|error| *error == Overdraft);
}

#[test]
fn what_is_wrong_fails() {
    let wrong: [fn(); 6] = [
        || drop(given().when(|account| account.withdraw(5)).then([])),
        || drop(given().when(|account| account.withdraw(6)).then([])),
        || drop(given().when(|account| account.withdraw(5)).then_nothing()),
        || {
            given()
                .when(|account| account.withdraw(5))
                .then_refused(Overdraft);
        },
        || {
            given()
                .when(|account| account.withdraw(5))
                .then_refused_as(|_| true);
        },
        || {
            given()
                .when(|account| account.withdraw(6))
                .then_refused_as(|_| false);
        },
    ];
    for (number, wrong) in wrong.iter().enumerate() {
        assert!(catch_unwind(wrong).is_err(), "number {number}");
    }
}

#[test]
fn an_event_that_does_not_survive_storage_is_found() {
    #[derive(Debug, Default)]
    struct Lossy;
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum LossyEvent {
        Happened {
            #[serde(skip)]
            forgotten: u8,
        },
    }
    impl Aggregate for Lossy {
        type Event = LossyEvent;
        const CATEGORY: &'static str = "lossy";
        fn apply(&mut self, _: &LossyEvent) {}
    }
    let happens = |forgotten| {
        let event = || LossyEvent::Happened { forgotten };
        let outcome = Scenario::<Lossy>::new().when(|_| Ok::<_, ()>([event()]));
        drop(outcome.then([event()]));
    };
    happens(0);
    assert!(catch_unwind(|| happens(1)).is_err());
}
