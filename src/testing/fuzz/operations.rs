//! Sequences of operations with faults, held to a plain model.

use super::tools::{DIR, Input};
use crate::disk::LogStore;
use crate::env::sim::{CrashPlan, Fault, FaultRule, SectorSize, SimDisk, SimWorld, TaskMode};
use crate::error::ErrorKind;
use crate::store::{Append, EventStore, Query};
use crate::types::{Durability, Event, Expected, Position, Version};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// What is done; a number of the input, modulo their count.
pub(super) const APPEND: u8 = 0;
pub(super) const FLUSH: u8 = 1;
pub(super) const REOPEN: u8 = 2;
pub(super) const KILL: u8 = 3;
pub(super) const POWER: u8 = 4;
pub(super) const FAULT: u8 = 5;
pub(super) const LOOK: u8 = 6;
pub(super) const LATER: u8 = 7;
const OPERATIONS: u8 = 8;

/// No more is done, so that every input ends soon.
const MOST_OPERATIONS: usize = 64;

const STREAMS: [&str; 3] = ["a", "b/1", "b/2"];

/// An event that was submitted.
#[derive(Debug)]
struct Known {
    stream: &'static str,
    id: Uuid,
    /// The last position of its append.
    last: u64,
}

/// What was submitted, and what of it must be there.
#[derive(Debug, Default)]
struct Model {
    events: Vec<Known>,
    /// What was promised for a loss of power, and for a kill.
    durable: u64,
    written: u64,
}

impl Model {
    fn version(&self, stream: &str) -> u64 {
        let own = self.events.iter().filter(|known| known.stream == stream);
        own.count() as u64
    }

    /// The store was opened and ends here: the rest is gone for good.
    fn settle(&mut self, head: u64, least: u64) {
        assert!(head >= least, "lost: ends at {head}, promised {least}");
        let all = self.events.len() as u64;
        assert!(head <= all, "risen: ends at {head}, submitted {all}");
        let next = self.events.get(head as usize);
        let before = head.checked_sub(1).map(|last| &self.events[last as usize]);
        if let (Some(next), Some(before)) = (next, before) {
            assert!(before.last == head && next.last > head, "half an append");
        }
        self.events.truncate(head as usize);
        (self.durable, self.written) = (head, head);
    }

    /// Everything up to `head` is as it was submitted.
    fn compare(&self, store: &LogStore, head: u64) {
        let read: Vec<_> = store
            .read(&Query::all().up_to(Position::new(head)))
            .map(|event| event.expect("what is visible can be read"))
            .collect();
        assert_eq!(read.len() as u64, head);
        for (event, known) in read.iter().zip(&self.events) {
            assert_eq!(event.id(), known.id);
            assert_eq!(event.stream(), known.stream);
        }
    }
}

struct Run {
    disk: SimDisk,
    world: SimWorld,
    store: Option<Arc<LogStore>>,
    model: Model,
    /// Whether calls may have failed under this handle.
    faults: bool,
    openings: u64,
    next_id: u128,
}

/// Does what the input says: appends of every kind, openings, kills, losses of
/// power, calls that fail. What was promised is there whenever the store is
/// opened, and what was refused is not.
pub fn operations(bytes: &[u8]) {
    let mut input = Input(bytes);
    let disk = SimDisk::new(match input.byte() % 2 {
        0 => SectorSize::Bytes512,
        _ => SectorSize::Bytes4096,
    });
    let mut run = Run {
        world: SimWorld::on(disk.clone(), TaskMode::Inline, 1),
        disk,
        store: None,
        model: Model::default(),
        faults: false,
        openings: 0,
        next_id: 1,
    };
    run.open(0);
    for _ in 0..MOST_OPERATIONS {
        if input.0.is_empty() {
            break;
        }
        run.operate(&mut input);
    }
    run.disk.no_faults();
    run.faults = false;
    let least = run.model.written;
    run.leave(run.disk.kill_clone());
    run.open(least);
    let store = run.store.take().expect("nothing fails any more");
    store.close().expect("nothing fails any more");
}

