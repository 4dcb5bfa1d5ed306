//! The segment that is ready before it is needed.

use super::activity::Counters;
use super::claims::Around;
use crate::env::Env;
use crate::env::sync::Mutex;
use crate::error::Result;
use crate::log::{Access, Spare, prepare};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The size of a store's first segment, in bytes, if segments may be that
/// large; each further one is twice as large, up to the size that was set.
const FIRST_SIZE: u64 = 256 << 10;

/// The size of the segment that follows one of `size` bytes (0: the first).
pub(super) fn next_size(size: u64, largest: u64) -> u64 {
    (size * 2).clamp(FIRST_SIZE.min(largest), largest)
}

/// Holds the spare segment.
#[derive(Debug)]
pub(super) struct Spares {
    dir: PathBuf,
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
    /// No spare yet; the log ends in segment `tail`.
    pub(super) fn new(dir: &Path, access: Access, tail: u64, counters: &Arc<Counters>) -> Self {
        Spares {
            dir: dir.to_path_buf(),
            access,
            counters: Arc::clone(counters),
            state: Mutex::new(State { spare: None, tail }),
        }
    }

    /// Prepares segment `number`, which follows one of `size` bytes, unless
    /// that is done. A full disk is no error yet: the roll will meet it, if
    /// it lasts.
    pub(super) fn prepare(&self, env: &Env, number: u64, size: u64, largest: u64) {
        let mut state = self.state.lock();
        if state.tail + 1 == number && state.spare.is_none() {
            state.spare = self.make(env, number, next_size(size, largest)).ok();
        }
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
            Some(ready) => ready,
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
