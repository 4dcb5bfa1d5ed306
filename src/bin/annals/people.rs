//! Events as people read them: aligned, and safe to look at on a terminal.

use crate::json;
use annals::{EventRef, Position, Timestamp, Version};
use indicatif::HumanCount;
use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write};

/// JSON that is longer than this, in characters, is laid out over lines.
const WIDE: usize = 120;

/// How wide times are, but for those with a fraction.
pub(crate) const TIME: usize = 22;

/// So many bytes are shown of what is neither JSON nor text.
const BYTES: usize = 64;

/// How events are laid out.
#[derive(Debug)]
pub(crate) struct Shown {
    number: usize,
    /// Grows with the widest time so far.
    time: usize,
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    /// Of one stream: each event with its version.
    Stream,
    /// Of the whole store: with its position, stream and version.
    Store,
}

impl Shown {
    /// Events of a stream that has this version.
    pub(crate) fn of_stream(version: Version) -> Self {
        Self::new(version.get(), What::Stream)
    }

    /// Events of a store whose head is here.
    pub(crate) fn of_store(head: Position) -> Self {
        Self::new(head.get(), What::Store)
    }

    fn new(largest: u64, what: What) -> Self {
        Shown {
            number: largest.to_string().len(),
            time: TIME,
            what,
        }
    }

    /// Writes an event: one line that says what it is, and below it, indented,
    /// what it holds.
    pub(crate) fn write(&mut self, out: &mut impl Write, event: &EventRef<'_>) -> io::Result<()> {
        let number = match self.what {
            What::Stream => event.version().get(),
            What::Store => event.position().get(),
        };
        let time = time(event);
        self.time = self.time.max(time.len());
        write!(out, "{number:>width$}  ", width = self.number)?;
        write!(
            out,
            "{}  {}",
            padded(&time, self.time),
            shown(event.event_type())
        )?;
        if event.schema() != 1 {
            write!(out, " (schema {})", event.schema())?;
        }
        if self.what == What::Store {
            write!(out, "  {} {}", shown(event.stream()), event.version())?;
        }
        writeln!(out)?;
        let indent = self.number + 2;
        content(out, indent, "", event.data())?;
        if !event.metadata().is_empty() {
            content(out, indent, "metadata ", event.metadata())?;
        }
        if !event.tags().is_empty() {
            let tags: Vec<_> = event.tags().iter().map(shown).collect();
            writeln!(out, "{:indent$}tags {}", "", tags.join(", "))?;
        }
        for (name, id) in [
            ("correlation", event.correlation()),
            ("causation", event.causation()),
        ] {
            if let Some(id) = id {
                writeln!(out, "{:indent$}{name} {id}", "")?;
            }
        }
        Ok(())
    }
}

/// When it happened, or else, in parentheses and without its fraction, when it
/// was recorded; the digits of both stand under each other.
pub(crate) fn time(event: &EventRef<'_>) -> String {
    if let Some(time) = event.happened() {
        return format!(" {time} ");
    }
    let recorded = event.recorded();
    let whole = Timestamp::new(recorded.seconds(), 0).unwrap_or(recorded);
    format!("({whole})")
}

/// So many of a thing.
pub(crate) fn counted(count: u64, thing: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {thing}{plural}", HumanCount(count))
}

/// Text with spaces behind it up to a width. (What implements `Display` by
/// itself ignores the width that it is asked for.)
pub(crate) fn padded(text: &str, width: usize) -> String {
    format!("{text:<width$}")
}

/// Text without what a terminal would act on, or what would show it in another
/// order: such characters stand as `\u001b`.
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_unsafe(c) {
            // Infallible for a string; all such characters have four digits.
            let _ = write!(safe, "\\u{:04x}", u32::from(c));
        } else {
            safe.push(c);
        }
    }
    Cow::Owned(safe)
}

