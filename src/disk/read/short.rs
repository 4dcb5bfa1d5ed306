//! Reads of a few events of one stream that is looked at often: nothing is set up
//! for them, and no memory is asked for. What was appended to it since is verified
//! on the way.

use super::super::shared::Shared;
use super::Visit;
use super::readers::Readers;
use crate::env::Stopwatch;
use crate::env::sync::Mutex;
use crate::index::{Asked, Candidate, Short};
use crate::log::Access;
use crate::store::{Direction, Query};
use crate::types::{EventRef, Position, Version};
use std::ops::ControlFlow;
use std::time::Duration;

/// How many rooms are kept: one for each thread that reads at the same time.
const KEPT: usize = 16;
/// How many events ahead are fetched.
const AHEAD: usize = 8;
/// A frame of more events is not walked for each of them.
const FEW: u32 = 64;
/// Longer frames are left to those that verify a record at a time, in bytes.
const LONG: u64 = 64 << 10;
/// Who took longer to verify a frame waited for the medium: a search asks it for
/// the next ones together.
const SLOW: Duration = Duration::from_micros(10);

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
        // Only hints: what can't be read is met again where it is lent.
        for candidate in found.iter().skip(AHEAD) {
            let _ = self.readers.fetch_start(shared, candidate);
        }
        for near in found.iter().take(AHEAD) {
            let _ = self.readers.fetch(shared, near);
        }
        for (index, candidate) in found.iter().enumerate() {
            if rest.left == 0 {
                break;
            }
            if let Some(later) = found.get(index + AHEAD) {
                let _ = self.readers.fetch(shared, later);
            }
            let mut take = |event: EventRef<'_>| wanted.is(&event).then(|| visit(event));
            let known = self.readers.lend(shared, candidate, &mut take);
            let lent = known.or_else(|| {
                self.readers.verify(shared, candidate)?;
                self.readers.lend(shared, candidate, &mut take)
            });
            let Some(flow) = lent else {
                return ControlFlow::Continue(());
            };
            rest.bounds.0 = candidate.position;
            rest.left -= u64::from(flow.is_some());
            flow.unwrap_or(ControlFlow::Continue(()))?;
        }
        ControlFlow::Break(())
    }
}

impl Readers {
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

    /// Verifies the frame of an event that was appended lately. Nothing if it is
    /// damaged, or large, or had to be waited for.
    #[cold]
    fn verify(&mut self, shared: &Shared, candidate: &Candidate) -> Option<()> {
        let since = Stopwatch::start();
        let reader = self.get(shared, candidate.segment).ok()?;
        reader.verify(candidate.offset, LONG)?;
        (since.read() <= SLOW).then_some(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::{Reading, rest_of};
    use super::*;
    use crate::disk::{LogStore, Options, Reads};
    use crate::store::{Append, EventStore};
    use crate::types::{Durability, Event};
    use std::path::Path;

    /// A stream that has many events in each part of the index, and some that
    /// have few; many of them share a frame.
    const MANY: u64 = 0;
    const STREAMS: u64 = 9;

    fn store(dir: &Path) -> LogStore {
        let options = Options::new().segment_size(Options::MIN_SEGMENT_SIZE);
        let options = options.durability(Durability::Written).reads(Reads::Mapped);
        let store = options.clone().checkpoint_events(400).open(dir).unwrap();
        for round in 0..300 {
            for stream in (0..STREAMS).filter(|stream| round % (3 * stream + 1) == 0) {
                let count = 1 + round % 3 * (stream % 2);
                let events = (0..count).map(|_| Event::new("Happened", vec![b'x'; 40]));
                let append = Append::to(name(stream)).events(events);
                store.append(append).unwrap();
            }
            if round == 200 {
                store.flush().unwrap();
            }
        }
        store.close().unwrap();
        options.open(dir).unwrap()
    }

    fn name(stream: u64) -> String {
        format!("some/{stream}")
    }

    /// What a short read lends, and what is left; whether nothing is.
    fn short(store: &LogStore, query: &Query) -> (Vec<(Position, Version)>, Rest, bool) {
        let (mut lent, mut rest) = (Vec::new(), rest_of(&store.shared, query));
        let flow = lend(&store.shared, query, &mut rest, &mut |event| {
            assert_eq!(Some(event.stream()), query.items()[0].stream());
            lent.push((event.position(), event.version()));
            ControlFlow::Continue(())
        });
        (lent, rest, flow.is_break())
    }

    fn searched(store: &LogStore, query: &Query) -> Vec<(Position, Version)> {
        let mut lent = Vec::new();
        let reading = Reading::new(&store.shared, query);
        let visit = &mut |event: EventRef<'_>| {
            lent.push((event.position(), event.version()));
            ControlFlow::Continue(())
        };
        reading.visit(visit).unwrap();
        lent
    }

    fn scanned(store: &LogStore, query: &Query) -> Vec<(Position, Version)> {
        let mut lent = Vec::new();
        let visit = &mut |event: EventRef<'_>| {
            lent.push((event.position(), event.version()));
            ControlFlow::Continue(())
        };
        store.scan(query, visit).unwrap();
        lent
    }

