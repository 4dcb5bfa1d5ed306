//! Three generations of one event: what was stored years ago is read as what
//! it means today, and the log stays as it is; in files and in memory.
//!
//! Run it with `cargo run --example versions`.
#![allow(clippy::print_stdout)]

use annals::{
    Aggregate, Append, Event, EventStore, MemoryStore, Query, Repository, Schema, Upcasters,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::error::Error;
use std::sync::Arc;

/// Today, in the third generation, an address has parts, and a change of
/// address and a change of phone number are two events.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum CustomerEvent {
    Moved { street: String, town: String },
    PhoneChanged { number: String },
}

/// In the second generation both were one event, as this struct of then says.
#[derive(Deserialize)]
struct ContactChanged {
    address: String,
    phone: Option<String>,
}

#[derive(Debug, Default, PartialEq)]
struct Customer {
    street: String,
    town: String,
    phone: String,
}

impl Aggregate for Customer {
    type Event = CustomerEvent;
    const CATEGORY: &'static str = "customers";

    fn apply(&mut self, event: &CustomerEvent) {
        match event {
            CustomerEvent::Moved { street, town } => {
                self.street.clone_from(street);
                self.town.clone_from(town);
            }
            CustomerEvent::PhoneChanged { number } => self.phone.clone_from(number),
        }
    }
}

fn upcasters() -> Upcasters {
    Upcasters::new()
        // The first generation: "AddressSet", and its data was a bare text.
        .rename(("AddressSet", 1), ("ContactChanged", 1))
        .change(
            "ContactChanged",
            1,
            |address: String| json!({ "address": address, "phone": null }),
        )
        // The second became two events of the third.
        .split(
            ("ContactChanged", 2),
            [("Moved", 1), ("PhoneChanged", 1)],
            |old: ContactChanged, parts| {
                let (street, town) = old.address.split_once(", ").unwrap_or((&old.address, ""));
                parts.push("Moved", &json!({ "street": street, "town": town }));
                if let Some(phone) = old.phone {
                    parts.push("PhoneChanged", &json!({ "number": phone }));
                }
            },
        )
        // And this one was never of any use.
        .drop("NewsletterSent", 1)
}

fn main() -> Result<(), Box<dyn Error>> {
    let log = Arc::new(annals::temporary()?);
    let stores: [Arc<dyn EventStore>; 2] = [log, Arc::new(MemoryStore::new())];
    stores.iter().try_for_each(run)
}

fn run(store: &Arc<dyn EventStore>) -> Result<(), Box<dyn Error>> {
    let customer = |event: Event| store.append(Append::to("customers/7").event(event));

    // Written over the years, by three versions of the application.
    customer(Event::new("AddressSet", r#""1 Old Street, Rome""#))?;
    customer(Event::new("NewsletterSent", "{}"))?;
    let second = json!({ "address": "2 New Street, Oslo", "phone": "555" }).to_string();
    customer(Event::new("ContactChanged", second).with_schema(2))?;
    customer(Event::new("PhoneChanged", r#"{"number":"777"}"#))?;

    // The upcasters are checked at the start: this one leaves a gap.
    let gap = Upcasters::new().change("Moved", 2, |old: Value| old);
    let refused = Schema::<CustomerEvent>::upcasting(gap)
        .err()
        .ok_or("it is refused")?;
    println!("{refused}");
    assert!(refused.to_string().contains("no upcaster from schema 1"));

    // All generations are read as events of today, ...
    let schema = Schema::<CustomerEvent>::upcasting(upcasters())?;
    let read = schema.read(&**store, &Query::stream("customers/7"));
    let events: Vec<_> = read.collect::<annals::Result<_>>()?;
    for event in &events {
        println!("{} is {:?}", event.record.version(), event.event);
    }
    assert_eq!(events.len(), 4, "1, none, 2, 1");

    // ... and make up the state of today.
    let customers = Repository::<Customer>::new(Arc::clone(store)).with_schema(schema);
    let customer = customers.load(7)?;
    let expected = Customer {
        street: "2 New Street".to_owned(),
        town: "Oslo".to_owned(),
        phone: "777".to_owned(),
    };
    assert_eq!(customer.state(), &expected);
    assert_eq!(customer.version().get(), 4, "versions are those of the log");

    // The log was not rewritten.
    let first = store.read(&Query::all()).next().ok_or("it is there")??;
    assert_eq!(first.data(), br#""1 Old Street, Rome""#);
    Ok(())
}
