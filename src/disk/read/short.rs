//! Reads of a few events of one stream that were read before: nothing is set up
//! for them, and no memory is asked for.

use super::super::shared::Shared;
use super::Visit;
use super::readers::Readers;
use crate::env::sync::Mutex;
use crate::index::{Asked, Candidate, Short};
use crate::log::Access;
use crate::store::{Direction, Query};
use crate::types::{EventRef, Position, Version};
use std::ops::ControlFlow;

/// How many rooms are kept: one for each thread that reads at the same time.
const KEPT: usize = 16;
/// How many events ahead are fetched.
const AHEAD: usize = 8;
/// A frame of more events is not walked for each of them.
const FEW: u32 = 64;

/// What short reads leave behind for those that follow.
#[derive(Debug, Default)]
pub(in crate::disk) struct Rooms(Mutex<Vec<Room>>);

#[derive(Debug, Default)]
struct Room {
    short: Short,
    readers: Readers,
}

/// What is still to be read: after the first position, up to the second, so many
/// events.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rest {
    pub(super) bounds: (Position, Position),
    pub(super) left: u64,
}

/// What a short read compares each event with.
#[derive(Clone, Copy)]
struct Wanted<'q> {
    stream: &'q str,
    versions: (Version, Version),
}

impl Wanted<'_> {
    #[inline]
    fn is(&self, event: &EventRef<'_>) -> bool {
        let (from, to) = self.versions;
        event.stream == self.stream && from <= event.version && event.version <= to
    }
}

/// Lends the events of a query of one stream, as far as this is a short read;
/// `rest` is what is left of it then. Breaks if there is nothing left to do.
pub(super) fn lend(
    shared: &Shared,
    query: &Query,
    rest: &mut Rest,
    visit: &mut Visit<'_>,
) -> ControlFlow<()> {
    let Some((stream, versions)) = query.only_stream() else {
        return ControlFlow::Continue(());
    };
    if query.direction() == Direction::Backward || shared.segments.access() != Access::Mapped {
        return ControlFlow::Continue(());
    }
    let asked = Asked {
        stream: shared.hasher.stream(stream),
        versions,
        bounds: rest.bounds,
    };
    let mut room = shared.rooms.take();
    let wanted = Wanted { stream, versions };
    let flow = match room.short.find(&shared.index.parts(), &asked) {
        Some(()) => room.lend(shared, wanted, rest, visit),
        None => ControlFlow::Continue(()),
    };
    shared.rooms.give_back(room);
    flow
}

impl Rooms {
    fn take(&self) -> Room {
        self.0.lock().pop().unwrap_or_default()
    }

    fn give_back(&self, room: Room) {
        let mut rooms = self.0.lock();
        if rooms.len() < KEPT {
            rooms.push(room);
        }
    }
}

impl Room {
    /// Lends what was found, up to the first that has to be read with care.
    fn lend(
        &mut self,
        shared: &Shared,
        wanted: Wanted<'_>,
        rest: &mut Rest,
        visit: &mut Visit<'_>,
    ) -> ControlFlow<()> {
        let found = &self.short.found;
        for near in found.iter().take(AHEAD) {
            self.readers.fetch(shared, near);
        }
        for (index, candidate) in found.iter().enumerate() {
            if rest.left == 0 {
                break;
            }
            if let Some(later) = found.get(index + AHEAD) {
                self.readers.fetch(shared, later);
            }
            let mut lend = |event: EventRef<'_>| wanted.is(&event).then(|| visit(event));
            let Some(lent) = self.readers.lend(shared, candidate, &mut lend) else {
                return ControlFlow::Continue(());
            };
            rest.bounds.0 = candidate.position;
            rest.left -= u64::from(lent.is_some());
            lent.unwrap_or(ControlFlow::Continue(()))?;
        }
        ControlFlow::Break(())
    }
}

impl Readers {
    #[inline]
    fn fetch(&mut self, shared: &Shared, candidate: &Candidate) {
        if let Ok(reader) = self.get(shared, candidate.segment) {
            reader.segment().fetch(candidate.offset);
        }
    }

    /// Lends an event that has verified. Nothing if it has not, or is no longer
    /// what it was, or is one of many in a frame.
    #[inline]
    fn lend<T>(
        &mut self,
        shared: &Shared,
        candidate: &Candidate,
        take: impl FnOnce(EventRef<'_>) -> T,
    ) -> Option<T> {
        let reader = self.get(shared, candidate.segment).ok()?;
        if let Some(lone) = reader.verified_frames()?.lone(candidate.offset) {
            return match lone.position() == candidate.position {
                true => lone.lend(take),
                false => None,
            };
        }
        let (head, bytes) = reader.known(candidate.offset)?;
        if !head.is_known() || head.count > FEW || !head.holds(candidate.position) {
            return None;
        }
        let record = head.record(bytes, candidate.position, &mut head.start());
        Some(take(record.ok()?.decode().ok()?))
    }
}
