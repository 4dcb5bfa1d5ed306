//! The short lock: versions are checked, and positions and bytes claimed.
//!
//! What is claimed can't fail any more but by a failing disk. Claimed frames
//! queue up here until a leader writes them out.

use super::conditions;
use super::encode::Encoded;
use super::options::Options;
use super::progress::Progress;
use super::spare::{self, Spares};
use crate::env::sync::RwLock;
use crate::env::{Bug, Env};
use crate::error::{Error, ErrorKind, Result};
use crate::format::frame::{self, Commit};
use crate::format::segment::{HEADER_BYTES, SegmentHeader};
use crate::index::{Ids, Index, Marks, Table, TermHasher};
use crate::log::{Segment, Segments};
use crate::store::{Append, Appended};
use crate::types::{Durability, Micros, Position, StoreId, Timestamp, Version};
use std::sync::Arc;

/// How many bytes may queue up before a submitter writes them itself: few
/// enough to be in the processor's cache still.
pub(super) const MOST_QUEUED: usize = 1 << 20;
/// A buffer that has grown larger is given back. It holds what submitters queue
/// before they write it themselves, however it has doubled.
const LARGEST_KEPT: usize = 4 * MOST_QUEUED;

/// What is to be written and not yet taken by a leader.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) chunks: Vec<Chunk>,
    /// The last position in it.
    pub(super) last: Position,
    /// The first position that must be durable before it may be seen.
    pub(super) first_durable: Option<Position>,
    /// How many bytes it is.
    pub(super) bytes: usize,
}

/// Bytes for one place in one segment.
#[derive(Debug)]
pub(super) struct Chunk {
    pub(super) segment: Arc<Segment>,
    pub(super) offset: u64,
    pub(super) bytes: Vec<u8>,
}

/// An append that did not find things as it expected, as far as the index can
/// tell.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refusal {
    pub(super) reason: Reason,
    /// What must be visible before the answer: all that was claimed so far.
    pub(super) rests_on: Position,
}

/// What was not as expected.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reason {
    /// This stream of the append has this version.
    Stream(usize, Version),
    /// This condition seems to exclude something.
    Condition(usize),
    /// An id seems to be taken.
    Id,
}

/// How an append fared under the lock.
#[derive(Debug)]
pub(super) enum Claim {
    Taken(Appended),
    Refused(Refusal),
}

/// The end of the log, as it will be once all that is claimed is written.
#[derive(Debug)]
pub(super) struct Claims {
    pub(super) tail: Arc<Segment>,
    /// Where the next frame will begin.
    pub(super) offset: u64,
    /// The position of the next event.
    pub(super) next: Position,
    pub(super) epoch: u64,
    /// When the last event was recorded, in microseconds since 1970.
    pub(super) last_recorded: i64,
    /// The index of the newest events, and the first of them.
    pub(super) table: Arc<RwLock<Table>>,
    table_from: Position,
    pub(super) group: Group,
    /// Behind which offset in the tail there is something to be done for the
    /// next segment.
    due: u64,
    /// Why nothing more is claimed, once that is so.
    pub(super) stopped: Option<Error>,
    scratch: Scratch,
}

/// Buffers that are used again.
#[derive(Debug, Default)]
struct Scratch {
    versions: Vec<Version>,
    head: Vec<u8>,
    /// Buffers of chunks that have been written.
    chunks: Vec<Vec<u8>>,
}

/// What a claim needs besides the claims themselves.
#[derive(Debug)]
pub(super) struct Around<'a> {
    pub(super) env: &'a Env,
    pub(super) options: &'a Options,
    pub(super) store: StoreId,
    pub(super) hasher: &'a TermHasher,
    pub(super) marks: Marks,
    pub(super) index: &'a Index,
    /// The ids, where the store keeps them unique.
    pub(super) ids: Option<&'a Ids>,
    pub(super) segments: &'a Segments,
    pub(super) spares: &'a Spares,
    pub(super) progress: &'a Progress,
}

impl Claims {
    pub(super) fn new(
        tail: Arc<Segment>,
        offset: u64,
        head: Position,
        epoch: u64,
        last_recorded: i64,
        table: Arc<RwLock<Table>>,
    ) -> Self {
        let table_from = table.read().first();
        Claims {
            due: spare::half(tail.size()),
            tail,
            offset,
            next: head.next(),
            epoch,
            last_recorded,
            table,
            table_from,
            group: Group::default(),
            stopped: None,
            scratch: Scratch::default(),
        }
    }

