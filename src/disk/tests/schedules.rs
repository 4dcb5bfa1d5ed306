//! Threads under a schedule checker: the watermark, the hand-over of group
//! commit, and the roll, in as many orders of their steps as time allows.
//! `docs/testing.md` says how to run it.

use crate::disk::LogStore;
use crate::env::Bug;
use crate::env::sim::{Choice, SimDisk, SimWorld, TaskMode};
use crate::store::{Append, EventStore, Query};
use crate::types::{Durability, Event, Position};
use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::{Config, Runner, thread};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

const DIR: &str = "/store";
const WRITERS: u8 = 3;
/// Appends of each writer; two thirds of a segment hold one.
const APPENDS: u8 = 2;
const ALL: u64 = WRITERS as u64 * APPENDS as u64;

/// How many threads may be held up where it hurts the most.
const DEPTH: usize = 3;

/// Schedules in a turn of looking for a planted mistake, of chance and of held
/// up threads in turn; and within how many turns it has to show. The rarest is
/// missed by two turns in five.
const TURN: usize = 200;
const TURNS: usize = 100;

fn schedules() -> usize {
    let set = std::env::var("ANNALS_SCHEDULES").ok();
    set.map_or(2_000, |text| text.parse().unwrap())
}

/// Explores a scenario: half of the schedules are plain chance, half hold up
/// single threads at the worst moments.
fn explore(scenario: fn(Option<Bug>), planted: Option<Bug>, schedules: usize) {
    let count = schedules.div_ceil(2);
    let mut config = Config::new();
    config.stack_size = 1 << 20;
    let chance = RandomScheduler::new(count);
    Runner::new(chance, config.clone()).run(move || scenario(planted));
    let pointed = PctScheduler::new(DEPTH, count);
    Runner::new(pointed, config).run(move || scenario(planted));
}

/// Whether a mistake that is planted in a scenario shows.
fn shows(scenario: fn(Option<Bug>), bug: Bug) -> bool {
    let explored = || explore(scenario, Some(bug), TURN);
    (0..TURNS).any(|_| catch_unwind(AssertUnwindSafe(explored)).is_err())
}

fn open(disk: &SimDisk, planted: Option<Bug>) -> LogStore {
    let mut world = SimWorld::on(disk.clone(), TaskMode::Inline, 1);
    world.planted = planted;
    let options = crate::disk::Options::new()
        .env(world.env())
        .segment_size(1024)
        .checkpoint_events(4);
    options.open(DIR).unwrap()
}

fn append(thread: u8, number: u8, durability: Durability) -> Append {
    let event = Event::new("Happened", vec![number; 600]);
    Append::to(format!("s/{thread}"))
        .event(event)
        .durability(durability)
}

/// How many events are there if the power goes now and takes all it can.
fn safe(disk: &SimDisk) -> Position {
    let point = disk.crash_point();
    let lost = vec![Choice::Lost; point.units().len()];
    open(&point.crash(&lost), None).head()
}

/// Writers whose appends share syncs and roll to new segments, one who waits
/// for all of it, and one who looks on.
fn commits(planted: Option<Bug>) {
    let disk = SimWorld::new(1).disk;
    let store = Arc::new(open(&disk, planted));
    let writers: Vec<_> = (0..WRITERS)
        .map(|own| {
            let (store, disk) = (Arc::clone(&store), disk.clone());
            thread::spawn(move || {
                for number in 0..APPENDS {
                    let done = store.append(append(own, number, Durability::Durable));
                    let last = done.unwrap().last();
                    assert!(store.durable() >= last && store.head() >= last);
                    if number == 0 && own == 0 {
                        assert!(safe(&disk) >= last, "acknowledged, and gone");
                    }
                }
            })
        })
        .collect();
    let waiter = {
        let store = Arc::clone(&store);
        thread::spawn(move || {
            let before = Position::new(ALL - 1);
            let head = store.wait(before, Duration::MAX).unwrap();
            assert_eq!(head, Position::new(ALL));
        })
    };
    for _ in 0..3 {
        let head = store.head();
        assert!(head <= store.durable(), "seen before it is durable");
        let read = store.read(&Query::all()).map(Result::unwrap).count();
        assert!(read as u64 >= head.get(), "visible, and not to be read");
        thread::yield_now();
    }
    let seen = store.head();
    assert!(safe(&disk) >= seen, "seen, and gone");
    for thread in writers.into_iter().chain([waiter]) {
        thread.join().unwrap();
    }
    store.close().unwrap();
    check_all(&open(&disk, None));
}

