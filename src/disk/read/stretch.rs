//! Asks the medium ahead of a reader that walks: nobody else does, because the
//! mappings are said to be touched here and there.

use crate::env::Stopwatch;
use crate::log::Segment;
use std::time::Duration;

/// How often the time is looked at, in bytes that were walked.
const LOOK: u64 = 64 << 10;
/// Who took longer for so many bytes waited for the medium, or has time enough
/// for the system call that asks it ahead.
const SLOW: Duration = Duration::from_micros(200);
/// How far ahead of the reader is asked at first, and at most, in bytes.
const ROOM: u64 = 256 << 10;
const MOST_ROOM: u64 = 4 << 20;

/// How far a walk has asked ahead.
#[derive(Debug)]
pub(super) struct Stretch {
    segment: u64,
    /// Where the time is looked at again, and when it was last.
    look: u64,
    since: Option<Stopwatch>,
    /// Where what was asked for ends.
    asked: u64,
    /// How far ahead is asked: not at all, as long as nobody waits.
    room: u64,
}

impl Stretch {
    pub(super) fn new() -> Self {
        Stretch {
            segment: 0,
            look: 0,
            since: None,
            asked: 0,
            room: 0,
        }
    }

    /// Sees the walk pass this offset.
    #[inline]
    pub(super) fn pass(&mut self, segment: &Segment, offset: u64) {
        if offset >= self.look || segment.number() != self.segment {
            self.look_at(segment, offset);
        }
    }

    #[cold]
    fn look_at(&mut self, segment: &Segment, offset: u64) {
        if segment.number() != self.segment {
            (self.segment, self.asked) = (segment.number(), offset);
        } else if self.since.is_some_and(|since| since.read() > SLOW) {
            self.room = (2 * self.room).clamp(ROOM, MOST_ROOM);
        }
        let end = offset + self.room;
        // In halves, so that there is always one under way.
        if end >= self.asked + self.room / 2 {
            segment.read_ahead(self.asked.max(offset)..end);
            self.asked = end;
        }
        self.look = offset + LOOK;
        self.since = Some(Stopwatch::start());
    }
}
