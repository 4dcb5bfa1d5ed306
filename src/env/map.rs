//! Memory mappings: the one file with unsafe code.

#![allow(unsafe_code)]

use memmap2::{MmapOptions, MmapRaw};
use std::fmt;
use std::fs::File;
use std::io;
use std::sync::Arc;
// Other processes share them: no schedule checker could see those.
use std::sync::atomic::{AtomicU64, Ordering};

/// A read-only mapping of a file of which a growing part, from the start, is
/// published: written by somebody and never to change again. Only that part
/// can be borrowed.
pub(crate) struct Map {
    raw: MmapRaw,
    published: AtomicU64,
}

impl Map {
    /// Maps the first `length` bytes of a file, with nothing published.
    pub(super) fn new(file: &File, length: usize) -> io::Result<Self> {
        let raw = MmapOptions::new().len(length).map_raw_read_only(file)?;
        Ok(Map {
            raw,
            published: AtomicU64::new(0),
        })
    }

    /// Publishes the bytes up to `end`, at most those that are mapped.
    ///
    /// The caller vouches that they are written and will never change: that
    /// the log is append-only is what makes borrowing from a mapping sound.
    pub(crate) fn publish(&self, end: u64) {
        let end = end.min(self.raw.len() as u64);
        self.published.fetch_max(end, Ordering::Release);
    }

    /// Says that the bytes will be touched here and there: a page that is not in
    /// memory is then read alone, not with megabytes around it. Who reads on in
    /// order asks ahead himself, with `read_ahead`. Only a hint.
    pub(crate) fn expect_jumps(&self) {
        #[cfg(unix)]
        let _ = self.raw.advise(memmap2::Advice::Random);
    }

    /// Has the processor fetch bytes that will be read in a moment. Only a
    /// hint: an offset that leads outside harms nothing.
    pub(crate) fn fetch(&self, offset: u64, length: usize) {
        fetch_at(self.raw.as_ptr().wrapping_add(offset as usize), length);
    }

    /// Has the operating system read these bytes into memory, and doesn't
    /// wait for it. Only a hint.
    pub(crate) fn read_ahead(&self, offset: u64, length: usize) {
        #[cfg(unix)]
        {
            let offset = offset as usize;
            let length = length.min(self.raw.len().saturating_sub(offset));
            // Without it the bytes are read when they are touched.
            let _ = self
                .raw
                .advise_range(memmap2::Advice::WillNeed, offset, length);
        }
        #[cfg(not(unix))]
        let _ = (offset, length);
    }
}

/// Has the processor fetch bytes that will be read in a moment. Only a hint.
pub(crate) fn fetch(bytes: &[u8]) {
    fetch_at(bytes.as_ptr(), bytes.len());
}

/// The same for a thing.
pub(crate) fn fetch_item<T>(item: &T) {
    fetch_at(std::ptr::from_ref(item).cast(), size_of::<T>());
}

/// The same for whatever is at an address now.
pub(crate) fn fetch_address(address: u64, length: usize) {
    fetch_at(std::ptr::without_provenance(address as usize), length);
}

fn fetch_at(start: *const u8, length: usize) {
    #[cfg(target_arch = "x86_64")]
    for line in (0..length).step_by(64) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let at = start.wrapping_add(line);
        // SAFETY: a prefetch reads nothing and can't fault, whatever the
        // address.
        unsafe { _mm_prefetch(at.cast(), _MM_HINT_T0) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (start, length);
}

impl AsRef<[u8]> for Map {
    /// The published bytes.
    fn as_ref(&self) -> &[u8] {
        let published = self.published.load(Ordering::Acquire) as usize;
        // SAFETY: the mapping is live as long as `self`, at least `published`
        // bytes long (`publish` sees to that), readable, and its file never
        // shrinks while it may be mapped (`Fs` has no way to truncate). Bytes
        // below `published` are never written again: a segment's are written
        // once, before they are published, and an index file is complete and
        // synced before it gets the name under which it is opened.
        unsafe { std::slice::from_raw_parts(self.raw.as_ptr(), published) }
    }
}

impl fmt::Debug for Map {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Map")
            .field("length", &self.raw.len())
            .field("published", &self.published)
            .finish()
    }
}

/// These bytes as text, if they are UTF-8. Names are short and mostly ASCII,
/// and of such bytes the standard library looks at one after the other.
#[inline]
pub(crate) fn text(bytes: &[u8]) -> Option<&str> {
    if is_ascii(bytes) {
        // SAFETY: ASCII is UTF-8.
        return Some(unsafe { std::str::from_utf8_unchecked(bytes) });
    }
    std::str::from_utf8(bytes).ok()
}

/// Splits a text of so many bytes off, if it is UTF-8. A short name among other
/// bytes is looked at without a branch on its length, which would be guessed wrong
/// every other time.
#[allow(clippy::inline_always)] // See `format::lone`.
#[inline(always)]
pub(crate) fn split_text(bytes: &[u8], length: usize) -> Option<(&str, &[u8])> {
    let (own, rest) = bytes.split_at_checked(length)?;
    if let (Some(near), Some(tops)) = (bytes.first_chunk(), TOPS_OF.get(length))
        && u128::from_le_bytes(*near) & tops == 0
    {
        // SAFETY: no byte of it has its top bit set, so it is ASCII, which is
        // UTF-8.
        return Some((unsafe { std::str::from_utf8_unchecked(own) }, rest));
    }
    Some((other_text(own)?, rest))
}

