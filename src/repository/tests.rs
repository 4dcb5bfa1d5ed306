use super::*;
use crate::aggregate::sample::{Account, Entry, Overdraft, entry, opened};
use crate::command::CommandError;
use crate::memory::MemoryStore;
use crate::snapshot::{
    MemorySnapshots, Saved, Snapshot, SnapshotKey, SnapshotPolicy, SnapshotStore,
};
use crate::store::Append;
use crate::types::{Event, Position, StoreId, Timestamp};
use proptest::prelude::*;
use std::cell::Cell;

fn fresh() -> (Arc<MemoryStore>, Repository<Account>) {
    let store = Arc::new(MemoryStore::new());
    (Arc::clone(&store), Repository::new(store))
}

fn deposit(accounts: &Repository<Account>, id: &str, amount: i64) -> Loaded<Account> {
    accounts
        .execute(id, |_| Ok::<_, Overdraft>([Entry::Deposited(amount)]))
        .unwrap()
}

#[test]
fn what_never_was_is_in_its_default_state() {
    let (_, accounts) = fresh();
    let none = accounts.load("a").unwrap();
    assert_eq!((none.exists(), none.state()), (false, &Account::default()));
    assert!(accounts.find("a").unwrap().is_none());
    let nothing = accounts.execute("a", |_| Ok::<_, Overdraft>([])).unwrap();
    assert!(!nothing.exists() && nothing.appended().is_none());
    deposit(&accounts, "a", 1);
    assert_eq!(accounts.find("a").unwrap().unwrap().balance, 1);
}

#[test]
fn a_command_decides_again_after_a_conflict() {
    let (store, accounts) = fresh();
    deposit(&accounts, "a", 10);
    let decided = Cell::new(0);
    let result = accounts.execute("a", |account| {
        decided.set(decided.get() + 1);
        if decided.get() < 3 {
            deposit(&Repository::new(store.clone()), "a", -3);
        }
        account.withdraw(5)
    });
    assert!(matches!(result, Err(CommandError::Refused(Overdraft))));
    assert_eq!(decided.get(), 3);
    assert_eq!(store.head(), Position::new(3));
}

#[test]
fn attempts_are_bounded_and_the_last_conflict_is_told() {
    let (_, accounts) = fresh();
    let decided = Cell::new(0);
    let result = accounts.clone().with_attempts(4).execute("a", |_| {
        decided.set(decided.get() + 1);
        deposit(&accounts, "a", 1);
        Ok::<_, Overdraft>([Entry::Deposited(100)])
    });
    let Err(CommandError::Failed(error)) = result else {
        panic!("{result:?}");
    };
    assert!(error.is_conflict());
    assert_eq!(decided.get(), 4);
    assert_eq!(accounts.load("a").unwrap().balance, 4);
}

#[test]
fn threads_on_one_aggregate_lose_nothing() {
    let (_, accounts) = fresh();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..50).for_each(|_| drop(deposit(&accounts, "a", 1))));
        }
    });
    let account = accounts.load("a").unwrap();
    assert_eq!((account.balance, account.version().get()), (400, 400));
}

#[test]
fn two_aggregates_change_together_or_not_at_all() {
    let (store, accounts) = fresh();
    deposit(&accounts, "a", 10);
    let transfer = |amount| {
        accounts.execute_with("a", &accounts, "b", |a, _| {
            Ok::<_, Overdraft>((a.withdraw(amount)?, [Entry::Deposited(amount)]))
        })
    };
    let (a, b) = transfer(7).unwrap();
    assert_eq!((a.balance, b.balance), (3, 7));
    assert_eq!(
        (a.position(), b.position()),
        (Position::new(2), Position::new(3))
    );
    let both: Vec<_> = store
        .read(&Query::all().after(Position::new(1)))
        .map(Result::unwrap)
        .collect();
    assert!(
        both.iter()
            .all(|event| event.append_first() == Position::new(2))
    );
    assert!(matches!(transfer(7), Err(CommandError::Refused(Overdraft))));
    assert_eq!(store.head(), Position::new(3));
}

