//! How far the log has come, for everybody who waits or looks.

use crate::env::sync::{AtomicU64, Ordering};
use crate::env::{Board, Watermark};
use crate::types::Position;
use std::time::Duration;

/// The words of the board that followers read.
pub(super) const BOARD_VISIBLE: usize = 0;
pub(super) const BOARD_DURABLE: usize = 1;
/// During which run of the machine they were posted: a board is never synced,
/// so that after a loss of power it may say anything.
pub(super) const BOARD_BOOT: usize = 2;

/// The watermarks.
#[derive(Debug)]
pub(super) struct Progress {
    visible: Watermark,
    written: AtomicU64,
    durable: AtomicU64,
    board: Option<Board>,
}

impl Progress {
    /// Everything up to `head` is visible and durable. `boot` tells this run
    /// of the machine from others.
    pub(super) fn new(head: Position, board: Option<Board>, boot: Option<u64>) -> Self {
        let progress = Progress {
            visible: Watermark::new(head),
            written: AtomicU64::new(head.get()),
            durable: AtomicU64::new(head.get()),
            board,
        };
        progress.post(BOARD_DURABLE, head);
        progress.post(BOARD_VISIBLE, head);
        // Last: with it the others are believed.
        if let Some(board) = &progress.board {
            board.set(BOARD_BOOT, boot.unwrap_or(0));
        }
        progress
    }

    fn post(&self, word: usize, position: Position) {
        if let Some(board) = &self.board {
            board.set(word, position.get());
        }
    }

    pub(super) fn visible(&self) -> Position {
        self.visible.get()
    }

    pub(super) fn written(&self) -> Position {
        Position::new(self.written.load(Ordering::Acquire))
    }

    pub(super) fn durable(&self) -> Position {
        Position::new(self.durable.load(Ordering::Acquire))
    }

    pub(super) fn set_written(&self, position: Position) {
        self.written.fetch_max(position.get(), Ordering::AcqRel);
    }

    pub(super) fn set_durable(&self, position: Position) {
        self.durable.fetch_max(position.get(), Ordering::AcqRel);
        self.post(BOARD_DURABLE, position);
    }

    /// Shows events up to `position` to readers and wakes who waits for them.
    pub(super) fn set_visible(&self, position: Position) {
        if self.visible.raise(position) {
            self.post(BOARD_VISIBLE, position);
            self.visible.tell();
        }
    }

    /// Wakes everybody for good.
    pub(super) fn close(&self) {
        self.visible.close();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.visible.is_closed()
    }

    /// Has all who wait look again whether their wait is over.
    pub(super) fn wake_all(&self) {
        self.visible.wake_all();
    }

    /// Blocks until something after `after` is visible, the time is up, the
    /// store is closed or the wait is over; says what is visible then.
    pub(super) fn wait(
        &self,
        after: Position,
        timeout: Duration,
        is_over: &dyn Fn() -> bool,
    ) -> Position {
        self.visible.wait(after, timeout, is_over)
    }
}
