use super::*;
use crate::env::sync::{AtomicU64, Ordering};
use crate::types::{Event, Expected};

fn one(stream: &'static str, id: u128) -> Append {
    Append::to(stream).event(Event::with_id(uuid::Uuid::from_u128(id), "T", ""))
}

#[test]
fn a_repeat_tells_the_versions_of_then() {
    let store = MemoryStore::new();
    store.append(one("checked", 1)).unwrap();
    let append = one("a", 2)
        .expect(Expected::NoStream)
        .check("checked", Version::new(1));
    let first = store.append(append.clone()).unwrap();
    assert_eq!(first.versions(), [Version::new(1), Version::new(1)]);
    store.append(one("a", 3)).unwrap();
    store.append(one("checked", 4)).unwrap();
    assert_eq!(store.append(append).unwrap(), first.as_repeat());
    assert_eq!(store.head(), Position::new(4));
}

#[test]
fn a_visitor_may_use_the_store() {
    let store = MemoryStore::new();
    store.append(one("a", 1)).unwrap();
    store
        .scan(&Query::all(), &mut |_| {
            store.append(one("a", 2)).unwrap();
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(store.head(), Position::new(2));
}

#[test]
fn the_greatest_version_is_only_a_conflict() {
    let store = MemoryStore::new();
    let refused = store.append(one("a", 1).expect(Version::MAX)).unwrap_err();
    assert!(refused.is_conflict());
    assert_eq!(store.head(), Position::START);
}

/// A clock that shows so many nanoseconds after 1970.
#[derive(Debug, Default)]
struct Hand(AtomicU64);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        let nanos = u32::try_from(self.0.load(Ordering::Relaxed)).unwrap();
        Timestamp::new(0, nanos).unwrap()
    }
}

#[test]
fn times_follow_the_clock_in_whole_microseconds_but_never_back() {
    let clock = Arc::new(Hand::default());
    let store = MemoryStore::with_clock(Arc::clone(&clock) as Arc<dyn Clock>);
    let recorded_at = |nanos| {
        clock.0.store(nanos, Ordering::Relaxed);
        store.append(one("a", 1)).unwrap().recorded().nanos()
    };
    assert_eq!(recorded_at(5_999), 5_000);
    assert_eq!(recorded_at(8_001), 8_000);
    assert_eq!(recorded_at(6_500), 8_000);
    assert_eq!(recorded_at(0), 8_000);
    assert_eq!(recorded_at(9_000), 9_000);
}

#[test]
fn limits_are_those_that_were_set() {
    let limits = Limits {
        event_bytes: 10,
        append_bytes: 15,
    };
    let store = MemoryStore::new().with_limits(limits);
    let event = |length| Event::new("T", vec![0; length]);
    let append = |length| store.append(Append::to("a").event(event(length)));
    assert!(append(8).is_ok());
    assert!(matches!(
        append(9).unwrap_err().kind(),
        ErrorKind::TooLarge { what: "event", .. }
    ));
    let two = Append::to("a").events([event(6), event(6)]);
    assert!(matches!(
        store.append(two).unwrap_err().kind(),
        ErrorKind::TooLarge { what: "append", .. }
    ));
}
