//! What an append asks for: the state of a stream, and how safe is safe enough.

use super::Version;
use std::fmt;

/// What an append expects of a stream before it writes.
///
/// ```
/// use annals::{Expected, Version};
/// assert!(Expected::NoStream.holds(Version::NONE));
/// assert!(Expected::Exact(Version::new(7)).holds(Version::new(7)));
/// assert!(!Expected::Exists.holds(Version::NONE));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Expected {
    /// Anything at all.
    #[default]
    Any,
    /// That the stream has no events.
    NoStream,
    /// That the stream has at least one event.
    Exists,
    /// That the stream's last event has exactly this version
    /// (`Exact(Version::NONE)` is the same as `NoStream`).
    Exact(Version),
}

impl Expected {
    /// Whether a stream of this version is what was expected.
    pub fn holds(self, actual: Version) -> bool {
        match self {
            Expected::Any => true,
            Expected::NoStream => actual == Version::NONE,
            Expected::Exists => actual != Version::NONE,
            Expected::Exact(version) => actual == version,
        }
    }

    /// The exact version asked for, if one was: what makes a retry recognisable.
    pub fn exact(self) -> Option<Version> {
        match self {
            Expected::Any | Expected::Exists => None,
            Expected::NoStream => Some(Version::NONE),
            Expected::Exact(version) => Some(version),
        }
    }
}

impl From<Version> for Expected {
    fn from(version: Version) -> Self {
        Expected::Exact(version)
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expected::Any => out.write_str("any version"),
            Expected::NoStream => out.write_str("no stream"),
            Expected::Exists => out.write_str("an existing stream"),
            Expected::Exact(version) => write!(out, "version {version}"),
        }
    }
}

/// How safe an append is when it is acknowledged, and therefore when others
/// see its events: readers and waiters see an event once it is as safe as its
/// append asked for, and once everything before it is.
///
/// The order is that of safety: `Buffered < Written < Durable`.
///
/// ```
/// use annals::{Append, Durability, Event, EventStore};
/// let store = annals::temporary()?;
/// let seen = Append::to("pages/start").event(Event::new("Visited", ""));
/// store.append(seen.durability(Durability::Buffered))?;
/// assert_eq!(store.flush()?.get(), 1);
/// # Ok::<(), annals::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Durability {
    /// In this process's memory. Lost if the process dies before the next
    /// `flush`, the next append that asks for more, or the store's own writing
    /// out (soon, but promised for no moment). Visible once written.
    Buffered,
    /// Handed to the operating system: survives the process, not the power.
    Written,
    /// Synced to the medium before the append is acknowledged.
    #[default]
    Durable,
}
