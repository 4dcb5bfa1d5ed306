//! From events to state, and to the past, on every backend that there is.
#![cfg(feature = "toolkit")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use annals::cursor::MemoryCursors;
use annals::parked::MemoryParked;
use annals::publisher::{Handler, Publisher};
use annals::snapshot::{MemorySnapshots, SnapshotPolicy};
use annals::{
    Aggregate, CausationTree, Context, EventStore, MemoryStore, NotUndoable, Position, Query,
    Repository, Version, View, undoes,
};
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Counter {
    value: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Counted {
    Added { by: i64 },
}

impl Aggregate for Counter {
    type Event = Counted;
    const CATEGORY: &'static str = "counters";

    fn apply(&mut self, Counted::Added { by }: &Counted) {
        self.value += by;
    }

    fn compensate(&self, event: &Counted, _: &Self) -> Result<Vec<Counted>, NotUndoable> {
        let Counted::Added { by } = event;
        Ok(vec![Counted::Added { by: -by }])
    }
}

fn add(counters: &Repository<Counter>, id: &str, by: i64) -> i64 {
    let decide = |_: &Counter| Ok::<_, Infallible>([Counted::Added { by }]);
    counters.execute(id, decide).unwrap().value
}

fn on_each(test: impl Fn(Arc<dyn EventStore>)) {
    test(Arc::new(MemoryStore::new()));
    test(Arc::new(annals::temporary().unwrap()));
}

#[test]
fn eight_threads_lose_nothing_and_snapshots_agree_with_replay() {
    on_each(|store| {
        let counters = Repository::<Counter>::new(store);
        let snapshots = Arc::new(MemorySnapshots::new());
        let with = counters
            .clone()
            .with_snapshots(snapshots.clone(), SnapshotPolicy::every(7));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..25 {
                        add(&with, "hits", 1);
                    }
                });
            }
        });
        assert_eq!(snapshots.len(), 1);
        let (plain, quick) = (counters.load("hits").unwrap(), with.load("hits").unwrap());
        assert_eq!((plain.value, plain.version()), (200, Version::new(200)));
        assert_eq!(
            (quick.state(), quick.position()),
            (plain.state(), plain.position())
        );
    });
}

#[test]
fn the_past_stays_as_it_was() {
    on_each(|store| {
        let counters = Repository::<Counter>::new(Arc::clone(&store));
        for by in 1..=5 {
            add(&counters, "a", by);
            add(&counters, "b", -by);
        }
        let then = View::as_of(Arc::clone(&store), Position::new(6)).unwrap();
        let then = counters.on(Arc::new(then));
        let states = || [then.load("a").unwrap().value, then.load("b").unwrap().value];
        assert_eq!(states(), [6, -6]);
        assert_eq!(counters.undo("a", Version::new(5)).unwrap().value, 10);
        assert_eq!(counters.revert_to("a", 1).unwrap().value, 1);
        assert_eq!(states(), [6, -6]);
        let values = counters.history("a").map(|step| step.unwrap().state.value);
        assert_eq!(
            values.collect::<Vec<_>>(),
            [1, 3, 6, 10, 15, 10, 15, 10, 6, 3, 1]
        );
    });
}

#[test]
fn what_a_handler_does_names_the_event_as_its_cause() {
    on_each(|store| {
        let counters = Repository::<Counter>::new(Arc::clone(&store));
        let copies = counters.clone();
        let handler = Handler::new("copy", Query::stream("counters/a"), move |_| {
            copies.execute("b", |_| Ok::<_, Infallible>([Counted::Added { by: 2 }]))?;
            Ok(())
        });
        let (cursors, parked) = (MemoryCursors::new(), MemoryParked::new());
        let publisher = Publisher::new(Arc::clone(&store), Arc::new(cursors), Arc::new(parked));
        let publishing = publisher.handler(handler).start().unwrap();
        add(&counters.within(Context::new().by("ann")), "a", 1);
        publishing
            .wait_for("copy", Position::new(1), Duration::from_secs(60))
            .unwrap();
        publishing.stop().unwrap();

        let events: Vec<_> = store.read(&Query::all()).map(Result::unwrap).collect();
        assert_eq!(events[1].stream(), "counters/b");
        assert_eq!(events[1].causation(), Some(events[0].id()));
        assert_eq!(events[1].correlation(), Some(events[0].id()));
        counters.undo("b", Version::new(1)).unwrap();
        let tree = CausationTree::of(&*store, events[1].id()).unwrap();
        let depths: Vec<_> = tree
            .iter()
            .map(|(depth, event)| (depth, undoes(event)))
            .collect();
        assert_eq!(depths, [(0, None), (1, None), (2, Some(events[1].id()))]);
    });
}
