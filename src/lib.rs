//! annals, an embedded event store: what SQLite is to tables, for
//! event-sourced applications.
//!
//! Events go into a directory, in one process, without a server. They stay in
//! order, whole, and readable, also while they are written.
//!
//! ```
//! use annals::{Append, Event, EventStore, Expected, Query, Version};
//!
//! # let dir = tempfile::tempdir().unwrap();
//! # let path = dir.path().join("my-events");
//! let store = annals::open(&path)?;
//!
//! // An append is atomic, and safe once it returns.
//! let placed = Event::new("OrderPlaced", r#"{"total": 12}"#).with_tag("customer:7");
//! store.append(Append::to("orders/42").expect(Expected::NoStream).event(placed))?;
//! let paid = Event::new("OrderPaid", r#"{"by": "card"}"#);
//! store.append(Append::to("orders/42").expect(Version::new(1)).event(paid))?;
//!
//! // Somebody who decided on an old version is told so.
//! let dropped = Event::new("OrderDropped", "");
//! let late = Append::to("orders/42").expect(Version::new(1)).event(dropped);
//! assert!(store.append(late).unwrap_err().is_conflict());
//!
//! // One stream, a category, types, tags; forward or backward; within bounds.
//! for event in store.read(&Query::category("orders").with_tag("customer:7")) {
//!     assert_eq!(event?.event_type(), "OrderPlaced");
//! }
//! # Ok::<(), annals::Error>(())
//! ```
//!
//! # Words
//! - An **event** is what an application says happened: a type, data, and what
//!   goes with them.
//! - A **stream** is the ordered events of one entity, under one name. The name
//!   up to its first `/` is the stream's **category**.
//! - A **version** is an event's place in its stream, a **position** its place
//!   in the whole store. Both count from 1, without gaps.
//! - The **head** is the position of the last event that readers may see.
//!
//! # Promises
//! [`EventStore`] lists them; the feature `testing` holds any backend to them.
//! In short:
//! - An append is recorded whole or not at all, at the versions that it expects.
//! - It is acknowledged, and seen by others, once it is as safe as it asked for
//!   ([`Durability`]; synced to the medium unless set otherwise).
//! - A read sees one fixed upper bound, whatever is appended meanwhile.
//! - The retry of an append is known as a repeat and records nothing twice.
//! - Every event is verified before it is served. Damage is an error with path
//!   and offset ([`ErrorKind::Corrupt`]), never skipped and never mended in
//!   silence; a torn end, of which nobody was told that it was safe, is cut.
//! - Nothing here panics on data, prints, or ends the process.
//!
//! # Where to find what
//! | to | see |
//! |---|---|
//! | open a store | [`open`], [`temporary`], [`Options`], [`LogStore`], [`MemoryStore`] |
//! | record events | [`Event`], [`Append`], [`Expected`], [`Appended`], [`Pending`] |
//! | read them | [`Query`], [`QueryItem`], [`EventStore::explain`], [`EventStore::read`], [`EventStore::scan`], [`RecordedEvent`], [`EventRef`] |
//! | wait for more | [`EventStore::wait`], [`subscription`] |
//! | understand failures | [`Error`], [`ErrorKind`] |
//! | look after a store | [`verify`], [`LogStore::stat`], [`Options::open_read_only`] |
//! | keep read models | [`projection`], [`cursor`] |
//! | act on events | [`publisher`], [`parked`] |
//! | write a backend | [`EventStore`], [`Answer`], [`Capabilities`], [`Limits`], the module `testing` |
#![cfg_attr(
    feature = "toolkit",
    doc = "| work with values instead of bytes | [`Schema`], [`Upcasters`], [`Codec`] |
| decide and record | [`Aggregate`], [`Repository`], [`Scenario`], [`snapshot`] |
| keep rules over many streams | [`decision`], [`Append::unless`] |
| look at the past | [`View`], [`History`], [`CausationTree`], [`undoes`] |"
)]
//!
//! The [`guide`] has a page with code for each part of the toolkit.
//!
//! # Features
//! | feature | what it adds |
//! |---|---|
//! | `toolkit` (on unless turned off) | typed events, upcasters, aggregates, repositories, views, undo; costs serde and `serde_json` |
//! | `msgpack` | `MessagePack` as a codec beside JSON |
//! | `tracing` | what went wrong and was dealt with is told through `tracing` |
//! | `testing` | the contract suite, for the authors of backends |
//! | `cli` | the command line `annals` |

#[cfg(feature = "toolkit")]
mod aggregate;
#[cfg(feature = "toolkit")]
mod codec;
#[cfg(feature = "toolkit")]
mod command;
#[cfg(feature = "toolkit")]
mod context;
pub mod cursor;
#[cfg(feature = "toolkit")]
pub mod decision;
mod disk;
mod env;
mod error;
mod format;
pub mod guide;
#[cfg(feature = "toolkit")]
mod history;
mod index;
mod log;
mod memory;
pub mod parked;
pub mod projection;
pub mod publisher;
#[cfg(feature = "toolkit")]
mod repository;
#[cfg(feature = "toolkit")]
mod scenario;
#[cfg(feature = "toolkit")]
mod schema_lock;
mod small_files;
pub mod snapshot;
mod store;
pub mod subscription;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "toolkit")]
mod trace;
#[cfg(feature = "toolkit")]
mod typed;
mod types;
#[cfg(feature = "toolkit")]
mod undo;
#[cfg(feature = "toolkit")]
mod upcast;
#[cfg(feature = "toolkit")]
mod view;

#[cfg(feature = "toolkit")]
pub use aggregate::{Aggregate, NotUndoable};
#[cfg(feature = "msgpack")]
pub use codec::MessagePack;
#[cfg(feature = "toolkit")]
pub use codec::{Codec, CodecError, Json};
#[cfg(feature = "toolkit")]
pub use command::CommandError;
#[cfg(feature = "toolkit")]
pub use context::Context;
pub use disk::{
    Activity, Fault, LogStore, Options, Reads, RepairReport, Stat, VerifyProgress, VerifyReport,
    open, repair, temporary, verify,
};
pub use env::{Clock, SystemClock};
pub use error::{Error, ErrorKind, EventPlace, Result};
#[cfg(feature = "toolkit")]
pub use history::{Change, Difference, History, Step};
pub use memory::MemoryStore;
#[cfg(feature = "toolkit")]
pub use repository::{Loaded, Repository};
#[cfg(feature = "toolkit")]
pub use scenario::{Outcome, Scenario};
#[cfg(feature = "toolkit")]
pub use schema_lock::{SchemaLock, SchemaLockError};
pub use store::{
    Access, Answer, Append, Appended, Capabilities, Direction, EventStore, Events, ExplainedItem,
    ExplainedTerm, Explanation, Pending, Query, QueryItem, Resume, StreamPart, Term,
};
#[cfg(feature = "toolkit")]
pub use trace::CausationTree;
#[cfg(feature = "toolkit")]
pub use typed::{Schema, TypedDelivered, TypedEvent, TypedEvents, TypedSubscription};
pub use types::{
    Durability, Event, EventRef, Expected, Limits, MAX_NAME_BYTES, Position, RecordedEvent,
    StoreId, TagIter, Tags, TimeOutOfRange, Timestamp, Version, category_of,
};
#[cfg(feature = "toolkit")]
pub use undo::{Which, undoes};
#[cfg(feature = "toolkit")]
pub use upcast::{Parts, Upcasters};
#[cfg(feature = "toolkit")]
pub use view::{Moment, Undated, View};

pub use bytes::Bytes;
pub use uuid::Uuid;

/// The examples of the README, as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
