//! Group commit: of all threads that wait, one writes what all have claimed,
//! one syncs for all who need it, and what they did is shown to the readers.
//!
//! Nobody who needs no sync waits for one: while a sync goes on, others write.

use super::activity::Counters;
use super::claims::{Chunk, Claims, Group};
use super::cohort::{Part, Waiting, Wanted};
use super::progress::Progress;
use crate::env::sync::{Mutex, MutexGuard, Sleeper};
use crate::env::{Bug, Env, Stopwatch};
use crate::error::{Error, ErrorKind, Result};
use crate::log::Segment;
use crate::types::{Durability, Position};
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

/// What is to be done once, before anything is written.
pub(super) type BeforeFirstWrite = Box<dyn FnOnce() -> Result<()> + Send>;

/// Brings claims to the medium.
pub(super) struct Committer {
    env: Env,
    counters: Arc<Counters>,
    waiting: Mutex<Waiting>,
    /// Held by whoever writes, and not while a sync goes on.
    unsynced: Mutex<Unsynced>,
}

/// What is written and not yet durable.
#[derive(Default)]
struct Unsynced {
    before_first_write: Option<BeforeFirstWrite>,
    /// The segments that want a sync, in order.
    segments: Vec<Arc<Segment>>,
    /// Of each group that has any, the first position that must be durable
    /// before it, and what is behind it, may be seen.
    held: VecDeque<Position>,
    /// Chunks that have been written, whose buffers are used again.
    chunks: Vec<Chunk>,
}

impl Unsynced {
    /// How far what is written may be seen.
    fn seen(&self, progress: &Progress) -> Position {
        let held = self.held.front();
        held.map_or(progress.written(), |first| first.previous())
    }
}

impl Committer {
    pub(super) fn new(
        env: &Env,
        counters: &Arc<Counters>,
        before_first_write: Option<BeforeFirstWrite>,
    ) -> Self {
        Committer {
            env: env.clone(),
            counters: Arc::clone(counters),
            waiting: Mutex::new(Waiting::default()),
            unsynced: Mutex::new(Unsynced {
                before_first_write,
                ..Unsynced::default()
            }),
        }
    }

    /// Blocks until everything up to `position` is visible and this safe,
    /// writing and syncing for all where nobody else does.
    ///
    /// # Errors
    /// `OutcomeUnknown` if a write or sync failed before that.
    pub(super) fn settle(
        &self,
        claims: &Mutex<Claims>,
        progress: &Progress,
        position: Position,
        durability: Durability,
    ) -> Result<()> {
        let wanted = Wanted {
            position,
            durability,
        };
        if wanted.is_met(progress) {
            return Ok(());
        }
        let mut watch = None;
        let mut waiting = self.waiting.lock();
        loop {
            if wanted.is_met(progress) {
                return Ok(());
            }
            if let Some(cause) = waiting.poison.clone() {
                if self.env.bug(Bug::AcksFailedWrite) {
                    return Ok(());
                }
                return Err(ErrorKind::OutcomeUnknown { cause }.into());
            }
            let most = match waiting.part(wanted, progress, watch.as_ref()) {
                Part::Write => {
                    waiting.writing = true;
                    drop(waiting);
                    waiting = self.lead_write(claims, progress)?;
                    continue;
                }
                Part::Sync => {
                    waiting.begin_sync();
                    drop(waiting);
                    waiting = self.lead_sync(claims, progress)?;
                    continue;
                }
                Part::Watch => Some(waiting.watch(&mut watch)),
                Part::Wait => {
                    waiting.stop_watching(&mut watch);
                    None
                }
            };
            waiting.enter(wanted);
            drop(waiting);
            Sleeper::sleep(most);
            // Most often there is nothing left to do, and no lock to take.
            if wanted.is_met(progress) {
                return Ok(());
            }
            waiting = self.waiting.lock();
            waiting.leave();
        }
    }

    /// Whether a write or sync has failed.
    pub(super) fn poison(&self) -> Option<Error> {
        self.waiting.lock().poison.clone()
    }

