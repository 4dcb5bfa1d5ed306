//! The store's clock.

use crate::types::Timestamp;
use std::fmt;
use std::time::{Duration, Instant, SystemTime};

/// Tells a store the time at which it records events.
///
/// A clock may go backwards; a store never does: it records the latest time
/// that it has seen.
///
/// A clock that stands still, for a test of times:
///
/// ```
/// use annals::{Append, Clock, Event, EventStore, Options, Timestamp};
/// use std::sync::Arc;
///
/// #[derive(Debug)]
/// struct Noon;
///
/// impl Clock for Noon {
///     fn now(&self) -> Timestamp {
///         Timestamp::from_micros(43_200_000_000).unwrap()
///     }
/// }
///
/// # let place = tempfile::tempdir()?;
/// # let path = place.path().join("store");
/// let store = Options::new().clock(Arc::new(Noon)).open(path)?;
/// let done = store.append(Append::to("users/1").event(Event::new("Registered", "")))?;
/// assert_eq!(done.recorded().to_string(), "1970-01-01T12:00:00Z");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Clock: Send + Sync + fmt::Debug {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// The operating system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        SystemTime::now().into()
    }
}

/// A moment up to which somebody waits, by a clock that only goes forward.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(Option<Instant>);

impl Deadline {
    /// The moment after this time; one that lies too far ahead never comes.
    pub(crate) fn after(timeout: Duration) -> Self {
        Deadline(Instant::now().checked_add(timeout))
    }

    /// How long it is until then.
    pub(crate) fn left(self) -> Duration {
        match self.0 {
            Some(moment) => moment.saturating_duration_since(Instant::now()),
            None => Duration::MAX,
        }
    }

    /// The moment itself, if it ever comes.
    pub(crate) fn moment(self) -> Option<Instant> {
        self.0
    }
}