/// Appends of every durability, beside a flush and a close.
fn mixture(planted: Option<Bug>) {
    let disk = SimWorld::new(1).disk;
    let store = Arc::new(open(&disk, planted));
    let levels = [
        Durability::Buffered,
        Durability::Written,
        Durability::Durable,
    ];
    let writers: Vec<_> = (0..WRITERS)
        .map(|own| {
            let store = Arc::clone(&store);
            thread::spawn(move || {
                for number in 0..APPENDS {
                    let level = levels[usize::from(own)];
                    let done = store.append(append(own, number, level)).unwrap();
                    if level > Durability::Buffered {
                        assert!(store.head() >= done.last());
                    }
                }
            })
        })
        .collect();
    let seen = store.head();
    assert!(store.flush().unwrap() >= seen);
    for thread in writers {
        thread.join().unwrap();
    }
    store.close().unwrap();
    check_all(&open(&disk, None));
}

/// Subscribers who sleep whenever there is nothing to give: one until it has
/// everything, one until it is closed, whichever comes first.
fn subscribers(planted: Option<Bug>) {
    let disk = SimWorld::new(1).disk;
    let store = Arc::new(open(&disk, planted));
    let subscribe = |query| crate::subscription::subscribe(store.clone(), query, Position::START);
    let mut all = subscribe(Query::all());
    let mut none = subscribe(Query::stream("none"));
    let handle = none.handle();
    let reader = thread::spawn(move || {
        for position in 1..=2 * u64::from(APPENDS) {
            let event = all.next().unwrap().unwrap();
            assert_eq!(event.position().get(), position);
        }
    });
    let closed = thread::spawn(move || assert!(none.next().is_none()));
    let writers: Vec<_> = [Durability::Written, Durability::Durable]
        .into_iter()
        .zip(0..)
        .map(|(durability, own)| {
            let store = Arc::clone(&store);
            thread::spawn(move || {
                for number in 0..APPENDS {
                    store.append(append(own, number, durability)).unwrap();
                }
            })
        })
        .collect();
    handle.close();
    for thread in writers.into_iter().chain([reader, closed]) {
        thread.join().unwrap();
    }
}

/// Every event is there, in an order that keeps those of each thread.
fn check_all(store: &LogStore) {
    let events: Vec<_> = store.read(&Query::all()).map(Result::unwrap).collect();
    let positions = events.iter().map(|event| event.position().get());
    assert!(positions.eq(1..=ALL));
    for own in 0..WRITERS {
        let name = format!("s/{own}");
        let of_thread = events.iter().filter(|event| event.stream() == name);
        let numbers = of_thread.map(|event| event.data()[0]);
        assert!(numbers.eq(0..APPENDS));
    }
}

#[test]
fn nothing_is_shown_or_acknowledged_before_it_is_safe_and_nobody_waits_for_ever() {
    explore(commits, None, schedules());
}

#[test]
fn every_durability_beside_a_flush() {
    explore(mixture, None, schedules());
}

#[test]
fn subscribers_are_woken_by_what_comes_and_by_a_close() {
    explore(subscribers, None, schedules());
}

#[test]
fn a_watermark_shown_before_the_sync_shows() {
    assert!(shows(commits, Bug::ShowBeforeSync));
}

#[test]
fn an_answer_before_the_sync_shows() {
    assert!(shows(commits, Bug::AckBeforeSync));
}

#[test]
fn a_lost_wake_up_shows() {
    assert!(shows(commits, Bug::LosesWakeUp));
}
