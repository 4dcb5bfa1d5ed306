//! The operating system's file system.

use super::fs::{File, Fs, Kind, LockGuard, Mode};
use super::{Board, Map};
use crate::error::{Error, Result};
use std::fs;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

/// The operating system's file system.
#[derive(Debug)]
pub(crate) struct OsFs;

impl Fs for OsFs {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)
    }

    fn kind(&self, path: &Path) -> io::Result<Kind> {
        match fs::symlink_metadata(path) {
            Ok(found) if found.is_file() => Ok(Kind::File),
            Ok(found) if found.is_dir() => Ok(Kind::Directory),
            Ok(_) => Ok(Kind::Other),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Kind::Nothing),
            Err(error) => Err(error),
        }
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(dir)? {
            names.extend(entry?.file_name().into_string());
        }
        Ok(names)
    }

    fn open(&self, path: &Path, mode: Mode) -> io::Result<Arc<dyn File>> {
        Ok(Arc::new(OsFile(self.open_regular(path, mode)?)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        // Windows has no handle on a directory to sync; names there are
        // journalled by the file system.
        if cfg!(windows) {
            return Ok(());
        }
        fs::File::open(dir)?.sync_all()
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn LockGuard>>> {
        let mode = match self.kind(path)? {
            Kind::Nothing => Mode::Create,
            _ => Mode::Write,
        };
        let file = self.open_regular(path, mode)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Box::new(OsLock { file }))),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(error)) => Err(error),
        }
    }

    fn board(&self, path: &Path, mode: Mode) -> io::Result<Board> {
        if mode == Mode::Read {
            return Board::mapped(&self.open_regular(path, Mode::Read)?, false);
        }
        let file = match self.kind(path)? {
            Kind::Nothing => self.open_regular(path, Mode::Create)?,
            _ => self.open_regular(path, Mode::Write)?,
        };
        if file.metadata()?.len() < Board::BYTES {
            file.set_len(Board::BYTES)?;
        }
        Board::mapped(&file, true)
    }

    fn boot(&self) -> Option<u64> {
        // Linux only. Elsewhere a board is believed until a writer comes: it
        // may show too little after a loss of power, never too much.
        let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        let id: uuid::Uuid = id.trim().parse().ok()?;
        Some(id.as_u64_pair().0 ^ id.as_u64_pair().1)
    }
}

impl OsFs {
    fn open_regular(&self, path: &Path, mode: Mode) -> io::Result<fs::File> {
        match (self.kind(path)?, mode) {
            (Kind::File, _) | (Kind::Nothing, Mode::Create) => {}
            (Kind::Nothing, _) => return Err(io::ErrorKind::NotFound.into()),
            _ => return Err(not_regular()),
        }
        let mut options = fs::OpenOptions::new();
        options.read(true);
        match mode {
            Mode::Read => {}
            Mode::Write => {
                options.write(true);
            }
            Mode::Create => {
                options.write(true).create(true).truncate(true);
            }
        }
        ask_for_a_regular_file(&mut options);
        let file = options.open(path)?;
        // What stood there a moment ago may have been replaced since.
        match file.metadata()?.is_file() {
            true => Ok(file),
            false => Err(not_regular()),
        }
    }
}

fn not_regular() -> io::Error {
    io::Error::other("it is not a regular file")
}

/// Has the operating system follow no link at the path's end, and wait for
/// nobody where a pipe took the file's place.
fn ask_for_a_regular_file(options: &mut fs::OpenOptions) {
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt;
        let flags = OFlags::NONBLOCK | OFlags::NOFOLLOW;
        options.custom_flags(flags.bits().cast_signed());
    }
    #[cfg(not(unix))]
    let _ = options;
}

/// A new directory that goes with its handle.
pub(crate) fn temporary_directory() -> Result<TempDir> {
    let dir = tempfile::Builder::new().prefix("annals-").tempdir();
    dir.map_err(|error| Error::io(&std::env::temp_dir(), "make a directory in", error))
}

/// A lock is a locked file: the operating system gives it back when the file
/// is closed, however the process ends.
#[derive(Debug)]
struct OsLock {
    file: fs::File,
}

impl LockGuard for OsLock {}

impl Drop for OsLock {
    fn drop(&mut self) {
        // Said, and not left to the closing of the file: a child process that
        // was forked and has not yet begun its program holds the file open.
        let _ = self.file.unlock();
    }
}

#[derive(Debug)]
struct OsFile(fs::File);

#[cfg(unix)]
impl OsFile {
    fn read_some(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(&self.0, buffer, offset)
    }

    fn write_some(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::write_at(&self.0, bytes, offset)
    }
}

#[cfg(windows)]
impl OsFile {
    fn read_some(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_read(&self.0, buffer, offset)
    }

    fn write_some(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_write(&self.0, bytes, offset)
    }
}

impl OsFile {
    /// The next stretch of data that the file system tells from holes. Only
    /// files with holes are asked about: for the others it could only err.
    #[cfg(target_os = "linux")]
    fn next_data(&self, from: u64, length: u64) -> io::Result<Option<Range<u64>>> {
        use rustix::fs::{SeekFrom, seek};
        use std::os::unix::fs::MetadataExt;
        const UNIT: u64 = 512;
        if self.0.metadata()?.blocks().saturating_mul(UNIT) >= length {
            return Ok(Some(from..length));
        }
        match seek(&self.0, SeekFrom::Data(from)) {
            Ok(start) if start < length => {
                let end = seek(&self.0, SeekFrom::Hole(start)).unwrap_or(length);
                Ok(Some(start..end.clamp(start + 1, length)))
            }
            Ok(_) | Err(rustix::io::Errno::NXIO) => Ok(None),
            // Not every file system can tell.
            Err(_) => Ok(Some(from..length)),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn next_data(&self, from: u64, length: u64) -> io::Result<Option<Range<u64>>> {
        let _ = self;
        Ok(Some(from..length))
    }
}

impl File for OsFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.read_some(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.write_some(bytes, offset)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn data(&self, from: u64) -> io::Result<Option<Range<u64>>> {
        let length = self.len()?;
        match from < length {
            true => self.next_data(from, length),
            false => Ok(None),
        }
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn map(&self, length: usize) -> io::Result<Option<Map>> {
        if length as u64 > self.len()? {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Map::new(&self.0, length).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_free_when_its_guard_is_gone_whoever_still_has_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let file = OsFs.open_regular(&path, Mode::Create).unwrap();
        file.try_lock().unwrap();
        // What a child has of it between its fork and the start of its program.
        let child = file.try_clone().unwrap();
        let guard: Box<dyn LockGuard> = Box::new(OsLock { file });
        assert!(OsFs.lock(&path).unwrap().is_none());
        drop(guard);
        assert!(OsFs.lock(&path).unwrap().is_some());
        drop(child);
    }
}
