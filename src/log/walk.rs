//! Walks the frames of a segment in order, verifying each.

use super::reader::SegmentReader;
use crate::error::{Error, Result};
use crate::format::frame::Frame;
use crate::types::Position;

/// What a walk finds next.
#[derive(Debug)]
pub(crate) enum Step<'a> {
    /// A frame that verifies and continues what was before it, and its offset.
    Frame(u64, Frame<'a>),
    /// No frame begins here.
    End,
    /// A frame begins here that is damaged or does not continue.
    Damaged(Error),
}

/// Walks frames from an offset on.
#[derive(Debug)]
pub(crate) struct Walk {
    reader: SegmentReader,
    offset: u64,
    next: Position,
    epoch: u64,
}

impl Walk {
    /// Begins at an offset where the event at `next` should be, in this epoch
    /// or a later one.
    pub(crate) fn new(reader: SegmentReader, offset: u64, next: Position, epoch: u64) -> Self {
        Walk {
            reader,
            offset,
            next,
            epoch,
        }
    }

    /// Where the next frame should begin.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// The position that should come next.
    pub(crate) fn next_position(&self) -> Position {
        self.next
    }

    /// The epoch of the last frame.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Goes one frame on. Errors are those of the operating system, and frames
    /// that only a newer version knows: damage is a step.
    pub(crate) fn step(&mut self) -> Result<Step<'_>> {
        let segment = std::sync::Arc::clone(self.reader.segment());
        let offset = self.offset;
        let frame = match self.reader.frame(offset) {
            Ok(Some(frame)) => frame,
            Ok(None) => return Ok(Step::End),
            Err(error) if error.is_corrupt() => return Ok(Step::Damaged(error)),
            Err(error) => return Err(error),
        };
        if frame.commit().first != self.next || frame.commit().epoch < self.epoch {
            let reason = "the frame does not continue the one before it";
            return Ok(Step::Damaged(Error::corrupt(
                segment.path(),
                offset,
                reason,
            )));
        }
        if let Err(fault) = frame.verify() {
            return Ok(Step::Damaged(segment.fault(offset, fault)));
        }
        self.offset += frame.head().length();
        self.next = frame.head().last().next();
        self.epoch = frame.commit().epoch;
        Ok(Step::Frame(offset, frame))
    }
}
