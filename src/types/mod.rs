//! Floor 0: the words of the project as types.
//!
//! Nothing here does anything: no files, no clock, no locks. Every other floor
//! may use every type of this one.

mod event;
mod expected;
mod limits;
mod number;
mod recorded;
mod store_id;
mod tags;
mod time;

pub use event::Event;
pub use expected::{Durability, Expected};
pub use limits::Limits;
pub use number::{Position, Version};
pub use recorded::{EventRef, RecordedEvent};
pub use store_id::StoreId;
pub use tags::{TagIter, Tags};
pub(crate) use time::Micros;
pub use time::{TimeOutOfRange, Timestamp};

/// The longest name (of a stream, an event type or a tag), in bytes.
pub const MAX_NAME_BYTES: usize = 1024;

/// The category of a stream: its name up to the first `/`, or all of it where
/// there is none.
///
/// ```
/// assert_eq!(annals::category_of("orders/42"), "orders");
/// assert_eq!(annals::category_of("orders"), "orders");
/// assert_eq!(annals::category_of("/odd"), "");
/// ```
pub fn category_of(stream: &str) -> &str {
    match stream.bytes().position(|byte| byte == b'/') {
        Some(end) => &stream[..end],
        None => stream,
    }
}
