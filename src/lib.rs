//! annals, an embedded event store: what SQLite is to tables, for
//! event-sourced applications.

pub mod cursor;
mod disk;
mod env;
mod error;
mod format;
pub mod guide;
mod index;
mod log;
mod memory;
pub mod parked;
pub mod projection;
pub mod publisher;
pub mod snapshot;
mod store;
pub mod subscription;
#[cfg(feature = "testing")]
pub mod testing;
mod types;

pub use disk::{
    Fault, LogStore, Options, Reads, Stat, VerifyProgress, VerifyReport, open, temporary, verify,
};
pub use env::{Clock, SystemClock};
pub use error::{Error, ErrorKind, Result};
pub use memory::MemoryStore;
pub use store::{
    Answer, Append, Appended, Capabilities, Direction, EventStore, Events, Pending, Query,
    QueryItem, StreamPart,
};
pub use types::{
    Durability, Event, EventRef, Expected, Limits, MAX_NAME_BYTES, Position, RecordedEvent,
    StoreId, Tags, TimeOutOfRange, Timestamp, Version, category_of,
};

pub use bytes::Bytes;
pub use uuid::Uuid;
