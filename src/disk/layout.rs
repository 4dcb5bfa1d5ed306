//! What stands in a store's directory.

use crate::env::Env;
use crate::env::fs::{self, Kind, Mode};
use crate::error::{Error, ErrorKind, Result};
use crate::format::identity::{CloseStatement, Identity};
use crate::format::{Fault, FaultKind, names};
use crate::types::Position;
use std::path::Path;

/// The largest of the small files that are read whole, in bytes.
const SMALL: u64 = 4096;

/// The files of a store, by their names.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) identity: Identity,
    /// The numbers of the segment files, from 1 on without gaps.
    pub(super) segments: Vec<u64>,
    /// The ranges of the index files, the earliest first, and of those that
    /// begin together the longest first.
    pub(super) indexes: Vec<(Position, Position)>,
    /// The ranges of the files of ids, in the same order.
    pub(super) ids: Vec<(Position, Position)>,
    pub(super) closed: Option<CloseStatement>,
    temporaries: Vec<String>,
}

impl Layout {
    /// Reads a store's directory.
    pub(super) fn read(env: &Env, dir: &Path) -> Result<Self> {
        let (layout, faults) = Self::look(env, dir)?;
        match faults.into_iter().next() {
            Some(fault) => Err(fault),
            None => Ok(layout),
        }
    }

    /// Reads a store's directory as far as it can be read, and says what is
    /// corrupt in it.
    pub(super) fn look(env: &Env, dir: &Path) -> Result<(Self, Vec<Error>)> {
        let mut faults = Vec::new();
        let names = list(env, dir)?;
        let identity = read_small(env, dir, names::IDENTITY, Identity::decode)?;
        let identity = identity.ok_or_else(|| not_a_store(dir, "its identity is missing"))?;
        let mut segments: Vec<_> = names
            .iter()
            .filter_map(|name| names::parse_segment(name))
            .collect();
        segments.sort_unstable();
        check_gaps(dir, &segments, &mut faults);
        let closed = read_small(env, dir, names::CLOSED, CloseStatement::decode);
        let mut closed = match closed {
            Err(error) if error.is_corrupt() => {
                faults.push(error);
                None
            }
            read => read?,
        };
        if closed.is_some_and(|closed| closed.store != identity.id) {
            let reason = "the statement is of another store";
            faults.push(Error::corrupt(&dir.join(names::CLOSED), 8, reason));
            closed = None;
        }
        let layout = Layout {
            identity,
            segments,
            indexes: ranges(&names, names::parse_index),
            ids: ranges(&names, names::parse_ids),
            closed,
            temporaries: names
                .into_iter()
                .filter(|name| names::is_temporary(name))
                .collect(),
        };
        Ok((layout, faults))
    }

    /// Removes what was being made when a writer stopped. What can't be
    /// removed harms nobody.
    pub(super) fn remove_temporaries(&self, env: &Env, dir: &Path) {
        for name in &self.temporaries {
            let _ = env.fs.remove(&dir.join(name));
        }
    }

    /// The last position that a clean close stated.
    pub(super) fn closed_head(&self) -> Position {
        self.closed.map_or(Position::START, |closed| closed.head)
    }
}

/// The ranges that files of one kind are over, the earliest first, and of those
/// that begin together the longest first.
fn ranges(
    names: &[String],
    parse: impl Fn(&str) -> Option<(Position, Position)>,
) -> Vec<(Position, Position)> {
    let mut ranges: Vec<_> = names.iter().filter_map(|name| parse(name)).collect();
    ranges.sort_unstable_by_key(|(first, last)| (*first, std::cmp::Reverse(*last)));
    ranges
}

fn check_gaps(dir: &Path, segments: &[u64], faults: &mut Vec<Error>) {
    let mut missing = |number| {
        let path = dir.join(names::segment(number));
        faults.push(Error::corrupt(&path, 0, "the segment is missing"));
    };
    // Nothing drops the first segments yet, so that they are gone is damage.
    if segments.first() != Some(&1) {
        missing(1);
    }
    for pair in segments.windows(2) {
        if pair[1] - pair[0] > 1 {
            missing(pair[0] + 1);
        }
    }
}

/// Makes the directory if nothing stands there.
pub(super) fn make_directory(env: &Env, dir: &Path) -> Result<()> {
    match kind(env, dir)? {
        Kind::Directory => Ok(()),
        Kind::Nothing => env
            .fs
            .create_dir(dir)
            .map_err(|error| Error::io(dir, "make the directory", error)),
        Kind::File | Kind::Other => Err(not_a_store(dir, "it is not a directory")),
    }
}

/// Refuses a directory that is neither a store nor a place for a new one.
pub(super) fn check_may_be_store(env: &Env, dir: &Path) -> Result<()> {
    let names = list(env, dir)?;
    let first = names::segment(1);
    let identity = format!("{}.tmp", names::IDENTITY);
    // What an interrupted creation leaves behind.
    let ours = [names::LOCK, names::BOARD, &first, &identity];
    if names.iter().any(|name| name == names::IDENTITY)
        || names.iter().all(|name| ours.contains(&name.as_str()))
    {
        return Ok(());
    }
    Err(not_a_store(
        dir,
        "the directory holds other files, and no store",
    ))
}

/// Refuses whatever isn't a store.
pub(super) fn check_is_store(env: &Env, dir: &Path) -> Result<()> {
    match kind(env, dir)? {
        Kind::Nothing => Err(not_a_store(dir, "nothing is there")),
        Kind::File | Kind::Other => Err(not_a_store(dir, "it is not a directory")),
        Kind::Directory if has_identity(env, dir)? => Ok(()),
        Kind::Directory => Err(not_a_store(dir, "the directory holds no store")),
    }
}

/// Whether the directory says that it is a store.
pub(super) fn has_identity(env: &Env, dir: &Path) -> Result<bool> {
    Ok(kind(env, &dir.join(names::IDENTITY))? != Kind::Nothing)
}

fn kind(env: &Env, path: &Path) -> Result<Kind> {
    let kind = env.fs.kind(path);
    kind.map_err(|error| Error::io(path, "look at", error))
}

fn list(env: &Env, dir: &Path) -> Result<Vec<String>> {
    let names = env.fs.list(dir);
    names.map_err(|error| Error::io(dir, "list", error))
}

/// Reads and decodes a small file; nothing if it isn't there.
fn read_small<T>(
    env: &Env,
    dir: &Path,
    name: &str,
    decode: impl FnOnce(&[u8]) -> Result<T, Fault>,
) -> Result<Option<T>> {
    let path = dir.join(name);
    if kind(env, &path)? == Kind::Nothing {
        return Ok(None);
    }
    let io = |error| Error::io(&path, "read", error);
    let file = env.fs.open(&path, Mode::Read).map_err(io)?;
    let mut bytes = vec![0; file.len().map_err(io)?.min(SMALL) as usize];
    fs::read_exact_at(&*file, &mut bytes, 0).map_err(io)?;
    match decode(&bytes) {
        Ok(decoded) => Ok(Some(decoded)),
        Err(Fault {
            at,
            kind: FaultKind::Damaged(reason),
        }) => Err(Error::corrupt(&path, at as u64, reason)),
        Err(Fault {
            kind: FaultKind::Newer(what),
            ..
        }) => Err(ErrorKind::NewerFormat {
            found: what.to_owned(),
            path,
        }
        .into()),
    }
}

fn not_a_store(path: &Path, reason: &str) -> Error {
    ErrorKind::NotAStore {
        path: path.to_path_buf(),
        reason: reason.to_owned(),
    }
    .into()
}
