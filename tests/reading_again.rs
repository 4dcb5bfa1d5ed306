//! What was read before is read in a shorter way: it has to come out the same.

#![allow(clippy::unwrap_used)]

use annals::{
    Append, Direction, Durability, Event, EventRef, EventStore, LogStore, Options, Position, Query,
    Reads, RecordedEvent, Timestamp, Version,
};
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

const STREAMS: u64 = 5;
/// How many events an append has, in turn.
const SIZES: [u64; 6] = [1, 1, 3, 1, 40, 2];

fn options(reads: Reads) -> Options {
    Options::new()
        .segment_size(4096)
        .checkpoint_events(100)
        .durability(Durability::Written)
        .reads(reads)
}

/// Events of every shape, among them names that are not ASCII.
fn event(number: u64) -> Event {
    let name = ["Placed", "Bezahlt-für", "Ö", "a-rather-long-name-of-a-type"];
    let event = Event::new(name[number as usize % 4], number.to_string());
    match number % 5 {
        0 => event,
        1 => event.with_metadata("metadata"),
        2 => event.with_tags(["one", "zwölf"]).with_schema(3),
        3 => event.with_correlation(uuid::Uuid::from_u128(number.into())),
        _ => event.with_happened(Timestamp::new(-5, number as u32).unwrap()),
    }
}

/// Appends of one event and of many, to one stream and to two.
fn fill(dir: &Path) {
    let store = options(Reads::Mapped).open(dir).unwrap();
    let mut number = 0;
    for round in 0..120 {
        let mut append = Append::to(format!("streams/{}", round % STREAMS));
        for _ in 0..SIZES[round as usize % SIZES.len()] {
            append = append.event(event(number));
            number += 1;
        }
        if round % 7 == 0 {
            append = append.and_to("streams/none-of-them").event(event(number));
            number += 1;
        }
        store.append(append).unwrap();
    }
    store.close().unwrap();
    let segments = fs::read_dir(dir).unwrap().filter(|entry| {
        let path = entry.as_ref().unwrap().path();
        path.extension().is_some_and(|own| own == "seg")
    });
    assert!(segments.count() > 20, "more than are kept open at once");
}

fn read(store: &LogStore, query: &Query) -> Vec<RecordedEvent> {
    store.read(query).map(Result::unwrap).collect()
}

fn scan(store: &LogStore, query: &Query) -> Vec<RecordedEvent> {
    let mut events = Vec::new();
    store
        .scan(query, &mut |event| {
            events.push(event.to_owned());
            ControlFlow::Continue(())
        })
        .unwrap();
    events
}

fn queries() -> Vec<Query> {
    let mut queries = vec![Query::all(), Query::all().with_type("Ö")];
    for stream in 0..STREAMS {
        let one = Query::stream(format!("streams/{stream}"));
        let version = Version::new(30 + stream);
        queries.push(one.clone().from_version(version).to_version(version));
        queries.push(one.clone().from_version(version));
        queries.push(one);
    }
    let narrowed = queries.clone().into_iter().flat_map(|query| {
        let bounded = query
            .clone()
            .after(Position::new(33))
            .up_to(Position::new(444));
        [
            query.clone().limit(45),
            query.after(Position::new(70)),
            bounded,
        ]
    });
    queries.extend(narrowed.collect::<Vec<_>>());
    let backward: Vec<_> = queries.iter().cloned().map(Query::backward).collect();
    queries.extend(backward);
    queries
}

/// What a query means, from all events in order.
fn by_definition(all: &[RecordedEvent], query: &Query) -> Vec<RecordedEvent> {
    let matching = all.iter().filter(|event| query.matches(&event.as_ref()));
    let mut matching: Vec<_> = matching.cloned().collect();
    if query.direction() == Direction::Backward {
        matching.reverse();
    }
    matching.truncate(usize::try_from(query.max_events()).unwrap_or(usize::MAX));
    matching
}

#[test]
fn every_read_gives_the_same_however_often_it_is_done() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path());
    for reads in [Reads::Mapped, Reads::Plain] {
        let untouched = options(reads).open_read_only(dir.path()).unwrap();
        let all = read(&untouched, &Query::all());
        for (index, event) in all.iter().enumerate() {
            assert_eq!(event.position(), Position::new(index as u64 + 1));
            assert_eq!(event.data(), index.to_string().as_bytes());
        }
        // One that has verified nothing yet, and learns by what is asked.
        let store = options(reads).open_read_only(dir.path()).unwrap();
        for _ in 0..3 {
            for query in queries().iter().rev() {
                let due = by_definition(&all, query);
                assert_eq!(scan(&store, query), due, "{query:?}");
                assert_eq!(read(&store, query), due, "{query:?}");
            }
        }
    }
}

#[test]
fn a_visitor_that_breaks_off_is_asked_nothing_more() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path());
    let store = options(Reads::Mapped).open_read_only(dir.path()).unwrap();
    let count = read(&store, &Query::all()).len() as u64;
    for query in [
        Query::all(),
        Query::all().backward(),
        Query::stream("streams/1"),
    ] {
        for stop in 1..=read(&store, &query).len().min(60) {
            let mut seen = 0;
            let visit = &mut |_: EventRef<'_>| {
                seen += 1;
                match seen == stop {
                    true => ControlFlow::Break(()),
                    false => ControlFlow::Continue(()),
                }
            };
            store.scan(&query, visit).unwrap();
            assert_eq!(seen, stop, "of {count}");
        }
    }
}

