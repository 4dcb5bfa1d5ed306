//! The segment that is ready before it is needed.

use super::activity::Counters;
use super::claims::Around;
use crate::env::Env;
use crate::env::sync::Mutex;
use crate::error::Result;
use crate::log::{Spare, Zeros, reserve};
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
    pub(super) fn new(dir: &Path, tail: u64, counters: &Arc<Counters>) -> Self {
        Spares {
            dir: dir.to_path_buf(),
            counters: Arc::clone(counters),
            state: Mutex::new(State { spare: None, tail }),
        }
    }

    /// Prepares segment `number`, which follows one of `size` bytes, unless
    /// that is done. A full disk is no error yet: the roll will meet it, if
    /// it lasts.
    pub(super) fn prepare(&self, env: &Env, number: u64, size: u64, largest: u64) {
        let size = next_size(size, largest);
        {
            let mut state = self.state.lock();
            if state.tail + 1 != number || state.spare.is_some() {
                return;
            }
            state.spare = self.make(env, number, size).ok();
        }
        // Where writing fails the segment is still good enough.
        let _ = self.fill(number, size);
    }

    /// Fills the spare with zeros for as long as it is not taken, which has to
    /// wait for one write at most. Synced bit by bit, so that a segment that is
    /// taken half filled leaves little for the next sync.
    fn fill(&self, number: u64, size: u64) -> std::io::Result<()> {
        const AT_ONCE: u64 = 4 << 20;
        let zeros = Zeros::for_size(size);
        let mut synced = 0;
        loop {
            let mut state = self.state.lock();
            let own = state.spare.as_mut().filter(|own| own.number == number);
            let Some(spare) = own.filter(|own| own.filled() < own.size) else {
                return Ok(());
            };
            let before = spare.filled();
            let more = spare.fill(&zeros)?;
            self.counters.prepared(spare.filled() - before);
            if spare.filled() - synced >= AT_ONCE || !more {
                synced = spare.filled();
                let file = Arc::clone(&spare.file);
                drop(state);
                file.sync()?;
            }
        }
    }

    /// Takes the segment that follows the tail, one of `size` bytes, to be the
    /// tail now: at least `needed` bytes large, and made here and now if none
    /// is ready.
    pub(super) fn take(&self, around: &Around<'_>, size: u64, needed: u64) -> Result<Spare> {
        let mut state = self.state.lock();
        let number = state.tail + 1;
        let ready = state.spare.take().filter(|spare| spare.size >= needed);
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
        let spare = reserve(env, &self.dir, number, size)?;
        self.counters.prepared(spare.filled());
        Ok(spare)
    }

    /// Takes a spare back that could not become the tail after all.
    pub(super) fn put_back(&self, spare: Spare) {
        let mut state = self.state.lock();
        state.tail = spare.number - 1;
        state.spare = Some(spare);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::fs;

    /// Spares of a new directory, with the one of segment 2 reserved.
    fn reserved(dir: &Path) -> Spares {
        let spares = Spares::new(dir, 1, &Arc::default());
        let spare = reserve(&Env::os(), dir, 2, FIRST_SIZE).unwrap();
        spares.state.lock().spare = Some(spare);
        spares
    }

    #[test]
    fn a_spare_has_its_size_and_is_zeros_before_it_is_filled_and_after() {
        let dir = tempfile::tempdir().unwrap();
        let spares = reserved(dir.path());
        let file = Arc::clone(&spares.state.lock().spare.as_ref().unwrap().file);
        for _ in 0..2 {
            let mut bytes = vec![1; FIRST_SIZE as usize];
            assert_eq!(file.len().unwrap(), FIRST_SIZE);
            fs::read_exact_at(&*file, &mut bytes, 0).unwrap();
            assert!(bytes.iter().all(|byte| *byte == 0));
            spares.fill(2, FIRST_SIZE).unwrap();
        }
        let state = spares.state.lock();
        assert_eq!(state.spare.as_ref().unwrap().filled(), FIRST_SIZE);
    }

    #[test]
    fn a_segment_that_was_taken_is_not_filled_any_more() {
        let dir = tempfile::tempdir().unwrap();
        let spares = reserved(dir.path());
        let taken = spares.state.lock().spare.take().unwrap();
        fs::write_all_at(&*taken.file, b"a frame", 0).unwrap();
        spares.fill(2, FIRST_SIZE).unwrap();
        let mut bytes = [0; 7];
        fs::read_exact_at(&*taken.file, &mut bytes, 0).unwrap();
        assert_eq!(&bytes, b"a frame");
    }
}
