use super::*;
use crate::error::ErrorKind;
use crate::memory::MemoryStore;
use crate::store::{Query, QueryItem};
use crate::types::{EventRef, Position, RecordedEvent, Version};
use serde::Deserialize;
use std::cell::Cell;
use std::ops::ControlFlow;
use uuid::Uuid;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Shop {
    Priced { cents: u64 },
    Sold { pieces: u64 },
}
use Shop::{Priced, Sold};

impl DomainEvent for Shop {
    fn stream(&self) -> String {
        match self {
            Priced { .. } => "prices/1".to_owned(),
            Sold { .. } => "sales/1".to_owned(),
        }
    }

    fn tags(&self) -> Vec<String> {
        vec!["article:1".to_owned()]
    }
}

fn of_article() -> QueryItem {
    QueryItem::all().with_tag("article:1")
}

fn sold() -> Fold<Shop, u64> {
    Fold::new(of_article().with_type("Sold"), 0, |sum, event| {
        if let Sold { pieces } = event {
            *sum += pieces;
        }
    })
}

fn count() -> Fold<Shop, usize> {
    let priced = of_article().with_type("Priced");
    Fold::new(priced, 0, |count, _| *count += 1).or(of_article())
}

fn price() -> Latest<Shop, u64> {
    Latest::new(of_article().with_type("Priced"), |event| match event {
        Priced { cents } => *cents,
        Sold { .. } => u64::MAX,
    })
}

/// A store that counts reads and the events that they gave.
#[derive(Default)]
struct Counting {
    store: MemoryStore,
    reads: std::sync::atomic::AtomicU64,
    events: std::sync::atomic::AtomicU64,
}

impl Counting {
    fn take(&self) -> (u64, u64) {
        let order = std::sync::atomic::Ordering::Relaxed;
        (self.reads.swap(0, order), self.events.swap(0, order))
    }
}

impl EventStore for Counting {
    fn submit(&self, append: Append) -> crate::store::Pending {
        self.store.submit(append)
    }

    fn read(&self, query: &Query) -> crate::store::Events {
        let order = std::sync::atomic::Ordering::Relaxed;
        self.reads.fetch_add(1, order);
        let events: Vec<_> = self.store.read(query).collect();
        self.events.fetch_add(events.len() as u64, order);
        crate::store::Events::new(events.into_iter())
    }

    fn version(&self, stream: &str) -> Result<Version> {
        self.store.version(stream)
    }

    fn head(&self) -> Position {
        self.store.head()
    }

    fn durable(&self) -> Position {
        self.store.durable()
    }

    fn flush(&self) -> Result<Position> {
        self.store.flush()
    }

    fn wait(&self, after: Position, timeout: std::time::Duration) -> Result<Position> {
        self.store.wait(after, timeout)
    }

    fn id(&self) -> crate::types::StoreId {
        self.store.id()
    }

    fn close(&self) -> Result<()> {
        self.store.close()
    }
}

fn shop() -> (Decisions<Shop>, Arc<Counting>) {
    let store = Arc::new(Counting::default());
    (Decisions::new(store.clone()), store)
}

fn record(shop: &Decisions<Shop>, events: &[Shop]) {
    let append = shop.add_to(Append::to("notes"), events).unwrap();
    shop.store().append(append).unwrap();
}

#[test]
fn facts_are_composed_over_one_read_and_each_takes_its_own() {
    let (shop, store) = shop();
    record(&shop, &[Priced { cents: 5 }, Sold { pieces: 2 }]);
    record(&shop, &[Sold { pieces: 3 }, Priced { cents: 7 }]);
    store.take();
    let observed = shop
        .observe((sold(), count(), vec![sold(), sold()]))
        .unwrap();
    assert_eq!(store.take(), (1, 4));
    assert_eq!(observed.state(), &(5, 4, vec![5, 5]));
    assert_eq!(observed.head(), Position::new(4));
    // Items that several facts share are asked for once.
    assert_eq!(observed.query().items().len(), 3);
}

#[test]
fn of_the_latest_one_event_is_read_however_many_there_are() {
    let (shop, store) = shop();
    assert_eq!(shop.observe(price()).unwrap().state(), &None);
    for cents in 1..=50 {
        record(&shop, &[Priced { cents }, Sold { pieces: 1 }]);
    }
    store.take();
    assert_eq!(shop.observe(price()).unwrap().state(), &Some(50));
    assert_eq!(store.take(), (1, 1));
    // Beside a fold that asks for the same events, and more.
    let observed = shop.observe((price(), count(), sold())).unwrap();
    assert_eq!(observed.state(), &(Some(50), 100, 50));
}

