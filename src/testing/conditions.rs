//! What appends may demand of the whole store.

use super::tools::{EVERY_DURABILITY, Make, assert_usable, events, everything, one, put};
use crate::error::ErrorKind;
use crate::store::{Append, EventStore, Query, QueryItem};
use crate::types::{Event, Expected, Position, RecordedEvent, Version};

/// An event that takes a name, under the condition that nobody has it.
fn take_name(stream: String, name: &str, after: Position) -> Append {
    let event = Event::new("NameTaken", "").with_tag(format!("name:{name}"));
    Append::to(stream).event(event).unless(taken(name), after)
}

fn taken(name: &str) -> Query {
    Query::all()
        .with_type("NameTaken")
        .with_tag(format!("name:{name}"))
}

fn assert_fails(store: &dyn EventStore, append: Append, clause: usize, position: u64) {
    let ids: Vec<_> = append
        .entries()
        .iter()
        .map(|(_, event)| event.id())
        .collect();
    let error = store.append(append).unwrap_err();
    match error.kind() {
        ErrorKind::ConditionFailed {
            clause: named,
            position: at,
        } => assert_eq!((*named, at.get()), (clause, position)),
        other => panic!("not a failed condition: {other}"),
    }
    assert!(error.is_conflict() && error.is_retryable());
    assert!(store.head().get() >= position, "what failed it is visible");
    let written = |event: &RecordedEvent| ids.contains(&event.id());
    assert!(!everything(store).iter().any(written));
}

pub(super) fn one_that_holds_lets_the_append_in(make: Make<'_>) {
    let store = make();
    if store.capabilities().conditions {
        put(&*store, take_name("a".into(), "ada", Position::START));
        put(&*store, take_name("a".into(), "bob", Position::START));
        assert_eq!(everything(&*store).len(), 2);
    }
}

pub(super) fn one_that_fails_refuses_everything_and_names_the_event(make: Make<'_>) {
    let store = make();
    if store.capabilities().conditions {
        put(&*store, Append::to("x").events(events(2)));
        put(&*store, take_name("a".into(), "ada", Position::START));
        put(&*store, take_name("b".into(), "ada", Position::new(3)));
        let again = take_name("c".into(), "ada", Position::START);
        assert_fails(&*store, again.and_to("d").events(events(2)), 0, 3);
        assert_usable(&*store);
    }
}

pub(super) fn the_first_that_fails_is_named(make: Make<'_>) {
    let store = make();
    if store.capabilities().conditions {
        put(&*store, take_name("a".into(), "ada", Position::START));
        let append = one("b")
            .unless(taken("bob"), Position::START)
            .unless(taken("ada"), Position::START)
            .unless(Query::all(), Position::START);
        assert_fails(&*store, append, 1, 1);
    }
}

pub(super) fn it_is_about_what_comes_after_a_position(make: Make<'_>) {
    let store = make();
    if store.capabilities().conditions {
        put(&*store, take_name("a".into(), "ada", Position::START));
        put(&*store, take_name("b".into(), "ada", Position::new(1)));
        assert_fails(
            &*store,
            take_name("c".into(), "ada", Position::new(1)),
            0,
            2,
        );
        // A bound of the query's own holds, too.
        let bounded = taken("ada").after(Position::new(2));
        put(&*store, one("d").unless(bounded, Position::START));
        let until = taken("ada").up_to(Position::new(1));
        put(&*store, one("d").unless(until, Position::new(1)));
    }
}

pub(super) fn direction_and_limit_play_no_part(make: Make<'_>) {
    let store = make();
    if store.capabilities().conditions {
        put(&*store, take_name("a".into(), "ada", Position::START));
        put(&*store, take_name("a".into(), "ada", Position::new(1)));
        let query = taken("ada").backward().limit(0);
        assert_fails(&*store, one("b").unless(query, Position::START), 0, 1);
    }
}

pub(super) fn every_kind_of_query_may_be_one(make: Make<'_>) {
    let store = make();
    if store.capabilities().conditions {
        put(&*store, Append::to("a/1").events(events(3)));
        let queries = [
            (Query::stream("a/1"), 1),
            (Query::category("a"), 1),
            (Query::stream("a/1").from_version(Version::new(3)), 3),
            (Query::all().from_version(Version::new(2)), 2),
            (
                Query::of(QueryItem::all().with_tag("no")).or(QueryItem::all().in_category("a")),
                1,
            ),
        ];
        for (query, position) in queries {
            assert_fails(
                &*store,
                one("b").unless(query, Position::START),
                0,
                position,
            );
        }
        let beyond = Query::all().from_version(Version::new(4));
        put(&*store, one("b").unless(beyond, Position::START));
        let elsewhere = Query::stream("a/1").from_version(Version::new(4));
        put(&*store, one("b").unless(elsewhere, Position::START));
    }
}

pub(super) fn it_counts_what_was_submitted_before(make: Make<'_>) {
    for durability in EVERY_DURABILITY {
        let store = make();
        if store.capabilities().conditions {
            let first = take_name("a".into(), "ada", Position::START).durability(durability);
            let pending = store.submit(first);
            assert_fails(&*store, take_name("b".into(), "ada", Position::START), 0, 1);
            pending.wait().unwrap();
        }
    }
}

pub(super) fn a_repeat_is_known_before_it(make: Make<'_>) {
    let store = make();
    if store.capabilities().conditions {
        let append = take_name("a".into(), "ada", Position::START).expect(Expected::NoStream);
        let first = put(&*store, append.clone());
        let again = put(&*store, append);
        assert!(again.is_repeat());
        assert_eq!(again.first(), first.first());
    }
}

pub(super) fn an_expectation_fails_before_it(make: Make<'_>) {
    let store = make();
    if store.capabilities().conditions {
        put(&*store, take_name("a".into(), "ada", Position::START));
        let append = take_name("b".into(), "ada", Position::START).expect(Expected::Exists);
        let error = store.append(append).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Conflict { .. }));
    }
}

pub(super) fn of_many_threads_one_gets_the_name(make: Make<'_>) {
    let store = make();
    if !store.capabilities().conditions {
        return;
    }
    let names = 20;
    let won: usize = std::thread::scope(|scope| {
        let attempts: Vec<_> = (0..8)
            .map(|thread| {
                let store = &store;
                scope.spawn(move || {
                    let take = |number: usize| {
                        let stream = format!("user/{thread}-{number}");
                        let append = take_name(stream, &number.to_string(), Position::START);
                        usize::from(store.append(append).is_ok())
                    };
                    (0..names).map(take).sum::<usize>()
                })
            })
            .collect();
        attempts.into_iter().map(|own| own.join().unwrap()).sum()
    });
    assert_eq!(won, names);
    for number in 0..names {
        assert_eq!(store.read(&taken(&number.to_string())).count(), 1);
    }
}
