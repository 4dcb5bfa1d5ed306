//! Group commit: of all threads that wait, one leads: it writes what all have
//! claimed, syncs once for all who need it, and shows it to the readers.

use super::activity::Counters;
use super::claims::{Chunk, Claims, Group};
use super::progress::Progress;
use crate::env::sync::{AtomicU64, Condvar, Mutex, Ordering};
use crate::env::{Bug, Env};
use crate::error::{Error, ErrorKind, Result};
use crate::log::Segment;
use crate::types::{Durability, Position};
use std::fmt;
use std::sync::Arc;

/// What is to be done once, before anything is written.
pub(super) type BeforeFirstWrite = Box<dyn FnOnce() -> Result<()> + Send>;

/// Brings claims to the medium.
pub(super) struct Committer {
    env: Env,
    counters: Arc<Counters>,
    before_first_write: Mutex<Option<BeforeFirstWrite>>,
    state: Mutex<State>,
    changed: Condvar,
    /// Only the leader looks at this; it has a lock to say so.
    unsynced: Mutex<Vec<Arc<Segment>>>,
    /// The last position that somebody wants to be durable.
    wanted: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    leading: bool,
    /// How many threads wait for the leader.
    waiting: usize,
    /// What failed, once something has: nothing is written any more.
    poison: Option<Error>,
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
            before_first_write: Mutex::new(before_first_write),
            state: Mutex::new(State::default()),
            changed: Condvar::new(),
            unsynced: Mutex::new(Vec::new()),
            wanted: AtomicU64::new(0),
        }
    }

    /// Blocks until everything up to `position` is visible and this safe,
    /// leading where nobody else does.
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
        let safe = || {
            progress.visible() >= position
                && (durability < Durability::Durable || progress.durable() >= position)
        };
        if durability == Durability::Durable {
            self.wanted.fetch_max(position.get(), Ordering::AcqRel);
        }
        if safe() {
            return Ok(());
        }
        let mut state = self.state.lock();
        loop {
            if safe() {
                return Ok(());
            }
            if let Some(cause) = state.poison.clone() {
                if self.env.bug(Bug::AcksFailedWrite) {
                    return Ok(());
                }
                return Err(ErrorKind::OutcomeUnknown { cause }.into());
            }
            if state.leading {
                state.waiting += 1;
                self.changed.wait(&mut state);
                state.waiting -= 1;
                continue;
            }
            state.leading = true;
            let waiting_before = state.waiting;
            drop(state);
            let led = self.lead(claims, progress);
            if let Err(cause) = led.clone()
                && self.env.bug(Bug::NoPoison)
            {
                self.state.lock().leading = false;
                self.changed.notify_all();
                return Err(ErrorKind::OutcomeUnknown { cause }.into());
            }
            if let Err(error) = &led {
                // Before anybody can claim again, so that no later append
                // is taken in and then left alone.
                let cause = error.clone();
                claims.lock().stopped = Some(ErrorKind::Poisoned { cause }.into());
            }
            state = self.state.lock();
            state.leading = false;
            state.poison = led.err();
            let forgets = state.poison.is_some() && self.env.bug(Bug::ForgetsFollowers);
            let waiting = match self.env.bug(Bug::LosesWakeUp) {
                true => waiting_before,
                false => state.waiting,
            };
            if waiting > 0 && !forgets {
                self.changed.notify_all();
            }
        }
    }

    /// Whether a write or sync has failed.
    pub(super) fn poison(&self) -> Option<Error> {
        self.state.lock().poison.clone()
    }

    /// One round: writes what is queued, and syncs if somebody needs it.
    fn lead(&self, claims: &Mutex<Claims>, progress: &Progress) -> Result<()> {
        let Group {
            chunks,
            last,
            first_durable,
            ..
        } = claims.lock().take_group();
        let mut unsynced = self.unsynced.lock();
        if !chunks.is_empty() {
            let before = self.before_first_write.lock().take();
            before.map_or(Ok(()), |act| act())?;
            self.counters.wrote_log(write(&chunks, &mut unsynced)?);
            progress.set_written(last);
            // What nobody wants durable may be seen as soon as it is written.
            let first_durable = first_durable.filter(|_| !self.env.bug(Bug::ShowBeforeSync));
            let seen = first_durable.map_or(last, Position::previous);
            progress.set_visible(seen);
            claims.lock().give_back(chunks);
        }
        let wanted = Position::new(self.wanted.load(Ordering::Acquire));
        if first_durable.is_some() || wanted > progress.durable() {
            let written = progress.written();
            self.sync(&unsynced)?;
            unsynced.clear();
            progress.set_durable(written);
            progress.set_visible(written);
        }
        Ok(())
    }
}

impl Committer {
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
}

impl fmt::Debug for Committer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Committer")
            .field("state", &self.state)
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
