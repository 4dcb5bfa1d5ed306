//! Turns: those who keep getting in each other's way go one by one.

use crate::env::sync::Mutex;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

const COUNT: usize = 64;

static TURNS: [Mutex<()>; COUNT] = [const { Mutex::new(()) }; COUNT];

/// How long one waits for one's turn. Whoever holds it may be waiting for us
/// (a command within a command), so nobody waits for ever: a turn is a
/// courtesy, the version that an append expects is what counts.
const PATIENCE: Duration = Duration::from_millis(100);

/// Waits for a turn with a stream, or what else is contended for: asked for
/// after a first conflict, so that the threads of one process don't starve each
/// other.
pub(crate) fn turn(name: &str) -> Option<impl Sized + use<>> {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    TURNS[(hasher.finish() % COUNT as u64) as usize].try_lock_for(PATIENCE)
}
