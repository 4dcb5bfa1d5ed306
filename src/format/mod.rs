//! Floor 4: the bytes on the medium, as pure functions.
//!
//! Nothing here opens a file. `docs/format.md` says the same in words and
//! diagrams; the golden files in `tests/golden` hold both to it.

pub(crate) mod checksum;
pub(crate) mod cursor;
pub(crate) mod frame;
mod head;
pub(crate) mod identity;
pub(crate) mod ids;
pub(crate) mod index;
pub(crate) mod lone;
pub(crate) mod mark;
pub(crate) mod names;
pub(crate) mod parked;
pub(crate) mod record;
pub(crate) mod segment;
pub(crate) mod snapshot;
pub(crate) mod varint;

use crate::error::{Error, ErrorKind};
use std::path::Path;

/// Why bytes are not what they should be, and where, counted from the start
/// of what was being decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) at: usize,
    pub(crate) kind: FaultKind,
}

/// What is wrong with some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// They were damaged, or are something else.
    Damaged(&'static str),
    /// They verify, but ask for what only a newer version knows.
    Newer(&'static str),
}

impl Fault {
    pub(crate) fn damaged(at: usize, reason: &'static str) -> Self {
        Fault {
            at,
            kind: FaultKind::Damaged(reason),
        }
    }

    pub(crate) fn newer(at: usize, what: &'static str) -> Self {
        Fault {
            at,
            kind: FaultKind::Newer(what),
        }
    }

    /// What is wrong, in words.
    pub(crate) fn reason(self) -> &'static str {
        match self.kind {
            FaultKind::Damaged(reason) | FaultKind::Newer(reason) => reason,
        }
    }

    /// The error of whoever met it in this file, in bytes that begin at this
    /// offset.
    pub(crate) fn in_file(self, path: &Path, offset: u64) -> Error {
        match self.kind {
            FaultKind::Damaged(reason) => Error::corrupt(path, offset + self.at as u64, reason),
            FaultKind::Newer(what) => ErrorKind::NewerFormat {
                path: path.to_path_buf(),
                found: what.to_owned(),
            }
            .into(),
        }
    }

    /// The same fault, seen from a start that lies `by` bytes earlier.
    pub(crate) fn shifted(self, by: usize) -> Self {
        Fault {
            at: self.at + by,
            ..self
        }
    }
}

/// Splits a fixed number of bytes off the front of what is left to decode.
#[inline]
pub(crate) fn take<'a>(
    bytes: &'a [u8],
    at: &mut usize,
    count: usize,
    reason: &'static str,
) -> Result<&'a [u8], Fault> {
    let end = at.checked_add(count).filter(|end| *end <= bytes.len());
    match end {
        Some(end) => {
            let taken = &bytes[*at..end];
            *at = end;
            Ok(taken)
        }
        None => Err(Fault::damaged(*at, reason)),
    }
}
