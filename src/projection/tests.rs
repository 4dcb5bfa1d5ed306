use super::*;
use crate::cursor::MemoryCursors;
use crate::error::ErrorKind;
use crate::memory::MemoryStore;
use crate::store::Append;
use crate::types::{Event, Position};
use std::sync::atomic::{AtomicBool, Ordering};

const LONG: Duration = Duration::from_secs(30);

/// Notes the positions that it is given, those of news apart.
#[derive(Default)]
struct Notes {
    all: Vec<u64>,
    live: Vec<u64>,
    broken: Arc<AtomicBool>,
    only: Option<&'static str>,
    took_over: bool,
}

impl Projection for Notes {
    fn handle(&mut self, event: &Delivered) -> Result<(), HandlerError> {
        if self.broken.load(Ordering::SeqCst) {
            return Err("broken".into());
        }
        let position = event.position().get();
        self.all.push(position);
        if event.is_live() {
            self.live.push(position);
        }
        Ok(())
    }

    fn query(&self) -> Query {
        match self.only {
            Some(event_type) => Query::all().with_type(event_type),
            None => Query::all(),
        }
    }

    fn take_over(&mut self) -> Result<(), HandlerError> {
        self.took_over = true;
        Ok(())
    }
}

fn append(store: &MemoryStore, event_type: &'static str) -> Position {
    let append = Append::to("a").event(Event::new(event_type, ""));
    store.append(append).unwrap().last()
}

fn store(events: usize) -> Arc<MemoryStore> {
    let store = Arc::new(MemoryStore::new());
    for _ in 0..events {
        append(&store, "T");
    }
    store
}

fn quick() -> Retry {
    Retry {
        tries: 2,
        first: Duration::from_millis(1),
        ..Retry::default()
    }
}

#[test]
fn a_reader_sees_its_own_write() {
    let store = store(2);
    let notes = Projector::new(store.clone(), Notes::default())
        .start()
        .unwrap();
    for _ in 0..20 {
        let last = append(&store, "T");
        notes.wait_for(last, LONG).unwrap();
        assert_eq!(notes.read(|notes| notes.all.len() as u64), last.get());
    }
    assert_eq!(notes.lag(), 0);
    let notes = notes.stop().unwrap();
    assert_eq!(notes.all, (1..=22).collect::<Vec<_>>());
    assert_eq!(notes.live, (3..=22).collect::<Vec<_>>());
}

#[test]
fn waiting_passes_over_what_is_not_asked_for() {
    let store = store(3);
    let only = Notes {
        only: Some("Other"),
        ..Notes::default()
    };
    let notes = Projector::new(store.clone(), only).start().unwrap();
    notes.wait_for(Position::new(3), LONG).unwrap();
    notes.wait_for(append(&store, "T"), LONG).unwrap();
    notes.wait_for(append(&store, "Other"), LONG).unwrap();
    assert_eq!(notes.read(|notes| notes.all.clone()), [5]);
    let late = notes.wait_for(Position::new(6), Duration::from_millis(1));
    assert!(matches!(
        late.unwrap_err().kind(),
        ErrorKind::TimedOut { .. }
    ));
}

#[test]
fn a_projection_with_a_cursor_goes_on_and_what_it_missed_is_news() {
    let (store, cursors) = (store(2), Arc::new(MemoryCursors::new()));
    let start = || {
        Projector::new(store.clone(), Notes::default())
            .with_cursor("notes", cursors.clone())
            .start()
            .unwrap()
    };
    let notes = start();
    notes.wait_for(Position::new(2), LONG).unwrap();
    assert!(notes.stop().unwrap().live.is_empty());
    append(&store, "T");
    let notes = start();
    notes.wait_for(Position::new(3), LONG).unwrap();
    let notes = notes.stop().unwrap();
    assert_eq!((notes.all, notes.live), (vec![3], vec![3]));
}

#[test]
fn readers_see_an_append_whole() {
    let store = Arc::new(MemoryStore::new());
    let notes = Projector::new(store.clone(), Notes::default())
        .start()
        .unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                assert_eq!(notes.read(|notes| notes.all.len()) % 300, 0);
            }
        });
        for _ in 0..20 {
            let events = (0..300).map(|_| Event::new("T", ""));
            let last = store.append(Append::to("a").events(events)).unwrap().last();
            notes.wait_for(last, LONG).unwrap();
        }
        done.store(true, Ordering::SeqCst);
    });
}

#[test]
fn a_projection_that_fails_for_good_is_stuck_until_it_is_rebuilt() {
    let store = store(3);
    let broken = Arc::new(AtomicBool::new(true));
    let notes = Notes {
        broken: Arc::clone(&broken),
        ..Notes::default()
    };
    let notes = Projector::new(store.clone(), notes)
        .retry(quick())
        .start()
        .unwrap();
    let stuck = notes.wait_for(Position::new(3), LONG).unwrap_err();
    assert_eq!(stuck.to_string(), "cannot project the event at 1: broken");
    assert!(notes.trouble().is_some());
    notes.rebuild(Notes::default()).unwrap();
    notes.wait_for(Position::new(3), LONG).unwrap();
    assert!(notes.trouble().is_none());
    assert_eq!(notes.read(|notes| notes.all.clone()), [1, 2, 3]);
}

#[test]
fn rebuilding_swaps_in_a_projection_that_has_caught_up() {
    let store = store(2000);
    let notes = Projector::new(store.clone(), Notes::default())
        .start()
        .unwrap();
    notes.wait_for(Position::new(2000), LONG).unwrap();
    append(&store, "Other");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..500 {
                append(&store, "T");
            }
        });
        let only = Notes {
            only: Some("T"),
            ..Notes::default()
        };
        let old = notes.rebuild(only).unwrap();
        assert!(old.all.len() >= 2000 && !old.took_over);
    });
    notes.wait_for(Position::new(2501), LONG).unwrap();
    let notes = notes.stop().unwrap();
    assert!(notes.took_over);
    let expected: Vec<_> = (1..=2501).filter(|position| *position != 2001).collect();
    assert_eq!(notes.all, expected);
    // What the old one had seen live is history to the new one.
    assert!(notes.live.first().is_none_or(|first| *first > 2000));
}

#[test]
fn a_rebuild_that_fails_leaves_the_running_one() {
    let store = store(5);
    let notes = Projector::new(store.clone(), Notes::default())
        .start()
        .unwrap();
    notes.wait_for(Position::new(5), LONG).unwrap();
    let broken = Notes {
        broken: Arc::new(AtomicBool::new(true)),
        ..Notes::default()
    };
    let failed = notes.rebuild(broken).err().unwrap();
    assert_eq!(failed.to_string(), "cannot project the event at 1: broken");
    notes.wait_for(append(&store, "T"), LONG).unwrap();
    assert_eq!(notes.read(|notes| notes.all.len()), 6);
}
