//! Walks the whole log, past whatever is damaged in it, and says what is.

use super::layout::Layout;
use crate::env::Env;
use crate::env::fs::Mode;
use crate::error::{Error, Result};
use crate::format::frame::Frame;
use crate::format::segment::HEADER_BYTES;
use crate::log::{Access, Found, Recovery, Resume, Search, Segment, Step, Walk};
use crate::types::Position;
use std::path::Path;
use std::sync::Arc;

/// A place at which the log does not go on as it should.
#[derive(Clone, Debug)]
pub(super) struct Gap {
    pub(super) segment: u64,
    /// Where in the segment the log stops.
    pub(super) offset: u64,
    /// The position that should stand there.
    pub(super) next: Position,
    pub(super) error: Error,
}

/// What a walk over the whole log found.
#[derive(Debug)]
pub(super) struct Survey<'a> {
    env: &'a Env,
    dir: &'a Path,
    layout: &'a Layout,
    gaps: Vec<Gap>,
    /// The last position known to have been durable.
    durable: Position,
    /// What should come next, once something has come.
    next: Option<Position>,
    /// Where the last segment with frames ends.
    end: (u64, u64),
    /// Whether what is still to come has been searched for watermarks.
    looked_ahead: bool,
    /// Whether the log has ended: what comes is only torn.
    ended: bool,
    /// Files that go on behind what their segment is: the log has nothing
    /// there, so nothing of it is missing.
    pub(super) excess: Vec<Error>,
    /// Segments with a header.
    pub(super) segments: u64,
}

/// What is met on the way.
pub(super) enum Met<'a> {
    /// A frame that verifies.
    Frame(&'a Arc<Segment>, u64, &'a Frame<'a>),
    /// These positions are gone.
    Lost(Position, Position),
}

type Visit<'v> = dyn FnMut(Met<'_>) -> Result<()> + 'v;

impl<'a> Survey<'a> {
    /// A survey of a log of which positions up to `floor` were durable.
    pub(super) fn new(env: &'a Env, dir: &'a Path, layout: &'a Layout, floor: Position) -> Self {
        Survey {
            env,
            dir,
            layout,
            gaps: Vec::new(),
            durable: floor,
            // Nothing drops the first events of a log yet.
            next: Some(Position::new(1)),
            end: (layout.segments.first().copied().unwrap_or(1), 0),
            looked_ahead: false,
            ended: false,
            excess: Vec::new(),
            segments: 0,
        }
    }

