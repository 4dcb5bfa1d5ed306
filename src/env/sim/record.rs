//! What was asked of a file system: counted always, listed on request.

use std::io;
use std::path::Path;
use std::sync::Arc;

/// What a call asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CallKind {
    /// Making a directory.
    CreateDir,
    /// Asking what stands at a path.
    Kind,
    /// Listing a directory.
    List,
    /// Opening a file for reading.
    Open,
    /// Opening a file for reading and writing.
    OpenWrite,
    /// Creating a file, or emptying one.
    Create,
    /// Reading.
    Read,
    /// Writing.
    Write,
    /// Asking for a file's size.
    Len,
    /// Asking where a file has anything but holes.
    Data,
    /// Making a file's bytes durable.
    Sync,
    /// Mapping a file.
    Map,
    /// Renaming a file.
    Rename,
    /// Removing a file.
    Remove,
    /// Making a directory's names durable.
    SyncDir,
    /// Taking a lock.
    Lock,
    /// Opening a board.
    Board,
}

impl CallKind {
    const COUNT: usize = 17;

    const ALL: [CallKind; Self::COUNT] = [
        CallKind::CreateDir,
        CallKind::Kind,
        CallKind::List,
        CallKind::Open,
        CallKind::OpenWrite,
        CallKind::Create,
        CallKind::Read,
        CallKind::Write,
        CallKind::Len,
        CallKind::Data,
        CallKind::Sync,
        CallKind::Map,
        CallKind::Rename,
        CallKind::Remove,
        CallKind::SyncDir,
        CallKind::Lock,
        CallKind::Board,
    ];

    /// Whether the call changes what is on the disk or what is durable of it.
    pub fn is_boundary(self) -> bool {
        matches!(
            self,
            CallKind::CreateDir
                | CallKind::Create
                | CallKind::Write
                | CallKind::Sync
                | CallKind::Rename
                | CallKind::Remove
                | CallKind::SyncDir
        )
    }

    /// Whether a reader has no business to make this call: those that change
    /// something, and opening for writing.
    pub fn is_mutating(self) -> bool {
        self.is_boundary() || self == CallKind::OpenWrite
    }
}

/// The number of a path in a trace: see `path_of` beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathId(u32);

/// A call that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// What was asked for.
    pub kind: CallKind,
    /// On which path; of a rename, the new one.
    pub path: PathId,
    /// For reads, writes and mappings, from which byte on.
    pub offset: u64,
    /// For reads, writes and mappings, how many bytes were asked for.
    pub len: u64,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It worked; for reads and writes, on so many bytes.
    Done(u64),
    /// It failed.
    Failed(io::ErrorKind),
}

/// How often what was called, and how much was moved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IoCounts {
    calls: [u64; CallKind::COUNT],
    bytes_read: u64,
    bytes_written: u64,
    /// By the path's number; those beyond the end were not read.
    read_by_path: Vec<u64>,
    failed: u64,
    paths: Vec<Arc<str>>,
}

impl IoCounts {
    /// How many calls of a kind were made, failed ones too.
    pub fn calls(&self, kind: CallKind) -> u64 {
        self.calls[kind as usize]
    }

    /// How many calls were made, of whatever kind.
    pub fn total(&self) -> u64 {
        self.calls.iter().sum()
    }

    /// How many calls were made that a reader has no business to make.
    pub fn mutating(&self) -> u64 {
        let mutating = CallKind::ALL.into_iter().filter(|kind| kind.is_mutating());
        mutating.map(|kind| self.calls(kind)).sum()
    }

    /// How many files were synced, without directories.
    pub fn syncs(&self) -> u64 {
        self.calls(CallKind::Sync)
    }

    /// How many calls failed.
    pub fn failed(&self) -> u64 {
        self.failed
    }

    /// How many bytes were read, mapped ones not counted.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    /// How many bytes were written.
    pub fn bytes_written(&self) -> u64 {
        self.bytes_written
    }

    /// How many bytes were read of a path (as it was given when the file was
    /// opened).
    pub fn bytes_read_of(&self, path: &Path) -> u64 {
        let name = path.to_string_lossy();
        let of_path = self.paths.iter().zip(&self.read_by_path);
        of_path
            .filter(|(path, _)| ***path == *name)
            .map(|(_, count)| count)
            .sum()
    }
}

/// A call before its outcome is known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    pub(super) kind: CallKind,
    pub(super) path: PathId,
    pub(super) offset: u64,
    pub(super) len: u64,
}

impl Request {
    pub(super) fn new(kind: CallKind, path: PathId) -> Self {
        Request {
            kind,
            path,
            offset: 0,
            len: 0,
        }
    }

    pub(super) fn of_bytes(self, offset: u64, len: usize) -> Self {
        let len = len as u64;
        Request {
            offset,
            len,
            ..self
        }
    }
}

/// Keeps count, and a trace when asked to.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    counts: IoCounts,
    trace: Option<Vec<Call>>,
}

impl Recorder {
    pub(super) fn path_id(&mut self, path: &Path) -> PathId {
        let name = path.to_string_lossy();
        // There are few; the one that was used last comes again most often.
        let paths = &mut self.counts.paths;
        let found = paths.iter().rposition(|own| **own == *name);
        let index = found.unwrap_or_else(|| {
            paths.push(name.into());
            paths.len() - 1
        });
        PathId(index as u32)
    }

    pub(super) fn path(&self, id: PathId) -> &str {
        &self.counts.paths[id.0 as usize]
    }

    pub(super) fn path_of(&self, id: PathId) -> Arc<str> {
        Arc::clone(&self.counts.paths[id.0 as usize])
    }

    pub(super) fn counts(&self) -> IoCounts {
        self.counts.clone()
    }

    pub(super) fn start_trace(&mut self) {
        self.trace = Some(Vec::new());
    }

    pub(super) fn take_trace(&mut self) -> Vec<Call> {
        self.trace.take().unwrap_or_default()
    }

    /// Notes a call that worked on so many bytes, or failed.
    pub(super) fn note(&mut self, request: Request, result: Result<u64, io::ErrorKind>) {
        let counts = &mut self.counts;
        counts.calls[request.kind as usize] += 1;
        match (result, request.kind) {
            (Ok(count), CallKind::Read) => {
                counts.bytes_read += count;
                let path = request.path.0 as usize;
                if counts.read_by_path.len() <= path {
                    counts.read_by_path.resize(path + 1, 0);
                }
                counts.read_by_path[path] += count;
            }
            (Ok(count), CallKind::Write) => counts.bytes_written += count,
            (Ok(_), _) => {}
            (Err(_), _) => counts.failed += 1,
        }
        if let Some(trace) = &mut self.trace {
            trace.push(Call {
                kind: request.kind,
                path: request.path,
                offset: request.offset,
                len: request.len,
                outcome: match result {
                    Ok(count) => Outcome::Done(count),
                    Err(kind) => Outcome::Failed(kind),
                },
            });
        }
    }
}
