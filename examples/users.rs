//! A user: created, given another address, looked at as of yesterday, undone,
//! asked who did what and why; in files and in memory.
//!
//! Run it with `cargo run --example users`.
#![allow(clippy::print_stdout)]

use annals::{
    Aggregate, CausationTree, Clock, Context, EventStore, MemoryStore, NotUndoable, Options, Query,
    Repository, Scenario, Timestamp, Version, undoes,
};
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
struct User {
    name: String,
    email: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum UserEvent {
    UserCreated { name: String, email: String },
    EmailChanged { to: String },
}
use UserEvent::{EmailChanged, UserCreated};

impl Aggregate for User {
    type Event = UserEvent;
    const CATEGORY: &'static str = "users";

    fn apply(&mut self, event: &UserEvent) {
        match event {
            UserCreated { name, email } => {
                self.name.clone_from(name);
                self.email.clone_from(email);
            }
            EmailChanged { to } => self.email.clone_from(to),
        }
    }

    fn compensate(&self, event: &UserEvent, before: &User) -> Result<Vec<UserEvent>, NotUndoable> {
        match event {
            UserCreated { .. } => Err(NotUndoable::because("a user stays a user")),
            EmailChanged { .. } => Ok(vec![EmailChanged {
                to: before.email.clone(),
            }]),
        }
    }
}

#[derive(Debug, PartialEq)]
struct NoAddress;

impl std::fmt::Display for NoAddress {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("that is no e-mail address")
    }
}

impl Error for NoAddress {}

impl User {
    /// Nothing happens if it is the address already.
    fn change_email(&self, to: &str) -> Result<Option<UserEvent>, NoAddress> {
        if !to.contains('@') {
            return Err(NoAddress);
        }
        let to = to.to_owned();
        Ok((to != self.email).then_some(EmailChanged { to }))
    }
}

/// A clock that can be told the day.
#[derive(Debug, Default)]
struct Calendar(AtomicI64);

impl Clock for Calendar {
    fn now(&self) -> Timestamp {
        day(self.0.load(Ordering::SeqCst))
    }
}

fn day(day: i64) -> Timestamp {
    Timestamp::new(day * 86_400, 0).unwrap_or(Timestamp::MAX)
}

fn ada() -> UserEvent {
    let (name, email) = ("Ada".to_owned(), "ada@old.example".to_owned());
    UserCreated { name, email }
}

fn main() -> Result<(), Box<dyn Error>> {
    // The rules hold without any store: given, when, then.
    Scenario::<User>::given([ada()])
        .when(|user| user.change_email("nonsense"))
        .then_refused(NoAddress);

    // Like `annals::temporary()` and `MemoryStore::new()`, but by our calendar.
    let calendar = Arc::new(Calendar::default());
    let log = Options::new().clock(calendar.clone()).temporary()?;
    let memory = MemoryStore::with_clock(calendar.clone());
    let stores: [Arc<dyn EventStore>; 2] = [Arc::new(log), Arc::new(memory)];
    stores.iter().try_for_each(|store| run(store, &calendar))
}

fn run(store: &Arc<dyn EventStore>, calendar: &Calendar) -> Result<(), Box<dyn Error>> {
    let users = Repository::<User>::new(store.clone());

    // Created yesterday, changed today.
    calendar.0.store(20_000, Ordering::SeqCst);
    users.save(&mut users.load("ada")?, [ada()])?;
    calendar.0.store(20_001, Ordering::SeqCst);
    let desk = Context::new().by("desk 2").because("she called");
    let user = users
        .within(desk)
        .execute("ada", |user| user.change_email("ada@new.example"))?;
    assert_eq!(user.email, "ada@new.example");
    assert_eq!(user.version(), Version::new(2));

    // Rebuilt from its events, the user is the same.
    assert_eq!(users.load("ada")?.state(), user.state());

    // As of yesterday.
    let yesterday = users.as_of(day(20_000))?;
    assert_eq!(yesterday.load("ada")?.email, "ada@old.example");

    // What is different, and since which event?
    let difference = users.difference("ada", 1, 2)?;
    print!("{difference}");
    assert_eq!(
        difference.to_string(),
        "/email: \"ada@old.example\" -> \"ada@new.example\"\n"
    );
    let moved = users.bisect("ada", |user| user.email.ends_with("new.example"))?;
    let moved = moved.ok_or("it moved")?.record;
    assert_eq!(moved.version(), Version::new(2));

    // Undone: by a third event, which names the second as its cause.
    let boss = Context::new()
        .by("the boss")
        .because("it was not Ada who called");
    let user = users.within(boss).undo("ada", &moved)?;
    assert_eq!(
        (user.email.as_str(), user.version().get()),
        ("ada@old.example", 3)
    );
    let last = users.store().read(&Query::stream("users/ada").backward());
    let last = last.collect::<annals::Result<Vec<_>>>()?.swap_remove(0);
    assert_eq!(undoes(&last), Some(moved.id()));
    assert!(users.undo("ada", &moved).is_err(), "not twice");
    assert!(
        users.undo("ada", Version::new(1)).is_err(),
        "a user stays a user"
    );

    // Who, why, caused by what?
    let tree = CausationTree::of(&**store, last.id())?;
    print!("{tree}");
    assert_eq!(
        tree.to_string(),
        "EmailChanged, version 2 of users/ada, by desk 2, because she called\n  \
         EmailChanged, version 3 of users/ada, by the boss, \
         because it was not Ada who called <- here\n"
    );

    // And the undoing undone.
    assert_eq!(users.revert_to("ada", 2)?.email, "ada@new.example");
    Ok(())
}
