use super::*;
use crate::memory::MemoryStore;
use crate::store::Append;
use crate::types::Event;
use std::sync::atomic::{AtomicU64, Ordering};

fn store(events: u64) -> Arc<MemoryStore> {
    let store = Arc::new(MemoryStore::new());
    for number in 0..events {
        append(&store, number);
    }
    store
}

/// An event of the type `Even` or `Odd`.
fn append(store: &MemoryStore, number: u64) {
    let kind = if number.is_multiple_of(2) {
        "Even"
    } else {
        "Odd"
    };
    let append = Append::to("numbers").event(Event::new(kind, number.to_string()));
    store.append(append).unwrap();
}

fn positions(subscription: &mut Subscription) -> Vec<u64> {
    let next = || subscription.try_next().unwrap();
    std::iter::from_fn(next)
        .map(|event| event.position().get())
        .collect()
}

#[test]
fn past_and_present_come_in_order_whatever_the_batch() {
    for batch in [0, 1, 2, 3, 100] {
        let store = store(7);
        let mut all = subscribe(store.clone(), Query::all(), Position::new(2)).with_batch(batch);
        assert_eq!(positions(&mut all), [3, 4, 5, 6, 7]);
        append(&store, 7);
        append(&store, 8);
        assert_eq!(all.lag(), 2);
        assert_eq!(positions(&mut all), [8, 9]);
        assert_eq!(all.lag(), 0);
    }
}

#[test]
fn events_there_at_the_start_are_replayed_and_later_ones_live() {
    let store = store(2);
    let mut all = subscribe(store.clone(), Query::all(), Position::START);
    append(&store, 2);
    let phases: Vec<_> = (0..3)
        .map(|_| all.next().unwrap().unwrap().phase())
        .collect();
    assert_eq!(phases, [Phase::Replay, Phase::Replay, Phase::Live]);
    let cursor = Cursor {
        position: Position::new(1),
        replay: Position::new(1),
    };
    let mut resumed = Subscription::resume(store, Query::all(), cursor);
    assert!(resumed.next().unwrap().unwrap().is_live());
}

#[test]
fn the_position_passes_over_what_is_not_asked_for() {
    let store = store(5);
    let mut odd = subscribe(store, Query::all().with_type("Odd"), Position::START);
    assert_eq!(odd.reached(), Position::START);
    let first = odd.next().unwrap().unwrap();
    assert_eq!(first.cursor().position, Position::new(2));
    assert_eq!(odd.reached(), Position::new(2));
    odd.next().unwrap().unwrap();
    // The batch was not full, so that nothing up to the head is left.
    assert_eq!(odd.reached(), Position::new(5));
    assert_eq!(odd.lag(), 0);
}

#[test]
fn bounds_and_limits_of_the_query_end_it() {
    let query = Query::all().after(Position::new(1)).up_to(Position::new(3));
    let bounded = subscribe(store(5), query, Position::START);
    assert_eq!(
        bounded
            .map(|event| event.unwrap().position().get())
            .collect::<Vec<_>>(),
        [2, 3]
    );
    let limited = subscribe(store(5), Query::all().limit(2), Position::START);
    assert_eq!(limited.count(), 2);
    let mut backward = subscribe(store(5), Query::all().backward(), Position::START);
    assert!(backward.next().unwrap().is_err());
    assert!(backward.next().is_none());
}

#[test]
fn closing_the_store_ends_it_after_the_last_event() {
    let store = store(3);
    let all = subscribe(store.clone(), Query::all(), Position::START);
    store.close().unwrap();
    assert_eq!(all.count(), 3);
}

#[test]
fn closing_the_subscription_ends_it_at_once() {
    let mut all = subscribe(store(3), Query::all(), Position::START);
    all.next().unwrap().unwrap();
    all.handle().close();
    assert!(all.next().is_none());
    assert_eq!(all.reached(), Position::new(1));
}

#[test]
fn a_wait_ends_when_its_time_is_up_or_it_is_closed() {
    let mut all = subscribe(store(0), Query::all(), Position::START);
    assert!(
        all.next_timeout(Duration::from_millis(1))
            .unwrap()
            .is_none()
    );
    assert!(!all.has_ended());
    let handle = all.handle();
    let waiter = std::thread::spawn(move || all.next().is_none());
    std::thread::sleep(Duration::from_millis(5));
    handle.close();
    assert!(waiter.join().unwrap());
}

#[test]
fn whoever_waits_in_it_sleeps_until_it_is_closed() {
    let log: Arc<dyn EventStore> = Arc::new(crate::disk::temporary().unwrap());
    for store in [store(0), log] {
        let mut all = subscribe(store, Query::all(), Position::START);
        let handle = all.handle();
        let looks = Arc::new(AtomicU64::new(0));
        let own = Arc::clone(&looks);
        let waiter = std::thread::spawn(move || {
            let count = || {
                own.fetch_add(1, Ordering::SeqCst);
                false
            };
            all.wait_for_more(Duration::MAX, &count).unwrap();
            all.has_ended()
        });
        std::thread::sleep(Duration::from_millis(200));
        // Once before it sleeps, and once more if it was woken for no reason.
        assert!(looks.load(Ordering::SeqCst) <= 2, "it looked again");
        handle.close();
        assert!(waiter.join().unwrap());
    }
}

#[test]
fn a_full_channel_holds_the_subscription_up() {
    let store = store(10);
    let all = subscribe(store, Query::all(), Position::START).with_batch(1);
    let (events, delivery) = all.into_channel(1).unwrap();
    std::thread::sleep(Duration::from_millis(20));
    // One waits in the channel, one in the hand of the sender.
    assert!(delivery.handle().reached() <= Position::new(2));
    assert_eq!(events.iter().take(10).count(), 10);
    drop(events);
    delivery.close();
    assert_eq!(delivery.join().unwrap(), Position::new(10));
}

mod watching {
    use super::super::Progress;
    use crate::error::{Error, ErrorKind};
    use crate::types::Position;
    use std::time::Duration;

    #[test]
    fn waiting_ends_with_the_position_the_time_the_trouble_or_the_thread() {
        let progress = Progress::new(Position::new(3));
        let wait = |position| progress.wait_for(Position::new(position), Duration::ZERO);
        wait(3).unwrap();
        let late = wait(4).unwrap_err();
        assert!(matches!(late.kind(), ErrorKind::TimedOut { .. }), "{late}");
        progress.get_stuck(Error::outside("go on", "stuck"));
        assert_eq!(wait(4).unwrap_err().to_string(), "cannot go on: stuck");
        progress.set_trouble(None);
        progress.end();
        assert!(matches!(wait(4).unwrap_err().kind(), ErrorKind::Closed));
        progress.reach(Position::new(4));
        wait(4).unwrap();
    }
}
