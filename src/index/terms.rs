//! The terms of an event, and the keys under which the index knows them.

use crate::format::ids::FINGERPRINT_BITS;
use crate::format::index::TermKey;
use crate::types::category_of;
use siphasher::sip128::{Hash128, Hasher128, SipHasher13};
use std::hash::Hasher;
use uuid::Uuid;

/// What a term says of an event. A stream called `a` and a tag called `a` are
/// different terms.
#[derive(Clone, Copy)]
#[repr(u8)]
pub(super) enum Kind {
    Stream = 1,
    Category = 2,
    Type = 3,
    Tag = 4,
    /// Every first event of a stream carries this one, which has no text: it
    /// lists the streams.
    StreamStart = 5,
    /// The first event of each type in a part of the index carries this one,
    /// and perhaps later ones, too: it lists the types.
    TypeSeen = 6,
    /// The id of an event. It is no term of the index, but of the files of
    /// ids.
    Id = 7,
}

/// Makes keys of terms, with the store's own secret, so that nobody can choose
/// names that collide.
#[derive(Clone, Debug)]
pub(crate) struct TermHasher {
    start: SipHasher13,
}

impl TermHasher {
    pub(crate) fn new(key: &[u8; 16]) -> Self {
        TermHasher {
            start: SipHasher13::new_with_key(key),
        }
    }

    /// The secret that it was made with.
    pub(super) fn secret(&self) -> [u8; 16] {
        self.start.key()
    }

    fn hash(&self, kind: Kind, bytes: &[u8]) -> Hash128 {
        let mut hasher = self.start;
        hasher.write_u8(kind as u8);
        hasher.write(bytes);
        hasher.finish128()
    }

    fn key(&self, kind: Kind, text: &str) -> TermKey {
        let hash = self.hash(kind, text.as_bytes());
        TermKey {
            high: hash.h1,
            low: hash.h2 as u32,
            is_stream: matches!(kind, Kind::Stream),
        }
    }

    pub(crate) fn stream(&self, name: &str) -> TermKey {
        self.key(Kind::Stream, name)
    }

    pub(crate) fn category(&self, name: &str) -> TermKey {
        self.key(Kind::Category, name)
    }

    pub(crate) fn event_type(&self, name: &str) -> TermKey {
        self.key(Kind::Type, name)
    }

    pub(crate) fn tag(&self, name: &str) -> TermKey {
        self.key(Kind::Tag, name)
    }

    /// The fingerprint under which an event's id is looked for.
    pub(crate) fn id(&self, id: Uuid) -> u64 {
        self.hash(Kind::Id, id.as_bytes()).h1 >> (64 - FINGERPRINT_BITS)
    }

    pub(crate) fn marks(&self) -> Marks {
        Marks {
            stream_start: self.key(Kind::StreamStart, ""),
            type_seen: self.key(Kind::TypeSeen, ""),
        }
    }

    /// The key of the category of a stream.
    pub(crate) fn category_of(&self, stream: &str) -> TermKey {
        self.category(category_of(stream))
    }

    /// Appends the keys of an event's tags to `out`.
    pub(crate) fn tags<'a>(&self, tags: impl Iterator<Item = &'a str>, out: &mut Vec<TermKey>) {
        let before = out.len();
        for tag in tags {
            let key = self.tag(tag);
            // An event that carries a tag twice is found once.
            if !out[before..].contains(&key) {
                out.push(key);
            }
        }
    }
}

/// The terms without a text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Marks {
    pub(crate) stream_start: TermKey,
    pub(crate) type_seen: TermKey,
}

/// The keys under which one event is found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EventTerms<'a> {
    pub(crate) stream: TermKey,
    pub(crate) category: TermKey,
    pub(crate) event_type: TermKey,
    pub(crate) tags: &'a [TermKey],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_texts_and_secrets_make_different_keys() {
        let hasher = TermHasher::new(&[1; 16]);
        assert_eq!(hasher.stream("a"), hasher.stream("a"));
        assert_ne!(hasher.stream("a"), hasher.tag("a"));
        assert_ne!(hasher.stream("a"), hasher.stream("b"));
        assert_ne!(hasher.stream("a"), TermHasher::new(&[2; 16]).stream("a"));
    }

    #[test]
    fn a_tag_given_twice_is_one_term() {
        let mut keys = Vec::new();
        let hasher = TermHasher::new(&[1; 16]);
        hasher.tags(["x", "y", "x"].into_iter(), &mut keys);
        assert_eq!(keys, [hasher.tag("x"), hasher.tag("y")]);
    }
}
