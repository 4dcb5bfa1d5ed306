//! The two ways to count events: in their stream and in the store.

use std::fmt;

/// An event's place in the whole store: 1 is the first, and there are no gaps.
///
/// `Position::START` (0) stands before everything: "after `START`" is all of it.
///
/// ```
/// use annals::Position;
/// assert_eq!(Position::START.next(), Position::new(1));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(u64);

/// An event's place in its stream: 1 is the first, and there are no gaps.
///
/// A stream's version is that of its last event, so `Version::NONE` (0) is the
/// version of a stream that does not exist.
///
/// ```
/// use annals::Version;
/// assert_eq!(Version::NONE.next(), Version::new(1));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(u64);

impl Position {
    /// Before the first event.
    pub const START: Position = Position(0);
    /// The largest position that can be written down; no event ever has it.
    pub const MAX: Position = Position(u64::MAX);
}

impl Version {
    /// The version of a stream that has no events.
    pub const NONE: Version = Version(0);
    /// The largest version that can be written down; no event ever has it.
    pub const MAX: Version = Version(u64::MAX);
}

macro_rules! number {
    ($name:ident) => {
        impl $name {
            /// Wraps a number.
            pub const fn new(number: u64) -> Self {
                Self(number)
            }

            /// The number itself.
            pub const fn get(self) -> u64 {
                self.0
            }

            /// The next one; the largest is its own successor.
            #[must_use]
            pub const fn next(self) -> Self {
                Self(self.0.saturating_add(1))
            }

            /// The one before; zero is its own predecessor.
            #[must_use]
            pub const fn previous(self) -> Self {
                Self(self.0.saturating_sub(1))
            }

            /// This many further on, bounded by the largest.
            #[must_use]
            pub const fn plus(self, count: u64) -> Self {
                Self(self.0.saturating_add(count))
            }
        }

        impl From<u64> for $name {
            fn from(number: u64) -> Self {
                Self(number)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(out)
            }
        }
    };
}

number!(Position);
number!(Version);
