//! A store that is open for reading: it follows the writer, if there is one,
//! by what the board says and by walking the frames that appear.

use super::layout::Layout;
use super::progress::{BOARD_BOOT, BOARD_DURABLE, BOARD_VISIBLE};
use super::rebuild::Replay;
use super::shared::{Role, Shared};
use crate::env::fs::Mode;
use crate::env::sync::Mutex;
use crate::env::{Board, Deadline, Env};
use crate::error::{Error, Result};
use crate::format::names;
use crate::format::segment::HEADER_BYTES;
use crate::log::{Access, Found, Recovery, Resume, Segment, Step, Walk};
use crate::types::Position;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How often a waiting follower looks at the board: at first, and at most.
const FIRST_LOOK: Duration = Duration::from_micros(200);
const LONGEST_LOOK: Duration = Duration::from_millis(10);

/// How far a follower has come.
#[derive(Debug)]
pub(super) struct Follower {
    pub(super) board: Option<Board>,
    /// The run of the machine in which this follower lives.
    pub(super) boot: Option<u64>,
    pub(super) segment: Arc<Segment>,
    pub(super) resume: Resume,
    /// Turns what appears into postings.
    pub(super) replay: Replay,
}

impl Follower {
    /// The position that the writer has shown to its readers; without a board,
    /// there is no bound: what is there is what a writer would find, too.
    fn target(&mut self, shared: &Shared) -> Result<Position> {
        if self.board.is_none() {
            // A writer may have come since the last look.
            self.board = open_board(&shared.env, &shared.dir)?;
        }
        Ok(match self.board() {
            Some(board) => Position::new(board.get(BOARD_VISIBLE)),
            None => Position::MAX,
        })
    }

    /// The board, if it speaks of this run of the machine. One that was left
    /// by a loss of power may say anything, and what is in the log then has
    /// come from the medium.
    fn board(&self) -> Option<&Board> {
        let board = self.board.as_ref()?;
        let boot = board.get(BOARD_BOOT);
        (boot == self.boot.unwrap_or(0)).then_some(board)
    }

    /// Takes in what the writer has shown since the last look.
    pub(super) fn refresh(&mut self, shared: &Shared) -> Result<()> {
        let target = self.target(shared)?;
        while self.resume.next <= target {
            if !self.walk(shared, target)? && !self.enter_next(shared)? {
                break;
            }
        }
        let visible = self.resume.next.previous();
        let durable = self.board().map_or(visible, |board| {
            Position::new(board.get(BOARD_DURABLE)).min(visible)
        });
        shared.progress.set_durable(durable);
        shared.progress.set_visible(visible);
        Ok(())
    }

    /// Whether the log may end where the follower found no more of it.
    fn judge(&self, shared: &Shared, floor: Position) -> Result<()> {
        let mut layout = Layout::read(&shared.env, &shared.dir)?;
        loop {
            let recovery = Recovery {
                env: &shared.env,
                dir: &shared.dir,
                store: shared.id,
                access: Access::Plain,
                numbers: &layout.segments,
                resume: self.resume,
                floor,
                closed: layout.closed,
            };
            let judged = recovery.find_end(&mut |_, _, _| Ok(())).map(drop);
            if judged.is_ok() {
                return judged;
            }
            // A writer who comes meanwhile says so before it writes anything.
            let now = Layout::read(&shared.env, &shared.dir)?;
            if now.closed == layout.closed {
                return judged;
            }
            layout = now;
        }
    }

