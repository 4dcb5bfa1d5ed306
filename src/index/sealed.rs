//! How a file that was written once, and is only looked into since, is opened:
//! the same for index files and files of ids.

use crate::env::fs::{self, File, Mode};
use crate::env::{Env, Map};
use crate::error::{Error, Result};
use crate::format::{Fault, checksum};
use byteorder::{ByteOrder, LittleEndian};
use std::path::Path;
use std::sync::Arc;

/// Opens a file and looks at its header only: `decode` gets as much of the
/// `HEADER` bytes as is there, and the length of the file.
pub(super) fn open<const HEADER: usize, T>(
    env: &Env,
    path: &Path,
    decode: impl FnOnce(&[u8], u64) -> Result<T, Fault>,
) -> Result<(Arc<dyn File>, T)> {
    let io = |error| Error::io(path, "read", error);
    let file = env.fs.open(path, Mode::Read).map_err(io)?;
    let length = file.len().map_err(io)?;
    let mut head = [0; HEADER];
    let head = &mut head[..HEADER.min(length as usize)];
    fs::read_exact_at(&*file, head, 0).map_err(io)?;
    let header = decode(head, length).map_err(|fault| damaged(path, fault))?;
    if fs::is_mostly_hole(&*file, length).map_err(io)? {
        let fault = Fault::damaged(0, "more than half of the file is a hole");
        return Err(damaged(path, fault));
    }
    Ok((file, header))
}

/// Maps the whole of such a file; nothing if it is not to be mapped, or can't be.
pub(super) fn map(file: &dyn File, path: &Path, mapped: bool, length: u64) -> Result<Option<Map>> {
    let map = match mapped {
        true => file.map(length as usize),
        false => Ok(None),
    };
    let map = map.map_err(|error| Error::io(path, "read", error))?;
    if let Some(map) = &map {
        map.publish(length);
    }
    Ok(map)
}

/// Compares a block of such a file, which begins at `start`, with its checksum,
/// which the bytes `sum` begin with.
pub(super) fn verify(path: &Path, start: usize, content: &[u8], sum: &[u8]) -> Result<()> {
    if checksum::plain(content) == LittleEndian::read_u32(sum) {
        return Ok(());
    }
    let fault = Fault::damaged(start, "the checksum of a block does not match");
    Err(damaged(path, fault))
}

/// What is wrong with such a file: it is damaged, or of a newer format.
pub(super) fn damaged(path: &Path, fault: Fault) -> Error {
    fault.in_file(path, 0)
}
