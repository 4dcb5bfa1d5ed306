//! Which frames of a segment have been verified, so that one that is read
//! again and again is summed up once.

use crate::env::sync::{AtomicU64, Ordering};
use crate::format::frame::MIN_BYTES;

/// In so many bytes no more than one frame begins.
const GRAIN: u64 = 32;
const _: () = assert!(GRAIN <= MIN_BYTES as u64);

/// A bit for each place where a frame may begin: 1/256 of the segment.
#[derive(Debug)]
pub(super) struct Verified {
    words: Box<[AtomicU64]>,
}

impl Verified {
    /// For a segment of this size.
    pub(super) fn new(size: u64) -> Self {
        let words = size.div_ceil(GRAIN * 64);
        Verified {
            words: (0..words).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// Whether the frame at an offset has been verified, all of it.
    pub(super) fn has(&self, offset: u64) -> bool {
        let (word, bit) = place(offset);
        let word = self.words.get(word);
        word.is_some_and(|word| word.load(Ordering::Relaxed) & bit != 0)
    }

    /// Notes that the frame at an offset verified: its bytes will never
    /// change.
    pub(super) fn note(&self, offset: u64) {
        let (word, bit) = place(offset);
        if let Some(word) = self.words.get(word) {
            word.fetch_or(bit, Ordering::Relaxed);
        }
    }
}

fn place(offset: u64) -> (usize, u64) {
    let grain = offset / GRAIN;
    ((grain / 64) as usize, 1 << (grain % 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_frame_is_noted_for_itself() {
        let verified = Verified::new(1 << 20);
        let shortest = MIN_BYTES as u64;
        for offset in (128..1 << 20).step_by(MIN_BYTES) {
            assert!(!verified.has(offset));
            verified.note(offset);
            assert!(verified.has(offset));
            assert!(!verified.has(offset + shortest), "not the one behind");
        }
        verified.note(1 << 40);
        assert!(!verified.has(1 << 40), "there is no such place");
    }
}
