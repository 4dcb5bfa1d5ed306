//! The frame that is being read from.

use crate::error::Result;
use crate::format::Fault;
use crate::format::frame::{FrameHead, RecordCursor};
use crate::log::{Known, SegmentReader};
use crate::types::{EventRef, Position};

/// Records from one mark to the next. A record says where the next one begins
/// and not where the one before it does.
const STRIDE: u64 = 64;

/// A frame that is being read from, its head verified.
pub(super) struct OpenFrame {
    pub(super) head: FrameHead,
    cursor: RecordCursor,
    /// Where each `STRIDE`th record is, as far as has been leapt: whoever reads
    /// a large frame backward need not begin at its start for each record.
    marks: Vec<RecordCursor>,
    /// How many records, from the first on, have been verified.
    verified: u64,
}

impl OpenFrame {
    /// Opens the frame at an offset; nothing if none begins there.
    #[inline]
    pub(super) fn open(reader: &mut SegmentReader, offset: u64) -> Result<Option<Self>> {
        if let Some((head, _)) = reader.known(offset) {
            return Ok(Some(Self::new(&head)));
        }
        let Some(frame) = reader.frame(offset)? else {
            return Ok(None);
        };
        let opened = Self::new(frame.head());
        if opened.head.count > 1 {
            reader.note(&opened.head, Known::Head);
        }
        Ok(Some(opened))
    }

    pub(super) fn new(head: &FrameHead) -> Self {
        OpenFrame {
            head: *head,
            cursor: head.start(),
            marks: Vec::new(),
            verified: 0,
        }
    }

    /// The event at a position of the frame, its record verified.
    #[inline]
    pub(super) fn event<'a>(
        &mut self,
        reader: &'a SegmentReader,
        position: Position,
    ) -> Result<EventRef<'a>> {
        let event = self.look(reader, position);
        event.map_err(|fault| reader.segment().fault(self.head.offset(), fault))
    }

    #[inline]
    fn look<'a>(
        &mut self,
        reader: &'a SegmentReader,
        position: Position,
    ) -> Result<EventRef<'a>, Fault> {
        let bytes = reader.opened(&self.head);
        if u64::from(self.head.count) > STRIDE {
            self.come_near(bytes, position)?;
        }
        let record = self.head.record(bytes, position, &mut self.cursor)?;
        if !self.head.is_known() {
            record.verify()?;
            self.note_verified(reader, position);
        }
        record.decode()
    }

    /// Brings the cursor to the last mark before a record, unless it is nearer.
    fn come_near(&mut self, bytes: &[u8], position: Position) -> Result<(), Fault> {
        let index = position.get() - self.head.first.get();
        if self.cursor.index() > index {
            let mark = self.marks[..self.marks.len().min((index / STRIDE) as usize)].last();
            self.cursor = mark.copied().unwrap_or_else(|| self.head.start());
        }
        while self.cursor.index() + STRIDE <= index {
            let next = (self.cursor.index() / STRIDE + 1) * STRIDE;
            while self.cursor.index() < next {
                self.head.step(bytes, &mut self.cursor)?;
            }
            if next == (self.marks.len() as u64 + 1) * STRIDE {
                self.marks.push(self.cursor);
            }
        }
        Ok(())
    }

    /// Once all records of the frame have verified, it is known.
    fn note_verified(&mut self, reader: &SegmentReader, position: Position) {
        if position == self.head.first.plus(self.verified) {
            self.verified += 1;
            if self.verified == u64::from(self.head.count) {
                reader.note(&self.head, Known::All);
            }
        }
    }
}