#[test]
fn a_decision_rests_on_both_even_if_one_does_not_change() {
    let (_, accounts) = fresh();
    deposit(&accounts, "a", 1);
    deposit(&accounts, "b", 1);
    let decided = Cell::new(0);
    accounts
        .execute_with("a", &accounts, "b", |_, b| {
            decided.set(decided.get() + 1);
            if decided.get() == 1 {
                deposit(&accounts, "b", 41);
            }
            Ok::<_, Overdraft>(([Entry::Deposited(b.balance)], []))
        })
        .unwrap();
    assert_eq!(accounts.load("a").unwrap().balance, 43);
}

#[test]
fn pairs_that_cannot_be_are_refused() {
    struct Refused(String);
    impl From<crate::Error> for Refused {
        fn from(error: crate::Error) -> Self {
            Refused(error.to_string())
        }
    }
    let (_, accounts) = fresh();
    let (_, elsewhere) = fresh();
    let pair = |id, other: &Repository<Account>| {
        let decide = |_: &Account, _: &Account| Ok::<_, Refused>(([], []));
        accounts
            .execute_with("a", other, id, decide)
            .map_err(CommandError::flatten)
            .map_or_else(|Refused(said)| said, |_| String::new())
    };
    assert!(pair("a", &accounts).contains("both aggregates"), "the same");
    assert!(pair("b", &elsewhere).contains("not on the same store"));
}

#[test]
fn the_context_and_the_annotations_are_recorded() {
    let (store, accounts) = fresh();
    let own = Context::new().because("a gift");
    let outer = Context::new().by("ann").because("no reason");
    outer.scope(|| {
        accounts
            .within(own)
            .execute("a", |_| Ok::<_, Overdraft>([opened("ann")]))
            .unwrap()
    });
    let event = store.read(&Query::all()).next().unwrap().unwrap();
    let context = Context::of(&event);
    assert_eq!(
        (context.who(), context.why()),
        (Some("ann"), Some("a gift"))
    );
    assert!(event.tags().contains("owner:ann"));
}

#[test]
fn versions_of_the_past_are_loaded() {
    let (_, accounts) = fresh();
    for _ in 0..3 {
        deposit(&accounts, "a", 1);
    }
    assert_eq!(accounts.load_version("a", 2).unwrap().balance, 2);
    assert_eq!(accounts.load_version("a", 0).unwrap().balance, 0);
    let said = accounts.load_version("a", 4).unwrap_err().to_string();
    assert_eq!(said, r#"there is no version 4 of stream "accounts/a""#);
    let then = accounts.as_of(Position::new(1)).unwrap();
    assert_eq!(then.load("a").unwrap().balance, 1);
    let refused = then.execute("a", |_| Ok::<_, Overdraft>([Entry::Deposited(1)]));
    assert!(
        matches!(refused, Err(CommandError::Failed(error)) if error.to_string().contains("reading only"))
    );
}

fn key(store: StoreId, schema: u32) -> SnapshotKey<'static> {
    SnapshotKey {
        store,
        stream: "accounts/a",
        kind: "accounts",
        schema,
    }
}

#[test]
fn a_snapshot_spares_the_replay_and_only_a_fitting_one_is_used() {
    let (store, accounts) = fresh();
    let snapshots = Arc::new(MemorySnapshots::new());
    let policy = SnapshotPolicy::by_hand();
    let with = accounts.clone().with_snapshots(snapshots.clone(), policy);
    for _ in 0..5 {
        deposit(&accounts, "a", 1);
    }
    let lie = |version, position, state: &'static str| {
        let snapshot = Snapshot::new(
            key(store.id(), 1),
            Version::new(version),
            Position::new(position),
            Timestamp::UNIX_EPOCH,
            state,
        );
        snapshots.remove(key(store.id(), 1)).unwrap();
        assert_eq!(
            snapshots.save(snapshot, Position::MAX).unwrap(),
            Saved::Kept
        );
        with.load("a").unwrap().balance
    };
    let state = r#"{"owner":"","balance":100}"#;
    assert_eq!(lie(3, 3, state), 102, "it is used");
    assert_eq!(with.load_version("a", 2).unwrap().balance, 2);
    assert_eq!(lie(3, 4, state), 5, "of another history");
    assert_eq!(lie(6, 6, state), 5, "ahead of the stream");
    assert_eq!(lie(3, 3, "{}"), 5, "of another shape");
}

