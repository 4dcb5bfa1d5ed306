//! Given, when, then: a projection is tried out without a store.

use super::Projection;
use crate::subscription::{Delivered, HandlerError};
use crate::types::{Event, EventRef, Position, Timestamp, Version};
use std::collections::HashMap;

/// Tries out a projection, with no store and no thread: given these events in
/// the past, when those happen, then the projection is like this.
///
/// Events that its query doesn't ask for are not given to it, as in a store.
/// Positions and versions count up from 1; everything is recorded at
/// `Timestamp::UNIX_EPOCH`, unless `at` says otherwise.
///
/// ```
/// use annals::Event;
/// use annals::projection::{Projection, Scenario};
/// use annals::subscription::{Delivered, HandlerError};
///
/// #[derive(Default)]
/// struct Count { all: u32, live: u32 }
///
/// impl Projection for Count {
///     fn handle(&mut self, event: &Delivered) -> Result<(), HandlerError> {
///         self.all += 1;
///         self.live += u32::from(event.is_live());
///         Ok(())
///     }
/// }
///
/// Scenario::of(Count::default())
///     .given("users/1", Event::new("Registered", ""))?
///     .when("users/1", Event::new("EmailChanged", ""))?
///     .then(|count| assert_eq!((count.all, count.live), (2, 1)));
/// # Ok::<(), annals::subscription::HandlerError>(())
/// ```
#[derive(Debug)]
pub struct Scenario<P> {
    projection: P,
    head: Position,
    versions: HashMap<String, Version>,
    now: Timestamp,
}

impl<P: Projection> Scenario<P> {
    /// A projection to which nothing has happened yet.
    pub fn of(projection: P) -> Self {
        Scenario {
            projection,
            head: Position::START,
            versions: HashMap::new(),
            now: Timestamp::UNIX_EPOCH,
        }
    }

    /// Sets when the events that follow are recorded.
    #[must_use]
    pub fn at(mut self, now: Timestamp) -> Self {
        self.now = now;
        self
    }

    /// An event of the past: the projection is given it as history.
    ///
    /// # Errors
    /// What the projection fails with.
    #[allow(clippy::needless_pass_by_value)] // Nobody needs it afterwards.
    pub fn given(mut self, stream: &str, event: Event) -> Result<Self, HandlerError> {
        self.happen(stream, &event, Position::MAX)?;
        Ok(self)
    }

    /// An event that happens now: the projection is given it as news.
    ///
    /// # Errors
    /// What the projection fails with.
    #[allow(clippy::needless_pass_by_value)] // Nobody needs it afterwards.
    pub fn when(mut self, stream: &str, event: Event) -> Result<Self, HandlerError> {
        self.happen(stream, &event, Position::START)?;
        Ok(self)
    }

    /// Looks at the projection.
    #[allow(clippy::return_self_not_must_use)] // It is often the end.
    pub fn then(self, look: impl FnOnce(&P)) -> Self {
        look(&self.projection);
        self
    }

    /// The projection as it is now.
    pub fn into_projection(self) -> P {
        self.projection
    }

    fn happen(
        &mut self,
        stream: &str,
        event: &Event,
        replay: Position,
    ) -> Result<(), HandlerError> {
        self.head = self.head.next();
        let version = self.versions.entry(stream.to_owned()).or_default();
        *version = version.next();
        let event = EventRef::recording(event, stream, *version, self.head, self.now);
        if self.projection.query().matches(&event) {
            self.projection
                .handle(&Delivered::new(event.to_owned(), replay))?;
        }
        Ok(())
    }
}
