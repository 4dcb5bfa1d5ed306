//! The terms of an event, and the keys under which the index knows them.

use crate::format::index::TermKey;
use crate::types::category_of;
use siphasher::sip128::{Hasher128, SipHasher13};
use std::hash::Hasher;

/// What a term says of an event. A stream called `a` and a tag called `a` are
/// different terms.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Kind {
    Stream = 1,
    Category = 2,
    Type = 3,
    Tag = 4,
    /// Every first event of a stream carries this one, which has no text: it
    /// lists the streams.
    StreamStart = 5,
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

    fn key(&self, kind: Kind, text: &str) -> TermKey {
        let mut hasher = self.start;
        hasher.write_u8(kind as u8);
        hasher.write(text.as_bytes());
        let hash = hasher.finish128();
        TermKey {
            high: hash.h1,
            low: hash.h2 as u32,
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

    pub(crate) fn stream_start(&self) -> TermKey {
        self.key(Kind::StreamStart, "")
    }

    /// Appends the keys of an event's terms to `out`, and says how many there
    /// are; its stream, which is numbered by version, is not among them.
    pub(crate) fn others<'a>(
        &self,
        stream: &str,
        event_type: &str,
        tags: impl Iterator<Item = &'a str>,
        out: &mut Vec<TermKey>,
    ) -> usize {
        let before = out.len();
        out.push(self.category(category_of(stream)));
        out.push(self.event_type(event_type));
        for tag in tags {
            let key = self.tag(tag);
            // An event that carries a tag twice is found once.
            if !out[before..].contains(&key) {
                out.push(key);
            }
        }
        out.len() - before
    }
}

/// The keys under which one event is found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EventTerms<'a> {
    pub(crate) stream: TermKey,
    pub(crate) others: &'a [TermKey],
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
        let count = hasher.others("a/b", "T", ["x", "y", "x"].into_iter(), &mut keys);
        assert_eq!((count, keys.len()), (4, 4));
    }
}
