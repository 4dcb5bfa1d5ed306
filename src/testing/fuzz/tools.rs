//! A store on a simulated disk, and what can be asked of it.

use crate::disk::{LogStore, Options, VerifyReport, verify_in};
use crate::env::sim::{SimDisk, SimWorld, TaskMode};
use crate::error::Result;
use crate::store::{EventStore, Query};
use crate::types::RecordedEvent;
use std::collections::BTreeMap;
use std::path::Path;

/// Where the store stands on its disk.
pub(super) const DIR: &str = "/store";

/// A world of its own for each handle, on the same disk.
pub(super) fn options(disk: &SimDisk) -> Options {
    let world = SimWorld::on(disk.clone(), TaskMode::Inline, 7);
    Options::new()
        .env(world.env())
        .segment_size(Options::MIN_SEGMENT_SIZE)
}

pub(super) fn open(disk: &SimDisk) -> Result<LogStore> {
    options(disk).open(DIR)
}

pub(super) fn open_read_only(disk: &SimDisk) -> Result<LogStore> {
    options(disk).open_read_only(DIR)
}

pub(super) fn verify(disk: &SimDisk) -> Result<VerifyReport> {
    let world = SimWorld::on(disk.clone(), TaskMode::Inline, 7);
    verify_in(&world.env(), Path::new(DIR), &mut |_| {})
}

/// Puts a whole file in place.
pub(super) fn put(disk: &SimDisk, name: &str, bytes: &[u8]) {
    let path = Path::new(DIR).join(name);
    disk.put(&path, bytes).expect("the disk takes everything");
}

pub(super) fn read(store: &LogStore, query: &Query) -> Result<Vec<RecordedEvent>> {
    store.read(query).collect()
}

/// The events of each stream, in the order of the log.
pub(super) fn by_stream(events: &[RecordedEvent]) -> BTreeMap<String, Vec<RecordedEvent>> {
    let mut streams: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for event in events {
        let stream = streams.entry(event.stream().to_owned()).or_default();
        stream.push(event.clone());
    }
    streams
}

/// Takes bytes off the front of the input; zeros where it has ended.
pub(super) struct Input<'a>(pub(super) &'a [u8]);

impl<'a> Input<'a> {
    pub(super) fn byte(&mut self) -> u8 {
        self.bytes(1).first().copied().unwrap_or(0)
    }

    pub(super) fn short(&mut self) -> usize {
        usize::from(u16::from_le_bytes([self.byte(), self.byte()]))
    }

    /// As many bytes as there are, and `count` at most.
    pub(super) fn bytes(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }
}