    fn queries() -> impl Iterator<Item = Query> {
        let version = Version::new;
        let streams = (0..=STREAMS).map(|stream| Query::stream(name(stream)));
        let versions = streams.flat_map(move |query| {
            let ranges = [(0, u64::MAX), (1, 1), (2, 5), (5, 2), (7, 400), (39, 39)];
            ranges.map(|(from, to)| {
                query
                    .clone()
                    .from_version(version(from))
                    .to_version(version(to))
            })
        });
        versions.flat_map(|query| {
            let bounds = [
                (0, u64::MAX),
                (17, 300),
                (399, 401),
                (500, 500),
                (600, u64::MAX),
            ];
            bounds.map(|(after, up_to)| {
                let query = query.clone().after(Position::new(after));
                query.up_to(Position::new(up_to))
            })
        })
    }

    #[test]
    fn a_short_read_finds_what_a_search_finds() {
        let dir = tempfile::tempdir().unwrap();
        let store = store(dir.path());
        for query in queries() {
            let (lent, _, done) = short(&store, &query);
            assert!(lent.is_empty() && (!done || searched(&store, &query).is_empty()));
        }
        store
            .scan(&Query::all(), &mut |_| ControlFlow::Continue(()))
            .unwrap();
        let mut short_ones = 0;
        for query in queries() {
            let expected = searched(&store, &query);
            for limit in [1, 3, u64::MAX] {
                let query = query.clone().limit(limit);
                let most = usize::try_from(limit).unwrap_or(usize::MAX);
                let expected = &expected[..expected.len().min(most)];
                let (lent, rest, done) = short(&store, &query);
                assert!(expected.starts_with(&lent), "{query:?}");
                assert!(!done || lent == expected, "{query:?}");
                assert_eq!(rest.left, limit - lent.len() as u64);
                assert_eq!(scanned(&store, &query), expected, "{query:?}");
                short_ones += u64::from(done && !lent.is_empty());
            }
        }
        assert!(short_ones > 100, "most of them are: {short_ones}");
        let many = Query::stream(name(MANY));
        assert!(!short(&store, &many).2, "a search reads long lists");
    }

    #[test]
    fn what_was_appended_since_is_found_and_what_was_lent_is_not_lent_again() {
        let dir = tempfile::tempdir().unwrap();
        let store = store(dir.path());
        let query = Query::stream(name(3));
        let before = scanned(&store, &query);
        assert_eq!(scanned(&store, &query), before);
        // It is verified on the way; had that to be waited for, a search goes on.
        let event = Event::new("Happened", "later");
        store.append(Append::to(name(3)).event(event)).unwrap();
        let (lent, rest, done) = short(&store, &query);
        assert_eq!(lent.len(), before.len() + usize::from(done));
        assert_eq!(rest.bounds.0, lent[lent.len() - 1].0);
        let after = scanned(&store, &query);
        assert_eq!(
            (after.len(), &after[..before.len()]),
            (before.len() + 1, &*before)
        );
        assert!(short(&store, &query).2);
    }

