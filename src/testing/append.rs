//! What becomes of an append.

use super::tools::{Make, event, events, everything, one, positions, put, read, versions};
use crate::store::{Append, Pending, Query};
use crate::types::{Durability, Event, Expected, Position, RecordedEvent, Timestamp, Version};
use std::time::Duration;
use uuid::Uuid;

pub(super) fn a_new_store_is_empty(make: Make<'_>) {
    let store = make();
    assert_eq!(store.head(), Position::START);
    assert_eq!(store.durable(), Position::START);
    assert_eq!(store.first(), Position::new(1));
    assert_eq!(store.version("a").unwrap(), Version::NONE);
    assert!(everything(&*store).is_empty());
    assert!(read(&*store, &Query::all().backward()).is_empty());
    assert_eq!(store.position_at(Timestamp::MAX).unwrap(), Position::START);
    assert_eq!(store.flush().unwrap(), Position::START);
    let head = store.wait(Position::START, Duration::ZERO).unwrap();
    assert_eq!(head, Position::START);
}

pub(super) fn each_store_has_an_id_of_its_own(make: Make<'_>) {
    let (one_store, other) = (make(), make());
    assert_ne!(one_store.id(), other.id());
    let before = one_store.id();
    put(&*one_store, one("a"));
    assert_eq!(one_store.id(), before);
}

pub(super) fn an_event_is_read_as_it_was_given(make: Make<'_>) {
    let store = make();
    let given = Event::with_id(Uuid::from_u128(7), "OrderPlaced", "some data")
        .with_schema(u32::MAX)
        .with_metadata("some metadata")
        .with_tags(["one", "two", "one"])
        .with_happened(Timestamp::new(-1, 123_456_789).unwrap())
        .with_correlation(Uuid::from_u128(8))
        .with_causation(Uuid::from_u128(9));
    let done = put(&*store, Append::to("orders/42").event(given.clone()));
    let found = everything(&*store);
    assert_eq!(found.len(), 1);
    let found = &found[0];
    assert_eq!(found.id(), given.id());
    assert_eq!(found.event_type(), given.event_type());
    assert_eq!(found.schema(), given.schema());
    assert_eq!(found.data(), given.data());
    assert_eq!(found.data_bytes(), given.data());
    assert_eq!(found.metadata(), given.metadata());
    assert_eq!(found.tags(), given.tags());
    assert_eq!(found.happened(), given.happened());
    assert_eq!(found.correlation(), given.correlation());
    assert_eq!(found.causation(), given.causation());
    assert_eq!(found.stream(), "orders/42");
    assert_eq!(found.version(), Version::new(1));
    assert_eq!(found.position(), done.first());
    assert_eq!(found.recorded(), done.recorded());
}

pub(super) fn what_was_not_given_is_not_there(make: Make<'_>) {
    let store = make();
    put(&*store, Append::to("a").event(Event::new("T", "")));
    let found = &everything(&*store)[0];
    assert_eq!(found.schema(), 1);
    assert!(found.data().is_empty() && found.metadata().is_empty());
    assert!(found.tags().is_empty());
    assert_eq!(found.happened(), None);
    assert_eq!((found.correlation(), found.causation()), (None, None));
}

pub(super) fn data_is_any_bytes_of_any_length(make: Make<'_>) {
    let store = make();
    let lengths = [0, 1, 7, 8, 255, 256, 4095, 4096, 65_535, 65_536, 300_000];
    let bytes = |length: usize, salt: u8| {
        let byte = |index: usize| (index % 251) as u8 ^ salt;
        (0..length).map(byte).collect::<Vec<u8>>()
    };
    for length in lengths {
        let event = Event::new("T", bytes(length, 0)).with_metadata(bytes(length, 255));
        put(&*store, Append::to("a").event(event));
    }
    for (event, length) in everything(&*store).iter().zip(lengths) {
        assert!(event.data() == bytes(length, 0), "data of {length} bytes");
        assert!(
            event.metadata() == bytes(length, 255),
            "metadata of {length} bytes"
        );
    }
}

pub(super) fn positions_count_all_events(make: Make<'_>) {
    let store = make();
    let mut last = Position::START;
    for count in [1, 2, 1, 5, 100] {
        let done = put(&*store, Append::to("a").events(events(count)));
        if store.capabilities().gapless_positions {
            assert_eq!(done.first(), last.next());
            assert_eq!(done.last(), last.plus(count as u64));
        }
        assert!(last < done.first() && done.first() <= done.last());
        last = done.last();
        assert_eq!(store.head(), last);
    }
    let found = positions(&everything(&*store));
    assert_eq!(found.len(), 109);
    assert!(found.is_sorted_by(|one, next| one < next));
    if store.capabilities().gapless_positions {
        assert_eq!(found, (1..=109).map(Position::new).collect::<Vec<_>>());
    }
}

