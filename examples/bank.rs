//! A bank: transfers between two accounts in one atomic append, overdrafts
//! refused, eight threads at once, and no money made or lost; in files and in
//! memory.
//!
//! Run it with `cargo run --example bank`.
#![allow(clippy::print_stdout)]

use annals::snapshot::{MemorySnapshots, SnapshotPolicy};
use annals::{Aggregate, CommandError, EventStore, MemoryStore, Repository};
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::fmt;
use std::sync::Arc;

const ACCOUNTS: u64 = 5;
const THREADS: u64 = 8;
const TRANSFERS: u64 = 50;

#[derive(Debug, Default, Serialize, Deserialize)]
struct Account {
    cents: u64,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum AccountEvent {
    Deposited { cents: u64 },
    Withdrawn { cents: u64 },
}
use AccountEvent::{Deposited, Withdrawn};

impl Aggregate for Account {
    type Event = AccountEvent;
    const CATEGORY: &'static str = "accounts";

    fn apply(&mut self, event: &AccountEvent) {
        match event {
            Deposited { cents } => self.cents += cents,
            Withdrawn { cents } => self.cents -= cents,
        }
    }
}

#[derive(Debug, PartialEq)]
struct Overdraft {
    missing: u64,
}

impl fmt::Display for Overdraft {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} cents are missing", self.missing)
    }
}

impl Error for Overdraft {}

impl Account {
    fn withdraw(&self, cents: u64) -> Result<[AccountEvent; 1], Overdraft> {
        if cents > self.cents {
            let missing = cents - self.cents;
            return Err(Overdraft { missing });
        }
        Ok([Withdrawn { cents }])
    }
}

/// Both accounts change, or neither.
fn transfer(
    accounts: &Repository<Account>,
    from: u64,
    to: u64,
    cents: u64,
) -> Result<(), CommandError<Overdraft>> {
    accounts.execute_with(from, accounts, to, |from, _| {
        Ok((from.withdraw(cents)?, [Deposited { cents }]))
    })?;
    Ok(())
}

fn total(accounts: &Repository<Account>) -> annals::Result<u64> {
    (0..ACCOUNTS).map(|id| Ok(accounts.load(id)?.cents)).sum()
}

/// Transfers of all sorts, told by a number; returns how many were refused.
fn work(accounts: &Repository<Account>, thread: u64) -> annals::Result<u64> {
    let mut refused = 0;
    for round in 0..TRANSFERS {
        let from = (thread + round) % ACCOUNTS;
        let to = (from + 1 + round % (ACCOUNTS - 1)) % ACCOUNTS;
        match transfer(accounts, from, to, 1 + (thread * round * 37) % 1500) {
            Ok(()) => {}
            Err(CommandError::Refused(Overdraft { .. })) => refused += 1,
            Err(CommandError::Failed(error)) => return Err(error),
        }
    }
    Ok(refused)
}

fn main() -> Result<(), Box<dyn Error>> {
    let log = Arc::new(annals::temporary()?);
    let stores: [Arc<dyn EventStore>; 2] = [log, Arc::new(MemoryStore::new())];
    stores.iter().try_for_each(run)
}

fn run(store: &Arc<dyn EventStore>) -> Result<(), Box<dyn Error>> {
    let snapshots = Arc::new(MemorySnapshots::new());
    let accounts = Repository::<Account>::new(store.clone())
        .with_snapshots(snapshots, SnapshotPolicy::every(20));
    for id in 0..ACCOUNTS {
        accounts.execute(id, |_| Ok::<_, Overdraft>([Deposited { cents: 1000 }]))?;
    }

    // A transfer, and one that is refused with the domain's own error.
    transfer(&accounts, 0, 1, 400)?;
    assert_eq!(
        (accounts.load(0)?.cents, accounts.load(1)?.cents),
        (600, 1400)
    );
    let refused = transfer(&accounts, 0, 1, 601);
    assert!(matches!(
        refused,
        Err(CommandError::Refused(Overdraft { missing: 1 }))
    ));

    // Eight threads at once: commands that get in each other's way are
    // decided again.
    let refused: Vec<annals::Result<u64>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let accounts = &accounts;
                scope.spawn(move || work(accounts, thread))
            })
            .collect();
        threads
            .into_iter()
            .filter_map(|thread| thread.join().ok())
            .collect()
    });
    assert_eq!(refused.len() as u64, THREADS);
    let refused: u64 = refused.into_iter().sum::<annals::Result<u64>>()?;

    // Every transfer that was not refused left two events; money is conserved,
    // now and at any moment in between.
    let transfers = 1 + THREADS * TRANSFERS - refused;
    assert_eq!(store.head().get(), ACCOUNTS + 2 * transfers);
    assert_eq!(total(&accounts)?, ACCOUNTS * 1000);
    let middle = accounts.as_of(annals::Position::new(ACCOUNTS + 2 * (transfers / 2)))?;
    assert_eq!(total(&middle)?, ACCOUNTS * 1000);
    println!("{transfers} transfers, {refused} refused, no cent lost");
    Ok(())
}
