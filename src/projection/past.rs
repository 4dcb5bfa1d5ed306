//! A projection as it was.

use super::Projection;
use crate::error::{Error, Result};
use crate::store::EventStore;
use crate::subscription::{Delivered, caught};
use crate::types::Position;

/// What a projection was when the store ended at this position: everything up
/// to there, as history, and nothing after it. Of a time,
/// `EventStore::position_at` tells the position.
///
/// ```
/// use annals::projection::{Projection, as_of};
/// use annals::subscription::{Delivered, HandlerError};
/// use annals::{Append, Event, EventStore, MemoryStore, Position};
///
/// #[derive(Default)]
/// struct Count(u32);
///
/// impl Projection for Count {
///     fn handle(&mut self, _: &Delivered) -> Result<(), HandlerError> {
///         self.0 += 1;
///         Ok(())
///     }
/// }
///
/// let store = MemoryStore::new();
/// store.append(Append::to("a").events((0..5).map(|_| Event::new("Happened", ""))))?;
/// assert_eq!(as_of(&store, Count::default(), Position::new(3))?.0, 3);
/// # Ok::<(), annals::Error>(())
/// ```
///
/// # Errors
/// What the projection fails with, or the store.
pub fn as_of<P: Projection>(
    store: &dyn EventStore,
    mut projection: P,
    position: Position,
) -> Result<P> {
    let query = projection.query();
    let up_to = query.bounds().1.min(position);
    for event in store.read(&query.up_to(up_to)) {
        let event = Delivered::new(event?, position);
        caught(|| projection.handle(&event)).map_err(|error| {
            let what = format!("project the event at {}", event.position());
            Error::outside(what, error)
        })?;
    }
    Ok(projection)
}
