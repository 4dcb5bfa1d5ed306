//! What all handles, readers and background jobs of one open store share.

use super::activity::Counters;
use super::background;
use super::claims::{Around, Claim, Claims, MOST_QUEUED, Reason};
use super::commit::Committer;
use super::conditions;
use super::encode::Encoded;
use super::follow::Follower;
use super::ids;
use super::options::Options;
use super::progress::Progress;
use super::read::{self, Reading, Rooms};
use super::refused;
use super::spare::Spares;
use crate::env::fs::LockGuard;
use crate::env::sync::{AtomicBool, Mutex};
use crate::env::{Env, Lane};
use crate::error::{ErrorKind, Result};
use crate::format::frame;
use crate::index::{Ids, Index, Marks, TermHasher};
use crate::log::Segments;
use crate::store::{Answer, Append, Appended, Pending, Query};
use crate::types::{Durability, EventRef, Position, StoreId, Version};
use std::cell::Cell;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How long what nobody waits for stays unwritten: long enough to gather
/// company, short enough to be called soon.
const SOON: Duration = Duration::from_millis(2);
/// How long it may stay unsynced after that.
const SYNC_SOON: Duration = Duration::from_millis(50);
/// How often a call makes damaged parts of the index anew before it gives up.
pub(super) const MOST_HEALINGS: u32 = 8;

/// An open store.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) env: Env,
    pub(super) dir: PathBuf,
    pub(super) id: StoreId,
    pub(super) hasher: TermHasher,
    pub(super) marks: Marks,
    pub(super) options: Options,
    pub(super) first: Position,
    pub(super) segments: Segments,
    pub(super) index: Index,
    pub(super) progress: Progress,
    pub(super) counters: Arc<Counters>,
    pub(super) rooms: Rooms,
    pub(super) role: Role,
}

/// What a handle may do.
#[derive(Debug)]
pub(super) enum Role {
    Writer(Box<Writer>),
    Follower(Box<Mutex<Follower>>),
}

/// What only the one writer has.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) claims: Mutex<Claims>,
    pub(super) committer: Committer,
    pub(super) spares: Spares,
    /// Whether writing out what nobody waits for is on its way, and whether
    /// syncing it is.
    pub(super) write_due: AtomicBool,
    pub(super) sync_due: AtomicBool,
    pub(super) closing: Mutex<()>,
    /// Held by whoever changes index files.
    pub(super) indexing: Mutex<()>,
    /// Which ids are taken, where the store keeps them unique.
    pub(super) ids: Option<Ids>,
    /// Held by whoever replaces files of ids.
    pub(super) merging_ids: Mutex<()>,
    pub(super) lock: Mutex<Option<Box<dyn LockGuard>>>,
}

impl Writer {
    /// Whether no more appends are taken.
    pub(super) fn is_closing(&self) -> bool {
        self.claims.lock().stopped.is_some()
    }

    fn due(&self, durability: Durability) -> &AtomicBool {
        match durability {
            Durability::Durable => &self.sync_due,
            Durability::Buffered | Durability::Written => &self.write_due,
        }
    }
}

/// An append that was taken in, on its way to be as safe as it asked for.
#[derive(Debug)]
enum Outcome {
    Taken(Appended, Durability),
    /// Something was not as expected, which may still mean a repeat.
    Refused(Box<Append>, super::claims::Refusal, Durability),
}

impl Outcome {
    /// The last position that must be settled before the answer.
    fn rests_on(&self) -> Position {
        match self {
            Outcome::Taken(appended, _) => appended.last(),
            Outcome::Refused(_, refusal, _) => refusal.rests_on,
        }
    }
}

impl Shared {
    pub(super) fn writer(&self) -> Result<&Writer> {
        match &self.role {
            Role::Writer(writer) => Ok(writer),
            Role::Follower(_) => Err(ErrorKind::ReadOnly.into()),
        }
    }