/// The top bits of the first bytes of sixteen, for each number of bytes.
const TOPS_OF: [u128; 17] = {
    let mut masks = [0; 17];
    let mut length = 1;
    while length < masks.len() {
        masks[length] = masks[length - 1] << 8 | 0x80;
        length += 1;
    }
    masks
};

#[cold]
fn other_text(bytes: &[u8]) -> Option<&str> {
    text(bytes)
}

/// Looks at eight bytes at a time, or four, the last of which may overlap others.
#[inline]
fn is_ascii(bytes: &[u8]) -> bool {
    let all = match (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        (Some(first), Some(last)) => {
            let ends = u64::from_ne_bytes(*first) | u64::from_ne_bytes(*last);
            match bytes.len() {
                ..=16 => ends,
                _ => ends | words(bytes),
            }
        }
        _ => few(bytes),
    };
    all & 0x8080_8080_8080_8080 == 0
}

/// The bits of all whole words.
fn words(bytes: &[u8]) -> u64 {
    let words = bytes.as_chunks::<8>().0.iter();
    words.fold(0, |all, word| all | u64::from_ne_bytes(*word))
}

/// The bits of fewer than eight bytes.
#[inline]
fn few(bytes: &[u8]) -> u64 {
    match (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        (Some(first), Some(last)) => {
            u64::from(u32::from_ne_bytes(*first) | u32::from_ne_bytes(*last))
        }
        _ => bytes.iter().fold(0, |all, byte| all | u64::from(*byte)),
    }
}

/// How many words a board has: one page.
const WORDS: usize = 512;

/// A page of words that a writer shares with followers in other processes.
/// Never synced: what it says is a hint that has to be checked.
#[derive(Clone)]
pub(crate) struct Board {
    words: Arc<Words>,
}

enum Words {
    Mapped(MmapRaw),
    #[cfg(any(test, feature = "testing"))]
    Plain(Box<[AtomicU64]>),
}

impl Board {
    /// The size of the file behind a board, in bytes.
    pub(crate) const BYTES: u64 = 8 * WORDS as u64;

    /// Maps a board's file, which must be `BYTES` long.
    pub(super) fn mapped(file: &File, writable: bool) -> io::Result<Self> {
        if file.metadata()?.len() < Self::BYTES {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut options = MmapOptions::new();
        options.len(Self::BYTES as usize);
        let raw = if writable {
            options.map_raw(file)?
        } else {
            options.map_raw_read_only(file)?
        };
        Ok(Board {
            words: Arc::new(Words::Mapped(raw)),
        })
    }

    #[cfg(any(test, feature = "testing"))]
    /// A board in this process's memory, for file systems without mappings.
    pub(crate) fn in_memory() -> Self {
        let words = (0..WORDS).map(|_| AtomicU64::new(0)).collect();
        Board {
            words: Arc::new(Words::Plain(words)),
        }
    }

    /// The word at an index; 0 beyond the last.
    pub(crate) fn get(&self, index: usize) -> u64 {
        self.word(index)
            .map_or(0, |word| word.load(Ordering::Acquire))
    }

    /// Sets the word at an index. Only the writer's board may be set: a
    /// follower's mapping is read-only, and a write to it would be a fault.
    pub(crate) fn set(&self, index: usize, value: u64) {
        if let Some(word) = self.word(index) {
            word.store(value, Ordering::Release);
        }
    }

    fn word(&self, index: usize) -> Option<&AtomicU64> {
        match &*self.words {
            #[cfg(any(test, feature = "testing"))]
            Words::Plain(words) => words.get(index),
            Words::Mapped(raw) => {
                if index >= WORDS {
                    return None;
                }
                #[allow(clippy::cast_ptr_alignment)]
                // SAFETY: the mapping is a page, so it is aligned for words
                // and holds `WORDS` of them; it lives as long as `self`; and
                // nobody, in any process, touches it but by atomic words.
                Some(unsafe { &*raw.as_ptr().cast::<AtomicU64>().add(index) })
            }
        }
    }
}

impl fmt::Debug for Board {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Board").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::{split_text, text};

    #[test]
    fn text_is_what_the_standard_library_says_it_is() {
        let samples = ["", "a", "orders/4", "orders/42-and-more", "für", "öäüßöäüß"];
        for sample in samples {
            assert_eq!(text(sample.as_bytes()), Some(sample));
        }
        for length in 0..40 {
            for at in 0..length {
                let mut bytes = vec![b'x'; length];
                for byte in [0x80, 0xc3, 0xff] {
                    bytes[at] = byte;
                    assert_eq!(text(&bytes), None, "{byte} at {at} of {length}");
                }
            }
        }
    }

    #[test]
    fn a_text_among_bytes_is_what_it_is_by_itself() {
        for total in 0..40 {
            for at in 0..total {
                for byte in [b'x', 0x80, 0xff] {
                    let mut bytes = vec![b'x'; total];
                    bytes[at] = byte;
                    for length in 0..=total {
                        let own = std::str::from_utf8(&bytes[..length]).ok();
                        let expected = own.map(|own| (own, &bytes[length..]));
                        assert_eq!(split_text(&bytes, length), expected);
                    }
                    assert_eq!(split_text(&bytes, total + 1), None);
                }
            }
        }
        let two = "fürund so weiter und so fort".as_bytes();
        assert_eq!(split_text(two, 4).map(|(own, _)| own), Some("für"));
        assert_eq!(split_text(two, 2), None, "it ends within a letter");
    }
}