    /// Claims the place of an append, and queues it to be written. Its
    /// conditions are known to hold up to `checked`.
    pub(super) fn claim(
        &mut self,
        around: &Around<'_>,
        append: &Append,
        encoded: &mut Encoded,
        checked: Position,
        durability: Durability,
    ) -> Result<Claim> {
        if let Some(stopped) = &self.stopped {
            return Err(stopped.clone());
        }
        let mut refused = match around.ids {
            Some(ids) if encoded.ids.seem_taken(ids)? => Some(Reason::Id),
            _ => None,
        };
        if refused.is_none() {
            refused = self.check_streams(around, append, encoded)?;
        }
        if refused.is_none() {
            refused = self.check_conditions(around, append, checked)?;
        }
        if let Some(reason) = refused {
            let rests_on = self.next.previous();
            return Ok(Claim::Refused(Refusal { reason, rests_on }));
        }
        self.number(append, encoded)?;
        let first = self.next;
        let last = first.plus(encoded.entries.len() as u64 - 1);
        if last >= Position::MAX.previous() {
            let what = "the position of events".to_owned();
            return Err(ErrorKind::Overflow { what }.into());
        }
        let now = around.env.clock.now().micros().max(self.last_recorded);
        let durable = match around.env.bug(Bug::WatermarkAhead) {
            true => first.previous(),
            false => around.progress.durable().min(first.previous()),
        };
        let commit = Commit {
            first,
            durable,
            recorded: now,
            epoch: self.epoch,
        };
        let offset = self.place(around, &commit, encoded)?;
        // From here on nothing can fail.
        self.last_recorded = now;
        self.next = last.next();
        self.enqueue(encoded, last, durability);
        self.index(around, append, encoded, offset);
        if let Some(ids) = around.ids {
            encoded.ids.take(ids);
        }
        let recorded = Micros::new(now).unwrap_or(Timestamp::MAX.into());
        let appended = Appended::at(first, last, &self.scratch.versions, recorded);
        Ok(Claim::Taken(appended))
    }

    /// Looks the streams' versions up, and finds the first that is not as
    /// expected.
    fn check_streams(
        &mut self,
        around: &Around<'_>,
        append: &Append,
        encoded: &Encoded,
    ) -> Result<Option<Reason>> {
        self.scratch.versions.clear();
        for (index, part) in append.streams().iter().enumerate() {
            let stream = encoded.streams[index];
            // Most streams that are written to were written to lately.
            let lately = self.table.read().latest(stream);
            let actual = match lately {
                Some(version) => version,
                None => around.index.parts().latest(stream)?,
            };
            if !part.expected().holds(actual) {
                return Ok(Some(Reason::Stream(index, actual)));
            }
            self.scratch.versions.push(actual);
        }
        Ok(None)
    }

    /// Finds the first condition that seems to exclude something, among all
    /// that was ever claimed. Only postings are looked at, from the end of what
    /// the condition is about; whether it is so is seen where the event can be
    /// read.
    fn check_conditions(
        &self,
        around: &Around<'_>,
        append: &Append,
        checked: Position,
    ) -> Result<Option<Reason>> {
        if append.conditions().is_empty() {
            return Ok(None);
        }
        let (parts, bounds) = (around.index.parts(), (checked, self.next.previous()));
        let met = conditions::first_met(&parts, around.hasher, append, bounds)?;
        Ok(met.map(Reason::Condition))
    }

    /// Gives each event its version.
    fn number(&mut self, append: &Append, encoded: &mut Encoded) -> Result<()> {
        for (index, (stream, _)) in append.entries().iter().enumerate() {
            let version = &mut self.scratch.versions[*stream];
            *version = version.next();
            if *version >= Version::MAX.previous() {
                let name = append.streams()[*stream].name();
                let what = format!("the version of stream {name:?}");
                return Err(ErrorKind::Overflow { what }.into());
            }
            encoded.entries[index].version = *version;
        }
        Ok(())
    }

    /// Encodes the frame's head for the place where it will stand, rolling to
    /// the next segment if there is no room in this one. Says where that is.
    fn place(&mut self, around: &Around<'_>, commit: &Commit, encoded: &Encoded) -> Result<u64> {
        self.encode_head(commit, encoded);
        let length = (self.scratch.head.len() + encoded.records.len()) as u64;
        if self.offset + length > self.tail.size() {
            let most = frame::max_len(&encoded.entries, encoded.records.len()) as u64;
            self.roll(around, most + HEADER_BYTES as u64)?;
            self.encode_head(commit, encoded);
        }
        Ok(self.offset)
    }

