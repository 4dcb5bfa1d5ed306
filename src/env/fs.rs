//! The seam to the file system.
//!
//! It is narrow on purpose: what the log doesn't need (truncation, appending,
//! seeking) isn't here, so it can't be used by mistake. Paths are absolute or
//! as the user gave them; nothing here interprets them.

use super::{Board, Map};
use std::fmt;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// A file system: the operating system's, or a simulated one.
pub(crate) trait Fs: Send + Sync + fmt::Debug {
    /// Makes a directory and those above it; one that exists is no error.
    fn create_dir(&self, path: &Path) -> io::Result<()>;

    /// What stands at a path, without following a link there.
    fn kind(&self, path: &Path) -> io::Result<Kind>;

    /// The names in a directory, in no order. Names that are not UTF-8 are
    /// left out: none of ours are.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;

    /// Opens a file. Anything that is not a regular file is refused: a store
    /// follows no links and waits for no pipes.
    fn open(&self, path: &Path, mode: Mode) -> io::Result<Arc<dyn File>>;

    /// Renames a file, replacing what was there.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file's name.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes the names in a directory durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;

    /// Takes the exclusive lock that a file stands for, or `None` if somebody
    /// has it. The lock goes with its guard, and with the process.
    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn LockGuard>>>;

    /// Opens the board of words that a writer shares with its followers.
    /// `Mode::Read` finds an existing one; `Mode::Create` makes it if needed.
    fn board(&self, path: &Path, mode: Mode) -> io::Result<Board>;

    /// A number that is another after each start of the machine, if there is
    /// one: what a board says holds until the machine stops.
    fn boot(&self) -> Option<u64>;
}

/// What stands at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Nothing,
    File,
    Directory,
    /// A link, a pipe, a device.
    Other,
}

/// How to open a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// An existing file, for reading.
    Read,
    /// An existing file, for reading and writing.
    Write,
    /// A new file, for reading and writing; one that exists is emptied. Only
    /// for names that nobody can have mapped: temporary and spare files.
    Create,
}

/// An open file.
pub(crate) trait File: Send + Sync + fmt::Debug {
    /// Reads some bytes at an offset; 0 at the end. May read fewer than asked.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes some bytes at an offset, growing the file where it must. May
    /// write fewer than asked.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize>;

    /// The size in bytes.
    fn len(&self) -> io::Result<u64>;

    /// The next stretch from an offset on that may hold anything but zeros;
    /// nothing if only zeros follow. Where holes can't be told, it is all of
    /// the rest. A file may be said to be much longer than what is in it.
    fn data(&self, from: u64) -> io::Result<Option<Range<u64>>>;

    /// Blocks until the bytes, and what it takes to find them, are durable.
    fn sync(&self) -> io::Result<()>;

    /// Maps the first `length` bytes, which must exist and never shrink, with
    /// nothing published yet; `None` where files can't be mapped.
    fn map(&self, length: usize) -> io::Result<Option<Map>>;
}

/// Holds a lock until it is dropped.
pub(crate) trait LockGuard: Send + Sync + fmt::Debug {}