/// Control characters, line and paragraph separators, and the marks that turn
/// the direction of text.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Writes what bytes hold: JSON, text, or just bytes.
fn content(out: &mut impl Write, indent: usize, name: &str, bytes: &[u8]) -> io::Result<()> {
    if bytes.is_empty() {
        return Ok(());
    }
    let text = if let Some(text) = json::text(bytes) {
        let line = json::compact(text);
        if line.chars().count() <= WIDE {
            line
        } else {
            json::indented(text, indent)
        }
    } else if let Ok(text) = std::str::from_utf8(bytes) {
        let mut between = String::from("\n");
        between.extend(std::iter::repeat_n(' ', indent));
        text.trim_end_matches('\n').replace('\n', &between)
    } else {
        dump(bytes)
    };
    write!(out, "{:indent$}{name}", "")?;
    for (index, line) in text.split('\n').enumerate() {
        let separator = if index == 0 { "" } else { "\n" };
        write!(out, "{separator}{}", shown(line))?;
    }
    writeln!(out)
}

/// The first bytes in hexadecimal.
fn dump(bytes: &[u8]) -> String {
    let mut text = format!("{} bytes:", bytes.len());
    for byte in bytes.iter().take(BYTES) {
        // Infallible for a string.
        let _ = write!(text, " {byte:02x}");
    }
    if bytes.len() > BYTES {
        text.push_str(" ...");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use annals::{Event, Uuid};

    fn looks(mut layout: Shown, event: &Event, stream: &str) -> String {
        let recorded = Timestamp::UNIX_EPOCH;
        let event =
            EventRef::recording(event, stream, Version::new(7), Position::new(42), recorded);
        let mut out = Vec::new();
        layout.write(&mut out, &event).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn an_event_of_a_stream_is_a_line_and_what_it_holds() {
        let event = Event::new("Born", r#"{"year":"1895", "city":""}"#)
            .with_happened(Timestamp::new(-2_363_212_800, 0).unwrap())
            .with_tags(["team:BOS", "x"])
            .with_schema(2)
            .with_metadata("by\nhand\n")
            .with_causation(Uuid::from_u128(1));
        assert_eq!(
            looks(Shown::of_stream(Version::new(120)), &event, "player/x"),
            "  7   1895-02-11T00:00:00Z   Born (schema 2)\n\
             \x20    {\"year\": \"1895\", \"city\": \"\"}\n\
             \x20    metadata by\n\
             \x20    hand\n\
             \x20    tags team:BOS, x\n\
             \x20    causation 00000000-0000-0000-0000-000000000001\n"
        );
    }

    #[test]
    fn an_event_of_the_store_says_where_it_belongs() {
        let event = Event::new("Born", &b"\0\xff"[..]);
        assert_eq!(
            looks(Shown::of_store(Position::new(42)), &event, "player/x"),
            "42  (1970-01-01T00:00:00Z)  Born  player/x 7\n    2 bytes: 00 ff\n"
        );
        assert_eq!(
            looks(
                Shown::of_store(Position::new(42)),
                &Event::new("Born", ""),
                "player/x"
            ),
            "42  (1970-01-01T00:00:00Z)  Born  player/x 7\n"
        );
    }

    #[test]
    fn long_json_goes_over_lines() {
        let event = Event::new("T", format!(r#"{{"a":"{}"}}"#, "x".repeat(WIDE)));
        let text = looks(Shown::of_stream(Version::new(7)), &event, "s");
        let lines: Vec<_> = text.lines().collect();
        assert_eq!((lines[1], lines[3]), ("   {", "   }"));
        assert!(lines[2].starts_with("     \"a\": \"xxx"));
    }

    #[test]
    fn nothing_that_a_terminal_acts_on_is_shown_as_it_is() {
        let bad = "\u{1b}[31m\u{7f}\u{9b}\u{202e}\r";
        let event = Event::new(format!("T{bad}"), "\"\u{7f}\u{9b}\u{202e}\"")
            .with_metadata(bad)
            .with_tag(bad);
        let text = looks(Shown::of_store(Position::new(42)), &event, bad);
        let raw = text.chars().filter(|c| is_unsafe(*c) && *c != '\n').count();
        assert_eq!(raw, 0, "{text}");
        assert_eq!(
            text.matches("\\u001b[31m\\u007f\\u009b\\u202e\\u000d")
                .count(),
            4
        );
    }
}