    /// Where the last event of a stream is.
    fn last_of(store: &LogStore, stream: &str) -> Candidate {
        let asked = Asked {
            stream: store.shared.hasher.stream(stream),
            versions: (Version::NONE, Version::MAX),
            bounds: (Position::START, store.head()),
        };
        let mut short = Short::default();
        short.find(&store.shared.index.parts(), &asked).unwrap();
        short.found[short.found.len() - 1]
    }

    #[test]
    fn nothing_is_lent_before_it_has_verified() {
        let dir = tempfile::tempdir().unwrap();
        let store = store(dir.path());
        let query = Query::stream(name(3));
        let before = scanned(&store, &query);
        let append = || Append::to(name(3)).event(Event::new("Happened", vec![b'y'; 99]));
        store.append(append()).unwrap();
        let (shared, mut readers) = (&*store.shared, Readers::default());
        let found = last_of(&store, &name(3));
        assert!(readers.lend(shared, &found, |_| ()).is_none());
        let reader = readers.get(shared, found.segment).unwrap();
        assert_eq!(reader.verify(found.offset, 99), None, "it is longer");
        assert_eq!(reader.verify(found.offset + 1, LONG), None, "no frame");
        assert!(readers.lend(shared, &found, |_| ()).is_none());
        let reader = readers.get(shared, found.segment).unwrap();
        assert_eq!(reader.verify(found.offset, LONG), Some(()));
        assert!(readers.lend(shared, &found, |_| ()).is_some());

        // One that goes bad before anybody has read it is told of, not lent.
        store.append(append()).unwrap();
        let found = last_of(&store, &name(3));
        let reader = readers.get(shared, found.segment).unwrap();
        let data = found.offset + 100;
        let byte = reader.bytes(data, 1).unwrap()[0];
        reader.segment().write(&[byte ^ 1], data).unwrap();
        let (lent, _, done) = short(&store, &query);
        assert!(!done && lent.len() <= before.len() + 1);
        let error = store.scan(&query, &mut |_| ControlFlow::Continue(()));
        assert!(error.unwrap_err().is_corrupt());
    }

    #[test]
    fn a_visitor_that_breaks_gets_no_more() {
        let dir = tempfile::tempdir().unwrap();
        let store = store(dir.path());
        let query = Query::stream(name(4));
        for _ in 0..2 {
            let mut lent = 0;
            let visit = &mut |_: EventRef<'_>| {
                lent += 1;
                match lent < 3 {
                    true => ControlFlow::Continue(()),
                    false => ControlFlow::Break(()),
                }
            };
            store.scan(&query, visit).unwrap();
            assert_eq!(lent, 3);
            scanned(&store, &query);
        }
    }

    #[test]
    fn what_the_index_finds_is_compared() {
        let dir = tempfile::tempdir().unwrap();
        let store = store(dir.path());
        scanned(&store, &Query::all());
        let shared = &store.shared;
        let asked = Asked {
            stream: shared.hasher.stream(&name(4)),
            versions: (Version::NONE, Version::MAX),
            bounds: (Position::START, store.head()),
        };
        let mut room = Room::default();
        room.short.find(&shared.index.parts(), &asked).unwrap();
        assert!(room.short.found.len() > 10);
        let mut rest = rest_of(shared, &Query::all());
        let wanted = |stream, versions| Wanted { stream, versions };
        for other in [
            wanted("some/5", asked.versions),
            wanted("some/4", (Version::new(900), Version::MAX)),
        ] {
            let flow = room.lend(shared, other, &mut rest, &mut |event| {
                panic!("{event:?} is not asked for")
            });
            assert!(flow.is_break());
        }
    }

    #[test]
    fn without_mappings_a_search_reads() {
        let dir = tempfile::tempdir().unwrap();
        drop(store(dir.path()));
        let store = Options::new().reads(Reads::Plain).open(dir.path()).unwrap();
        let query = Query::stream(name(3));
        let first = scanned(&store, &query);
        assert!(!short(&store, &query).2 && short(&store, &query).0.is_empty());
        assert_eq!(scanned(&store, &query), first);
        assert!(first.len() > 10);
    }
}