impl Run {
    fn operate(&mut self, input: &mut Input<'_>) {
        let operation = input.byte() % OPERATIONS;
        let Some(store) = self.store.clone() else {
            self.disk.no_faults();
            self.faults = false;
            return self.open(self.model.written);
        };
        match operation {
            APPEND => self.append(&store, input),
            FLUSH => match store.flush() {
                Ok(durable) => {
                    assert_eq!(durable.get(), self.model.events.len() as u64);
                    self.model.durable = durable.get();
                    self.model.written = durable.get();
                }
                Err(error) => assert!(self.faults, "flush: {error}"),
            },
            REOPEN => {
                let closed = store.close();
                drop(store);
                self.store = None;
                match closed {
                    Ok(()) => self.model.durable = self.model.events.len() as u64,
                    Err(error) => assert!(self.faults, "close: {error}"),
                }
                self.model.written = self.model.written.max(self.model.durable);
                self.open(self.model.written);
            }
            KILL => {
                let least = self.model.written;
                self.leave(self.disk.kill_clone());
                self.open(least);
            }
            POWER => {
                let seed = u64::from(input.byte()) << 8 | u64::from(input.byte());
                let point = self.disk.crash_point();
                let least = self.model.durable;
                self.leave(point.crash_by(&CrashPlan::new(seed)));
                self.open(least);
            }
            FAULT => {
                let fault = Fault::ALL[usize::from(input.byte()) % Fault::ALL.len()];
                let rule = FaultRule::new(fault, 1 + u64::from(input.byte() % 32));
                self.disk.fail(match input.byte() % 2 {
                    0 => rule,
                    _ => rule.lasting(),
                });
                self.faults = true;
            }
            LOOK => self.look(),
            _ => self.world.advance(Duration::from_millis(60)),
        }
        if let Some(store) = &self.store {
            self.model.durable = self.model.durable.max(store.durable().get());
            self.model.written = self.model.written.max(store.head().get());
            assert!(store.head().get() <= self.model.events.len() as u64);
        }
    }

    /// The process is gone; what it left is on this disk.
    fn leave(&mut self, disk: SimDisk) {
        self.world.tasks.kill();
        self.disk.power_off_at(0);
        self.store = None;
        self.disk = disk;
        self.faults = false;
    }

    fn open(&mut self, least: u64) {
        self.openings += 1;
        self.world = SimWorld::on(self.disk.clone(), TaskMode::Inline, self.openings);
        let options = crate::disk::Options::new()
            .env(self.world.env())
            .segment_size(1024)
            .checkpoint_events(8);
        match options.open(DIR) {
            Ok(store) => {
                let head = store.head().get();
                self.model.settle(head, least);
                self.model.compare(&store, head);
                self.store = Some(Arc::new(store));
            }
            Err(error) => {
                assert!(self.faults && !error.is_corrupt(), "open: {error}");
            }
        }
    }

    fn append(&mut self, store: &LogStore, input: &mut Input<'_>) {
        let how = input.byte();
        let stream = STREAMS[usize::from(how) % STREAMS.len()];
        let version = Version::new(self.model.version(stream));
        let (expected, fits) = match how >> 2 & 3 {
            0 => (Expected::Exact(version.next()), false),
            1 => (Expected::Any, true),
            _ if version == Version::NONE => (Expected::NoStream, true),
            _ => (Expected::Exact(version), true),
        };
        let durability = match how >> 4 & 3 {
            0 => Durability::Buffered,
            1 => Durability::Written,
            _ => Durability::Durable,
        };
        let size = usize::from(input.byte()) * 3;
        let mut append = Append::to(stream).expect(expected).durability(durability);
        let first = self.model.events.len() as u64 + 1;
        let count = 1 + u64::from(how >> 6);
        let mut known = Vec::new();
        for _ in 0..count {
            let id = Uuid::from_u128(self.next_id);
            self.next_id += 1;
            append = append.event(Event::with_id(id, "Happened", vec![how; size]));
            let last = first + count - 1;
            known.push(Known { stream, id, last });
        }
        match store.append(append) {
            Ok(appended) => {
                assert!(fits, "a conflict was not seen");
                assert_eq!(appended.first().get(), first);
                self.model.events.extend(known);
                let last = appended.last().get();
                if durability > Durability::Buffered {
                    self.model.written = last;
                }
                if durability == Durability::Durable {
                    self.model.durable = last;
                }
            }
            Err(error) if error.is_conflict() => assert!(!fits, "{error}"),
            Err(error) => {
                assert!(self.faults, "append: {error}");
                // It may be there or not; all others never will be.
                if matches!(error.kind(), ErrorKind::OutcomeUnknown { .. }) && fits {
                    self.model.events.extend(known);
                }
            }
        }
    }

    /// Looks on beside the writer, which changes nothing.
    fn look(&self) {
        let calls = self.disk.counts().mutating();
        let world = SimWorld::on(self.disk.clone(), TaskMode::Inline, 99);
        let options = crate::disk::Options::new().env(world.env());
        match options.open_read_only(DIR) {
            Ok(store) if !self.faults => {
                let head = store.head().get();
                assert!(head >= self.model.durable && head <= self.model.events.len() as u64);
                self.model.compare(&store, head);
            }
            Ok(_) => {}
            Err(error) => assert!(self.faults && !error.is_corrupt(), "look: {error}"),
        }
        assert_eq!(self.disk.counts().mutating(), calls, "a reader writes");
    }
}
