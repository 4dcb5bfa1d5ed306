//! Which events a read gives, and in which order.

use super::tools::{Make, events, everything, positions, put, read, versions};
use crate::store::{Append, Direction, EventStore, Query, QueryItem};
use crate::types::{Event, Position, RecordedEvent, Version};
use std::ops::ControlFlow;
use std::sync::Arc;

const STREAMS: [&str; 7] = ["a/1", "a/2", "a", "b/1", "ab/1", "/a", "a/1/x"];
const TYPES: [&str; 3] = ["Placed", "Paid", "a/1"];
const TAGS: [&str; 4] = ["x", "y", "z", "a/1"];

/// A store in which the names overlap in every way: the event of round r goes
/// to the (r mod 7)th stream, and so on.
fn sample(make: Make<'_>) -> Arc<dyn EventStore> {
    let store = make();
    for round in 0..84 {
        let mut event = Event::new(TYPES[round % 3], format!("round {round}"));
        for (bit, tag) in TAGS.into_iter().enumerate() {
            if (round / 3) >> bit & 1 == 1 {
                event = event.with_tag(tag);
            }
        }
        put(&*store, Append::to(STREAMS[round % 7]).event(event));
    }
    store
}

/// What a query asks for, by its definition.
fn by_definition(all: &[RecordedEvent], query: &Query) -> Vec<RecordedEvent> {
    let matching = all.iter().filter(|event| query.matches(&event.as_ref()));
    let mut found: Vec<_> = matching.cloned().collect();
    if query.direction() == Direction::Backward {
        found.reverse();
    }
    found.truncate(usize::try_from(query.max_events()).unwrap_or(usize::MAX));
    found
}

pub(super) fn forward_is_oldest_first_and_backward_newest_first(make: Make<'_>) {
    let store = sample(make);
    let forward = everything(&*store);
    assert_eq!(forward.len(), 84);
    assert!(positions(&forward).is_sorted_by(|one, next| one < next));
    let rounds: Vec<_> = forward.iter().map(|event| event.data().to_vec()).collect();
    let given: Vec<_> = (0..84)
        .map(|round| format!("round {round}").into_bytes())
        .collect();
    assert_eq!(rounds, given);
    let mut backward = read(&*store, &Query::all().backward());
    backward.reverse();
    assert_eq!(backward, forward);
}

pub(super) fn a_stream_is_read_between_versions(make: Make<'_>) {
    let store = make();
    put(&*store, Append::to("b").events(events(5)));
    put(&*store, Append::to("a").events(events(10)));
    put(&*store, Append::to("b").events(events(5)));
    let found = |from: u64, to: u64| {
        let query = Query::stream("a").from_version(Version::new(from));
        let query = query.to_version(Version::new(to));
        let forward = versions(&read(&*store, &query));
        let mut backward = versions(&read(&*store, &query.backward()));
        backward.reverse();
        assert_eq!(forward, backward);
        forward
    };
    let whole: Vec<_> = (1..=10).collect();
    assert_eq!(found(0, u64::MAX), whole);
    assert_eq!(found(1, 10), whole);
    assert_eq!(found(4, 6), [4, 5, 6]);
    assert_eq!(found(7, 7), [7]);
    assert_eq!(found(10, 11), [10]);
    assert!(found(11, u64::MAX).is_empty());
    assert!(found(0, 0).is_empty());
    assert!(found(6, 4).is_empty());
}

pub(super) fn a_limit_takes_the_first_of_the_direction(make: Make<'_>) {
    let store = make();
    put(&*store, Append::to("a").events(events(5)));
    for query in [Query::stream("a"), Query::all(), Query::category("a")] {
        let forward = |limit| versions(&read(&*store, &query.clone().limit(limit)));
        let backward = |limit| versions(&read(&*store, &query.clone().backward().limit(limit)));
        assert!(forward(0).is_empty() && backward(0).is_empty());
        assert_eq!((forward(1), backward(1)), (vec![1], vec![5]));
        assert_eq!((forward(3), backward(3)), (vec![1, 2, 3], vec![5, 4, 3]));
        assert_eq!(forward(5), [1, 2, 3, 4, 5]);
        assert_eq!(backward(6), [5, 4, 3, 2, 1]);
        assert_eq!(forward(u64::MAX).len(), 5);
    }
}

pub(super) fn bounds_exclude_the_lower_and_include_the_upper(make: Make<'_>) {
    let store = sample(make);
    let all = everything(&*store);
    let (third, tenth) = (all[2].position(), all[9].position());
    let between = read(&*store, &Query::all().after(third).up_to(tenth));
    assert_eq!(between, all[3..10]);
    assert!(read(&*store, &Query::all().after(tenth).up_to(third)).is_empty());
    assert!(read(&*store, &Query::all().after(third).up_to(third)).is_empty());
    assert!(read(&*store, &Query::all().up_to(Position::START)).is_empty());
    assert!(read(&*store, &Query::all().after(store.head())).is_empty());
    assert!(read(&*store, &Query::all().after(Position::MAX)).is_empty());
    let far = Query::all().up_to(store.head().plus(1000)).backward();
    assert_eq!(read(&*store, &far).len(), 84);
}

