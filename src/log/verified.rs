//! Which frames of a segment have been verified, so that one that is read
//! again and again is summed up once.

use crate::env::sync::{AtomicU64, Ordering};
use crate::format::frame::MIN_BYTES;
use std::sync::OnceLock;

/// In so many bytes no more than one frame begins.
const GRAIN: u64 = 32;
const _: () = assert!(GRAIN <= MIN_BYTES as u64);

/// How many words a page has: 4 KiB, for 1 MiB of the segment.
const WORDS: usize = 512;
/// How much of a segment a page is for, in bytes.
const PAGE: u64 = GRAIN * 64 * WORDS as u64;

/// How much of a frame has verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// The head: what it says of the records holds.
    Head,
    /// The records, too.
    All,
}

/// What has verified of the frames of a segment.
#[derive(Debug)]
pub(crate) struct Verified {
    heads: Bits,
    all: Bits,
}

impl Verified {
    /// For a segment of this size.
    pub(super) fn new(size: u64) -> Self {
        Verified {
            heads: Bits::new(size),
            all: Bits::new(size),
        }
    }

    /// How much of the frame at an offset has verified.
    #[inline]
    pub(super) fn look(&self, offset: u64) -> Option<Known> {
        if self.has_all(offset) {
            return Some(Known::All);
        }
        self.heads.has(offset).then_some(Known::Head)
    }

    /// Whether all of the frame at an offset has verified.
    #[inline]
    pub(super) fn has_all(&self, offset: u64) -> bool {
        self.all.has(offset)
    }

    /// Notes that so much of the frame at an offset verified: its bytes will
    /// never change.
    pub(super) fn note(&self, offset: u64, known: Known) {
        match known {
            Known::Head => self.heads.set(offset),
            Known::All => self.all.set(offset),
        }
    }
}

/// A bit for each place where a frame may begin: 1/256 of what was read. Pages
/// are made when something in them verifies, so that memory goes with what is
/// in a file, however long the file says that it is.
#[derive(Debug)]
struct Bits {
    pages: Box<[OnceLock<Page>]>,
}

type Page = Box<[AtomicU64; WORDS]>;

impl Bits {
    fn new(size: u64) -> Self {
        // The index knows no frame that begins beyond.
        let pages = size.min(1 << 32).div_ceil(PAGE);
        Bits {
            pages: (0..pages).map(|_| OnceLock::new()).collect(),
        }
    }

    #[inline]
    fn has(&self, offset: u64) -> bool {
        let (page, word, bit) = place(offset);
        let page = self.pages.get(page).and_then(OnceLock::get);
        page.is_some_and(|words| words[word].load(Ordering::Relaxed) & bit != 0)
    }

    fn set(&self, offset: u64) {
        let (page, word, bit) = place(offset);
        if let Some(page) = self.pages.get(page) {
            let words = page.get_or_init(|| Box::new([const { AtomicU64::new(0) }; WORDS]));
            words[word].fetch_or(bit, Ordering::Relaxed);
        }
    }
}

/// The page of an offset, the word in it, and the bit in that.
fn place(offset: u64) -> (usize, usize, u64) {
    let grain = offset / GRAIN;
    let word = (grain / 64) as usize % WORDS;
    ((offset / PAGE) as usize, word, 1 << (grain % 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_frame_is_noted_for_itself() {
        let verified = Verified::new(3 << 20);
        let shortest = MIN_BYTES as u64;
        for offset in (128..3 << 20).step_by(MIN_BYTES) {
            for known in [Known::Head, Known::All] {
                assert_ne!(verified.look(offset), Some(known));
                verified.note(offset, known);
                assert_eq!(verified.look(offset), Some(known));
                assert_eq!(verified.look(offset + shortest), None, "not the one behind");
            }
        }
        verified.note(1 << 40, Known::All);
        assert_eq!(verified.look(1 << 40), None, "there is no such place");
    }

    #[test]
    fn memory_goes_with_what_was_read_not_with_what_a_file_says() {
        let verified = Verified::new(8 << 40);
        verified.note(128, Known::All);
        verified.note(5 << 20, Known::All);
        assert!(verified.look(128).is_some() && verified.look(5 << 20).is_some());
        let made = |bits: &Bits| {
            bits.pages
                .iter()
                .filter(|page| page.get().is_some())
                .count()
        };
        assert_eq!(verified.all.pages.len(), 4096);
        assert_eq!((made(&verified.all), made(&verified.heads)), (2, 0));
    }
}
