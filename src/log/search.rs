//! Finds frames among bytes that are not all frames.

use crate::env::fs::{self, File};
use crate::error::{Error, Result};
use crate::format::frame::{Commit, Frame, FrameBase, FrameHead, MIN_BYTES, peek_len};
use std::io;
use std::ops::Range;
use std::path::Path;

/// How much is read at a time, in bytes.
const CHUNK: u64 = 256 << 10;
/// A frame may begin with zeros: the lower bytes of its length.
const ZEROS_OF_A_LENGTH: u64 = 3;

/// Finds frames whose heads verify in their place, wherever they begin in a
/// stretch of a segment file. What is read is held a piece at a time, and
/// holes are passed over, however long the file says that it is.
#[derive(Debug)]
pub(crate) struct Search<'a> {
    file: &'a dyn File,
    base: &'a FrameBase,
    path: &'a Path,
    at: u64,
    end: u64,
    /// The stretch of data that the search is in or has left.
    data: Range<u64>,
    /// What was read last, and where it begins.
    window: Vec<u8>,
    start: u64,
    /// Up to where what was read last begins with zeros.
    zeros: u64,
    /// The first byte met that is not zero, and the end of the last one.
    dirty: Option<(u64, u64)>,
    /// Real bytes hold few places that look like a frame. A directory made to
    /// be slow holds many, and is refused before it has cost much.
    budget: Budget,
}

/// How many bytes of heads may still be summed up.
#[derive(Debug)]
struct Budget {
    left: u64,
    /// Whether the share for the bytes that are there has been added.
    complete: bool,
}

impl<'a> Search<'a> {
    /// Searches a file from an offset up to `end`, which is its size at most.
    pub(crate) fn new(
        file: &'a dyn File,
        within: Range<u64>,
        base: &'a FrameBase,
        path: &'a Path,
    ) -> Self {
        Search {
            file,
            base,
            path,
            at: within.start,
            end: within.end,
            data: 0..0,
            window: Vec::new(),
            start: within.start,
            zeros: 0,
            dirty: None,
            budget: Budget {
                left: 1 << 20,
                complete: false,
            },
        }
    }

    /// The next frame whose head verifies.
    pub(crate) fn next(&mut self) -> Result<Option<(FrameHead, Commit)>> {
        while self.enter_data()? {
            let least = (MIN_BYTES as u64).min(self.end - self.at);
            self.fill(least)?;
            let here = &self.window[(self.at - self.start) as usize..];
            let zeros = match self.zeros.checked_sub(self.at) {
                Some(known) if known > 0 => known,
                _ => leading_zeros(here),
            };
            if zeros == here.len() as u64 || zeros > ZEROS_OF_A_LENGTH {
                // The last zeros read may be those that a frame begins with.
                self.at += (zeros - ZEROS_OF_A_LENGTH.min(zeros)).max(1);
                continue;
            }
            match peek_len(here, self.end - self.at) {
                Some(length) if here.len() >= MIN_BYTES => {
                    if let Some(found) = self.try_frame(length)? {
                        return Ok(Some(found));
                    }
                }
                _ => {}
            }
            self.at += 1;
        }
        Ok(None)
    }

    /// Where bytes were met that are not zero: all of them, once the search
    /// has come to its end.
    pub(crate) fn dirty(&self) -> Option<(u64, u64)> {
        self.dirty
    }

    /// Goes over a hole; whether there is more to search.
    fn enter_data(&mut self) -> Result<bool> {
        if self.at >= self.end {
            return Ok(false);
        }
        if self.at >= self.data.end {
            let next = self.file.data(self.at).map_err(|error| self.fail(error))?;
            let Some(next) = next.filter(|next| next.start < self.end) else {
                return Ok(false);
            };
            self.at = self.at.max(next.start.saturating_sub(ZEROS_OF_A_LENGTH));
            self.data = next;
        }
        Ok(true)
    }

    /// The frame that begins here by what its first bytes say, if it is one.
    fn try_frame(&mut self, length: usize) -> Result<Option<(FrameHead, Commit)>> {
        let offset = self.at;
        let claimed = Frame::claimed_head(self.here(), length) as u64;
        self.spend(claimed)?;
        self.fill(claimed)?;
        let Ok((head, commit)) = Frame::open_head(self.here(), length, self.base, offset) else {
            return Ok(None);
        };
        // Its records are passed over; a frame holds more than zeros.
        self.note_dirty(offset, head.end());
        self.at = head.end();
        Ok(Some((head, commit)))
    }

    fn spend(&mut self, count: u64) -> Result<()> {
        if count > self.budget.left && !self.budget.complete {
            let data = fs::count_data(self.file, self.at, self.end);
            let data = data.map_err(|error| self.fail(error))?;
            self.budget.left += data.saturating_mul(8);
            self.budget.complete = true;
        }
        let left = self.budget.left.checked_sub(count);
        self.budget.left = left.ok_or_else(|| {
            let reason = "the log is too damaged here to be judged";
            Error::corrupt(self.path, self.at, reason)
        })?;
        Ok(())
    }

    fn here(&self) -> &[u8] {
        &self.window[(self.at - self.start) as usize..]
    }

    /// Sees to it that so many bytes from here on are at hand.
    fn fill(&mut self, count: u64) -> Result<()> {
        if self.start <= self.at && self.at + count <= self.start + self.window.len() as u64 {
            return Ok(());
        }
        let most = CHUNK.min(self.data.end.saturating_sub(self.at));
        let length = most.max(count).min(self.end - self.at);
        self.window.resize(length as usize, 0);
        self.start = self.at;
        fs::read_exact_at(self.file, &mut self.window, self.at)
            .map_err(|error| self.fail(error))?;
        let first = leading_zeros(&self.window);
        self.zeros = self.start + first;
        // Nearly all of what stands behind the end of a log is zeros.
        if first < length
            && let Some(last) = self.window.iter().rposition(|byte| *byte != 0)
        {
            self.note_dirty(self.start + first, self.start + last as u64 + 1);
        }
        Ok(())
    }

    fn note_dirty(&mut self, start: u64, end: u64) {
        let known = self.dirty.unwrap_or((start, end));
        self.dirty = Some((known.0.min(start), known.1.max(end)));
    }

    fn fail(&self, error: io::Error) -> Error {
        Error::io(self.path, "read", error)
    }
}

/// How many zeros these bytes begin with.
fn leading_zeros(bytes: &[u8]) -> u64 {
    const STEP: usize = 256;
    let steps = bytes.chunks_exact(STEP);
    // Without a branch for each byte, so that many are looked at at once.
    let is_zero = |step: &&[u8]| step.iter().fold(0, |all, byte| all | byte) == 0;
    let whole = steps.take_while(is_zero).count() * STEP;
    let rest = bytes[whole..].iter().take_while(|byte| **byte == 0).count();
    (whole + rest) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_are_counted_to_the_byte() {
        for length in [0, 1, 63, 64, 65, 255, 256, 257, 700] {
            assert_eq!(leading_zeros(&vec![0; length]), length as u64);
            let mut bytes = vec![0; length];
            bytes.extend([7; 80]);
            assert_eq!(leading_zeros(&bytes), length as u64);
        }
    }
}
