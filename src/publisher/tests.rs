use super::*;
use crate::cursor::{Cursor, MemoryCursors, Start};
use crate::memory::MemoryStore;
use crate::parked::MemoryParked;
use crate::store::{Append, Query};
use crate::subscription::Retry;
use crate::types::Event;
use std::sync::Mutex;

const LONG: Duration = Duration::from_secs(30);

struct World {
    store: Arc<MemoryStore>,
    cursors: Arc<MemoryCursors>,
    parked: Arc<MemoryParked>,
    seen: Arc<Mutex<Vec<u64>>>,
}

impl World {
    fn new(events: u64) -> Self {
        let world = World {
            store: Arc::default(),
            cursors: Arc::default(),
            parked: Arc::default(),
            seen: Arc::default(),
        };
        (0..events).for_each(|_| world.append());
        world
    }

    fn append(&self) {
        let append = Append::to("a").event(Event::new("T", ""));
        self.store.append(append).unwrap();
    }

    /// A handler that notes what it sees, and fails where `check` says so.
    fn handler(&self, check: impl Fn(u64) -> Result<(), &'static str> + Send + 'static) -> Handler {
        let seen = Arc::clone(&self.seen);
        let retry = Retry {
            tries: 3,
            first: Duration::from_millis(1),
            longest: Duration::from_millis(1),
            jitter: 100,
        };
        Handler::new("h", Query::all(), move |event| {
            let position = event.position().get();
            seen.lock().unwrap().push(position);
            Ok(check(position)?)
        })
        .retry(retry)
        .cursor_interval(Duration::ZERO)
    }

    fn start(&self, handler: Handler) -> Publishing {
        Publisher::new(
            self.store.clone(),
            self.cursors.clone(),
            self.parked.clone(),
        )
        .handler(handler)
        .start()
        .unwrap()
    }

    fn seen(&self) -> Vec<u64> {
        self.seen.lock().unwrap().clone()
    }

    fn cursor(&self) -> u64 {
        self.cursors.load("h").unwrap().unwrap().position.get()
    }
}

#[test]
fn every_event_is_handled_once_over_stop_and_start() {
    let world = World::new(3);
    let publishing = world.start(world.handler(|_| Ok(())));
    publishing.wait_for("h", Position::new(3), LONG).unwrap();
    world.append();
    publishing.wait_for("h", Position::new(4), LONG).unwrap();
    publishing.stop().unwrap();
    assert_eq!(world.cursor(), 4);
    world.append();
    let publishing = world.start(world.handler(|_| Ok(())));
    publishing.wait_for("h", Position::new(5), LONG).unwrap();
    assert_eq!(world.seen(), [1, 2, 3, 4, 5]);
    assert_eq!(publishing.status()[0].lag, 0);
}

#[test]
fn a_poison_event_is_parked_and_the_rest_flows_on() {
    let world = World::new(3);
    let poison = |position| if position == 2 { Err("poison") } else { Ok(()) };
    let publishing = world.start(world.handler(poison));
    publishing.wait_for("h", Position::new(3), LONG).unwrap();
    assert_eq!(world.seen(), [1, 2, 2, 2, 3]);
    let parked = publishing.parked("h").unwrap();
    assert_eq!(
        (parked.len(), parked[0].position, parked[0].tries),
        (1, Position::new(2), 3)
    );
    assert_eq!(parked[0].error, "poison");

    let refused = publishing.retry("h", Position::new(2)).unwrap_err();
    assert!(refused.to_string().ends_with("poison"), "{refused}");
    assert_eq!(publishing.parked("h").unwrap()[0].tries, 4);
    assert!(publishing.retry("h", Position::new(3)).is_err());
    publishing.drop_parked("h", Position::new(2)).unwrap();
    assert!(publishing.parked("h").unwrap().is_empty());
}

#[test]
fn a_parked_event_that_succeeds_by_hand_is_parked_no_more() {
    let world = World::new(2);
    let mended = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let is_mended = Arc::clone(&mended);
    let publishing = world.start(world.handler(move |position| {
        let fine = position != 1 || is_mended.load(std::sync::atomic::Ordering::SeqCst);
        if fine { Ok(()) } else { Err("broken") }
    }));
    publishing.wait_for("h", Position::new(2), LONG).unwrap();
    mended.store(true, std::sync::atomic::Ordering::SeqCst);
    publishing.retry("h", Position::new(1)).unwrap();
    assert!(publishing.parked("h").unwrap().is_empty());
    assert_eq!(world.seen(), [1, 1, 1, 2, 1]);
}

#[test]
fn a_panic_is_a_failure() {
    let world = World::new(2);
    let publishing = world.start(world.handler(|position| {
        assert!(position != 1, "no good");
        Ok(())
    }));
    publishing.wait_for("h", Position::new(2), LONG).unwrap();
    let parked = publishing.parked("h").unwrap();
    assert!(parked[0].error.contains("no good"), "{}", parked[0].error);
}

#[test]
fn a_handler_that_fails_on_everything_does_not_park_everything() {
    let world = World::new(10);
    let publishing = world.start(world.handler(|_| Err("broken")).most_parked(2));
    publishing.wait_for("h", Position::new(2), LONG).unwrap();
    let at_last = publishing.wait_for("h", Position::new(3), Duration::from_millis(20));
    assert!(at_last.is_err());
    assert_eq!(publishing.parked("h").unwrap().len(), 2);
    assert!(publishing.status()[0].trouble.is_some());
    drop(publishing);
    assert_eq!(world.cursor(), 2);
}

#[test]
fn an_event_that_is_being_tried_is_left_for_the_next_start() {
    let world = World::new(1);
    let patient = Retry {
        first: LONG,
        longest: LONG,
        jitter: 0,
        ..Retry::default()
    };
    let publishing = world.start(world.handler(|_| Err("not yet")).retry(patient));
    while world.seen().is_empty() {
        std::thread::yield_now();
    }
    drop(publishing);
    assert_eq!(world.cursor(), 0);
    let publishing = world.start(world.handler(|_| Ok(())));
    publishing.wait_for("h", Position::new(1), LONG).unwrap();
    assert!(publishing.parked("h").unwrap().is_empty());
}

#[test]
fn handlers_start_where_they_are_told_and_end_with_the_store() {
    let world = World::new(3);
    let publishing = world.start(world.handler(|_| Ok(())).start_at(Start::Now));
    world.append();
    world.store.close().unwrap();
    publishing.wait_for("h", Position::new(4), LONG).unwrap();
    let never = publishing
        .wait_for("h", Position::new(5), LONG)
        .unwrap_err();
    assert!(matches!(never.kind(), ErrorKind::Closed));
    assert_eq!(world.seen(), [4]);
}

#[test]
fn what_does_not_fit_is_refused_at_the_start() {
    let world = World::new(1);
    let publisher = || {
        Publisher::new(
            world.store.clone(),
            world.cursors.clone(),
            world.parked.clone(),
        )
    };
    let twice = publisher()
        .handler(world.handler(|_| Ok(())))
        .handler(world.handler(|_| Ok(())));
    assert!(
        twice
            .start()
            .unwrap_err()
            .to_string()
            .contains("another one")
    );
    let ahead = Cursor {
        position: Position::new(9),
        replay: Position::START,
    };
    world.cursors.save("h", ahead).unwrap();
    let refused = publisher()
        .handler(world.handler(|_| Ok(())))
        .start()
        .unwrap_err();
    assert!(matches!(refused.kind(), ErrorKind::CursorAhead { .. }));
}