    fn around<'a>(&'a self, writer: &'a Writer) -> Around<'a> {
        Around {
            env: &self.env,
            options: &self.options,
            store: self.id,
            hasher: &self.hasher,
            marks: self.marks,
            index: &self.index,
            ids: writer.ids.as_ref(),
            segments: &self.segments,
            spares: &writer.spares,
            progress: &self.progress,
        }
    }

    pub(super) fn submit(self: &Arc<Self>, append: Append) -> Pending {
        let outcome = match self.take(append, Position::START) {
            Ok(outcome) => outcome,
            Err(error) => return error.into(),
        };
        self.flush_soon(outcome.rests_on());
        match outcome {
            Outcome::Taken(appended, Durability::Buffered) => Pending::ready(Ok(appended)),
            outcome => Pending::waiting(Box::new(Waiting {
                shared: Arc::clone(self),
                outcome,
            })),
        }
    }

    pub(super) fn append(self: &Arc<Self>, append: Append) -> Result<Appended> {
        let outcome = self.take(append, Position::START)?;
        if let Outcome::Taken(appended, Durability::Buffered) = outcome {
            self.flush_soon(appended.last());
            return Ok(appended);
        }
        self.finish(outcome)
    }

    /// Checks, encodes and claims an append, whose conditions are known to hold
    /// up to `checked`.
    fn take(self: &Arc<Self>, append: Append, checked: Position) -> Result<Outcome> {
        thread_local! {
            static ENCODED: Cell<Option<Box<Encoded>>> = const { Cell::new(None) };
        }
        let writer = self.writer()?;
        append.validate()?;
        self.options.limits.check(&append)?;
        if writer.ids.is_some() {
            ids::check_within(&append)?;
        }
        let durability = append
            .wanted_durability()
            .unwrap_or(self.options.durability);
        // Not borrowed: a user's clock, called on the way, may use a store too.
        let mut encoded = ENCODED.take().unwrap_or_default();
        encoded.fill(&append, &self.hasher, &self.index);
        if writer.ids.is_some() {
            encoded.ids.fill(&append, &self.hasher);
        }
        let size = frame::max_len(&encoded.entries, encoded.records.len()) as u64;
        let limit = u64::from(u32::MAX);
        let what = "append";
        let claim = match size <= limit {
            true => self.claim_in_turn(writer, &append, &mut encoded, checked, durability),
            false => Err(ErrorKind::TooLarge { what, size, limit }.into()),
        };
        ENCODED.set(Some(encoded));
        Ok(match claim? {
            Claim::Taken(appended) => Outcome::Taken(appended, durability),
            Claim::Refused(refusal) => Outcome::Refused(Box::new(append), refusal, durability),
        })
    }

    /// Claims, and settles at once whether a doubtful refusal is one, so that
    /// the append keeps its place among those submitted before and after it.
    fn claim_in_turn(
        self: &Arc<Self>,
        writer: &Writer,
        append: &Append,
        encoded: &mut Encoded,
        mut checked: Position,
        durability: Durability,
    ) -> Result<Claim> {
        if let Some(ids) = &writer.ids {
            self.healing(|| encoded.ids.look_ahead(ids))?;
        }
        checked = self.healing(|| conditions::hold_up_to(self, append, checked))?;
        loop {
            let claim =
                self.healing(|| self.claim(writer, append, encoded, checked, durability))?;
            match claim {
                Claim::Refused(refusal) if refused::is_doubtful(append, refusal) => {
                    self.settle(refusal.rests_on, Durability::Written)?;
                    if let Some(first_outcome) = refused::outcome(self, append, refusal)? {
                        return Ok(Claim::Taken(first_outcome));
                    }
                    match refusal.reason {
                        Reason::Id => encoded.ids.set_free(refusal.rests_on),
                        _ => checked = refusal.rests_on,
                    }
                }
                claim => return Ok(claim),
            }
        }
    }