pub(super) fn a_category_is_the_name_up_to_its_first_slash(make: Make<'_>) {
    let store = sample(make);
    let streams = |category: &'static str| {
        let found = read(&*store, &Query::category(category));
        let mut names: Vec<_> = found.iter().map(|own| own.stream().to_owned()).collect();
        names.sort();
        names.dedup();
        names
    };
    assert_eq!(streams("a"), ["a", "a/1", "a/1/x", "a/2"]);
    assert_eq!(streams("b"), ["b/1"]);
    assert_eq!(streams("ab"), ["ab/1"]);
    assert_eq!(streams(""), ["/a"]);
    assert!(streams("a/1").is_empty());
    assert!(streams("a/").is_empty());
    assert!(streams("A").is_empty());
}

pub(super) fn what_is_not_there_is_not_found(make: Make<'_>) {
    let store = sample(make);
    let long = "x".repeat(5000);
    let queries = [
        Query::stream("none"),
        Query::stream(""),
        Query::stream("a/"),
        Query::stream(long.clone()),
        Query::category(long.clone()),
        Query::all().with_type("placed"),
        Query::all().with_type(""),
        Query::all().with_type(long.clone()),
        Query::all().with_tag("X"),
        Query::all().with_tag(""),
        Query::all().with_tag(long),
        Query::all().with_tag("x").with_tag("none"),
        Query::stream("b/1").with_tag("none"),
        Query::of(QueryItem::all().in_stream("b/1").in_category("a")),
    ];
    for query in queries {
        assert!(read(&*store, &query).is_empty(), "{query:?}");
        assert!(read(&*store, &query.backward()).is_empty());
    }
}

pub(super) fn types_are_alternatives_and_tags_are_all_asked_for(make: Make<'_>) {
    let store = sample(make);
    let all = everything(&*store);
    let count = |query: Query| read(&*store, &query).len();
    assert_eq!(count(Query::all().with_type("Paid")), 28);
    let either = Query::all().with_type("Paid").with_type("Placed");
    assert_eq!(count(either), 56);
    let tagged = |tags: &[&str]| {
        let has_all = |event: &&RecordedEvent| tags.iter().all(|tag| event.tags().contains(tag));
        all.iter().filter(has_all).count()
    };
    assert_eq!(count(Query::all().with_tag("x")), tagged(&["x"]));
    let both = Query::all().with_tag("x").with_tag("z");
    assert_eq!(count(both), tagged(&["x", "z"]));
    assert!(tagged(&["x", "z"]) > 0);
}

pub(super) fn an_event_that_two_items_ask_for_comes_once(make: Make<'_>) {
    let store = sample(make);
    let all = everything(&*store);
    let twice = Query::all().or(QueryItem::all());
    assert_eq!(read(&*store, &twice), all);
    let overlapping = Query::category("a").or(QueryItem::all().with_type("Paid"));
    let found = read(&*store, &overlapping);
    assert_eq!(found, by_definition(&all, &overlapping));
    assert!(positions(&found).is_sorted_by(|one, next| one < next));
}

/// Items of every kind, alone and combined.
fn items() -> Vec<QueryItem> {
    let all = QueryItem::all;
    vec![
        all(),
        all().in_stream("a/1"),
        all().in_stream("a"),
        all().in_category("a"),
        all().in_category(""),
        all().with_type("a/1"),
        all().with_tag("a/1"),
        all().with_type("Paid").with_type("Placed").with_tag("x"),
        all().with_type("Paid").with_type("Paid"),
        all().with_tag("x").with_tag("y").with_tag("x"),
        all().with_tag("y").with_tag("z").with_tag("a/1"),
        all().in_stream("a/2").with_tag("x").with_type("Paid"),
        all().in_stream("a/1").from_version(Version::new(4)),
        all()
            .in_stream("a/1")
            .to_version(Version::new(3))
            .with_tag("y"),
        all().in_category("a").from_version(Version::new(11)),
        all().to_version(Version::new(1)),
        all()
            .with_tag("x")
            .from_version(Version::new(2))
            .to_version(Version::new(5)),
        all().in_stream("a/1").in_category("a"),
        all().in_stream("none"),
    ]
}

/// One item, and every two items of which the second is of `items`.
fn queries() -> Vec<Query> {
    let mut queries: Vec<_> = items().into_iter().map(Query::of).collect();
    for (index, item) in items().into_iter().enumerate() {
        let other = &items()[(index * 7 + 3) % items().len()];
        queries.push(Query::of(item).or(other.clone()));
    }
    let [first, second, third] = [1, 9, 12].map(|index| items().swap_remove(index));
    queries.push(Query::of(first).or(second).or(third));
    queries
}

