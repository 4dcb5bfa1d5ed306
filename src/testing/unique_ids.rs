//! Ids that are unique over the whole store, where a store keeps them so.

use super::tools::{
    EVERY_DURABILITY, Make, event, events, everything, fill, one, positions, put, refused,
};
use crate::error::{Error, ErrorKind};
use crate::store::{Append, Appended, EventStore, Query};
use crate::types::{Durability, Event, Expected, Position, Timestamp, Version};
use std::sync::Arc;
use std::thread;
use uuid::Uuid;

/// Stores, or nothing from one that does not know repeats wherever they are.
fn made(make: Make<'_>) -> Option<Arc<dyn EventStore>> {
    let store = make();
    store.capabilities().whole_log_repeats.then_some(store)
}

fn assert_repeat(store: &dyn EventStore, append: Append, first: &Appended) {
    let before = everything(store);
    assert_eq!(put(store, append), first.clone().as_repeat());
    assert_eq!(everything(store), before);
}

#[track_caller]
fn assert_names(error: &Error, taken: Uuid, at: Option<Position>) {
    assert!(!error.is_conflict() && !error.is_retryable(), "{error}");
    match error.kind() {
        ErrorKind::DuplicateId { id, position } => assert_eq!((*id, *position), (taken, at)),
        other => panic!("the id is taken, but: {other}"),
    }
}

/// Sees that an append is refused because the event at a position has its id.
#[track_caller]
fn assert_taken(store: &dyn EventStore, append: Append, at: Position) {
    let stored = everything(store).into_iter();
    let there = stored.into_iter().find(|own| own.position() == at);
    let error = refused(store, append);
    assert_names(&error, there.unwrap().id(), Some(at));
}

pub(super) fn the_same_append_is_a_repeat_whatever_it_expects(make: Make<'_>) {
    let Some(store) = made(make) else { return };
    fill(&*store, "a", 2);
    fill(&*store, "checked", 1);
    let append = one("a").check("checked", Expected::Exists);
    let first = put(&*store, append.clone());
    assert_eq!(first.versions(), [3, 1].map(Version::new));
    fill(&*store, "a", 9);
    fill(&*store, "checked", 4);
    let exact = [0, 2, 3, 8, 9].map(|version| Expected::Exact(Version::new(version)));
    let plain = [Expected::Any, Expected::NoStream, Expected::Exists];
    for expected in plain.into_iter().chain(exact) {
        let append = append.clone().expect(expected);
        assert_repeat(&*store, append.clone(), &first);
        let checked = append.check("checked", expected);
        assert_repeat(&*store, checked, &first);
    }
    let excluded = append.unless(Query::stream("a"), Position::START);
    assert_repeat(&*store, excluded, &first);
}

pub(super) fn a_repeat_is_known_however_long_ago_it_was(make: Make<'_>) {
    let Some(store) = made(make) else { return };
    let appends: Vec<_> = (0..300)
        .map(|number| {
            let append = Append::to(format!("a/{}", number % 7)).events(events(1 + number % 3));
            append.and_to("b").event(event())
        })
        .collect();
    let put = |append: &Append| put(&*store, append.clone());
    let firsts: Vec<_> = appends.iter().map(put).collect();
    assert!(firsts.iter().all(|first| !first.is_repeat()));
    let before = everything(&*store);
    for (append, first) in appends.iter().zip(firsts) {
        assert_eq!(put(append), first.as_repeat());
    }
    assert_eq!(everything(&*store), before);
}

pub(super) fn an_id_with_other_content_is_refused(make: Make<'_>) {
    let Some(store) = made(make) else { return };
    fill(&*store, "b", 3);
    let full = |data: &'static str| {
        let event = Event::with_id(Uuid::from_u128(7), "Happened", data).with_tag("x");
        let event = event.with_metadata("m").with_schema(2);
        event.with_happened(Timestamp::UNIX_EPOCH)
    };
    let bare = Event::with_id(Uuid::from_u128(7), "Happened", "data");
    let at = put(&*store, Append::to("a").event(full("data"))).first();
    fill(&*store, "b", 5);
    let others = [
        full("other"),
        full("data").with_tag("y"),
        full("data").with_metadata("n"),
        full("data").with_schema(3),
        full("data").with_correlation(Uuid::nil()),
        full("data").with_causation(Uuid::nil()),
        bare.clone().with_tag("x"),
        bare,
    ];
    for event in others {
        assert_taken(&*store, Append::to("a").event(event), at);
    }
    assert_taken(&*store, Append::to("b").event(full("data")), at);
    // It is known before anything is expected.
    let wrong = Append::to("b").expect(Expected::NoStream);
    assert_taken(&*store, wrong.event(full("data")), at);
    assert!(put(&*store, Append::to("a").event(full("data"))).is_repeat());
}

