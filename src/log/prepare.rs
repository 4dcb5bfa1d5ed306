//! The next segment, made ready before it is needed.

use super::segment::{Access, SegmentFile};
use crate::env::fs::{self, Mode};
use crate::env::{Bug, Env};
use crate::error::{Error, ErrorKind, Result};
use crate::format::names;
use std::io;
use std::path::Path;

/// How many zeros are written at a time.
const CHUNK: usize = 256 << 10;

/// A segment file full of zeros, durable, that is not yet part of the log.
/// Writing frames over zeros leaves a sync with nothing but data to write.
///
/// It is mapped already, so that the append which goes over to it has nothing
/// to wait for, and nothing that can fail.
#[derive(Debug)]
pub(crate) struct Spare {
    pub(crate) number: u64,
    pub(crate) file: SegmentFile,
}

/// Makes the file of segment `number`, `size` bytes long.
///
/// # Errors
/// `DiskFull` if there is no room, with nothing left behind.
pub(crate) fn prepare(
    env: &Env,
    dir: &Path,
    number: u64,
    size: u64,
    access: Access,
) -> Result<Spare> {
    let path = dir.join(names::segment(number));
    match fill(env, dir, &path, size, access) {
        Ok(file) => Ok(Spare { number, file }),
        Err(error) => {
            // Half a spare is worth nothing and takes up room. It is no part
            // of the log, so failing to remove it harms nobody.
            let _ = env.fs.remove(&path);
            Err(match fs::is_full(&error) {
                true => ErrorKind::DiskFull { path }.into(),
                false => Error::io(&path, "prepare", error),
            })
        }
    }
}

fn fill(env: &Env, dir: &Path, path: &Path, size: u64, access: Access) -> io::Result<SegmentFile> {
    let file = env.fs.open(path, Mode::Create)?;
    let zeros = vec![0; CHUNK.min(size as usize)];
    let mut offset = 0;
    while offset < size {
        let length = zeros.len().min((size - offset) as usize);
        match fs::write_all_at(&*file, &zeros[..length], offset) {
            Err(_) if env.bug(Bug::IgnoresFullDisk) => break,
            written => written?,
        }
        offset += length as u64;
    }
    file.sync()?;
    if !env.bug(Bug::NoDirectorySync) {
        env.fs.sync_dir(dir)?;
    }
    SegmentFile::new(path.to_path_buf(), file, size, access)
}
