use super::*;
use crate::memory::MemoryStore;
use crate::types::Event;
use proptest::prelude::*;

fn at(second: i64) -> Timestamp {
    Timestamp::new(second, 0).unwrap()
}

fn store_of(happened: &[Option<i64>]) -> Arc<MemoryStore> {
    let store = Arc::new(MemoryStore::new());
    for time in happened {
        let event = Event::new("T", "");
        let event = match time {
            Some(time) => event.with_happened(at(*time)),
            None => event,
        };
        store.append(Append::to("s").event(event)).unwrap();
    }
    store
}

fn positions(store: &dyn EventStore, query: &Query) -> Vec<u64> {
    let read: Vec<_> = store
        .read(query)
        .map(|event| event.unwrap().position().get())
        .collect();
    let mut scanned = Vec::new();
    store
        .scan(query, &mut |event| {
            scanned.push(event.position().get());
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(read, scanned);
    read
}

#[test]
fn a_view_is_a_store_that_ended() {
    let store = store_of(&[None, None, None]);
    let view = View::as_of(store.clone(), Position::new(2)).unwrap();
    assert_eq!(view.head(), Position::new(2));
    assert_eq!(view.version("s").unwrap(), Version::new(2));
    assert_eq!(view.version("t").unwrap(), Version::NONE);
    assert_eq!(positions(&view, &Query::all().backward().limit(1)), [2]);
    assert_eq!(view.position_at(Timestamp::MAX).unwrap(), Position::new(2));
    let refused = view.append(Append::to("s").event(Event::new("T", "")));
    assert!(matches!(refused.unwrap_err().kind(), ErrorKind::ReadOnly));
    let long = Duration::from_secs(3600);
    assert_eq!(view.wait(Position::new(1), long).unwrap(), Position::new(2));
    assert!(view.wait(Position::new(2), long).is_err());
    view.close().unwrap();
    assert!(
        store
            .append(Append::to("s").event(Event::new("T", "")))
            .is_ok()
    );
}

#[test]
fn the_future_is_not_known() {
    let store = store_of(&[None]);
    let said = View::as_of(store.clone(), Position::new(2)).unwrap_err();
    assert_eq!(
        said.to_string(),
        "there is no view at position 2 yet: the store is at 1"
    );
    let late = View::as_of(store.clone(), Timestamp::MAX).unwrap();
    store
        .append(Append::to("s").event(Event::new("T", "")))
        .unwrap();
    assert_eq!(late.position(), Position::new(1));
    let early = View::as_of(store, Timestamp::MIN).unwrap();
    assert_eq!(positions(&early, &Query::all()), Vec::<u64>::new());
}

#[test]
fn undated_events_count_as_told() {
    let store = store_of(&[Some(10), None, Some(30)]);
    let by = |time, undated| View::now(store.clone()).happened_by(at(time), undated);
    let all = Query::all();
    assert_eq!(positions(&by(20, Undated::Include), &all), [1, 2]);
    assert_eq!(positions(&by(20, Undated::Exclude), &all), [1]);
    assert_eq!(positions(&by(20, Undated::AsRecorded), &all), [1]);
    let today = by(200_000_000_000, Undated::AsRecorded);
    assert_eq!(positions(&today, &all), [1, 2, 3]);
    let limited = Query::all().limit(1);
    assert_eq!(positions(&by(30, Undated::Exclude), &limited), [1]);
    let last = Query::all().backward().limit(2);
    assert_eq!(positions(&by(30, Undated::Exclude), &last), [3, 1]);
    assert_eq!(positions(&by(10, Undated::Exclude), &all), [1], "itself");
    let capabilities = today.capabilities();
    assert!(!capabilities.gapless_versions && !capabilities.gapless_positions);
    assert_eq!(
        by(20, Undated::Exclude).version("s").unwrap(),
        Version::new(1)
    );
}

proptest! {
    /// The view is what filtering the whole store by hand gives.
    #[test]
    fn a_view_is_a_filter(
        happened in proptest::collection::vec(proptest::option::of(0i64..5), 0..12),
        up_to in 0u64..12,
        by in proptest::option::of(0i64..5),
        after in 0u64..12,
        limit in 0u64..6,
        backward: bool,
    ) {
        let store = store_of(&happened);
        let up_to = up_to.min(happened.len() as u64);
        let mut view = View::as_of(store, Position::new(up_to)).unwrap();
        if let Some(by) = by {
            view = view.happened_by(at(by), Undated::Exclude);
        }
        let mut query = Query::all().after(Position::new(after)).limit(limit);
        let holds = |position: &u64| match (happened[*position as usize - 1], by) {
            (_, None) => true,
            (own, Some(by)) => own.is_some_and(|own| own <= by),
        };
        let mut expected: Vec<u64> = (after + 1..=up_to).filter(holds).collect();
        if backward {
            query = query.backward();
            expected.reverse();
        }
        expected.truncate(limit as usize);
        prop_assert_eq!(positions(&view, &query), expected);
    }
}
