//! annals, an embedded event store: what SQLite is to tables, for
//! event-sourced applications.

#[cfg(feature = "toolkit")]
mod codec;
pub mod cursor;
mod env;
mod error;
mod format;
mod index;
mod log;
mod memory;
pub mod snapshot;
mod store;
pub mod subscription;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "toolkit")]
mod typed;
mod types;
#[cfg(feature = "toolkit")]
mod upcast;

#[cfg(feature = "msgpack")]
pub use codec::MessagePack;
#[cfg(feature = "toolkit")]
pub use codec::{Codec, CodecError, Json};
pub use env::{Clock, SystemClock};
pub use error::{Error, ErrorKind, EventPlace, Result};
pub use memory::MemoryStore;
pub use store::{
    Answer, Append, Appended, Capabilities, Direction, EventStore, Events, Pending, Query,
    QueryItem, StreamPart,
};
#[cfg(feature = "toolkit")]
pub use typed::{Schema, TypedEvent, TypedEvents};
pub use types::{
    Durability, Event, EventRef, Expected, Limits, MAX_NAME_BYTES, Position, RecordedEvent,
    StoreId, Tags, TimeOutOfRange, Timestamp, Version, category_of,
};
#[cfg(feature = "toolkit")]
pub use upcast::{Parts, Upcasters};

pub use bytes::Bytes;
pub use uuid::Uuid;
