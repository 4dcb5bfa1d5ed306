//! How far a consumer on a thread of its own has come, and whether it is to
//! stop: what the thread shares with those who watch it.

use crate::env::Deadline;
use crate::env::sync::{AtomicBool, Condvar, Mutex, Ordering};
use crate::error::{Error, ErrorKind, Result};
use crate::types::Position;
use std::time::Duration;

#[derive(Debug)]
pub(crate) struct Progress {
    state: Mutex<State>,
    changed: Condvar,
    /// Whether the thread is to look at something else than events.
    called: AtomicBool,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    reached: Position,
    stopping: bool,
    ended: bool,
    trouble: Option<Error>,
    /// Whether the trouble is one that the consumer won't overcome by itself.
    stuck: bool,
}

impl Progress {
    pub(crate) fn new(reached: Position) -> Self {
        let state = State {
            reached,
            ..State::default()
        };
        Progress {
            state: Mutex::new(state),
            changed: Condvar::new(),
            called: AtomicBool::new(false),
        }
    }

    pub(crate) fn reached(&self) -> Position {
        self.state.lock().reached
    }

    /// Notes that everything up to here was dealt with.
    pub(crate) fn reach(&self, position: Position) {
        self.change(|state| state.reached = state.reached.max(position));
    }

    pub(crate) fn trouble(&self) -> Option<Error> {
        self.state.lock().trouble.clone()
    }

    /// Notes what is in the way of going on, or that nothing is.
    pub(crate) fn set_trouble(&self, trouble: Option<Error>) {
        self.change(|state| {
            state.trouble = trouble;
            state.stuck = false;
        });
    }

    /// Notes what ended all progress until somebody sees to it.
    pub(crate) fn get_stuck(&self, error: Error) {
        self.change(|state| {
            state.trouble = Some(error);
            state.stuck = true;
        });
    }

    /// Blocks for as long as the consumer is stuck and not to stop.
    pub(crate) fn wait_while_stuck(&self) {
        let mut state = self.state.lock();
        self.changed
            .wait_while(&mut state, |state| state.stuck && !state.stopping);
    }

    pub(crate) fn stop(&self) {
        self.change(|state| state.stopping = true);
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.state.lock().stopping
    }

    /// Has the thread look at something else than events, once it is woken.
    pub(crate) fn call(&self) {
        self.called.store(true, Ordering::Release);
    }

    /// The thread is about to look at whatever it was called for.
    pub(crate) fn answer_call(&self) {
        self.called.store(false, Ordering::Release);
    }

    /// Whether the thread is not to wait for events any longer.
    pub(crate) fn is_wanted(&self) -> bool {
        self.called.load(Ordering::Acquire) || self.is_stopping()
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.state.lock().ended
    }

    /// Notes that the thread does no more.
    pub(crate) fn end(&self) {
        self.change(|state| state.ended = true);
    }

    /// Sleeps, but not past a call to `stop`. Whether there is to be a stop.
    pub(crate) fn sleep(&self, time: Duration) -> bool {
        let mut state = self.state.lock();
        self.changed
            .wait_while_for(&mut state, |state| !state.stopping, time);
        state.stopping
    }

    /// Blocks until everything up to a position was dealt with.
    pub(crate) fn wait_for(&self, position: Position, timeout: Duration) -> Result<()> {
        let until = Deadline::after(timeout);
        let mut state = self.state.lock();
        while state.reached < position {
            if state.stuck
                && let Some(error) = &state.trouble
            {
                return Err(error.clone());
            }
            if state.ended {
                return Err(ErrorKind::Closed.into());
            }
            let Some(until) = until.moment() else {
                self.changed.wait(&mut state);
                continue;
            };
            let late = self.changed.wait_until(&mut state, until).timed_out();
            if late && state.reached < position {
                return Err(ErrorKind::TimedOut {
                    wanted: position,
                    reached: state.reached,
                }
                .into());
            }
        }
        Ok(())
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock());
        self.changed.notify_all();
    }
}
