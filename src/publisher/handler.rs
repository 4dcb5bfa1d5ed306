//! What a handler is, before it runs.

use crate::cursor::Start;
use crate::store::Query;
use crate::subscription::{Delivered, HandlerError, Retry};
use std::fmt;
use std::time::Duration;

/// What is done with an event.
pub(super) type Function = Box<dyn FnMut(&Delivered) -> Result<(), HandlerError> + Send>;

/// A named function that is given every event of a query, at least once and
/// in order.
///
/// ```
/// use annals::cursor::Start;
/// use annals::publisher::Handler;
/// use annals::subscription::Retry;
/// use annals::Query;
/// let mailer = Handler::new("mailer", Query::all().with_type("Registered"), |event| {
///         let name = std::str::from_utf8(event.data())?;
///         let _ = name; // Send a mail.
///         Ok(())
///     })
///     .start_at(Start::Now)
///     .retry(Retry { tries: 10, ..Retry::default() });
/// ```
pub struct Handler {
    pub(super) name: String,
    pub(super) query: Query,
    pub(super) function: Function,
    pub(super) start: Start,
    pub(super) retry: Retry,
    pub(super) cursor_interval: Duration,
    pub(super) most_parked: usize,
}

impl Handler {
    /// A handler of this name, under which its cursor and its parked events
    /// are kept.
    ///
    /// A function that returns an error, or panics, is given the event again
    /// (`retry`); in the end the event is parked. It must bear to be given an
    /// event that it has dealt with before: after a crash, that happens.
    pub fn new(
        name: impl Into<String>,
        query: Query,
        function: impl FnMut(&Delivered) -> Result<(), HandlerError> + Send + 'static,
    ) -> Self {
        Handler {
            name: name.into(),
            query,
            function: Box::new(function),
            start: Start::default(),
            retry: Retry::default(),
            cursor_interval: Duration::from_millis(200),
            most_parked: 1000,
        }
    }

    /// Sets where it starts the first time: at the beginning unless set.
    #[must_use]
    pub fn start_at(mut self, start: Start) -> Self {
        self.start = start;
        self
    }

    /// Sets how often an event is tried before it is parked.
    #[must_use]
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// Sets how much time passes at least between two savings of the cursor:
    /// 200 ms unless set. After a crash, what was done since the last saving
    /// is done again. Zero saves after every event.
    #[must_use]
    pub fn cursor_interval(mut self, interval: Duration) -> Self {
        self.cursor_interval = interval;
        self
    }

    /// Sets how many events may be parked: 1,000 unless set. A handler that
    /// has so many is taken for broken: it isn't given further events, but
    /// tries the same one again and again (after the longest wait of its
    /// `Retry`) until it succeeds or parked ones are gone.
    #[must_use]
    pub fn most_parked(mut self, events: usize) -> Self {
        self.most_parked = events;
        self
    }
}

impl fmt::Debug for Handler {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Handler")
            .field("name", &self.name)
            .field("query", &self.query)
            .finish_non_exhaustive()
    }
}
