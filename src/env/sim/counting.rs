//! Counts for any file system, the operating system's too.

use super::file::kind_of;
use super::record::{Call, CallKind, IoCounts, PathId, Recorder, Request};
use crate::env::fs::{File, Fs, Kind, LockGuard, Mode};
use crate::env::sync::Mutex;
use crate::env::{Board, Map};
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// A file system that counts what is asked of another. Mapped reads and the
/// words of boards don't pass through here and are not counted; the file that
/// a lock or a board may create counts as the lock or the board.
#[derive(Clone, Debug)]
pub struct CountingFs {
    fs: Arc<dyn Fs>,
    recorder: Arc<Mutex<Recorder>>,
}

impl CountingFs {
    /// Counts what passes through to `fs`; clones share the counts.
    pub(crate) fn new(fs: Arc<dyn Fs>) -> Self {
        CountingFs {
            fs,
            recorder: Arc::default(),
        }
    }

    /// What was called so far.
    pub fn counts(&self) -> IoCounts {
        self.recorder.lock().counts()
    }

    /// Starts to list every call.
    pub fn start_trace(&self) {
        self.recorder.lock().start_trace();
    }

    /// The calls since the trace was started, which ends it.
    pub fn take_trace(&self) -> Vec<Call> {
        self.recorder.lock().take_trace()
    }

    /// The path of a number in a trace.
    pub fn path_of(&self, id: PathId) -> Arc<str> {
        self.recorder.lock().path_of(id)
    }

    fn note<T>(&self, kind: CallKind, path: &Path, result: io::Result<T>) -> io::Result<T> {
        let mut recorder = self.recorder.lock();
        let request = Request::new(kind, recorder.path_id(path));
        recorder.note(request, outcome(&result, 0));
        result
    }
}

impl Fs for CountingFs {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.note(CallKind::CreateDir, path, self.fs.create_dir(path))
    }

    fn kind(&self, path: &Path) -> io::Result<Kind> {
        self.note(CallKind::Kind, path, self.fs.kind(path))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.note(CallKind::List, dir, self.fs.list(dir))
    }

    fn open(&self, path: &Path, mode: Mode) -> io::Result<Arc<dyn File>> {
        let file = self.note(kind_of(mode), path, self.fs.open(path, mode))?;
        Ok(Arc::new(CountingFile {
            file,
            path: self.recorder.lock().path_id(path),
            recorder: Arc::clone(&self.recorder),
        }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.note(CallKind::Rename, to, self.fs.rename(from, to))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.note(CallKind::Remove, path, self.fs.remove(path))
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.note(CallKind::SyncDir, dir, self.fs.sync_dir(dir))
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn LockGuard>>> {
        self.note(CallKind::Lock, path, self.fs.lock(path))
    }

    fn board(&self, path: &Path, mode: Mode) -> io::Result<Board> {
        self.note(CallKind::Board, path, self.fs.board(path, mode))
    }

    fn boot(&self) -> Option<u64> {
        self.fs.boot()
    }
}

#[derive(Debug)]
struct CountingFile {
    file: Arc<dyn File>,
    path: PathId,
    recorder: Arc<Mutex<Recorder>>,
}

impl CountingFile {
    fn note<T>(&self, request: Request, count: u64, result: io::Result<T>) -> io::Result<T> {
        let mut recorder = self.recorder.lock();
        recorder.note(request, outcome(&result, count));
        result
    }

    fn request(&self, kind: CallKind) -> Request {
        Request::new(kind, self.path)
    }
}

impl File for CountingFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let request = self.request(CallKind::Read).of_bytes(offset, buffer.len());
        let result = self.file.read_at(buffer, offset);
        self.note(request, *result.as_ref().unwrap_or(&0) as u64, result)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let request = self.request(CallKind::Write).of_bytes(offset, bytes.len());
        let result = self.file.write_at(bytes, offset);
        self.note(request, *result.as_ref().unwrap_or(&0) as u64, result)
    }

    fn len(&self) -> io::Result<u64> {
        self.note(self.request(CallKind::Len), 0, self.file.len())
    }

    fn data(&self, from: u64) -> io::Result<Option<Range<u64>>> {
        self.note(self.request(CallKind::Data), 0, self.file.data(from))
    }

    fn sync(&self) -> io::Result<()> {
        self.note(self.request(CallKind::Sync), 0, self.file.sync())
    }

    fn map(&self, length: usize) -> io::Result<Option<Map>> {
        let request = self.request(CallKind::Map).of_bytes(0, length);
        self.note(request, 0, self.file.map(length))
    }
}

fn outcome<T>(result: &io::Result<T>, count: u64) -> Result<u64, io::ErrorKind> {
    match result {
        Ok(_) => Ok(count),
        Err(error) => Err(error.kind()),
    }
}