    /// Walks all segments.
    pub(super) fn walk(&mut self, visit: &mut Visit<'_>) -> Result<()> {
        for number in &self.layout.segments {
            if self.ended {
                break;
            }
            let (env, dir, store) = (self.env, self.dir, self.layout.identity.id);
            match Segment::look(env, dir, store, *number, Mode::Read, Access::Plain) {
                Ok(Found::Segment(segment)) => {
                    let segment = Arc::new(segment);
                    self.excess.extend(segment.excess()?);
                    self.enter(&segment, visit)?;
                    self.frames(&segment, HEADER_BYTES as u64, visit)?;
                }
                Ok(Found::Spare { .. }) => {
                    let path = dir.join(crate::format::names::segment(*number));
                    let error = Error::corrupt(&path, 0, "the segment header is missing");
                    self.without_header(*number, error, visit)?;
                }
                Ok(Found::Damaged(error)) => self.without_header(*number, error, visit)?,
                Err(error) if error.is_corrupt() => self.without_header(*number, error, visit)?,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The last position in the log.
    pub(super) fn head(&self) -> Position {
        self.next.map_or(Position::START, Position::previous)
    }

    /// What is wrong, in the order of the log: damage to what was durable, not
    /// what is only torn.
    pub(super) fn faults(mut self) -> Vec<Gap> {
        let head = self.head();
        let next = head.next();
        let told = self.gaps.iter().any(|gap| gap.next >= next);
        if self.durable > head && !told {
            let (segment, offset) = self.end;
            let path = self.dir.join(crate::format::names::segment(segment));
            let known = self.durable;
            let reason = format!("the log ends at position {head}, but {known} was durable");
            self.gaps.push(Gap {
                segment,
                offset,
                next,
                error: Error::corrupt(&path, offset, reason),
            });
        }
        self.gaps
    }

    /// Compares a segment's header with the end of the segment before.
    fn enter(&mut self, segment: &Arc<Segment>, visit: &mut Visit<'_>) -> Result<()> {
        let header = segment.header();
        let Some(next) = self.next else {
            self.next = Some(header.base);
            return Ok(());
        };
        // Everything before a segment's first position was written before it.
        let continues = header.base == next
            && (header.previous_end == self.end.1
                || self.end.0.checked_add(1) != Some(header.number));
        if !continues {
            let reason = format!(
                "the segment begins with position {}, {next} should come",
                header.base
            );
            let error = Error::corrupt(segment.path(), 48, reason);
            if !self.gap(segment, 0, error)? {
                return Ok(());
            }
            self.lost_up_to(header.base, visit)?;
        }
        self.durable = self.durable.max(header.durable);
        Ok(())
    }

    /// Walks the frames of a segment from an offset on.
    fn frames(&mut self, segment: &Arc<Segment>, from: u64, visit: &mut Visit<'_>) -> Result<()> {
        let mut offset = from;
        let mut epoch = segment.header().epoch;
        self.segments += u64::from(!self.ended);
        while !self.ended {
            let next = self.next.unwrap_or(segment.header().base);
            let mut walk = Walk::new(segment.plain_reader(), offset, next, epoch);
            let damage = loop {
                match walk.step()? {
                    Step::Frame(offset, frame) => {
                        self.durable = self.durable.max(frame.commit().durable);
                        visit(Met::Frame(segment, offset, &frame))?;
                    }
                    Step::End => break None,
                    Step::Damaged(error) => break Some(error),
                }
            };
            let end = walk.offset();
            self.next = Some(walk.next_position());
            self.end = (segment.number(), end);
            let Some(found) = self.resume(segment, end)? else {
                if let Some(error) = damage {
                    self.gap(segment, end, error)?;
                }
                return Ok(());
            };
            let error = damage
                .unwrap_or_else(|| Error::corrupt(segment.path(), end, "no frame begins here"));
            if self.gap(segment, end, error)? {
                self.lost_up_to(found.next, visit)?;
            }
            (offset, epoch) = (found.offset, found.epoch);
        }
        Ok(())
    }

    /// Where frames go on behind a place where none continues.
    fn resume(&self, segment: &Arc<Segment>, end: u64) -> Result<Option<Resumed>> {
        let next = self.next.unwrap_or(Position::START);
        let within = end..segment.size();
        let file = &**segment.file();
        let mut search = Search::new(file, within, segment.base(), segment.path());
        while let Some((head, commit)) = search.next()? {
            if head.first < next {
                // Stale: of an epoch whose end was cut off.
                continue;
            }
            let mut reader = segment.plain_reader();
            let frame = reader.frame(head.offset())?;
            let sound = frame.is_some_and(|frame| frame.verify().is_ok());
            return Ok(Some(Resumed {
                offset: if sound { head.offset() } else { head.end() },
                next: if sound {
                    head.first
                } else {
                    head.last().next()
                },
                epoch: if sound { commit.epoch } else { 0 },
            }));
        }
        Ok(None)
    }

    fn without_header(&mut self, number: u64, error: Error, visit: &mut Visit<'_>) -> Result<()> {
        let store = self.layout.identity.id;
        let segment = Segment::headless(self.env, self.dir, store, number)?;
        let segment = Arc::new(segment);
        if self.gap(&segment, 0, error)? && segment.size() > HEADER_BYTES as u64 {
            self.frames(&segment, HEADER_BYTES as u64, visit)?;
        }
        Ok(())
    }

    /// Notes a place where the log does not go on. Whether it goes on behind
    /// it: if nothing says that what should stand there was durable, it is
    /// only torn, and the end.
    fn gap(&mut self, segment: &Arc<Segment>, offset: u64, error: Error) -> Result<bool> {
        let next = self.next.unwrap_or(Position::new(1));
        if !self.looked_ahead {
            self.looked_ahead = true;
            let recovery = Recovery {
                env: self.env,
                dir: self.dir,
                store: self.layout.identity.id,
                access: Access::Plain,
                numbers: &self.layout.segments,
                resume: Resume {
                    segment: segment.number(),
                    offset,
                    next,
                    epoch: 0,
                    recorded: None,
                },
                floor: self.durable,
                closed: None,
            };
            let behind = recovery.durable_behind(segment, offset)?;
            self.durable = self.durable.max(behind);
            // The header of the segment itself counts, too.
            if offset == 0 {
                self.durable = self.durable.max(segment.header().durable);
            }
        }
        self.ended = next > self.durable;
        if !self.ended {
            self.gaps.push(Gap {
                segment: segment.number(),
                offset,
                next,
                error,
            });
        }
        Ok(!self.ended)
    }

    fn lost_up_to(&mut self, found: Position, visit: &mut Visit<'_>) -> Result<()> {
        let next = self.next.unwrap_or(found);
        self.next = Some(found);
        if next < found {
            visit(Met::Lost(next, found.previous()))?;
        }
        Ok(())
    }
}

/// A place where frames go on.
#[derive(Debug)]
struct Resumed {
    offset: u64,
    next: Position,
    epoch: u64,
}
