//! The simulated world, for the crash tests: a disk that loses its power at
//! any moment, calls that fail when told to, and everything else that a store
//! asks of the world outside, the same again for the same seed.

pub use crate::env::Bug;
pub use crate::env::sim::*;

use crate::cursor::FileCursors;
use crate::disk::{Options, RepairReport, VerifyProgress, VerifyReport, repair_in, verify_in};
use crate::env::Env;
use crate::error::Result;
use crate::parked::FileParked;
use crate::snapshot::FileSnapshots;
use crate::types::StoreId;
use std::path::Path;
use std::sync::Arc;

impl SimWorld {
    /// Options that open a store in this world.
    pub fn options(&self) -> Options {
        Options::new().env(self.env())
    }

    /// `annals::verify` in this world.
    ///
    /// # Errors
    /// As `annals::verify`.
    pub fn verify(
        &self,
        path: impl AsRef<Path>,
        progress: &mut dyn FnMut(VerifyProgress),
    ) -> Result<VerifyReport> {
        verify_in(&self.env(), path.as_ref(), progress)
    }
}

impl SimWorld {
    /// `annals::repair` in this world.
    ///
    /// # Errors
    /// As `annals::repair`.
    pub fn repair(&self, path: impl AsRef<Path>) -> Result<RepairReport> {
        repair_in(&self.env(), path.as_ref())
    }
}

impl SimWorld {
    /// `FileCursors::open` in this world.
    ///
    /// # Errors
    /// As `FileCursors::open`.
    pub fn cursors(&self, dir: impl AsRef<Path>, store: StoreId) -> Result<FileCursors> {
        FileCursors::open_in(self.env().fs, dir.as_ref(), store)
    }

    /// `FileParked::open` in this world.
    ///
    /// # Errors
    /// As `FileParked::open`.
    pub fn parked(&self, dir: impl AsRef<Path>, store: StoreId) -> Result<FileParked> {
        FileParked::open_in(self.env().fs, dir.as_ref(), store)
    }

    /// `FileSnapshots::open_with_limit` in this world.
    ///
    /// # Errors
    /// As `FileSnapshots::open_with_limit`.
    pub fn snapshots(&self, dir: impl AsRef<Path>, limit: u64) -> Result<FileSnapshots> {
        FileSnapshots::open_in(self.env().fs, dir.as_ref(), limit)
    }
}

/// Options that open a store in the real world, with a mistake planted in it.
pub fn really(planted: Option<Bug>) -> Options {
    Options::new().env(Env {
        planted,
        ..Env::os()
    })
}

impl CountingFs {
    /// Counts what is asked of the operating system.
    pub fn os() -> Self {
        CountingFs::new(Env::os().fs)
    }

    /// Options that open a store on the operating system's files, counted.
    pub fn options(&self) -> Options {
        let fs = Arc::new(self.clone());
        Options::new().env(Env { fs, ..Env::os() })
    }
}
