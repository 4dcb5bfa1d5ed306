//! The tags of an event, wherever they are kept.

use std::fmt;

/// The tags of an event, in the order in which they were given.
///
/// Borrowed either from a list of texts or from the packed form that a
/// recorded event carries: for each tag its length (two bytes, little endian)
/// and its bytes.
#[derive(Clone, Copy)]
pub struct Tags<'a> {
    source: Source<'a>,
}

#[derive(Clone, Copy)]
enum Source<'a> {
    Packed(&'a [u8]),
    Listed(&'a [std::borrow::Cow<'static, str>]),
}

impl<'a> Tags<'a> {
    /// No tags.
    pub const NONE: Tags<'static> = Tags {
        source: Source::Packed(&[]),
    };

    /// The tags in this list.
    pub fn listed(tags: &'a [std::borrow::Cow<'static, str>]) -> Self {
        Tags {
            source: Source::Listed(tags),
        }
    }

    /// The tags packed in these bytes, or nothing if the bytes are no packed
    /// tags (a length that leads outside, text that is not UTF-8).
    pub fn packed(bytes: &'a [u8]) -> Option<Self> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let (tag, after) = split_packed(rest)?;
            std::str::from_utf8(tag).ok()?;
            rest = after;
        }
        Some(Tags {
            source: Source::Packed(bytes),
        })
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        match self.source {
            Source::Packed(bytes) => bytes.is_empty(),
            Source::Listed(tags) => tags.is_empty(),
        }
    }

    /// How many there are. Counts them: not free for packed ones.
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Whether this tag is among them.
    pub fn contains(&self, tag: &str) -> bool {
        self.iter().any(|own| own == tag)
    }

    /// The tags one after the other.
    pub fn iter(&self) -> TagIter<'a> {
        TagIter {
            source: self.source,
        }
    }

    /// Appends the packed form to `out`. A tag over 65,535 bytes is cut there;
    /// no store accepts one over `MAX_NAME_BYTES`.
    pub fn pack_into(&self, out: &mut Vec<u8>) {
        match self.source {
            Source::Packed(bytes) => out.extend_from_slice(bytes),
            Source::Listed(tags) => {
                for tag in tags {
                    let length = u16::try_from(tag.len()).unwrap_or(u16::MAX);
                    out.extend_from_slice(&length.to_le_bytes());
                    out.extend_from_slice(&tag.as_bytes()[..usize::from(length)]);
                }
            }
        }
    }

    /// The packed bytes, if these tags are packed.
    pub(super) fn as_packed(&self) -> Option<&'a [u8]> {
        match self.source {
            Source::Packed(bytes) => Some(bytes),
            Source::Listed(_) => None,
        }
    }
}

/// Splits one packed tag off the front.
fn split_packed(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))
}

/// Iterates over `Tags`.
#[derive(Clone)]
pub struct TagIter<'a> {
    source: Source<'a>,
}

impl<'a> Iterator for TagIter<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        match &mut self.source {
            Source::Packed(bytes) => {
                let (tag, rest) = split_packed(bytes)?;
                *bytes = rest;
                std::str::from_utf8(tag).ok()
            }
            Source::Listed(tags) => {
                let (first, rest) = tags.split_first()?;
                *tags = rest;
                Some(first)
            }
        }
    }
}

impl<'a> IntoIterator for Tags<'a> {
    type Item = &'a str;
    type IntoIter = TagIter<'a>;

    fn into_iter(self) -> TagIter<'a> {
        self.iter()
    }
}

impl<'a> IntoIterator for &Tags<'a> {
    type Item = &'a str;
    type IntoIter = TagIter<'a>;

    fn into_iter(self) -> TagIter<'a> {
        self.iter()
    }
}

impl PartialEq for Tags<'_> {
    fn eq(&self, other: &Tags<'_>) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Tags<'_> {}

impl fmt::Debug for Tags<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(self.iter()).finish()
    }
}

impl fmt::Debug for TagIter<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(self.clone()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::borrow::Cow;

    #[test]
    fn packed_and_listed_tags_are_the_same_tags() {
        let list = [Cow::from("a"), Cow::from(""), Cow::from("naïve tag")];
        let listed = Tags::listed(&list);
        let mut bytes = Vec::new();
        listed.pack_into(&mut bytes);
        let packed = Tags::packed(&bytes).unwrap();
        assert_eq!(packed, listed);
        assert_eq!(packed.len(), 3);
        assert!(packed.contains("naïve tag") && !packed.contains("b"));
    }

    #[test]
    fn bytes_that_are_no_tags_are_refused() {
        assert!(Tags::packed(&[1]).is_none());
        assert!(Tags::packed(&[2, 0, b'a']).is_none());
        assert!(Tags::packed(&[1, 0, 0xff]).is_none());
    }
}
