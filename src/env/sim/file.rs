//! The simulated disk behind the seam.

use super::board;
use super::disk::SimDisk;
use super::names::{Change, Ino};
use super::record::{CallKind, PathId, Request};
use super::state::Node;
use crate::env::fs::{File, Fs, Kind, LockGuard, Mode};
use crate::env::{Board, Map};
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

impl Fs for SimDisk {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        let request = self.request(CallKind::CreateDir, path);
        self.call(request, None, |inner, _| {
            inner.state.create_dir(path).map(done)
        })
    }

    fn kind(&self, path: &Path) -> io::Result<Kind> {
        let request = self.request(CallKind::Kind, path);
        self.call(request, None, |inner, _| {
            let kind = match inner.state.find(path)? {
                None => Kind::Nothing,
                Some(Node::File(_)) => Kind::File,
                Some(Node::Directory(_)) => Kind::Directory,
                Some(Node::Other(_)) => Kind::Other,
            };
            Ok(done(kind))
        })
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let request = self.request(CallKind::List, dir);
        self.call(request, None, |inner, _| {
            let ino = inner.state.directory(dir)?;
            let names = inner.state.dirs[&ino].cached.keys();
            Ok(done(names.map(ToString::to_string).collect()))
        })
    }

    fn open(&self, path: &Path, mode: Mode) -> io::Result<Arc<dyn File>> {
        let request = self.request(kind_of(mode), path);
        let ino = self.call(request, None, |inner, _| {
            let ino = match mode {
                Mode::Create => inner.state.create(path),
                Mode::Read | Mode::Write => inner.state.file(path),
            };
            ino.map(done)
        })?;
        Ok(Arc::new(SimFile {
            disk: self.clone(),
            ino,
            path: request.path,
            writable: mode != Mode::Read,
        }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let request = self.request(CallKind::Rename, to);
        self.call(request, None, |inner, _| {
            inner.state.rename(from, to).map(done)
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let request = self.request(CallKind::Remove, path);
        self.call(request, None, |inner, _| inner.state.remove(path).map(done))
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let request = self.request(CallKind::SyncDir, dir);
        self.call(request, None, |inner, _| {
            let ino = inner.state.directory(dir)?;
            inner.state.sync_dir(ino);
            Ok(done(()))
        })
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn LockGuard>>> {
        self.create_missing(path)?;
        let request = self.request(CallKind::Lock, path);
        let taken = self.call(request, None, |inner, _| {
            let ino = inner.state.file(path)?;
            Ok(done(inner.locks.insert(ino).then_some(ino)))
        })?;
        Ok(taken.map(|ino| {
            let disk = self.clone();
            Box::new(SimLock { disk, ino }) as Box<dyn LockGuard>
        }))
    }

    fn board(&self, path: &Path, mode: Mode) -> io::Result<Board> {
        if mode != Mode::Read {
            self.create_missing(path)?;
        }
        let request = self.request(CallKind::Board, path);
        self.call(request, None, |inner, _| {
            let ino = inner.state.file(path)?;
            let size = inner.state.content(ino)?.size();
            if size < Board::BYTES {
                if mode == Mode::Read {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                let missing = vec![0; (Board::BYTES - size) as usize];
                inner.state.write(ino, &missing, size)?;
            }
            let words = inner.state.boards.remove(&ino).unwrap_or_default();
            let board = inner.boards.entry(ino);
            let board = board.or_insert_with(|| board::board(&words));
            Ok(done(board.clone()))
        })
    }

    fn boot(&self) -> Option<u64> {
        Some(super::content::mix(self.with(|inner| inner.state.boot)))
    }
}

impl SimDisk {
    fn request(&self, kind: CallKind, path: &Path) -> Request {
        Request::new(kind, self.path_id(path))
    }

    /// Makes the file of a lock or a board if nothing is there.
    fn create_missing(&self, path: &Path) -> io::Result<()> {
        if self.with(|inner| inner.state.find(path))?.is_some() {
            return Ok(());
        }
        let request = self.request(CallKind::Create, path);
        self.call(request, None, |inner, _| {
            match inner.state.find(path)? {
                Some(_) => Ok(()),
                None => inner.state.create(path).map(drop),
            }
            .map(done)
        })
    }

    /// Puts something there that is neither a file nor a directory, for good.
    pub fn plant_other(&self, path: &Path) -> io::Result<()> {
        self.with(|inner| {
            let place = inner.state.place(path)?;
            let ino = inner.state.next_ino();
            inner.state.others.insert(ino);
            let dir = place.0;
            inner.state.change(Change::Link(place, ino));
            inner.state.sync_dir(dir);
            Ok(())
        })
    }
}

/// An open file of a simulated disk.
#[derive(Debug)]
struct SimFile {
    disk: SimDisk,
    ino: Ino,
    path: PathId,
    writable: bool,
}

impl SimFile {
    fn request(&self, kind: CallKind) -> Request {
        Request::new(kind, self.path)
    }
}

impl File for SimFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let request = self.request(CallKind::Read).of_bytes(offset, buffer.len());
        self.disk.call(request, Some(self.ino), |inner, most| {
            let content = inner.state.content(self.ino)?;
            Ok(moved(content.read(&mut buffer[..most], offset)))
        })
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let request = self.request(CallKind::Write).of_bytes(offset, bytes.len());
        self.disk.call(request, Some(self.ino), |inner, most| {
            if !self.writable {
                let text = "simulated: the file is open for reading only";
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, text));
            }
            let written = inner.state.write(self.ino, &bytes[..most], offset);
            written.map(moved)
        })
    }

    fn len(&self) -> io::Result<u64> {
        let request = self.request(CallKind::Len);
        self.disk.call(request, Some(self.ino), |inner, _| {
            Ok(done(inner.state.content(self.ino)?.size()))
        })
    }

    fn data(&self, from: u64) -> io::Result<Option<Range<u64>>> {
        let request = self.request(CallKind::Data);
        self.disk.call(request, Some(self.ino), |inner, _| {
            Ok(done(inner.state.content(self.ino)?.data(from)))
        })
    }

    fn sync(&self) -> io::Result<()> {
        let request = self.request(CallKind::Sync);
        self.disk.call(request, Some(self.ino), |inner, _| {
            inner.state.on_file(self.ino, super::inode::Inode::sync);
            Ok(done(()))
        })
    }

    /// There is nothing to map: readers of a simulated disk use plain reads.
    fn map(&self, length: usize) -> io::Result<Option<Map>> {
        let request = self.request(CallKind::Map).of_bytes(0, length);
        self.disk.call(request, Some(self.ino), |inner, most| {
            if most as u64 > inner.state.content(self.ino)?.size() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            Ok(done(None))
        })
    }
}

/// Holds a lock of a simulated disk.
#[derive(Debug)]
struct SimLock {
    disk: SimDisk,
    ino: Ino,
}

impl LockGuard for SimLock {}

impl Drop for SimLock {
    fn drop(&mut self) {
        self.disk.with(|inner| inner.locks.remove(&self.ino));
    }
}

pub(super) fn kind_of(mode: Mode) -> CallKind {
    match mode {
        Mode::Read => CallKind::Open,
        Mode::Write => CallKind::OpenWrite,
        Mode::Create => CallKind::Create,
    }
}

/// The answer of a call that moves no bytes.
fn done<T>(value: T) -> (T, u64) {
    (value, 0)
}

/// The answer of a read or write.
fn moved(count: usize) -> (usize, u64) {
    (count, count as u64)
}
