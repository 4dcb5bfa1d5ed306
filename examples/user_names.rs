//! Unique user names: a name is taken once, whoever asks for it and wherever
//! the user's own stream is; a name that was given up is free again.
//!
//! Run it with `cargo run --example user_names`.
#![allow(clippy::print_stdout)]

use annals::decision::{Decisions, DomainEvent, Fold};
use annals::{CommandError, EventStore, MemoryStore, QueryItem};
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::sync::Arc;

const THREADS: u32 = 8;
const NAMES: u32 = 20;

#[derive(Debug, Serialize, Deserialize)]
enum UserEvent {
    NameTaken { user: u32, name: String },
    NameGivenUp { user: u32, name: String },
}
use UserEvent::{NameGivenUp, NameTaken};

impl DomainEvent for UserEvent {
    fn stream(&self) -> String {
        let (NameTaken { user, .. } | NameGivenUp { user, .. }) = self;
        format!("users/{user}")
    }

    fn tags(&self) -> Vec<String> {
        let (NameTaken { user, name } | NameGivenUp { user, name }) = self;
        vec![format!("user:{user}"), format!("name:{name}")]
    }
}

#[derive(Debug, PartialEq)]
enum Refusal {
    TakenBy(u32),
    SameAsNow,
}

/// Who has a name.
fn owner(name: &str) -> Fold<UserEvent, Option<u32>> {
    let item = QueryItem::all().with_tag(format!("name:{name}"));
    Fold::new(item, None, |owner, event| {
        *owner = match event {
            NameTaken { user, .. } => Some(*user),
            NameGivenUp { .. } => None,
        }
    })
}

/// The name that a user has.
fn name_of(user: u32) -> Fold<UserEvent, Option<String>> {
    let item = QueryItem::all().with_tag(format!("user:{user}"));
    Fold::new(item, None, |name, event| {
        *name = match event {
            NameTaken { name, .. } => Some(name.clone()),
            NameGivenUp { .. } => None,
        }
    })
}

/// Gives a user a name; the name that it had is free then. Both in one append.
fn take(users: &Decisions<UserEvent>, user: u32, name: &str) -> Result<(), CommandError<Refusal>> {
    users.decide((owner(name), name_of(user)), |(owner, present)| {
        match owner {
            Some(own) if *own == user => return Err(Refusal::SameAsNow),
            Some(other) => return Err(Refusal::TakenBy(*other)),
            None => {}
        }
        let given_up = present.clone().map(|name| NameGivenUp { user, name });
        let name = name.to_owned();
        Ok(given_up.into_iter().chain([NameTaken { user, name }]))
    })?;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let log = Arc::new(annals::temporary()?);
    let stores: [Arc<dyn EventStore>; 2] = [log, Arc::new(MemoryStore::new())];
    stores.iter().for_each(run);
    Ok(())
}

fn run(store: &Arc<dyn EventStore>) {
    let users = Decisions::<UserEvent>::new(store.clone());
    assert!(take(&users, 1000, "ada").is_ok());
    let taken = take(&users, 1001, "ada");
    assert!(matches!(
        taken,
        Err(CommandError::Refused(Refusal::TakenBy(1000)))
    ));
    assert!(take(&users, 1000, "grace").is_ok());
    assert!(take(&users, 1001, "ada").is_ok());

    // Eight threads ask for the same names, each for a user of its own.
    let before = store.head();
    let won: Vec<u32> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..THREADS)
            .map(|thread| {
                let users = &users;
                scope.spawn(move || {
                    let name = |number| format!("name-{number}");
                    let names = (0..NAMES).map(|number| (thread * NAMES + number, name(number)));
                    names
                        .filter(|(user, name)| take(users, *user, name).is_ok())
                        .count() as u32
                })
            })
            .collect();
        running
            .into_iter()
            .filter_map(|own| own.join().ok())
            .collect()
    });
    assert_eq!(won.iter().sum::<u32>(), NAMES, "each name was given once");
    assert_eq!(store.head().get() - before.get(), u64::from(NAMES));
    println!("{NAMES} names, asked for by {THREADS} threads, given once each: {won:?}");
}
