//! Parked events: those that a handler failed on again and again, put aside
//! so that the rest can flow on.

// Floor 8.

mod files;
mod memory;
#[cfg(test)]
mod tests;

pub use files::FileParked;
pub use memory::MemoryParked;

use crate::error::Result;
use crate::types::{Position, Timestamp};

/// An event that a handler failed on, and how. The event itself stays where it
/// is: in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parked {
    /// The handler's name.
    pub handler: String,
    /// The event's position.
    pub position: Position,
    /// How often the handler was given it.
    pub tries: u32,
    /// What the handler failed with the last time, as text: at most
    /// `MAX_ERROR_BYTES` of it are kept.
    pub error: String,
    /// When it was parked, in whole microseconds.
    pub parked: Timestamp,
}

/// How much of an error's text is kept with a parked event, in bytes.
pub const MAX_ERROR_BYTES: usize = 4096;

/// A place where parked events are noted.
///
/// Implement it over your own database to keep them there; use
/// `Error::outside` for errors of another library.
///
/// ```
/// use annals::parked::{MemoryParked, Parked, ParkedEvents};
/// use annals::{Position, Timestamp};
/// let parked = MemoryParked::new();
/// parked.park(&Parked {
///     handler: "mailer".into(),
///     position: Position::new(7),
///     tries: 5,
///     error: "no such mailbox".into(),
///     parked: Timestamp::UNIX_EPOCH,
/// })?;
/// assert_eq!(parked.list("mailer")?[0].error, "no such mailbox");
/// parked.remove("mailer", Position::new(7))?;
/// assert!(parked.list("mailer")?.is_empty());
/// # Ok::<(), annals::Error>(())
/// ```
pub trait ParkedEvents: Send + Sync {
    /// Notes an event as parked, in place of what was noted of the same
    /// handler and position. On return it is durable.
    ///
    /// # Errors
    /// `InvalidName`, or the place can't be written.
    fn park(&self, parked: &Parked) -> Result<()>;

    /// The events parked for a handler, in the order of their positions.
    ///
    /// # Errors
    /// `InvalidName`, or the place can't be read.
    fn list(&self, handler: &str) -> Result<Vec<Parked>>;

    /// Forgets that an event is parked. One that isn't is no error.
    ///
    /// # Errors
    /// `InvalidName`, or the place can't be written.
    fn remove(&self, handler: &str, position: Position) -> Result<()>;
}

/// As much of a text as is kept.
fn cut(text: &str) -> &str {
    let mut end = text.len().min(MAX_ERROR_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
