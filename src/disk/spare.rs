//! The segment that is ready before it is needed.

use super::claims::Around;
use crate::env::Env;
use crate::env::sync::Mutex;
use crate::error::Result;
use crate::log::{Spare, prepare};
use std::path::{Path, PathBuf};

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
    spare: Mutex<Option<Spare>>,
}

impl Spares {
    pub(super) fn new(dir: &Path) -> Self {
        Spares {
            dir: dir.to_path_buf(),
            spare: Mutex::new(None),
        }
    }

    /// Prepares the segment after one of `size` bytes, unless that is done.
    /// A full disk is no error yet: the roll will meet it, if it lasts.
    pub(super) fn prepare(&self, env: &Env, number: u64, size: u64, largest: u64) {
        let mut spare = self.spare.lock();
        if spare.as_ref().is_none_or(|spare| spare.number < number) {
            *spare = prepare(env, &self.dir, number, next_size(size, largest)).ok();
        }
    }

    /// Takes the spare of this number, at least `needed` bytes large; makes it
    /// here and now if it isn't ready.
    pub(super) fn take(
        &self,
        around: &Around<'_>,
        number: u64,
        size: u64,
        needed: u64,
    ) -> Result<Spare> {
        let mut spare = self.spare.lock();
        match spare.take() {
            Some(ready) if ready.number == number && ready.size >= needed => Ok(ready),
            other => {
                drop(other);
                let size = next_size(size, around.options.segment_size).max(needed);
                prepare(around.env, &self.dir, number, size)
            }
        }
    }
}