    fn claim(
        self: &Arc<Self>,
        writer: &Writer,
        append: &Append,
        encoded: &mut Encoded,
        checked: Position,
        durability: Durability,
    ) -> Result<Claim> {
        let around = self.around(writer);
        let mut claims = writer.claims.lock();
        let claim = claims.claim(&around, append, encoded, checked, durability)?;
        let frozen = freeze(&mut claims, self, writer, self.options.checkpoint_events);
        let wants_spare = claims.wants_spare();
        let queued = claims.group.bytes;
        drop(claims);
        if wants_spare {
            background::prepare_spare(self);
        }
        if frozen {
            background::checkpoint(self);
        }
        if let (Claim::Taken(appended), true) = (&claim, queued > MOST_QUEUED) {
            self.settle(appended.last(), Durability::Written)?;
        }
        Ok(claim)
    }

    /// Does something with the index, once more whenever a part of it turns
    /// out to be damaged and can be made anew.
    pub(super) fn healing<T>(self: &Arc<Self>, mut work: impl FnMut() -> Result<T>) -> Result<T> {
        let mut left = MOST_HEALINGS;
        loop {
            match work() {
                Err(error) if left > 0 && background::heal(self, &error)? => left -= 1,
                outcome => return outcome,
            }
        }
    }

    fn finish(self: &Arc<Self>, outcome: Outcome) -> Result<Appended> {
        match outcome {
            Outcome::Taken(appended, durability) => {
                self.settle(appended.last(), durability)?;
                self.sync_soon(appended.last());
                Ok(appended)
            }
            Outcome::Refused(append, refusal, durability) => {
                self.settle(refusal.rests_on, Durability::Written)?;
                match refused::outcome(self, &append, refusal)? {
                    Some(first_outcome) => {
                        self.settle(first_outcome.last(), durability)?;
                        Ok(first_outcome)
                    }
                    None => self.finish(self.take(*append, refusal.rests_on)?),
                }
            }
        }
    }

    /// Blocks until everything up to `position` is this safe, and visible.
    pub(super) fn settle(&self, position: Position, durability: Durability) -> Result<()> {
        let writer = self.writer()?;
        let (claims, progress) = (&writer.claims, &self.progress);
        writer
            .committer
            .settle(claims, progress, position, durability)
    }

    /// Sees to it that what is queued up to `claimed` is written, and then
    /// synced, even if nobody waits for it.
    fn flush_soon(self: &Arc<Self>, claimed: Position) {
        self.settle_after(SOON, Durability::Written, claimed);
    }

    /// Sees to it that what is written up to `last` is synced, even if nobody
    /// asks for it.
    fn sync_soon(self: &Arc<Self>, last: Position) {
        if self.progress.durable() < last {
            self.settle_after(SYNC_SOON, Durability::Durable, last);
        }
    }

    fn settle_after(self: &Arc<Self>, delay: Duration, durability: Durability, up_to: Position) {
        let Role::Writer(writer) = &self.role else {
            return;
        };
        let due = writer.due(durability);
        // Most often it is on its way, and looking costs less than swapping.
        if due.load(Ordering::Acquire) || due.swap(true, Ordering::AcqRel) {
            return;
        }
        let shared = Arc::downgrade(self);
        let job = move || {
            if let Some(shared) = shared.upgrade() {
                shared.settle_now(durability, up_to);
            }
        };
        self.env.tasks.run(Lane::Flush, delay, Box::new(job));
    }

    /// Settles what has waited long enough. What came later is left to those
    /// who wait for it, or to the next time: a group that gathers under
    /// somebody is not to be torn apart.
    fn settle_now(self: &Arc<Self>, durability: Durability, up_to: Position) {
        let Role::Writer(writer) = &self.role else {
            return;
        };
        // Before the look at the claims: what comes later sees to itself.
        writer.due(durability).store(false, Ordering::Release);
        let claimed = writer.claims.lock().next.previous();
        // Whoever submitted hears of a failure; this job has nobody to tell.
        if self.settle(up_to, durability).is_err() {
            return;
        }
        if self.progress.written() < claimed {
            self.settle_after(SOON, Durability::Written, claimed);
        }
        if self.progress.durable() < claimed {
            self.settle_after(SYNC_SOON, Durability::Durable, claimed);
        }
    }