/// Fills `buffer` from `offset` on, over short reads and interruptions.
/// A file that ends before is `UnexpectedEof`.
pub(crate) fn read_exact_at(
    file: &dyn File,
    mut buffer: &mut [u8],
    mut offset: u64,
) -> io::Result<()> {
    while !buffer.is_empty() {
        match file.read_at(buffer, offset) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                buffer = &mut buffer[count..];
                offset += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Writes all of `bytes` at `offset`, over short writes and interruptions.
pub(crate) fn write_all_at(file: &dyn File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.write_at(bytes, offset) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => {
                bytes = &bytes[count..];
                offset += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Turns everything between two offsets to zeros, over what is there. Holes
/// stay holes.
pub(crate) fn write_zeros(file: &dyn File, from: u64, to: u64) -> io::Result<()> {
    let mut at = from;
    while let Some(data) = file.data(at)?.filter(|data| data.start < to) {
        fill_zeros(file, data.start, data.end.min(to))?;
        at = data.end;
    }
    Ok(())
}

/// Writes zeros between two offsets, over holes, too, so that there is room
/// for what will be written there.
pub(crate) fn fill_zeros(file: &dyn File, from: u64, to: u64) -> io::Result<()> {
    const CHUNK: u64 = 64 << 10;
    let zeros = vec![0; CHUNK.min(to.saturating_sub(from)) as usize];
    let mut at = from;
    while at < to {
        let length = CHUNK.min(to - at);
        write_all_at(file, &zeros[..length as usize], at)?;
        at += length;
    }
    Ok(())
}

/// Copies the first `length` bytes into an empty file. Holes stay holes.
pub(crate) fn copy_data(from: &dyn File, to: &dyn File, length: u64) -> io::Result<()> {
    let mut buffer = vec![0; (64 << 10).min(length as usize)];
    let mut at = 0;
    while let Some(data) = from.data(at)?.filter(|data| data.start < length) {
        at = data.start;
        while at < data.end.min(length) {
            let count = (data.end.min(length) - at).min(buffer.len() as u64) as usize;
            read_exact_at(from, &mut buffer[..count], at)?;
            write_all_at(to, &buffer[..count], at)?;
            at += count as u64;
        }
    }
    match at < length {
        true => write_all_at(to, &[0], length - 1),
        false => Ok(()),
    }
}

/// How many bytes from an offset on may be anything but zeros: what a file
/// that is mostly a hole really holds.
pub(crate) fn count_data(file: &dyn File, from: u64, to: u64) -> io::Result<u64> {
    let (mut at, mut count) = (from, 0);
    while let Some(data) = file.data(at)?.filter(|data| data.start < to) {
        count += data.end.min(to) - data.start;
        at = data.end;
    }
    Ok(count)
}

/// Whether more than half of a file is a hole, where it is large enough to
/// matter. Only for what can be made again: there may be a file system that
/// makes holes of zeros.
pub(crate) fn is_mostly_hole(file: &dyn File, length: u64) -> io::Result<bool> {
    const SMALL: u64 = 64 << 10;
    Ok(length > SMALL && count_data(file, 0, length)? < length / 2)
}

/// Puts a whole small file in place at once: after a crash the name has either
/// the old content or the new.
pub(crate) fn replace(fs: &dyn Fs, dir: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let temporary = dir.join(format!("{name}.tmp"));
    let file = fs.open(&temporary, Mode::Create)?;
    write_all_at(&*file, bytes, 0)?;
    file.sync()?;
    fs.rename(&temporary, &dir.join(name))?;
    fs.sync_dir(dir)
}

/// Makes a directory, and those above it, so that they are there after a
/// crash, too.
pub(crate) fn create_dir_durably(fs: &dyn Fs, dir: &Path) -> io::Result<()> {
    let mut missing = Vec::new();
    let mut above = Some(dir);
    while let Some(own) = above.filter(|own| !own.as_os_str().is_empty()) {
        if fs.kind(own)? != Kind::Nothing {
            break;
        }
        missing.push(own);
        above = own.parent();
    }
    fs.create_dir(dir)?;
    for made in missing {
        match made.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => fs.sync_dir(parent)?,
            _ => fs.sync_dir(Path::new("."))?,
        }
    }
    Ok(())
}

/// Reads a whole small file; of a longer one, one byte more than `most`, so
/// that whoever decodes it sees that it is too long.
pub(crate) fn read_small(fs: &dyn Fs, path: &Path, most: usize) -> io::Result<Vec<u8>> {
    let file = fs.open(path, Mode::Read)?;
    let length = file.len()?.min(most as u64 + 1);
    let mut bytes = vec![0; length as usize];
    read_exact_at(&*file, &mut bytes, 0)?;
    Ok(bytes)
}

/// Whether an error says that there is no room left.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
}
