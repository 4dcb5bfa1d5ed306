//! The harness itself is tested: stores that err a little are found out.

use crate::{InMemory, Subject, World, compare, ops};
use annals::{
    Append, ErrorKind, EventStore, Events, Pending, Position, Query, Result, StoreId, Timestamp,
    Version,
};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    ForgetsTheLimitBackward,
    ForgetsTheUpperBound,
    IncludesTheLowerBound,
    ForgetsTheSecondItem,
    ReadsOnBeyondTheBound,
    TellsAVersionTooLow,
    TellsAPositionTooLate,
    ForgetsChecks,
    KnowsNoRepeats,
    AnswersButDoesNotRecord,
    SaysLargeForEmpty,
    ForgetsTheLastEventWhenReopened,
}

/// A store in memory with a fault.
struct Faulty {
    fault: Fault,
    inner: InMemory,
    reopened: bool,
}

impl Subject for Faulty {
    fn store(&self) -> &dyn EventStore {
        self
    }

    fn reopen(&mut self) {
        self.reopened = true;
    }
}

impl Faulty {
    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn distorted(&self, query: &Query) -> Query {
        let backward = query.direction() == annals::Direction::Backward;
        let (after, up_to) = query.bounds();
        let query = query.clone();
        match self.fault {
            Fault::ForgetsTheLimitBackward if backward => query.limit(u64::MAX),
            Fault::ForgetsTheUpperBound => query.up_to(Position::MAX),
            Fault::IncludesTheLowerBound => query.after(after.previous()),
            Fault::ForgetsTheSecondItem if query.items().len() == 2 => {
                let first = Query::of(query.items()[0].clone())
                    .after(after)
                    .up_to(up_to);
                let first = first.limit(query.max_events());
                if backward { first.backward() } else { first }
            }
            Fault::ForgetsTheLastEventWhenReopened if self.reopened => {
                query.up_to(up_to.min(self.inner.0.head().previous()))
            }
            _ => query,
        }
    }
}

impl EventStore for Faulty {
    fn submit(&self, append: Append) -> Pending {
        let store = &self.inner.0;
        match self.fault {
            Fault::ForgetsChecks => {
                let written = |index| append.entries().iter().any(|(own, _)| *own == index);
                let mut forgetful = append.clone();
                for (index, part) in append.streams().iter().enumerate() {
                    if !written(index) {
                        let name = part.name().to_owned();
                        forgetful = forgetful.check(name, annals::Expected::Any);
                    }
                }
                store.submit(forgetful)
            }
            Fault::KnowsNoRepeats => match store.append(append) {
                Ok(done) if done.is_repeat() => {
                    Pending::from(annals::Error::from(ErrorKind::Closed))
                }
                outcome => Pending::ready(outcome),
            },
            Fault::AnswersButDoesNotRecord if append.entries().len() == 3 => {
                let (first, last) = (store.head().next(), store.head().plus(3));
                let recorded = Timestamp::UNIX_EPOCH;
                let versions = [Version::new(1)];
                Pending::ready(Ok(annals::Appended::new(first, last, &versions, recorded)))
            }
            Fault::SaysLargeForEmpty if append.entries().is_empty() => {
                let (size, limit) = (0, 0);
                let what = "append";
                Pending::from(annals::Error::from(ErrorKind::TooLarge {
                    what,
                    size,
                    limit,
                }))
            }
            _ => store.submit(append),
        }
    }

    fn read(&self, query: &Query) -> Events {
        let events = self.inner.0.read(&self.distorted(query));
        if self.is(Fault::ReadsOnBeyondTheBound) && query.max_events() == u64::MAX {
            // The oracle of this read is the store itself at a later time.
            let newest = Query::all().backward().limit(1);
            return Events::new(events.chain(self.inner.0.read(&newest)));
        }
        events
    }

    fn version(&self, stream: &str) -> Result<Version> {
        let version = self.inner.0.version(stream)?;
        if self.is(Fault::TellsAVersionTooLow) {
            return Ok(version.previous());
        }
        Ok(version)
    }

    fn head(&self) -> Position {
        self.inner.0.head()
    }

    fn durable(&self) -> Position {
        self.inner.0.durable()
    }

    fn flush(&self) -> Result<Position> {
        self.inner.0.flush()
    }

    fn wait(&self, after: Position, timeout: Duration) -> Result<Position> {
        self.inner.0.wait(after, timeout)
    }

    fn id(&self) -> StoreId {
        self.inner.0.id()
    }

    fn close(&self) -> Result<()> {
        self.inner.0.close()
    }

    fn position_at(&self, time: Timestamp) -> Result<Position> {
        let position = self.inner.0.position_at(time)?;
        if self.is(Fault::TellsAPositionTooLate) {
            return Ok(position.next().min(self.head()));
        }
        Ok(position)
    }
}

/// Whether the harness sees a difference in some of the same 200 cases.
fn is_found_out(fault: Fault) -> bool {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let make = |world: &World| Faulty {
        fault,
        inner: InMemory::new(world),
        reopened: false,
    };
    (0..200).any(|_| {
        let operations = ops::operations().new_tree(&mut runner).unwrap().current();
        compare(make, (1024, false), &operations).is_err()
    })
}

#[test]
fn a_faulty_store_is_found_out() {
    use Fault::*;
    let faults = [
        ForgetsTheLimitBackward,
        ForgetsTheUpperBound,
        IncludesTheLowerBound,
        ForgetsTheSecondItem,
        ReadsOnBeyondTheBound,
        TellsAVersionTooLow,
        TellsAPositionTooLate,
        ForgetsChecks,
        KnowsNoRepeats,
        AnswersButDoesNotRecord,
        SaysLargeForEmpty,
        ForgetsTheLastEventWhenReopened,
    ];
    for fault in faults {
        assert!(is_found_out(fault), "not found out: {fault:?}");
    }
    assert!(!is_found_out(None));
}
