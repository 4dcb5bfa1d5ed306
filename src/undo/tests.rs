use super::*;
use crate::aggregate::sample::{Account, Entry, entry, opened, renamed};
use crate::memory::MemoryStore;
use proptest::prelude::*;
use std::sync::Arc;

fn with(events: impl IntoIterator<Item = Entry>) -> Repository<Account> {
    let accounts = Repository::new(Arc::new(MemoryStore::new()));
    let mut account = accounts.load("a").unwrap();
    accounts.save(&mut account, events).unwrap();
    accounts
}

fn last(accounts: &Repository<Account>) -> RecordedEvent {
    let last = Query::all().backward().limit(1);
    accounts.store().read(&last).next().unwrap().unwrap()
}

fn at(version: u64) -> Version {
    Version::new(version)
}

#[test]
fn an_undoing_names_what_it_undoes_and_why() {
    let accounts = with([opened("ann"), renamed("eve"), Entry::Deposited(3)]);
    let context = Context::new().by("bob").because("a mistake");
    let account = accounts.within(context).undo("a", at(2)).unwrap();
    assert_eq!((account.owner.as_str(), account.balance), ("ann", 3));
    let event = last(&accounts);
    let undone = accounts
        .store()
        .read(&Query::all())
        .nth(1)
        .unwrap()
        .unwrap();
    assert_eq!(undoes(&event), Some(undone.id()));
    assert_eq!(event.causation(), Some(undone.id()));
    let context = Context::of(&event);
    assert_eq!(
        (context.who(), context.why()),
        (Some("bob"), Some("a mistake"))
    );
    assert_eq!(undoes(&undone), None);
}

#[test]
fn nothing_is_undone_twice_unless_it_was_redone() {
    let accounts = with([opened("ann"), renamed("eve")]);
    let event = accounts
        .store()
        .read(&Query::all())
        .nth(1)
        .unwrap()
        .unwrap();
    accounts.undo("a", &event).unwrap();
    let said = accounts.undo("a", at(2)).unwrap_err().to_string();
    assert_eq!(
        said,
        r#"version 2 of stream "accounts/a" (position 2), a "Renamed", can't be undone: version 3 has undone it already"#
    );
    assert_eq!(accounts.undo("a", at(3)).unwrap().owner, "eve");
    assert_eq!(accounts.undo("a", event.id()).unwrap().owner, "ann");
}

#[test]
fn what_cannot_be_undone_is_refused_and_nothing_is_written() {
    let accounts = with([opened("ann"), Entry::Deposited(5), Entry::Withdrawn(4)]);
    let said = |refused: Result<Loaded<Account>>| refused.unwrap_err().to_string();
    assert!(said(accounts.undo("a", at(1))).contains("accounts stay open"));
    assert!(said(accounts.undo("a", at(2))).contains("the money is spent"));
    assert!(said(accounts.undo("a", at(4))).contains("no version 4"));
    assert!(said(accounts.undo("a", Uuid::nil())).contains("no event 0000"));
    assert!(said(accounts.revert_to("a", 0)).contains("accounts stay open"));
    assert!(said(accounts.revert_to("a", 9)).contains("no version 9"));
    assert_eq!(accounts.store().head().get(), 3);
}

#[test]
fn going_back_is_one_append_that_can_be_gone_back_on() {
    let accounts = with([opened("ann"), Entry::Deposited(5), renamed("eve")]);
    let account = accounts.revert_to("a", 1).unwrap();
    assert_eq!((account.owner.as_str(), account.balance), ("ann", 0));
    assert_eq!(account.version(), at(5));
    let event = last(&accounts);
    assert_eq!(
        (event.append_first().get(), event.append_last().get()),
        (4, 5)
    );
    let account = accounts.revert_to("a", 3).unwrap();
    assert_eq!((account.owner.as_str(), account.balance), ("eve", 5));
    assert_eq!(accounts.revert_to("a", 7).unwrap().version(), at(7));
}

proptest! {
    /// Whatever happened, going back gives the state of then, again and again.
    #[test]
    fn going_back_gives_the_state_of_then(
        events in proptest::collection::vec(entry(), 1..12),
        stops in proptest::collection::vec(0u64..16, 1..5),
    ) {
        // Money enough, so that no deposit is spent.
        let accounts = with([Entry::Deposited(1000)].into_iter().chain(events));
        for stop in stops {
            let now = accounts.load("a").unwrap().version().get();
            let stop = 1 + stop % now;
            let then = accounts.load_version("a", stop).unwrap().into_state();
            let back = accounts.revert_to("a", stop).unwrap();
            prop_assert_eq!(back.state(), &then);
            let reloaded = accounts.load("a").unwrap();
            prop_assert_eq!(reloaded.state(), &then);
        }
    }

    /// To undo and to undo the undoing leaves things as they were.
    #[test]
    fn undoing_an_undoing_changes_nothing(
        events in proptest::collection::vec(entry(), 1..12),
        which in 0usize..12,
    ) {
        let accounts = with([Entry::Deposited(1000)].into_iter().chain(events.clone()));
        let before = accounts.load("a").unwrap();
        let undone = accounts.undo("a", at(2 + (which % events.len()) as u64)).unwrap();
        let again = if undone.version() == before.version() {
            undone
        } else {
            accounts.undo("a", undone.version()).unwrap()
        };
        prop_assert_eq!(again.state(), before.state());
    }
}