pub(super) fn a_part_or_more_of_an_earlier_append_is_refused(make: Make<'_>) {
    let Some(store) = made(make) else { return };
    let [first, second, third, new] = [(); 4].map(|()| event());
    let to_a = |events: &[&Event]| Append::to("a").events(events.iter().copied().cloned());
    fill(&*store, "a", 1);
    let two = put(&*store, to_a(&[&first, &second]));
    let one = put(&*store, to_a(&[&third]));
    let (at, next, last) = (two.first(), two.last(), one.first());
    assert_taken(&*store, to_a(&[&first]), at);
    assert_taken(&*store, to_a(&[&second]), next);
    assert_taken(&*store, to_a(&[&second, &first]), next);
    assert_taken(&*store, to_a(&[&first, &second, &new]), at);
    assert_taken(&*store, to_a(&[&new, &third]), last);
    // Spread over two earlier appends.
    assert_taken(&*store, to_a(&[&first, &second, &third]), at);
    assert_taken(&*store, to_a(&[&third, &second]), last);
    let elsewhere = to_a(&[&first]).and_to("b").event(second.clone());
    assert_taken(&*store, elsewhere, at);
    assert_repeat(&*store, to_a(&[&first, &second]), &two);
    // Nothing that was refused has taken an id.
    assert!(!put(&*store, to_a(&[&new])).is_repeat());
}

pub(super) fn an_id_that_comes_twice_in_an_append_is_refused(make: Make<'_>) {
    let Some(store) = made(make) else { return };
    for count in [1, 100] {
        let twice = event();
        let append = Append::to("a").event(twice.clone()).events(events(count));
        let same = refused(&*store, append.clone().event(twice.clone()));
        assert_names(&same, twice.id(), None);
        let other = Event::with_id(twice.id(), "Other", "");
        let elsewhere = append.and_to("b").event(other);
        assert_names(&refused(&*store, elsewhere), twice.id(), None);
    }
}

pub(super) fn a_repeat_that_expects_nothing_answers_at_the_durability_now_asked(make: Make<'_>) {
    for first in EVERY_DURABILITY {
        for second in EVERY_DURABILITY {
            let Some(store) = made(make) else { return };
            let append = one("a");
            // Its answer is not waited for: the repeat alone has to do.
            let earlier = store.submit(append.clone().durability(first));
            let again = store.append(append.durability(second)).unwrap();
            assert!(again.is_repeat());
            assert_eq!(positions(&everything(&*store)), [again.first()]);
            if second == Durability::Durable {
                assert!(store.durable() >= again.last());
            }
            assert_eq!(again, earlier.wait().unwrap().as_repeat());
        }
    }
}

pub(super) fn an_id_that_is_taken_answers_once_its_event_is_visible(make: Make<'_>) {
    for durability in EVERY_DURABILITY {
        let Some(store) = made(make) else { return };
        let taken = event();
        let append = Append::to("a").event(taken.clone());
        let earlier = store.submit(append.durability(durability));
        let other = Append::to("b").event(taken.clone());
        let error = store.append(other).unwrap_err();
        assert!(store.head() >= Position::new(1));
        assert_names(&error, taken.id(), Some(Position::new(1)));
        assert_eq!(earlier.wait().unwrap().first(), Position::new(1));
    }
}

pub(super) fn it_counts_what_was_submitted_before_it(make: Make<'_>) {
    let Some(store) = made(make) else { return };
    let append = |durability| one("a").durability(durability);
    let [buffered, written, durable] = EVERY_DURABILITY.map(append);
    let submitted = [&buffered, &buffered, &written, &durable, &written, &durable];
    let pending = submitted.map(|append| store.submit(append.clone()));
    let answers = pending.map(|answer| answer.wait().unwrap());
    let told = answers.map(|own| (own.first().get(), own.is_repeat()));
    let (new, again) = (false, true);
    assert_eq!(
        told,
        [
            (1, new),
            (1, again),
            (2, new),
            (3, new),
            (2, again),
            (3, again)
        ]
    );
}

pub(super) fn what_was_refused_takes_no_id(make: Make<'_>) {
    let Some(store) = made(make) else { return };
    let append = one("a").expect(Expected::Exists);
    let error = refused(&*store, append.clone());
    assert!(error.is_conflict(), "{error}");
    let done = put(&*store, append.clone().expect(Expected::Any));
    assert!(!done.is_repeat());
    assert_repeat(&*store, append, &done);
}

pub(super) fn of_many_threads_one_gets_the_id(make: Make<'_>) {
    let Some(store) = made(make) else { return };
    for number in 0..20_u128 {
        let append = |thread: u64| {
            // Every second one is the same.
            let data = if thread.is_multiple_of(2) { 0 } else { thread };
            let event = Event::with_id(Uuid::from_u128(number), "Happened", data.to_string());
            Append::to("a").event(event).durability(Durability::Written)
        };
        let outcomes: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(append)
                .map(|append| scope.spawn(|| store.append(append)))
                .collect();
            threads.into_iter().map(|own| own.join().unwrap()).collect()
        });
        let at = Position::new(number as u64 + 1);
        let mut recorded = 0;
        for outcome in outcomes {
            match outcome {
                Ok(done) => {
                    recorded += u32::from(!done.is_repeat());
                    assert_eq!(done.first(), at);
                }
                Err(error) => assert_names(&error, Uuid::from_u128(number), Some(at)),
            }
        }
        assert_eq!((recorded, store.head()), (1, at));
    }
}