    /// Writes what is queued.
    fn lead_write(
        &self,
        claims: &Mutex<Claims>,
        progress: &Progress,
    ) -> Result<MutexGuard<'_, Waiting>> {
        let wrote = self.write(&mut self.unsynced.lock(), claims, progress);
        self.hand_on(claims, progress, wrote, |waiting| waiting.writing = false)
    }

    /// Writes what is queued, and then syncs all that is written.
    fn lead_sync(
        &self,
        claims: &Mutex<Claims>,
        progress: &Progress,
    ) -> Result<MutexGuard<'_, Waiting>> {
        let mut unsynced = self.unsynced.lock();
        let wrote = self.write(&mut unsynced, claims, progress);
        let (written, segments) = (progress.written(), unsynced.segments.clone());
        drop(unsynced);
        if wrote.is_err() {
            return self.hand_on(claims, progress, wrote, |waiting| {
                waiting.writing = false;
                waiting.end_sync(None);
            });
        }
        drop(self.hand_on(claims, progress, wrote, |waiting| waiting.writing = false)?);
        let time = Stopwatch::start();
        let synced = self.sync(&segments);
        let took = time.read();
        if synced.is_ok() {
            self.is_durable(written, &segments, progress);
        }
        self.hand_on(claims, progress, synced, |waiting| {
            waiting.end_sync(Some(took));
        })
    }

    /// Ends a part, and wakes those whom it has released or who have the next.
    fn hand_on(
        &self,
        claims: &Mutex<Claims>,
        progress: &Progress,
        outcome: Result<()>,
        end: impl FnOnce(&mut Waiting),
    ) -> Result<MutexGuard<'_, Waiting>> {
        let poisons = !self.env.bug(Bug::NoPoison);
        if let Err(error) = &outcome
            && poisons
        {
            // Before anybody can claim again, so that no later append
            // is taken in and then left alone.
            let cause = error.clone();
            claims.lock().stopped = Some(ErrorKind::Poisoned { cause }.into());
        }
        let mut waiting = self.waiting.lock();
        end(&mut waiting);
        let failed = outcome.is_err();
        if let Err(cause) = outcome.clone()
            && poisons
        {
            waiting.poison.get_or_insert(cause);
        }
        let mut released = waiting.release(progress);
        if failed && self.env.bug(Bug::ForgetsFollowers) || self.env.bug(Bug::LosesWakeUp) {
            released.pop();
        }
        if !released.is_empty() {
            drop(waiting);
            released.iter().for_each(Sleeper::wake);
            waiting = self.waiting.lock();
        }
        match outcome {
            Err(cause) if !poisons => Err(ErrorKind::OutcomeUnknown { cause }.into()),
            _ => Ok(waiting),
        }
    }

    /// Writes what is queued, and shows what nobody wants durable first.
    fn write(
        &self,
        unsynced: &mut Unsynced,
        claims: &Mutex<Claims>,
        progress: &Progress,
    ) -> Result<()> {
        let written = std::mem::take(&mut unsynced.chunks);
        let group = claims.lock().take_group(written);
        let Group {
            chunks,
            last,
            first_durable,
            ..
        } = group;
        if chunks.is_empty() {
            return Ok(());
        }
        let before = unsynced.before_first_write.take();
        before.map_or(Ok(()), |act| act())?;
        self.counters
            .wrote_log(write(&chunks, &mut unsynced.segments)?);
        progress.set_written(last);
        if !self.env.bug(Bug::ShowBeforeSync) {
            unsynced.held.extend(first_durable);
        }
        progress.set_visible(unsynced.seen(progress));
        unsynced.chunks = chunks;
        Ok(())
    }

    /// Syncs once, and never again after a failure: the second time a system
    /// says yes to data that it has dropped.
    fn sync(&self, segments: &[Arc<Segment>]) -> Result<()> {
        let newest = segments.len().saturating_sub(1);
        for (index, segment) in segments.iter().enumerate() {
            let skipped = self.env.bug(Bug::AckBeforeSync)
                || self.env.bug(Bug::SyncsOnlyTheTail) && index < newest;
            if skipped {
                continue;
            }
            match segment.sync() {
                Err(_) if self.env.bug(Bug::RetriesSync) => segment.sync()?,
                synced => synced?,
            }
            self.counters.synced_log();
        }
        Ok(())
    }

    /// Notes, and shows, that everything up to `written` is durable, of which
    /// these segments were synced.
    fn is_durable(&self, written: Position, synced: &[Arc<Segment>], progress: &Progress) {
        let mut unsynced = self.unsynced.lock();
        // The last of them may have been written to again meanwhile.
        let done = match progress.written() == written {
            true => synced.len(),
            false => synced.len().saturating_sub(1),
        };
        unsynced.segments.drain(..done);
        while unsynced.held.front().is_some_and(|own| *own <= written) {
            unsynced.held.pop_front();
        }
        progress.set_durable(written);
        progress.set_visible(unsynced.seen(progress));
    }
}

impl fmt::Debug for Committer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Committer")
            .field("waiting", &self.waiting)
            .finish_non_exhaustive()
    }
}

/// Writes chunks in order, and notes the segments that now want a sync. Says
/// how many bytes that were.
fn write(chunks: &[Chunk], unsynced: &mut Vec<Arc<Segment>>) -> Result<u64> {
    let mut written = 0;
    for chunk in chunks {
        let segment = &chunk.segment;
        if unsynced
            .last()
            .is_none_or(|last| last.number() != segment.number())
        {
            unsynced.push(Arc::clone(segment));
        }
        segment.write(&chunk.bytes, chunk.offset)?;
        segment.publish(chunk.offset + chunk.bytes.len() as u64);
        written += chunk.bytes.len() as u64;
    }
    Ok(written)
}