#[test]
fn a_damaged_record_is_no_less_damaged_for_its_frame_being_known() {
    let dir = tempfile::tempdir().unwrap();
    let store = options(Reads::Mapped).open(dir.path()).unwrap();
    let events = (1..=10).map(|number| Event::new("T", format!("the data of {number}.")));
    store.append(Append::to("s").events(events)).unwrap();
    store.close().unwrap();
    let path = dir.path().join("0000000001.seg");
    let mut bytes = fs::read(&path).unwrap();
    let text = b"the data of 5.";
    let at = bytes.windows(text.len()).position(|own| own == text);
    bytes[at.unwrap()] ^= 1;
    fs::write(&path, bytes).unwrap();

    let store = options(Reads::Mapped).open_read_only(dir.path()).unwrap();
    let only = |number| {
        let version = Version::new(number);
        Query::stream("s").from_version(version).to_version(version)
    };
    for _ in 0..3 {
        for number in (1..=10).filter(|number| *number != 5) {
            let found = read(&store, &only(number));
            assert_eq!(found[0].data(), format!("the data of {number}.").as_bytes());
        }
        for query in [only(5), Query::all(), Query::stream("s").backward()] {
            let outcome = store.scan(&query, &mut |event| {
                assert_ne!(event.version(), Version::new(5));
                ControlFlow::Continue(())
            });
            assert!(outcome.unwrap_err().is_corrupt());
            assert!(store.read(&query).any(|event| event.is_err()));
        }
    }
}

/// Who is slow has the medium asked ahead for him, some candidates at a time.
#[test]
fn who_takes_his_time_reads_the_same() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path());
    let open = |reads| options(reads).open_read_only(dir.path()).unwrap();
    let stores = [Reads::Mapped, Reads::Plain].map(open);
    let all = read(&stores[0], &Query::all());
    let mut asked = queries();
    asked.extend([
        Query::all().with_tag("one"),
        Query::all().with_tag("one").backward(),
    ]);
    let pairs = asked
        .iter()
        .flat_map(|query| stores.each_ref().map(|store| (query, store)));
    for (query, store) in pairs {
        let mut events = Vec::new();
        let mut take_time = |event: EventRef<'_>| {
            thread::sleep(Duration::from_micros(20));
            events.push(event.to_owned());
            ControlFlow::Continue(())
        };
        store.scan(query, &mut take_time).unwrap();
        assert_eq!(events, by_definition(&all, query), "{query:?}");
    }
}

/// The records of an append are found one from the other, forward: a large one
/// is not walked from its start for each event that is read backward.
#[test]
fn a_large_append_is_read_backward_about_as_fast_as_forward() {
    const EVENTS: u64 = 20_000;
    let dir = tempfile::tempdir().unwrap();
    let store = annals::open(dir.path()).unwrap();
    let event = |number: u64| match number.is_multiple_of(7) {
        true => event(number).with_tag("seventh"),
        false => event(number),
    };
    store
        .append(Append::to("s").events((0..EVENTS).map(event)))
        .unwrap();
    drop(store);
    for reads in [Reads::Mapped, Reads::Plain] {
        let store = options(reads).open_read_only(dir.path()).unwrap();
        for query in [Query::all(), Query::all().with_tag("seventh")] {
            let timed = |query: &Query| {
                let begin = Instant::now();
                let events = scan(&store, query);
                (events, begin.elapsed())
            };
            let (mut forward, there) = timed(&query);
            let (backward, first) = timed(&query.clone().backward());
            let again = (0..3).map(|_| timed(&query.clone().backward()).1);
            let back = again.fold(first, Duration::min);
            forward.reverse();
            assert_eq!(forward, backward);
            // From the start it was several hundred times as long.
            assert!(back < there * 40, "{reads:?}: {there:?}, {back:?}");
        }
    }
}

/// What is asked for ahead lies in more segments than are kept open, and the
/// append that is being read has more to give.
#[test]
fn a_slow_reader_keeps_the_append_that_he_is_in() {
    let dir = tempfile::tempdir().unwrap();
    let large = |number: u64| Event::new("Large", vec![number as u8; 1500]);
    let small = |number: u64| Event::new("Large", number.to_string());
    let writer = options(Reads::Mapped).open(dir.path()).unwrap();
    for number in 0..100 {
        let events = [small(number), large(number), small(number)];
        writer.append(Append::to("large").events(events)).unwrap();
    }
    writer.close().unwrap();
    for reads in [Reads::Mapped, Reads::Plain] {
        let store = options(reads).open_read_only(dir.path()).unwrap();
        let query = Query::category("large")
            .with_type("Large")
            .after(Position::new(1));
        let mut count = 0;
        let mut take_time = |_: EventRef<'_>| {
            thread::sleep(Duration::from_micros(50));
            count += 1;
            ControlFlow::Continue(())
        };
        store.scan(&query, &mut take_time).unwrap();
        assert_eq!(count, 299);
    }
}