#[test]
fn a_decision_that_was_overtaken_is_made_again_on_what_is_new() {
    let (shop, store) = shop();
    record(&shop, &[Sold { pieces: 1 }]);
    store.take();
    let tries = Cell::new(0);
    let decided = shop.decide((sold(), price()), |(sold, price)| {
        tries.set(tries.get() + 1);
        if tries.get() < 3 {
            record(&shop, &[Sold { pieces: 10 }, Priced { cents: tries.get() }]);
        }
        Ok::<_, ()>([Sold {
            pieces: sold + price.unwrap_or(0),
        }])
    });
    let decided = decided.unwrap();
    assert_eq!(tries.get(), 3);
    assert_eq!(decided.state(), &(21, Some(2)));
    assert_eq!(decided.events(), [Sold { pieces: 23 }]);
    let appended = decided.appended().unwrap();
    assert_eq!(appended.last(), store.head());
    // Nothing is read twice: one sale at first, then two sales and two prices.
    assert_eq!(store.take().1, 1 + 2 + 2);
}

#[test]
fn what_a_decision_does_not_rest_on_is_not_in_its_way() {
    let (shop, _) = shop();
    let tries = Cell::new(0);
    let decided = shop.decide(sold(), |_| {
        tries.set(tries.get() + 1);
        record(&shop, &[Priced { cents: 1 }]);
        Ok::<_, ()>([Sold { pieces: 1 }])
    });
    assert!(decided.is_ok());
    assert_eq!(tries.get(), 1);
    assert!(
        shop.decide((), |()| Ok::<_, ()>([Sold { pieces: 1 }]))
            .is_ok()
    );
}

#[test]
fn attempts_are_bounded_and_the_last_conflict_comes_back() {
    let (shop, store) = shop();
    let tries = Cell::new(0);
    let always_late = shop.clone().with_attempts(4).decide(sold(), |_| {
        tries.set(tries.get() + 1);
        record(&shop, &[Sold { pieces: 1 }]);
        Ok::<_, ()>([Sold { pieces: 1 }])
    });
    let Err(CommandError::Failed(error)) = always_late else {
        panic!("it was late each time");
    };
    assert!(
        matches!(error.kind(), ErrorKind::ConditionFailed { clause: 0, position } if position.get() == 4)
    );
    assert_eq!(tries.get(), 4);
    assert_eq!(store.head().get(), 4);
}

#[test]
fn a_refusal_passes_through_and_nothing_is_recorded() {
    let (shop, store) = shop();
    let refused = shop.decide(sold(), |_| Err::<[Shop; 1], _>("sold out"));
    assert_eq!(refused.unwrap_err().refused(), Some(&"sold out"));
    let nothing = shop.decide(sold(), |_| Ok::<[Shop; 0], ()>([])).unwrap();
    assert_eq!((nothing.events().len(), nothing.appended()), (0, None));
    assert_eq!(store.head(), Position::START);
}

#[test]
fn events_carry_tags_and_context_and_go_to_their_streams() {
    let (shop, store) = shop();
    let cause = Uuid::from_u128(7);
    let context = Context::new().by("ann").with_causation(cause);
    let outer = Context::new()
        .because("sale")
        .with_correlation(Uuid::from_u128(9));
    outer.scope(|| {
        let both = |(): &()| Ok::<_, ()>([Sold { pieces: 1 }, Priced { cents: 2 }]);
        shop.within(context).decide((), both).unwrap();
    });
    let events: Vec<RecordedEvent> = store.read(&Query::all()).map(Result::unwrap).collect();
    let streams: Vec<_> = events.iter().map(RecordedEvent::stream).collect();
    assert_eq!(streams, ["sales/1", "prices/1"]);
    for event in &events {
        assert!(event.tags().contains("article:1"));
        assert_eq!(event.causation(), Some(cause));
        assert_eq!(event.correlation(), Some(Uuid::from_u128(9)));
        let context = Context::of(event);
        assert_eq!((context.who(), context.why()), (Some("ann"), Some("sale")));
        assert_eq!(event.append_last(), Position::new(2));
    }
}

#[test]
fn an_event_that_cannot_be_read_is_an_error_not_a_gap() {
    let (shop, store) = shop();
    let odd = Event::new("Sold", "no JSON").with_tag("article:1");
    store.append(Append::to("sales/1").event(odd)).unwrap();
    let error = shop.observe(sold()).unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Undecodable { .. }),
        "{error}"
    );
    let error = shop.observe(price()).map(|_| ());
    assert!(error.is_ok(), "it asks for other events");
}

#[test]
fn a_type_of_ones_own_may_be_facts() {
    struct Streams;
    impl Facts<Shop> for Streams {
        type State = Vec<String>;

        fn start(&self) -> Vec<String> {
            Vec::new()
        }

        fn items(&self, each: &mut dyn FnMut(&QueryItem, Need)) {
            each(&of_article(), Need::All);
        }

        fn apply(&self, state: &mut Vec<String>, record: &EventRef<'_>, _: &Shop) {
            state.push(record.stream().to_owned());
        }
    }
    let (shop, store) = shop();
    record(&shop, &[Priced { cents: 5 }, Sold { pieces: 2 }]);
    assert_eq!(
        shop.observe(Streams).unwrap().state(),
        &["prices/1", "sales/1"]
    );
    let mut seen = 0;
    let visit = &mut |_: EventRef<'_>| {
        seen += 1;
        ControlFlow::Continue(())
    };
    store.scan(&Query::all(), visit).unwrap();
    assert_eq!(seen, 2);
}
