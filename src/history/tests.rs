use super::*;
use crate::aggregate::sample::{Account, Entry, entry, opened, renamed};
use crate::memory::MemoryStore;
use proptest::prelude::*;
use serde_json::json;
use std::sync::Arc;

fn with(events: impl IntoIterator<Item = Entry>) -> Repository<Account> {
    let accounts = Repository::new(Arc::new(MemoryStore::new()));
    let mut account = accounts.load("a").unwrap();
    accounts.save(&mut account, events).unwrap();
    accounts
}

#[test]
fn the_first_event_after_which_it_holds_is_found() {
    use Entry::{Deposited, Withdrawn};
    let accounts = with([Deposited(5), Withdrawn(9), Deposited(9), Withdrawn(9)]);
    let version = |predicate: fn(&Account) -> bool| {
        let found = accounts.bisect("a", predicate).unwrap();
        found.map(|step| step.record.version().get())
    };
    assert_eq!(version(|account| account.balance < 0), Some(2));
    assert_eq!(version(|account| account.balance > 100), None);
    assert_eq!(version(|account| account.balance >= 0), Some(3), "again");
    assert_eq!(version(|_| true), None, "it did not become true");
}

#[test]
fn differences_go_both_ways() {
    let accounts = with([opened("ann"), Entry::Deposited(5), renamed("eve")]);
    let both = accounts.difference("a", 1, 3).unwrap();
    assert_eq!(
        both.to_string(),
        "/balance: 0 -> 5\n/owner: \"ann\" -> \"eve\"\n"
    );
    assert_eq!(both.events.len(), 2);
    let back = accounts.difference("a", 3, 1).unwrap();
    assert_eq!(back.changes[0].after, Some(json!(0)));
    assert_eq!(back.events, both.events);
    assert_eq!(
        accounts.difference("a", 2, 2).unwrap(),
        Difference::default()
    );
    assert_eq!(accounts.difference("a", 0, 3).unwrap().events.len(), 3);
    for (from, to, missing) in [(1, 4, 4), (9, 4, 4), (7, 2, 7)] {
        let said = accounts.difference("a", from, to).unwrap_err().to_string();
        assert!(said.contains(&format!("no version {missing} ")), "{said}");
    }
}

#[test]
fn the_innermost_change_is_named() {
    let before = json!({"a": {"b/c": [1, 2]}, "gone": null, "same": [1]});
    let after = json!({"a": {"b/c": [1, 3, 4]}, "new": {}, "same": [1]});
    let shown: Vec<String> = difference::changes(&before, &after)
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        shown,
        [
            "/a/b~1c/1: 2 -> 3",
            "/a/b~1c/2: nothing -> 4",
            "/gone: null -> nothing",
            "/new: nothing -> {}",
        ]
    );
    assert_eq!(
        difference::changes(&json!(1), &json!([]))[0].to_string(),
        "/: 1 -> []"
    );
}

#[test]
fn a_history_ends_after_an_error() {
    let store = Arc::new(MemoryStore::new());
    let append = crate::Append::to("accounts/a").events([
        crate::Event::new("Deposited", "1"),
        crate::Event::new("Odd", ""),
        crate::Event::new("Deposited", "1"),
    ]);
    crate::EventStore::append(&*store, append).unwrap();
    let mut history = Repository::<Account>::new(store).history("a");
    assert!(history.next().unwrap().is_ok());
    assert!(history.next().unwrap().is_err());
    assert!(history.next().is_none());
}

proptest! {
    #[test]
    fn each_step_is_the_state_at_its_version(events in proptest::collection::vec(entry(), 0..20)) {
        let accounts = with(events.clone());
        let steps: Vec<_> = accounts.history("a").map(Result::unwrap).collect();
        prop_assert_eq!(steps.len(), events.len());
        for (step, event) in steps.iter().zip(&events) {
            prop_assert_eq!(&step.events, std::slice::from_ref(event));
            let loaded = accounts.load_version("a", step.record.version()).unwrap();
            prop_assert_eq!(loaded.state(), &step.state);
        }
    }
}
