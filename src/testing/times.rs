//! When events were recorded, and when they happened.

use super::tools::{Make, event, events, everything, one, put};
use crate::store::Append;
use crate::types::{Event, Position, RecordedEvent, Timestamp};

pub(super) fn recorded_times_are_whole_microseconds(make: Make<'_>) {
    let store = make();
    for _ in 0..50 {
        let done = put(&*store, one("a"));
        assert_eq!(done.recorded(), done.recorded().whole_micros());
    }
    for event in everything(&*store) {
        assert_eq!(event.recorded(), event.recorded().whole_micros());
    }
}

pub(super) fn recorded_times_never_go_backwards(make: Make<'_>) {
    let store = make();
    for round in 0..100 {
        put(&*store, Append::to("a").events(events(round % 3 + 1)));
    }
    let times: Vec<_> = everything(&*store)
        .iter()
        .map(RecordedEvent::recorded)
        .collect();
    assert!(times.is_sorted());
}

pub(super) fn when_it_happened_is_the_applications_business(make: Make<'_>) {
    let store = make();
    let times = [
        Timestamp::MAX,
        Timestamp::MIN,
        Timestamp::UNIX_EPOCH,
        Timestamp::new(-1, 999_999_999).unwrap(),
        Timestamp::new(1_800_000_000, 1).unwrap(),
    ];
    for happened in times {
        let event = Event::new("T", "").with_happened(happened);
        put(&*store, Append::to("a").event(event));
    }
    put(&*store, one("a"));
    let found: Vec<_> = everything(&*store)
        .iter()
        .map(RecordedEvent::happened)
        .collect();
    let mut due: Vec<_> = times.into_iter().map(Some).collect();
    due.push(None);
    assert_eq!(found, due);
}

pub(super) fn a_time_leads_to_a_position(make: Make<'_>) {
    let store = make();
    for round in 0..20 {
        put(&*store, Append::to("a").events(events(round % 3 + 1)));
        // So that the times differ, whatever the clock's resolution is.
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    let all = everything(&*store);
    let due = |time| {
        let before = all.iter().rfind(|event| event.recorded() <= time);
        before.map_or(Position::START, RecordedEvent::position)
    };
    let times = all.iter().flat_map(|event| around(event.recorded()));
    for time in times.chain([Timestamp::MIN, Timestamp::MAX]) {
        assert_eq!(store.position_at(time).unwrap(), due(time), "{time}");
    }
    assert_eq!(store.position_at(Timestamp::MAX).unwrap(), store.head());
    assert_eq!(store.position_at(Timestamp::MIN).unwrap(), Position::START);
}

/// A time, the nearest ones, and the one a microsecond earlier.
fn around(time: Timestamp) -> [Timestamp; 4] {
    let nanos = |more: u32| Timestamp::new(time.seconds(), time.nanos() + more).unwrap();
    let earlier = Timestamp::from_micros(time.micros() - 1).unwrap();
    [time, nanos(1), nanos(999), earlier]
}

pub(super) fn ids_do_not_decide_the_order(make: Make<'_>) {
    let store = make();
    let (older, newer) = (event(), event());
    put(&*store, Append::to("a").event(newer.clone()));
    put(&*store, Append::to("a").event(older.clone()));
    let ids: Vec<_> = everything(&*store).iter().map(RecordedEvent::id).collect();
    assert_eq!(ids, [newer.id(), older.id()]);
}
