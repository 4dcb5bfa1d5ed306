//! Finds frames among bytes that are not all frames.

use crate::error::{Error, Result};
use crate::format::frame::{Frame, FrameBase, MIN_BYTES, peek_len};
use std::path::Path;

/// Finds frames that verify in their place, wherever they begin.
#[derive(Debug)]
pub(crate) struct Search<'a> {
    bytes: &'a [u8],
    /// Where in the file the bytes begin.
    start: u64,
    base: &'a FrameBase,
    path: &'a Path,
    at: usize,
    /// Real bytes hold few places that look like a frame. A directory made to
    /// be slow holds many, and is refused before it has cost much.
    budget: u64,
}

impl<'a> Search<'a> {
    /// Searches bytes that begin at `start` of a segment.
    pub(crate) fn new(bytes: &'a [u8], start: u64, base: &'a FrameBase, path: &'a Path) -> Self {
        Search {
            bytes,
            start,
            base,
            path,
            at: 0,
            budget: bytes.len() as u64 * 8 + (1 << 20),
        }
    }

    /// The next frame whose head verifies, and its offset in the segment.
    pub(crate) fn next(&mut self) -> Result<Option<(u64, Frame<'a>)>> {
        while self.at + MIN_BYTES <= self.bytes.len() {
            let here = &self.bytes[self.at..];
            if here.starts_with(&[0; 8]) {
                self.at += 5;
                continue;
            }
            let Some(length) = peek_len(here, here.len() as u64) else {
                self.at += 1;
                continue;
            };
            let offset = self.start + self.at as u64;
            let head = Frame::claimed_head(here) as u64;
            self.budget = self.budget.checked_sub(head).ok_or_else(|| {
                let reason = "the log is too damaged here to be judged";
                Error::corrupt(self.path, offset, reason)
            })?;
            if let Ok(frame) = Frame::open(&here[..length], self.base, offset) {
                self.at += length;
                return Ok(Some((offset, frame)));
            }
            self.at += 1;
        }
        Ok(None)
    }
}
