//! annals, an embedded event store: what SQLite is to tables, for
//! event-sourced applications.

#[cfg(feature = "toolkit")]
mod aggregate;
#[cfg(feature = "toolkit")]
mod codec;
#[cfg(feature = "toolkit")]
mod context;
pub mod cursor;
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
pub use context::Context;
pub use disk::{
    Fault, LogStore, Options, Reads, Stat, VerifyProgress, VerifyReport, open, temporary, verify,
};
pub use env::{Clock, SystemClock};
pub use error::{Error, ErrorKind, EventPlace, Result};
#[cfg(feature = "toolkit")]
pub use history::{Change, Difference, History, Step};
pub use memory::MemoryStore;
#[cfg(feature = "toolkit")]
pub use repository::{CommandError, Loaded, Repository};
#[cfg(feature = "toolkit")]
pub use scenario::{Outcome, Scenario};
#[cfg(feature = "toolkit")]
pub use schema_lock::{SchemaLock, SchemaLockError};
pub use store::{
    Answer, Append, Appended, Capabilities, Direction, EventStore, Events, Pending, Query,
    QueryItem, StreamPart,
};
#[cfg(feature = "toolkit")]
pub use trace::CausationTree;
#[cfg(feature = "toolkit")]
pub use typed::{Schema, TypedEvent, TypedEvents};
pub use types::{
    Durability, Event, EventRef, Expected, Limits, MAX_NAME_BYTES, Position, RecordedEvent,
    StoreId, Tags, TimeOutOfRange, Timestamp, Version, category_of,
};
#[cfg(feature = "toolkit")]
pub use undo::{Which, undoes};
#[cfg(feature = "toolkit")]
pub use upcast::{Parts, Upcasters};
#[cfg(feature = "toolkit")]
pub use view::{Moment, Undated, View};

pub use bytes::Bytes;
pub use uuid::Uuid;
