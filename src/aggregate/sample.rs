//! An aggregate for the tests of the toolkit.

use super::{Aggregate, NotUndoable};
use crate::types::Event;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) owner: String,
    pub(crate) balance: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Entry {
    Opened { owner: String },
    Renamed { to: String },
    Deposited(i64),
    Withdrawn(i64),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Overdraft;

impl Account {
    pub(crate) fn withdraw(&self, amount: i64) -> Result<[Entry; 1], Overdraft> {
        if amount > self.balance {
            return Err(Overdraft);
        }
        Ok([Entry::Withdrawn(amount)])
    }
}

impl Aggregate for Account {
    type Event = Entry;
    const CATEGORY: &'static str = "accounts";

    fn apply(&mut self, event: &Entry) {
        match event {
            Entry::Opened { owner } => self.owner.clone_from(owner),
            Entry::Renamed { to } => self.owner.clone_from(to),
            Entry::Deposited(amount) => self.balance += amount,
            Entry::Withdrawn(amount) => self.balance -= amount,
        }
    }

    fn annotate(event: &Entry, record: Event) -> Event {
        match event {
            Entry::Opened { owner } => record.with_tag(format!("owner:{owner}")),
            _ => record,
        }
    }

    fn compensate(&self, event: &Entry, before: &Self) -> Result<Vec<Entry>, NotUndoable> {
        match event {
            Entry::Opened { .. } => Err(NotUndoable::because("accounts stay open")),
            Entry::Renamed { .. } if self.owner == before.owner => Ok(vec![]),
            Entry::Renamed { .. } => Ok(vec![Entry::Renamed {
                to: before.owner.clone(),
            }]),
            Entry::Deposited(amount) => match self.withdraw(*amount) {
                Ok([withdrawn]) => Ok(vec![withdrawn]),
                Err(Overdraft) => Err(NotUndoable::because("the money is spent")),
            },
            Entry::Withdrawn(amount) => Ok(vec![Entry::Deposited(*amount)]),
        }
    }
}

pub(crate) fn opened(owner: &str) -> Entry {
    let owner = owner.to_owned();
    Entry::Opened { owner }
}

pub(crate) fn renamed(to: &str) -> Entry {
    let to = to.to_owned();
    Entry::Renamed { to }
}

pub(crate) fn entry() -> impl Strategy<Value = Entry> {
    prop_oneof![
        "[a-c]".prop_map(|to| Entry::Renamed { to }),
        (1i64..9).prop_map(Entry::Deposited),
        (1i64..9).prop_map(Entry::Withdrawn),
    ]
}