pub(super) fn a_read_gives_what_the_query_means(make: Make<'_>) {
    let store = sample(make);
    let all = everything(&*store);
    let at = |index: usize| all[index].position();
    let bounds = [
        (Position::START, Position::MAX),
        (at(20), at(60)),
        (at(0), at(0)),
        (at(50), Position::MAX),
        (Position::START, at(6)),
        (at(82), store.head().plus(9)),
    ];
    for query in queries() {
        for (after, up_to) in bounds {
            for limit in [0, 1, 2, 5, u64::MAX] {
                let forward = query.clone().after(after).up_to(up_to).limit(limit);
                for query in [forward.clone(), forward.backward()] {
                    let due = by_definition(&all, &query);
                    assert_eq!(read(&*store, &query), due, "{query:?}");
                }
            }
        }
    }
}

pub(super) fn scan_lends_what_read_gives(make: Make<'_>) {
    let store = sample(make);
    for forward in queries() {
        for query in [
            forward.clone(),
            forward.clone().limit(3),
            forward.backward(),
        ] {
            let mut lent = Vec::new();
            store
                .scan(&query, &mut |event| {
                    lent.push(event.to_owned());
                    ControlFlow::Continue(())
                })
                .unwrap();
            assert_eq!(lent, read(&*store, &query), "{query:?}");
        }
    }
}

pub(super) fn scan_stops_where_it_is_told_to(make: Make<'_>) {
    let store = sample(make);
    for query in [Query::all(), Query::category("a"), Query::all().backward()] {
        let mut left = 3;
        store
            .scan(&query, &mut |_| {
                left -= 1;
                if left == 0 {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            })
            .unwrap();
        assert_eq!(left, 0);
    }
}

pub(super) fn events_may_be_kept_and_sent(make: Make<'_>) {
    let store = sample(make);
    let events = store.read(&Query::all());
    let all = everything(&*store);
    let elsewhere = std::thread::spawn(move || events.collect::<Result<Vec<_>, _>>());
    let found = elsewhere.join().unwrap().unwrap();
    drop(store);
    assert_eq!(found, all);
    assert_eq!(found[5].data(), b"round 5");
}

/// A backend need not resume a read; one that does gives what another read
/// would give.
pub(super) fn a_read_that_is_resumed_goes_on_where_it_was(make: Make<'_>) {
    let queries = [
        Query::all(),
        Query::category("a"),
        Query::all().with_type("Paid").with_tag("x"),
        Query::stream("a/1").from_version(Version::new(3)),
    ];
    for query in queries {
        let store = make();
        put(&*store, Append::to("a/1").events(events(5)));
        let bounded = query.clone().up_to(store.head()).limit(3);
        let mut resumed = store.read(&bounded);
        let mut found: Vec<RecordedEvent> = resumed.by_ref().map(Result::unwrap).collect();
        // Few at a time and many, with and without what is asked for.
        for (round, (count, most)) in [(1, 9), (3, 1), (0, 2), (30, 5), (2, 99), (70, 99)]
            .into_iter()
            .enumerate()
        {
            for number in 0..count {
                put(&*store, Append::to("a/1").event(Event::new("Other", "")));
                let event = Event::new(TYPES[number % 3], "").with_tag("x");
                put(&*store, Append::to(STREAMS[round % 7]).event(event));
            }
            let head = store.head();
            if !resumed.resume(head, most) {
                return;
            }
            let new: Vec<_> = resumed.by_ref().map(Result::unwrap).collect();
            assert!(new.len() as u64 <= most);
            found.extend(new);
            assert!(resumed.next().is_none());
        }
        let head = store.head();
        while resumed.resume(head, 7) {
            let before = found.len();
            found.extend(resumed.by_ref().map(Result::unwrap));
            if found.len() == before {
                break;
            }
        }
        assert_eq!(found, by_definition(&everything(&*store), &query));
    }
}

pub(super) fn a_read_that_has_not_ended_well_is_not_resumed(make: Make<'_>) {
    let store = make();
    put(&*store, Append::to("a").events(events(3)));
    let head = store.head();
    let mut begun = store.read(&Query::all());
    assert!(!begun.resume(head, 9), "it has not begun");
    assert_eq!(begun.next().unwrap().unwrap().position(), Position::new(1));
    assert!(!begun.resume(head, 9), "it has not ended");
    assert_eq!(begun.count(), 2);
    let mut backward = store.read(&Query::all().backward());
    assert_eq!(backward.by_ref().count(), 3);
    put(&*store, Append::to("a").events(events(1)));
    assert!(!backward.resume(store.head(), 9), "it runs backward");
    assert!(backward.next().is_none());
    // What is not visible yet does not come.
    let mut early = store.read(&Query::all());
    assert_eq!(early.by_ref().count(), 4);
    if early.resume(Position::MAX, 9) {
        assert!(early.next().is_none());
        put(&*store, Append::to("a").events(events(2)));
        assert!(early.next().is_none(), "its bound was fixed");
    }
}
