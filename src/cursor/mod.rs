//! Cursors: the durable places that named consumers have reached.

// Floor 8.

mod files;
mod keeper;
mod memory;

pub use files::FileCursors;
pub(crate) use keeper::Keeper;
pub use memory::MemoryCursors;

use crate::error::Result;
use crate::types::Position;

/// How far a consumer has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Cursor {
    /// Every event up to here has been dealt with.
    pub position: Position,
    /// Events up to here are history to the consumer (`Phase::Replay`), those
    /// after it are news (`Phase::Live`). A consumer that was stopped halfway
    /// through its first replay goes on with it where it was.
    pub replay: Position,
}

impl Cursor {
    /// Before the first event; events up to `replay` are history.
    pub const fn beginning(replay: Position) -> Self {
        Cursor {
            position: Position::START,
            replay,
        }
    }
}

/// Where a consumer starts that has no cursor yet. Whichever it is, the events
/// that are in the store at its first start are history to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// With the first event.
    #[default]
    Beginning,
    /// With the next event that is appended.
    Now,
    /// With the event after this position, or the next one that is appended
    /// if the store isn't that far yet.
    After(Position),
}

/// A place where cursors are kept by name.
///
/// Implement it over your own database to keep a cursor with the rows that a
/// projection writes: when both change in one transaction, every event takes
/// effect exactly once. Use `Error::outside` for errors of another library.
///
/// ```
/// use annals::cursor::{Cursor, CursorStore, MemoryCursors};
/// use annals::Position;
/// let cursors = MemoryCursors::new();
/// assert_eq!(cursors.load("mailer")?, None);
/// let reached = Cursor { position: Position::new(7), replay: Position::START };
/// cursors.save("mailer", reached)?;
/// assert_eq!(cursors.load("mailer")?, Some(reached));
/// # Ok::<(), annals::Error>(())
/// ```
pub trait CursorStore: Send + Sync {
    /// The cursor of this name; `None` if there never was one.
    ///
    /// # Errors
    /// `InvalidName`, or the place can't be read. A cursor that is damaged is
    /// an error and never taken for absent: a consumer that begins anew
    /// repeats every effect that it ever had.
    fn load(&self, name: &str) -> Result<Option<Cursor>>;

    /// Keeps a cursor in place of the earlier one of this name. On return it
    /// is durable.
    ///
    /// # Errors
    /// `InvalidName`, or the place can't be written; the earlier cursor is
    /// still there.
    fn save(&self, name: &str, cursor: Cursor) -> Result<()>;

    /// Forgets a cursor, so that its consumer begins anew. One that isn't
    /// there is no error; a damaged one is forgotten like any other.
    ///
    /// # Errors
    /// `InvalidName`, or the place can't be written.
    fn remove(&self, name: &str) -> Result<()>;

    /// All names and their cursors, in the order of the names.
    ///
    /// # Errors
    /// The place can't be read, or a cursor is damaged.
    fn list(&self) -> Result<Vec<(String, Cursor)>>;
}
