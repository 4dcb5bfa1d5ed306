//! The next segment, made ready before it is needed.

use crate::env::fs::{self, File, Mode};
use crate::env::{Bug, Env};
use crate::error::{Error, ErrorKind, Result};
use crate::format::names;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How many zeros are written at a time.
const CHUNK: usize = 256 << 10;

/// A segment file that is not yet part of the log: durable, of its full size,
/// and read as zeros. Writing frames over zeros that were written leaves a sync
/// with nothing but data to write. Over room that is only reserved a sync takes
/// longer, but nothing is lost.
#[derive(Debug)]
pub(crate) struct Spare {
    pub(crate) number: u64,
    pub(crate) path: PathBuf,
    pub(crate) file: Arc<dyn File>,
    pub(crate) size: u64,
    /// How far zeros are written.
    filled: u64,
}

impl Spare {
    pub(crate) fn filled(&self) -> u64 {
        self.filled
    }

    /// Writes some more zeros, which are not durable by themselves; says
    /// whether there are still more to write.
    pub(crate) fn fill(&mut self, zeros: &Zeros) -> std::io::Result<bool> {
        let length = zeros.0.len().min((self.size - self.filled) as usize);
        fs::write_all_at(&*self.file, &zeros.0[..length], self.filled)?;
        self.filled += length as u64;
        Ok(self.filled < self.size)
    }
}

/// What a file is filled with.
#[derive(Debug)]
pub(crate) struct Zeros(Vec<u8>);

impl Zeros {
    /// Enough for files of this size.
    pub(crate) fn for_size(size: u64) -> Self {
        Zeros(vec![0; CHUNK.min(size as usize)])
    }
}

/// Makes the file of segment `number`, `size` bytes long and filled with zeros.
///
/// # Errors
/// `DiskFull` if there is no room, with nothing left behind.
pub(crate) fn prepare(env: &Env, dir: &Path, number: u64, size: u64) -> Result<Spare> {
    make(env, dir, number, size, |_| Ok(false))
}

/// The same, but where room can be reserved nothing is written yet.
///
/// # Errors
/// As `prepare`.
pub(crate) fn reserve(env: &Env, dir: &Path, number: u64, size: u64) -> Result<Spare> {
    make(env, dir, number, size, |file| file.reserve(size))
}

fn make(
    env: &Env,
    dir: &Path,
    number: u64,
    size: u64,
    reserve: impl FnOnce(&dyn File) -> std::io::Result<bool>,
) -> Result<Spare> {
    let path = dir.join(names::segment(number));
    let made = || -> std::io::Result<Spare> {
        let file = env.fs.open(&path, Mode::Create)?;
        let mut spare = Spare {
            number,
            path: path.clone(),
            file,
            size,
            filled: 0,
        };
        if !reserve(&*spare.file)? {
            fill_whole(env, &mut spare)?;
        }
        spare.file.sync()?;
        if !env.bug(Bug::NoDirectorySync) {
            env.fs.sync_dir(dir)?;
        }
        Ok(spare)
    };
    made().map_err(|error| {
        // Half a spare is worth nothing and takes up room. It is no part
        // of the log, so failing to remove it harms nobody.
        let _ = env.fs.remove(&path);
        match fs::is_full(&error) {
            true => ErrorKind::DiskFull { path: path.clone() }.into(),
            false => Error::io(&path, "prepare", error),
        }
    })
}

fn fill_whole(env: &Env, spare: &mut Spare) -> std::io::Result<()> {
    let zeros = Zeros::for_size(spare.size);
    while spare.filled < spare.size {
        match spare.fill(&zeros) {
            Err(_) if env.bug(Bug::IgnoresFullDisk) => break,
            filled => filled.map(drop)?,
        }
    }
    Ok(())
}
