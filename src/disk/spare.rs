//! The segment that is ready before it is needed.

use super::activity::Counters;
use super::claims::Around;
use crate::env::Env;
use crate::env::sync::Mutex;
use crate::error::Result;
use crate::log::{Access, Spare, prepare};
use crate::types::StoreId;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The size of a store's first segment, in bytes, if segments may be that
/// large; each further one is twice as large, up to the size that was set.
const FIRST_SIZE: u64 = 256 << 10;

/// The size of the segment that follows one of `size` bytes (0: the first).
pub(super) fn next_size(size: u64, largest: u64) -> u64 {
    (size * 2).clamp(FIRST_SIZE.min(largest), largest)
}

/// The spare is needed soon when so much room is left in the tail, in bytes, or
/// an eighth of it: enough for a sync while the tail is written to.
const SOON: u64 = 4 << 20;

/// Behind which offset in a tail of `size` bytes the next segment is prepared.
pub(super) fn half(size: u64) -> u64 {
    size / 2
}

/// Behind which offset in a tail of `size` bytes the next segment will be
/// needed soon, so that it is no longer marked as blank.
pub(super) fn late(size: u64) -> u64 {
    size - SOON.min(size / 8)
}

/// Holds the spare segment.
#[derive(Debug)]
pub(super) struct Spares {
    dir: PathBuf,
    store: StoreId,
    access: Access,
    counters: Arc<Counters>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    spare: Option<Spare>,
    /// The number of the segment that is the tail now: whatever is prepared
    /// comes after it. A job that was asked for before a roll may run behind
    /// it, and must not touch what has become part of the log.
    tail: u64,
}

impl Spares {
    /// The log ends in segment `tail`, with this spare behind it.
    pub(super) fn new(
        dir: &Path,
        store: StoreId,
        access: Access,
        (tail, spare): (u64, Option<Spare>),
        counters: &Arc<Counters>,
    ) -> Self {
        Spares {
            dir: dir.to_path_buf(),
            store,
            access,
            counters: Arc::clone(counters),
            state: Mutex::new(State { spare, tail }),
        }
    }

    /// Sees to it that segment `number` is prepared, which follows one of
    /// `size` bytes, and that it is marked as blank unless it is needed soon.
    /// A full disk is no error yet: the roll will meet it, if it lasts.
    pub(super) fn prepare(&self, env: &Env, number: u64, size: u64, largest: u64, soon: bool) {
        let mut state = self.state.lock();
        if state.tail + 1 != number {
            return;
        }
        state.spare = match (state.spare.take(), soon) {
            (Some(spare), true) => spare.unmark(env).ok(),
            (Some(spare), false) => Some(spare),
            (None, true) => self.make(env, number, next_size(size, largest)).ok(),
            (None, false) => {
                let made = self.make(env, number, next_size(size, largest));
                made.ok().and_then(|spare| spare.mark(self.store).ok())
            }
        };
    }

    /// The spare is not needed after all, as far as we are concerned.
    pub(super) fn put_away(&self) {
        let mut state = self.state.lock();
        let spare = state.spare.take();
        state.spare = spare.and_then(|spare| spare.mark(self.store).ok());
    }

    /// Takes the segment that follows the tail, one of `size` bytes, to be the
    /// tail now: at least `needed` bytes large, and made here and now if none
    /// is ready.
    pub(super) fn take(&self, around: &Around<'_>, size: u64, needed: u64) -> Result<Spare> {
        let mut state = self.state.lock();
        let number = state.tail + 1;
        let ready = state
            .spare
            .take()
            .filter(|spare| spare.file.size() >= needed);
        let spare = match ready {
            Some(ready) => ready.unmark(around.env)?,
            None => {
                let size = next_size(size, around.options.segment_size).max(needed);
                self.make(around.env, number, size)?
            }
        };
        state.tail = number;
        Ok(spare)
    }

    fn make(&self, env: &Env, number: u64, size: u64) -> Result<Spare> {
        let spare = prepare(env, &self.dir, number, size, self.access)?;
        self.counters.prepared(spare.file.size());
        Ok(spare)
    }
}
