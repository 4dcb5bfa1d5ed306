//! Invoice numbers without gaps: what the tax office wants, and what a counter
//! in a database does not give, because a number taken by a transaction that
//! fails is lost. Here the number and the invoice are one append.
//!
//! Run it with `cargo run --example invoices`.
#![allow(clippy::print_stdout)]

use annals::decision::{Decisions, DomainEvent, Fold, Latest};
use annals::{CommandError, EventStore, MemoryStore, Query, QueryItem, Schema};
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::sync::Arc;

const THREADS: u64 = 8;
const ORDERS: u64 = 25;

#[derive(Debug, Serialize, Deserialize)]
enum Billing {
    InvoiceIssued { number: u64, order: u64, cents: u64 },
}
use Billing::InvoiceIssued;

impl DomainEvent for Billing {
    fn stream(&self) -> String {
        let InvoiceIssued { number, .. } = self;
        format!("invoices/{number}")
    }

    fn tags(&self) -> Vec<String> {
        let InvoiceIssued { order, .. } = self;
        vec![format!("order:{order}")]
    }
}

#[derive(Debug, PartialEq)]
enum Refusal {
    NothingToPay,
    IssuedAlready { number: u64 },
}

/// The number given last. However many invoices there are, one is read.
fn last_number() -> Latest<Billing, u64> {
    Latest::new(
        QueryItem::all().with_type("InvoiceIssued"),
        |InvoiceIssued { number, .. }: &Billing| *number,
    )
}

/// The invoice of an order.
fn invoice_of(order: u64) -> Fold<Billing, Option<u64>> {
    let item = QueryItem::all().with_tag(format!("order:{order}"));
    Fold::new(item, None, |invoice, InvoiceIssued { number, .. }| {
        *invoice = Some(*number);
    })
}

/// Issues the invoice of an order, and returns its number.
fn issue(
    billing: &Decisions<Billing>,
    order: u64,
    cents: u64,
) -> Result<u64, CommandError<Refusal>> {
    let decided =
        billing.decide(
            (last_number(), invoice_of(order)),
            |(last, invoice)| match invoice {
                Some(number) => Err(Refusal::IssuedAlready { number: *number }),
                None if cents == 0 => Err(Refusal::NothingToPay),
                None => {
                    let number = last.unwrap_or(0) + 1;
                    Ok([InvoiceIssued {
                        number,
                        order,
                        cents,
                    }])
                }
            },
        )?;
    let InvoiceIssued { number, .. } = decided.events()[0];
    Ok(number)
}

fn main() -> Result<(), Box<dyn Error>> {
    let log = Arc::new(annals::temporary()?);
    let stores: [Arc<dyn EventStore>; 2] = [log, Arc::new(MemoryStore::new())];
    stores.iter().try_for_each(run)
}

fn run(store: &Arc<dyn EventStore>) -> Result<(), Box<dyn Error>> {
    // All threads want the next number, so each conflict is with somebody who
    // got it: some thread always goes on. 32 attempts are not enough for that.
    let billing = Decisions::<Billing>::new(store.clone()).with_attempts(1000);

    // Two threads share each order; one of the two issues its invoice.
    let issued: Vec<annals::Result<u64>> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..THREADS)
            .map(|thread| {
                let billing = &billing;
                scope.spawn(move || {
                    let mut issued = 0;
                    for number in 0..ORDERS {
                        let (order, cents) = (thread / 2 * ORDERS + number, number * 100);
                        match issue(billing, order, cents) {
                            Ok(_) => issued += 1,
                            Err(CommandError::Refused(_)) => {}
                            Err(CommandError::Failed(error)) => return Err(error),
                        }
                    }
                    Ok(issued)
                })
            })
            .collect();
        running
            .into_iter()
            .filter_map(|own| own.join().ok())
            .collect()
    });
    assert_eq!(issued.len() as u64, THREADS);
    let issued: u64 = issued.into_iter().sum::<annals::Result<u64>>()?;

    // Each order but those without a price has one invoice; numbers follow
    // each other in the order of the log.
    assert_eq!(issued, THREADS / 2 * (ORDERS - 1));
    let mut expected = 1;
    for event in Schema::<Billing>::new().read(&**store, &Query::all()) {
        let InvoiceIssued { number, .. } = event?.event;
        assert_eq!(number, expected, "a gap, or a number given twice");
        expected += 1;
    }
    assert_eq!(expected, issued + 1);
    println!("{issued} invoices, numbered 1 to {issued}");
    Ok(())
}
