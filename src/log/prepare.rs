//! The next segment, made ready before it is needed.

use super::segment::{Access, SegmentFile};
use crate::env::fs::{self, File, Mode};
use crate::env::{Bug, Env};
use crate::error::{Error, ErrorKind, Result};
use crate::format::names;
use crate::format::segment::{HEADER_BYTES, blank_mark};
use crate::types::StoreId;
use std::io;
use std::path::Path;

/// How many zeros are written at a time.
const CHUNK: usize = 256 << 10;

/// A segment file full of zeros, durable, that is not yet part of the log.
/// Writing frames over zeros leaves a sync with nothing but data to write.
///
/// It is mapped already, so that the append which goes over to it has nothing
/// to wait for, and nothing that can fail.
///
/// While it is far from being needed it is *marked*: it says itself that it is
/// blank. Whoever opens the store after a kill then need not read it to know
/// that nothing in it is evidence of anything. That holds because the mark is
/// gone from the medium before the first frame is written.
#[derive(Debug)]
pub(crate) struct Spare {
    pub(crate) number: u64,
    pub(crate) file: SegmentFile,
    marked: bool,
}

impl Spare {
    /// Has the file say that it is blank.
    pub(crate) fn mark(mut self, store: StoreId) -> io::Result<Self> {
        let mark = blank_mark(store, self.number, self.file.size());
        if mark.len() as u64 <= self.file.size() {
            fs::write_all_at(self.file.file(), &mark, 0)?;
            self.file.file().sync()?;
            self.marked = true;
        }
        Ok(self)
    }

    /// Takes the mark away, durably: from now on frames may be written.
    pub(crate) fn unmark(mut self, env: &Env) -> Result<Self> {
        if self.marked && !env.bug(Bug::LeavesBlankMark) {
            fs::write_all_at(self.file.file(), &[0; HEADER_BYTES], 0)
                .and_then(|()| self.file.file().sync())
                .map_err(|error| Error::io(self.file.path(), "prepare", error))?;
        }
        self.marked = false;
        Ok(self)
    }
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
        Ok(file) => Ok(Spare {
            number,
            file,
            marked: false,
        }),
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

/// The spare segment that an earlier writer left, known to be blank: nothing if
/// it is not of this size, or has holes, over which a sync would have more than
/// data to write.
pub(crate) fn reuse(
    env: &Env,
    dir: &Path,
    store: StoreId,
    number: u64,
    size: u64,
    access: Access,
) -> Result<Option<Spare>> {
    let path = dir.join(names::segment(number));
    let take_over = || {
        let file = env.fs.open(&path, Mode::Write)?;
        if file.len()? != size || file.data(0)? != Some(0..size) {
            return Ok(None);
        }
        let marked = is_marked(&*file, &blank_mark(store, number, size))?;
        if !marked {
            // Its maker may have died before it came to that; and a mark that
            // was taken away must not come back.
            file.sync()?;
        }
        let file = SegmentFile::new(path.clone(), file, size, access)?;
        let spare = Spare {
            number,
            file,
            marked,
        };
        match marked {
            true => Ok(Some(spare)),
            false => spare.mark(store).map(Some),
        }
    };
    take_over().map_err(|error| Error::io(&path, "prepare", error))
}

fn is_marked(file: &dyn File, mark: &[u8; HEADER_BYTES]) -> io::Result<bool> {
    let mut bytes = [0; HEADER_BYTES];
    fs::read_exact_at(file, &mut bytes, 0)?;
    Ok(bytes == *mark)
}
