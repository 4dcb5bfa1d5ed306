//! The names of the files in a store's directory, and of those that are kept
//! under a name of the user's, made and parsed here only.

use crate::types::Position;
use siphasher::sip128::{Hasher128, SipHasher13};
use std::hash::Hasher;

/// Says that the directory is a store, and which one.
pub(crate) const IDENTITY: &str = "store";
/// Locked by the one writer.
pub(crate) const LOCK: &str = "lock";
/// The writer's watermark for its followers.
pub(crate) const BOARD: &str = "watermark";
/// What the last clean close said of the log's end.
pub(crate) const CLOSED: &str = "closed";

/// The name of a segment file.
pub(crate) fn segment(number: u64) -> String {
    format!("{number:010}.seg")
}

/// The number of the segment file with this name.
pub(crate) fn parse_segment(name: &str) -> Option<u64> {
    let number = name.strip_suffix(".seg")?.parse().ok()?;
    (number > 0 && segment(number) == name).then_some(number)
}

/// The name of the index file over these positions.
pub(crate) fn index(first: Position, last: Position) -> String {
    format!("{:016}-{:016}.idx", first.get(), last.get())
}

/// The positions that the index file with this name is over.
pub(crate) fn parse_index(name: &str) -> Option<(Position, Position)> {
    let (first, last) = parse_range(name.strip_suffix(".idx")?)?;
    (index(first, last) == name).then_some((first, last))
}

/// The name of the file of ids over these positions.
pub(crate) fn ids(first: Position, last: Position) -> String {
    format!("{:016}-{:016}.ids", first.get(), last.get())
}

/// The positions that the file of ids with this name is over.
pub(crate) fn parse_ids(name: &str) -> Option<(Position, Position)> {
    let (first, last) = parse_range(name.strip_suffix(".ids")?)?;
    (ids(first, last) == name).then_some((first, last))
}

/// The positions of a range, as names state it.
fn parse_range(text: &str) -> Option<(Position, Position)> {
    let (first, last) = text.split_once('-')?;
    let first = Position::new(first.parse().ok()?);
    let last = Position::new(last.parse().ok()?);
    (first <= last && first > Position::START).then_some((first, last))
}

/// Whether a name is of a file that was being made when its maker stopped.
pub(crate) fn is_temporary(name: &str) -> bool {
    name.strip_suffix(".tmp").is_some_and(|name| {
        let derived = parse_index(name).or_else(|| parse_ids(name));
        name == IDENTITY || name == CLOSED || derived.is_some()
    })
}

/// A file name for any name: as much of it as is safe everywhere, for people,
/// and a hash of all of it, which also tells apart what differs in case only.
pub(crate) fn safe_file_name(name: &str, suffix: &str) -> String {
    let readable: String = name
        .chars()
        .take(40)
        .map(|own| match own.to_ascii_lowercase() {
            safe @ ('a'..='z' | '0'..='9' | '-') => safe,
            _ => '_',
        })
        .collect();
    let mut hasher = SipHasher13::new_with_keys(0, 0);
    hasher.write(name.as_bytes());
    let hash = hasher.finish128().as_u128();
    format!("{readable}-{hash:032x}.{suffix}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::MAX_NAME_BYTES;

    #[test]
    fn names_come_back_as_what_they_were_made_of() {
        assert_eq!(parse_segment(&segment(7)), Some(7));
        assert_eq!(parse_segment(&segment(u64::MAX)), Some(u64::MAX));
        let range = (Position::new(1), Position::new(99));
        assert_eq!(parse_index(&index(range.0, range.1)), Some(range));
        assert_eq!(parse_ids(&ids(range.0, range.1)), Some(range));
        assert!(is_temporary(&format!("{}.tmp", ids(range.0, range.1))));
        assert!(is_temporary("closed.tmp"));
    }

    #[test]
    fn other_names_are_nobodys() {
        for name in [
            "7.seg",
            "0000000000.seg",
            "+000000007.seg",
            "0000000007.seg.tmp",
            "x.idx",
            "0000000000000001-2.ids",
        ] {
            assert_eq!(parse_segment(name), None, "{name}");
            assert_eq!(parse_index(name), None, "{name}");
            assert_eq!(parse_ids(name), None, "{name}");
        }
        let backwards = "0000000000000009-0000000000000001.idx";
        assert_eq!(parse_index(backwards), None);
        assert!(!is_temporary("mine.tmp"));
    }

    #[test]
    fn file_names_are_safe_short_and_differ_by_more_than_case() {
        let long = "x".repeat(MAX_NAME_BYTES);
        let names = [
            "Mailer",
            "mailer",
            "con",
            "",
            "../up",
            "ä",
            long.as_str(),
            "a.b",
            "a b",
        ];
        let mut seen = std::collections::HashSet::new();
        for name in names {
            let file = safe_file_name(name, "cursor");
            assert!(file.len() < 100);
            assert!(file.bytes().all(|byte| byte.is_ascii_lowercase()
                || byte.is_ascii_digit()
                || b"-_.".contains(&byte)));
            assert!(seen.insert(file.to_ascii_lowercase()), "{name}");
        }
        assert_eq!(
            safe_file_name("Mailer", "cursor"),
            safe_file_name("Mailer", "cursor")
        );
    }
}