pub(super) fn versions_count_the_events_of_each_stream(make: Make<'_>) {
    let store = make();
    for round in 1..=5 {
        assert_eq!(put(&*store, one("a")).version(), Version::new(round));
        let two = Append::to("b").events(events(2));
        assert_eq!(put(&*store, two).version(), Version::new(2 * round));
    }
    let of_stream = |stream| versions(&read(&*store, &Query::stream(stream)));
    assert_eq!(of_stream("a"), (1..=5).collect::<Vec<_>>());
    assert_eq!(of_stream("b"), (1..=10).collect::<Vec<_>>());
    assert_eq!(store.version("a").unwrap(), Version::new(5));
    assert_eq!(store.version("b").unwrap(), Version::new(10));
    assert_eq!(store.version("c").unwrap(), Version::NONE);
}

pub(super) fn events_of_several_streams_keep_their_order(make: Make<'_>) {
    let store = make();
    put(&*store, one("b"));
    let append = Append::to("a")
        .event(event())
        .and_to("b")
        .events(events(2))
        .and_to("a")
        .event(event())
        .check("c", Expected::NoStream);
    let ids: Vec<_> = append.entries().iter().map(|(_, own)| own.id()).collect();
    let done = put(&*store, append);
    assert_eq!(done.version(), Version::new(2));
    assert_eq!(done.versions(), [2, 3, 0].map(Version::new));
    let found = read(&*store, &Query::all().after(done.first().previous()));
    let found_ids: Vec<_> = found.iter().map(RecordedEvent::id).collect();
    assert_eq!(found_ids, ids);
    let streams: Vec<_> = found.iter().map(RecordedEvent::stream).collect();
    assert_eq!(streams, ["a", "b", "b", "a"]);
    assert_eq!(versions(&found), [1, 2, 3, 2]);
}

pub(super) fn a_stream_without_events_is_not_made(make: Make<'_>) {
    let store = make();
    let append = Append::to("only named")
        .and_to("a")
        .event(event())
        .check("only checked", Expected::Any);
    let done = put(&*store, append);
    assert_eq!(done.versions(), [0, 1, 0].map(Version::new));
    assert_eq!(store.version("only named").unwrap(), Version::NONE);
    assert_eq!(store.version("only checked").unwrap(), Version::NONE);
}

pub(super) fn each_event_knows_its_append(make: Make<'_>) {
    let store = make();
    for count in [1, 3, 1, 1000] {
        let append = Append::to("a").events(events(count));
        let done = put(&*store, append.and_to("b").event(event()));
        let found = read(&*store, &Query::all().after(done.first().previous()));
        assert_eq!(found.len(), count + 1);
        assert_eq!(found[0].position(), done.first());
        assert_eq!(found[count].position(), done.last());
        for event in found {
            assert_eq!(event.append_first(), done.first());
            assert_eq!(event.append_last(), done.last());
            assert_eq!(event.recorded(), done.recorded());
        }
    }
}

pub(super) fn answers_come_in_the_order_of_submission(make: Make<'_>) {
    let store = make();
    let levels = [Durability::Written, Durability::Durable];
    let mut pending: Vec<_> = (0..100)
        .map(|round| store.submit(one("a").durability(levels[round % 2])))
        .collect();
    pending.push(store.submit(one("a").expect(Expected::NoStream)));
    let last = pending.pop().unwrap();
    assert!(last.wait().unwrap_err().is_conflict());
    assert!(pending.iter().all(Pending::is_ready));
    let versions: Vec<_> = pending
        .into_iter()
        .map(|earlier| earlier.wait().unwrap().version().get())
        .collect();
    assert_eq!(versions, (1..=100).collect::<Vec<_>>());
}

pub(super) fn answers_may_be_awaited_in_any_order(make: Make<'_>) {
    let store = make();
    let pending: Vec<_> = (0..50)
        .map(|_| store.submit(one("a").durability(Durability::Written)))
        .collect();
    let versions: Vec<_> = pending
        .into_iter()
        .rev()
        .map(|own| own.wait().unwrap().version().get())
        .collect();
    assert_eq!(versions, (1..=50).rev().collect::<Vec<_>>());
}
