//! A position that only goes forward, and those who wait until it has passed
//! another one.

use super::Deadline;
use super::sync::{AtomicBool, AtomicU64, Mutex, Ordering, Sleeper};
use crate::types::Position;
use std::time::Duration;

/// How far something has come.
///
/// To raise it is one exchange, and to tell of it one look as long as nobody
/// waits. Whoever waits sleeps by himself: of many that are woken at once none
/// waits for another, and nobody is woken before his position is passed.
#[derive(Debug)]
pub(crate) struct Watermark {
    at: AtomicU64,
    /// The lowest position that somebody waits to be passed. It is written and
    /// read in one order with `at`: either who raises that sees it, or who
    /// waits sees what it was raised to.
    awaited: AtomicU64,
    /// Who waits, and what each waits to be passed.
    sleepers: Mutex<Vec<(Position, Sleeper)>>,
    closed: AtomicBool,
}

/// Nobody waits for anything.
const NOTHING: u64 = u64::MAX;

impl Watermark {
    pub(crate) fn new(at: Position) -> Self {
        Watermark {
            at: AtomicU64::new(at.get()),
            awaited: AtomicU64::new(NOTHING),
            sleepers: Mutex::new(Vec::new()),
            closed: AtomicBool::new(false),
        }
    }

    pub(crate) fn get(&self) -> Position {
        Position::new(self.at.load(Ordering::Acquire))
    }

    /// Raises it to a position; says whether it was lower. `tell` has to follow.
    pub(crate) fn raise(&self, to: Position) -> bool {
        self.at.fetch_max(to.get(), Ordering::SeqCst) < to.get()
    }

    /// Wakes those who wait for what it was raised to.
    #[inline]
    pub(crate) fn tell(&self) {
        if self.awaited.load(Ordering::SeqCst) < self.at.load(Ordering::Relaxed) {
            self.wake_passed();
        }
    }

    #[cold]
    fn wake_passed(&self) {
        let mut sleepers = self.sleepers.lock();
        let at = self.get();
        let passed: Vec<_> = sleepers.extract_if(.., |(after, _)| *after < at).collect();
        self.note_awaited(&sleepers);
        drop(sleepers);
        for (_, sleeper) in passed {
            sleeper.wake();
        }
    }

    /// Has all who wait look again whether their wait is over.
    pub(crate) fn wake_all(&self) {
        for (_, sleeper) in &*self.sleepers.lock() {
            sleeper.wake();
        }
    }

    /// Ends all waiting, for good.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.wake_all();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// Blocks until it has passed `after`, the time is up, it is closed, or the
    /// wait is over for another reason, of which `wake_all` has to tell. Says
    /// where it is then.
    pub(crate) fn wait(
        &self,
        after: Position,
        timeout: Duration,
        is_over: &dyn Fn() -> bool,
    ) -> Position {
        if self.get() > after || timeout.is_zero() {
            return self.get();
        }
        let deadline = Deadline::after(timeout);
        self.enter(after);
        let mut slept = false;
        loop {
            let has_passed = self.at.load(Ordering::SeqCst) > after.get();
            if has_passed && slept {
                // Whoever raised it has seen the sleeper, and takes him out.
                break;
            }
            let left = deadline.left();
            if has_passed || left.is_zero() || self.is_closed() || is_over() {
                self.leave();
                break;
            }
            Sleeper::sleep((left < Duration::MAX).then_some(left));
            slept = true;
        }
        self.get()
    }

    fn enter(&self, after: Position) {
        let mut sleepers = self.sleepers.lock();
        sleepers.push((after, Sleeper::own()));
        self.note_awaited(&sleepers);
    }

    fn leave(&self) {
        let mut sleepers = self.sleepers.lock();
        sleepers.retain(|(_, sleeper)| !sleeper.is_own());
        self.note_awaited(&sleepers);
    }

    fn note_awaited(&self, sleepers: &[(Position, Sleeper)]) {
        let lowest = sleepers.iter().map(|(after, _)| after.get()).min();
        self.awaited
            .store(lowest.unwrap_or(NOTHING), Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;
    use std::thread;

    fn waiting(mark: &Arc<Watermark>, after: u64) -> thread::JoinHandle<Position> {
        let own = Arc::clone(mark);
        let waiter = thread::spawn(move || {
            let never = || false;
            own.wait(Position::new(after), Duration::MAX, &never)
        });
        while !is_entered(mark, after) {
            thread::yield_now();
        }
        waiter
    }

    fn is_entered(mark: &Watermark, after: u64) -> bool {
        let sleepers = mark.sleepers.lock();
        sleepers.iter().any(|(own, _)| own.get() == after)
    }

    #[test]
    fn each_is_woken_once_his_position_is_passed_and_nobody_stays_entered() {
        let mark = Arc::new(Watermark::new(Position::new(3)));
        let [low, high] = [3, 5].map(|after| waiting(&mark, after));
        assert_eq!(mark.awaited.load(Ordering::SeqCst), 3);
        assert!(mark.raise(Position::new(4)));
        mark.tell();
        assert_eq!(low.join().unwrap(), Position::new(4));
        assert_eq!(mark.awaited.load(Ordering::SeqCst), 5);
        assert!(!mark.raise(Position::new(4)));
        assert!(!high.is_finished());
        assert!(mark.raise(Position::new(6)));
        mark.tell();
        assert_eq!(high.join().unwrap(), Position::new(6));
        assert_eq!(mark.awaited.load(Ordering::SeqCst), NOTHING);
        assert!(mark.sleepers.lock().is_empty());
    }

    #[test]
    fn a_wait_ends_with_its_time_a_close_or_when_it_is_over() {
        let mark = Arc::new(Watermark::new(Position::START));
        let (never, short) = (|| false, Duration::from_millis(1));
        assert_eq!(mark.wait(Position::MAX, short, &never), Position::START);
        assert!(mark.sleepers.lock().is_empty());
        let over = Arc::new(AtomicBool::new(false));
        let (own, flag) = (Arc::clone(&mark), Arc::clone(&over));
        let called_off = thread::spawn(move || {
            let is_over = || flag.load(Ordering::Acquire);
            own.wait(Position::START, Duration::MAX, &is_over)
        });
        let other = waiting(&mark, 7);
        over.store(true, Ordering::Release);
        mark.wake_all();
        assert_eq!(called_off.join().unwrap(), Position::START);
        assert!(!other.is_finished());
        mark.close();
        assert_eq!(other.join().unwrap(), Position::START);
        assert!(mark.sleepers.lock().is_empty());
    }
}
