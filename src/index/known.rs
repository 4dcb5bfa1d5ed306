//! Keys of names that come again and again: those of types and categories.

use super::terms::{Kind, TermHasher};
use crate::format::index::TermKey;
use crate::types::category_of;

/// The longest name that is known, in bytes: two words have room for it.
const LONGEST: usize = 16;
/// A power of two, some times as large as most stores have types.
const SLOTS: usize = 128;

/// Remembers the keys of short names, each in the one place where it can stand,
/// until another name takes that.
#[derive(Debug)]
pub(crate) struct KnownKeys {
    /// Whose keys these are: hashers with the same secret make the same keys.
    secret: Option<[u8; 16]>,
    slots: Box<[(Name, TermKey); SLOTS]>,
}

/// A short name, told from all others of its kind by what it begins and ends
/// with and how long it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Name {
    start: u64,
    end: u64,
    kind_and_length: u64,
}

impl Name {
    /// No name has this one's length.
    const NONE: Name = Name {
        start: 0,
        end: 0,
        kind_and_length: u64::MAX,
    };

    fn new(kind: Kind, text: &[u8]) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        let (start, end) = match (text.first_chunk(), text.last_chunk()) {
            (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
            _ => (short(text), 0),
        };
        let kind_and_length = (kind as u64) << 8 | text.len() as u64;
        Some(Name {
            start,
            end,
            kind_and_length,
        })
    }

    fn slot(self) -> usize {
        const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
        let mixed = self.start ^ self.end.rotate_left(29) ^ self.kind_and_length << 52;
        (mixed.wrapping_mul(SPREAD) >> (u64::BITS - SLOTS.ilog2())) as usize
    }
}

/// Less than a word of bytes as a word.
fn short(text: &[u8]) -> u64 {
    match (text.first_chunk(), text.last_chunk()) {
        (Some(first), Some(last)) => {
            u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << 32
        }
        _ => text
            .iter()
            .fold(0, |word, byte| word << 8 | u64::from(*byte)),
    }
}

impl Default for KnownKeys {
    fn default() -> Self {
        let nothing = TermKey {
            high: 0,
            low: 0,
            is_stream: false,
        };
        KnownKeys {
            secret: None,
            slots: Box::new([(Name::NONE, nothing); SLOTS]),
        }
    }
}

impl KnownKeys {
    /// From here on keys are those of this hasher.
    pub(crate) fn turn_to(&mut self, hasher: &TermHasher) {
        let secret = Some(hasher.secret());
        if self.secret != secret {
            *self = KnownKeys {
                secret,
                ..KnownKeys::default()
            };
        }
    }

    /// The key of an event type. `hasher` is the one that was turned to.
    pub(crate) fn event_type(&mut self, hasher: &TermHasher, name: &str) -> TermKey {
        self.key(Kind::Type, name, || hasher.event_type(name))
    }

    /// The key of the category of a stream.
    pub(crate) fn category_of(&mut self, hasher: &TermHasher, stream: &str) -> TermKey {
        let name = category_of(stream);
        self.key(Kind::Category, name, || hasher.category(name))
    }

    fn key(&mut self, kind: Kind, name: &str, hash: impl FnOnce() -> TermKey) -> TermKey {
        let Some(name) = Name::new(kind, name.as_bytes()) else {
            return hash();
        };
        let (known, key) = &mut self.slots[name.slot()];
        if *known != name {
            (*known, *key) = (name, hash());
        }
        *key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names of up to 20 letters, of which many differ in one place only.
    fn names() -> impl Iterator<Item = String> {
        (1..=20).flat_map(|length| {
            (0..=length).map(move |other| {
                let letter = |at| if at == other { 'b' } else { 'a' };
                (0..length).map(letter).collect()
            })
        })
    }

    #[test]
    fn keys_are_those_of_the_hasher_whatever_was_asked_before() {
        let mut known = KnownKeys::default();
        for secret in [1, 2, 1] {
            let hasher = TermHasher::new(&[secret; 16]);
            known.turn_to(&hasher);
            for name in names().chain(names()) {
                for _ in 0..2 {
                    assert_eq!(known.event_type(&hasher, &name), hasher.event_type(&name));
                    let stream = format!("{name}/7");
                    let category = known.category_of(&hasher, &stream);
                    assert_eq!(category, hasher.category(&name), "{name}");
                }
            }
        }
    }

    #[test]
    fn a_short_name_is_told_from_all_others() {
        let told = |kind| names().filter_map(move |name| Name::new(kind, name.as_bytes()));
        let all: Vec<_> = told(Kind::Type).chain(told(Kind::Category)).collect();
        let twice = |name| all.iter().filter(|other| **other == name).count();
        assert!(all.iter().all(|name| twice(*name) == 1));
        assert!(Name::new(Kind::Type, b"").is_some_and(|name| name != Name::NONE));
    }
}
