//! How large an event and an append may be.

/// How large an event and an append may be, in bytes: options of a store.
///
/// The size of an event is the sum of the lengths of its stream's name, its
/// type, data, metadata and tags; that of an append is the sum over its
/// events. What is over a limit is refused with `TooLarge`.
///
/// ```
/// use annals::{Limits, MemoryStore};
/// let limits = Limits { event_bytes: 1024, ..Limits::default() };
/// let store = MemoryStore::new().with_limits(limits);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest event, in bytes: 16 MiB unless set.
    pub event_bytes: u64,
    /// The largest append, in bytes: 64 MiB unless set.
    pub append_bytes: u64,
}

impl Limits {
    /// What no setting can exceed, for events and appends alike: 1 GiB. A
    /// larger setting counts as this one.
    pub const MAX_BYTES: u64 = 1 << 30;
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            event_bytes: 16 << 20,
            append_bytes: 64 << 20,
        }
    }
}