    /// Walks the frames of the segment up to `target`, and says whether it got
    /// there. What doesn't verify may be half written, so it is the end.
    fn walk(&mut self, shared: &Shared, target: Position) -> Result<bool> {
        let from = &self.resume;
        let reader = self.segment.plain_reader();
        let mut walk = Walk::new(reader, from.offset, from.next, from.epoch);
        let mut reached = false;
        while !reached {
            let step = walk.step()?;
            // Looked at after the frame: if there is no bound even now, no
            // writer was there when the frame was read.
            let bound = self.target(shared)?;
            match step {
                Step::Frame(_, frame) if frame.head().last() > target.min(bound) => break,
                Step::Frame(offset, frame) => {
                    reached = frame.head().last() == target;
                    self.replay.add(&self.segment, offset, &frame)?;
                    self.replay.hand_over(&shared.index, &shared.dir)?;
                    self.resume.recorded = Some(frame.commit().recorded);
                }
                Step::End | Step::Damaged(_) => break,
            }
            self.resume.offset = walk.offset();
            self.resume.next = walk.next_position();
            self.resume.epoch = walk.epoch();
            self.segment.publish(self.resume.offset);
        }
        Ok(reached)
    }

    /// Goes on to the next segment, if the log has.
    fn enter_next(&mut self, shared: &Shared) -> Result<bool> {
        let number = self.segment.number().saturating_add(1);
        let (env, dir) = (&shared.env, &shared.dir);
        let path = dir.join(names::segment(number));
        let kind = env.fs.kind(&path);
        if !matches!(kind, Ok(crate::env::fs::Kind::File)) {
            return Ok(false);
        }
        let access = shared.segments.access();
        let found = Segment::look(env, dir, shared.id, number, Mode::Read, access)?;
        let Found::Segment(next) = found else {
            return Ok(false);
        };
        let header = next.header();
        // The same as recovery asks for: what an earlier epoch has left is not
        // of the log.
        if header.base != self.resume.next
            || header.previous_end != self.resume.offset
            || header.epoch < self.resume.epoch
        {
            return Ok(false);
        }
        self.resume.segment = number;
        self.resume.offset = HEADER_BYTES as u64;
        self.resume.epoch = self.resume.epoch.max(header.epoch);
        self.segment = Arc::new(next);
        shared.segments.add(Arc::clone(&self.segment));
        Ok(true)
    }
}

/// The board of the store in a directory, if a writer has come so far as to
/// show anything.
pub(super) fn open_board(env: &Env, dir: &Path) -> Result<Option<Board>> {
    use std::io::ErrorKind::{NotFound, UnexpectedEof};
    let path = dir.join(names::BOARD);
    match env.fs.board(&path, Mode::Read) {
        Ok(board) => Ok(Some(board)),
        Err(error) if matches!(error.kind(), NotFound | UnexpectedEof) => Ok(None),
        Err(error) => Err(Error::io(&path, "open", error)),
    }
}

/// Blocks until the writer has shown something after `after`, the time is up,
/// this store is closed, or the wait is over.
pub(super) fn wait(
    shared: &Shared,
    follower: &Mutex<Follower>,
    after: Position,
    timeout: Duration,
    is_over: &dyn Fn() -> bool,
) -> Result<Position> {
    let deadline = Deadline::after(timeout);
    let mut pause = FIRST_LOOK;
    loop {
        follower.lock().refresh(shared)?;
        let head = shared.progress.visible();
        let left = deadline.left();
        if head > after || shared.progress.is_closed() || left.is_zero() || is_over() {
            return Ok(head);
        }
        // Another thread of this process may refresh meanwhile.
        shared.progress.wait(after, left.min(pause), is_over);
        pause = (pause * 2).min(LONGEST_LOOK);
    }
}

/// Comes up to where the writer is, and makes sure that nothing that was
/// durable is missing there.
pub(super) fn begin(shared: &Shared, floor: Position) -> Result<()> {
    /// A writer may be in the middle of a write whenever we look.
    const MOST_LOOKS: u32 = 4;
    let Role::Follower(follower) = &shared.role else {
        return Ok(());
    };
    let mut follower = follower.lock();
    for look in 1.. {
        follower.refresh(shared)?;
        let target = follower.target(shared)?;
        if shared.progress.visible() >= target.max(floor) {
            break;
        }
        match follower.judge(shared, floor) {
            Ok(()) => break,
            Err(error) if error.is_corrupt() && look < MOST_LOOKS => {
                shared.progress.wait(Position::MAX, LONGEST_LOOK, &|| false);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