    pub(super) fn flush(&self) -> Result<Position> {
        let writer = self.writer()?;
        if self.progress.is_closed() {
            return Err(ErrorKind::Closed.into());
        }
        let claimed = writer.claims.lock().next.previous();
        self.settle(claimed, Durability::Durable)?;
        Ok(self.progress.durable())
    }

    pub(super) fn head(&self) -> Position {
        self.refresh();
        self.progress.visible()
    }

    pub(super) fn durable(&self) -> Position {
        self.refresh();
        self.progress.durable()
    }

    /// Lets a follower look how far the writer has come. What goes wrong there
    /// shows when the events are read.
    fn refresh(&self) {
        if let Role::Follower(follower) = &self.role {
            let _ = follower.lock().refresh(self);
        }
    }

    pub(super) fn wait(
        &self,
        after: Position,
        timeout: Duration,
        is_over: &dyn Fn() -> bool,
    ) -> Result<Position> {
        let head = match &self.role {
            Role::Writer(_) => self.progress.wait(after, timeout, is_over),
            Role::Follower(follower) => {
                super::follow::wait(self, follower, after, timeout, is_over)?
            }
        };
        if head <= after && self.progress.is_closed() {
            return Err(ErrorKind::Closed.into());
        }
        Ok(head)
    }

    pub(super) fn version(self: &Arc<Self>, stream: &str) -> Result<Version> {
        self.version_at(stream, self.head())
    }

    /// The version that a stream had at a position.
    pub(super) fn version_at(self: &Arc<Self>, stream: &str, bound: Position) -> Result<Version> {
        let key = self.hasher.stream(stream);
        self.healing(|| self.index.parts().version(key, bound))
    }

    pub(super) fn reading<'q>(self: &Arc<Self>, query: &'q Query) -> Result<Reading<'q>> {
        self.look_for_more()?;
        Ok(Reading::new(self, query))
    }

    pub(super) fn scan(
        self: &Arc<Self>,
        query: &Query,
        visit: &mut dyn FnMut(EventRef<'_>) -> ControlFlow<()>,
    ) -> Result<()> {
        self.look_for_more()?;
        read::scan(self, query, visit)
    }

    /// Sees what the writer has added, if this handle only reads.
    fn look_for_more(&self) -> Result<()> {
        match &self.role {
            Role::Follower(follower) => follower.lock().refresh(self),
            Role::Writer(_) => Ok(()),
        }
    }

    pub(super) fn close(self: &Arc<Self>) -> Result<()> {
        let outcome = match &self.role {
            Role::Follower(_) => Ok(()),
            Role::Writer(writer) => {
                let _one_at_a_time = writer.closing.lock();
                match self.progress.is_closed() {
                    true => Ok(()),
                    false => super::open::close(self, writer),
                }
            }
        };
        self.progress.close();
        outcome
    }
}

/// Replaces the tables of the newest events by new ones, if they have grown to
/// this size.
pub(super) fn freeze(claims: &mut Claims, shared: &Shared, writer: &Writer, size: usize) -> bool {
    let frozen = claims.freeze(&shared.index, size);
    if let (true, Some(ids)) = (frozen, &writer.ids) {
        ids.freeze();
    }
    frozen
}

/// A backend's side of `Pending`.
struct Waiting {
    shared: Arc<Shared>,
    outcome: Outcome,
}

impl Answer for Waiting {
    fn is_ready(&self) -> bool {
        let progress = &self.shared.progress;
        let position = self.outcome.rests_on();
        let durability = match &self.outcome {
            Outcome::Taken(_, durability) => *durability,
            Outcome::Refused(..) => Durability::Written,
        };
        let poisoned = || {
            let writer = self.shared.writer();
            writer.is_ok_and(|writer| writer.committer.poison().is_some())
        };
        progress.visible() >= position
            && (durability < Durability::Durable || progress.durable() >= position)
            || poisoned()
    }

    fn wait(self: Box<Self>) -> Result<Appended> {
        self.shared.finish(self.outcome)
    }
}