#[test]
fn snapshots_are_taken_when_due_and_by_hand() {
    let (store, accounts) = fresh();
    let snapshots = Arc::new(MemorySnapshots::new());
    let at = |policy| accounts.clone().with_snapshots(snapshots.clone(), policy);
    let kept = || {
        let found = snapshots.load(key(store.id(), 1), Version::MAX).unwrap();
        found.map(|snapshot| snapshot.version().get())
    };
    let every = at(SnapshotPolicy::every(2));
    for expected in [None, Some(2), Some(2), Some(4)] {
        deposit(&every, "a", 1);
        assert_eq!(kept(), expected);
    }
    let by_hand = at(SnapshotPolicy::by_hand());
    let account = deposit(&by_hand, "a", 1);
    assert_eq!(kept(), Some(4));
    assert_eq!(by_hand.snapshot(&account).unwrap(), Saved::Kept);
    assert_eq!(kept(), Some(5));
    assert!(accounts.snapshot(&account).is_err());
    deposit(&accounts, "a", 1);
    let costly = at(SnapshotPolicy::cost(std::time::Duration::ZERO));
    costly.load("a").unwrap();
    assert_eq!(kept(), Some(6));
}

#[test]
fn dropped_events_are_not_passed_over() {
    /// A store whose streams begin at version 2.
    struct Cut(MemoryStore);
    impl EventStore for Cut {
        fn submit(&self, append: Append) -> crate::Pending {
            self.0.submit(append)
        }
        fn read(&self, query: &Query) -> crate::Events {
            self.0.read(&query.clone().after(Position::new(1)))
        }
        fn version(&self, stream: &str) -> Result<Version> {
            self.0.version(stream)
        }
        fn head(&self) -> Position {
            self.0.head()
        }
        fn durable(&self) -> Position {
            self.0.durable()
        }
        fn flush(&self) -> Result<Position> {
            self.0.flush()
        }
        fn wait(&self, after: Position, timeout: std::time::Duration) -> Result<Position> {
            self.0.wait(after, timeout)
        }
        fn id(&self) -> StoreId {
            self.0.id()
        }
        fn close(&self) -> Result<()> {
            self.0.close()
        }
    }
    let store = MemoryStore::new();
    let data = || Event::new("Deposited", "1");
    let append = Append::to("accounts/a").events([data(), data()]);
    store.append(append).unwrap();
    let accounts = Repository::<Account>::new(Arc::new(Cut(store)));
    let said = accounts.load("a").unwrap_err().to_string();
    assert!(said.contains("no version 1"), "{said}");
}

proptest! {
    #[test]
    fn with_snapshots_or_without_the_state_is_the_same(
        batches in proptest::collection::vec(proptest::collection::vec(entry(), 0..4), 0..20),
        every in 1u64..7,
    ) {
        let (_, accounts) = fresh();
        let snapshots = Arc::new(MemorySnapshots::new());
        let with = accounts.clone().with_snapshots(snapshots, SnapshotPolicy::every(every));
        let mut expected = Account::default();
        for batch in batches {
            for event in &batch {
                expected.apply(event);
            }
            let saved = with.execute("a", |_| Ok::<_, Overdraft>(batch.clone())).unwrap();
            prop_assert_eq!(saved.state(), &expected);
            let plain = accounts.load("a").unwrap();
            let loaded = with.load("a").unwrap();
            prop_assert_eq!(plain.state(), &expected);
            prop_assert_eq!(loaded.state(), &expected);
            prop_assert_eq!(loaded.version(), plain.version());
            prop_assert_eq!(loaded.position(), plain.position());
        }
    }
}