    fn encode_head(&mut self, commit: &Commit, encoded: &Encoded) {
        self.scratch.head.clear();
        frame::encode_head(
            &mut self.scratch.head,
            self.tail.base(),
            self.offset,
            commit,
            &encoded.entries,
        );
    }

    /// Whether there is something to be done for the next segment, as it has
    /// not been asked for yet.
    pub(super) fn wants_spare(&mut self) -> bool {
        if self.offset <= self.due {
            return false;
        }
        self.due = match self.offset <= spare::late(self.tail.size()) {
            true => spare::late(self.tail.size()),
            false => u64::MAX,
        };
        true
    }

    /// Makes the next segment the tail. If it can't be prepared nothing has
    /// changed.
    fn roll(&mut self, around: &Around<'_>, needed: u64) -> Result<()> {
        let spare = around.spares.take(around, self.tail.size(), needed)?;
        let header = SegmentHeader {
            store: around.store,
            number: spare.number,
            epoch: self.epoch,
            base: self.next,
            base_time: self.last_recorded,
            previous_end: self.offset,
            durable: around.progress.durable().min(self.next.previous()),
            size: spare.file.size(),
        };
        let segment = Arc::new(Segment::with_header(spare.file, header));
        around.segments.add(Arc::clone(&segment));
        self.tail = Arc::clone(&segment);
        self.offset = HEADER_BYTES as u64;
        self.due = spare::half(self.tail.size());
        let mut bytes = self.scratch.chunks.pop().unwrap_or_default();
        bytes.extend_from_slice(&header.encode());
        self.group.chunks.push(Chunk {
            segment,
            offset: 0,
            bytes,
        });
        Ok(())
    }

    /// Queues the frame behind those before it.
    fn enqueue(&mut self, encoded: &Encoded, last: Position, durability: Durability) {
        let continues = self
            .group
            .chunks
            .last()
            .is_some_and(|chunk| chunk.segment.number() == self.tail.number());
        if !continues {
            self.group.chunks.push(Chunk {
                segment: Arc::clone(&self.tail),
                offset: self.offset,
                bytes: self.scratch.chunks.pop().unwrap_or_default(),
            });
        }
        if let Some(chunk) = self.group.chunks.last_mut() {
            chunk.bytes.extend_from_slice(&self.scratch.head);
            chunk.bytes.extend_from_slice(&encoded.records);
        }
        let length = self.scratch.head.len() + encoded.records.len();
        self.offset += length as u64;
        self.group.bytes += length;
        self.group.last = last;
        if durability == Durability::Durable {
            let first = last.plus(1).get() - encoded.entries.len() as u64;
            self.group.first_durable.get_or_insert(Position::new(first));
        }
    }

    fn index(&mut self, around: &Around<'_>, append: &Append, encoded: &Encoded, offset: u64) {
        let mut table = self.table.write();
        let (segment, mut start) = (self.tail.number(), 0);
        let entries = append.entries();
        for run in entries.chunk_by(|(one, _), (next, _)| one == next) {
            let (stream, end) = (run[0].0, start + run.len());
            let version = encoded.entries[start].version;
            let events = (start..end).map(|event| encoded.terms(event, stream));
            table.push_run(segment, offset as u32, version, events, around.marks);
            start = end;
        }
        around.index.has_grown(&table);
    }

    /// Takes what is queued, for a leader to write. The buffers of chunks that
    /// have been written are used again.
    pub(super) fn take_group(&mut self, mut written: Vec<Chunk>) -> Group {
        const KEPT: usize = 2;
        for mut chunk in written.drain(..) {
            if self.scratch.chunks.len() < KEPT && chunk.bytes.capacity() <= LARGEST_KEPT {
                chunk.bytes.clear();
                self.scratch.chunks.push(chunk.bytes);
            }
        }
        let next = Group {
            chunks: written,
            ..Group::default()
        };
        std::mem::replace(&mut self.group, next)
    }

    /// Replaces the index table by a new one if it has grown to this size.
    pub(super) fn freeze(&mut self, index: &Index, size: usize) -> bool {
        // It has all that was claimed since: no need to look, and to lock it.
        if self.next.get() - self.table_from.get() < size as u64 {
            return false;
        }
        let table = Table::after(&self.table.read(), self.next);
        self.table = Arc::new(RwLock::new(table));
        self.table_from = self.next;
        index.add_table(Arc::clone(&self.table));
        true
    }
}
