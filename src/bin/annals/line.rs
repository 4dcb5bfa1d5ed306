//! A recorded event as a JSON line.

use crate::json;
use annals::EventRef;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::io::{self, Write};

/// Writes the JSON object of an event, without a line break.
///
/// The keys always stand in the same order, and what is not set has none, so
/// that the same events give the same text.
pub(crate) fn write(out: &mut impl Write, event: &EventRef<'_>) -> io::Result<()> {
    write!(out, r#"{{"position":{},"stream":"#, event.position())?;
    text(out, event.stream())?;
    write!(out, r#","version":{},"type":"#, event.version())?;
    text(out, event.event_type())?;
    write!(out, r#","id":"{}","time":"#, event.id())?;
    match event.happened() {
        Some(time) => write!(out, r#""{time}""#)?,
        None => out.write_all(b"null")?,
    }
    write!(out, r#","recorded":"{}""#, event.recorded())?;
    bytes(out, "data", event.data())?;
    if !event.metadata().is_empty() {
        bytes(out, "metadata", event.metadata())?;
    }
    if !event.tags().is_empty() {
        out.write_all(br#","tags":"#)?;
        for (index, tag) in event.tags().iter().enumerate() {
            out.write_all(if index == 0 { b"[" } else { b"," })?;
            text(out, tag)?;
        }
        out.write_all(b"]")?;
    }
    if event.schema() != 1 {
        write!(out, r#","schema":{}"#, event.schema())?;
    }
    if let Some(id) = event.correlation() {
        write!(out, r#","correlation":"{id}""#)?;
    }
    if let Some(id) = event.causation() {
        write!(out, r#","causation":"{id}""#)?;
    }
    out.write_all(b"}")
}

/// Writes a JSON string.
pub(crate) fn text(out: &mut impl Write, text: &str) -> io::Result<()> {
    serde_json::to_writer(out, text).map_err(io::Error::from)
}

/// Writes bytes as what they are, if that is a line of JSON, or in base64.
fn bytes(out: &mut impl Write, key: &str, bytes: &[u8]) -> io::Result<()> {
    match json::on_one_line(bytes) {
        Some(text) => write!(out, r#","{key}":{text}"#),
        None => write!(out, r#","{key}64":"{}""#, STANDARD.encode(bytes)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use annals::{Event, Position, Timestamp, Uuid, Version};

    fn written(event: &Event) -> String {
        let time = Timestamp::from_micros(1_500_000).unwrap();
        let event =
            EventRef::recording(event, "s/é\u{1b}", Version::new(2), Position::new(7), time);
        let mut out = Vec::new();
        write(&mut out, &event).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn keys_stand_in_order_and_only_what_is_set() {
        let least = Event::with_id(Uuid::from_u128(1), "T \"q\"", r#"{"b": 1.0e5}"#);
        assert_eq!(
            written(&least),
            r#"{"position":7,"stream":"s/é\u001b","version":2,"type":"T \"q\"","id":"00000000-0000-0000-0000-000000000001","time":null,"recorded":"1970-01-01T00:00:01.500Z","data":{"b": 1.0e5}}"#
        );
        let most = least
            .with_happened(Timestamp::UNIX_EPOCH)
            .with_metadata("null")
            .with_tags(["b", "a\n"])
            .with_schema(0)
            .with_causation(Uuid::from_u128(2))
            .with_correlation(Uuid::from_u128(3));
        assert!(written(&most).ends_with(
            r#""time":"1970-01-01T00:00:00Z","recorded":"1970-01-01T00:00:01.500Z","data":{"b": 1.0e5},"metadata":null,"tags":["b","a\n"],"schema":0,"correlation":"00000000-0000-0000-0000-000000000003","causation":"00000000-0000-0000-0000-000000000002"}"#
        ));
    }

    #[test]
    fn bytes_that_are_no_line_of_json_are_base64() {
        for (data, text) in [("", ""), ("{}\n", "e30K"), ("hi", "aGk=")] {
            let line = written(&Event::new("T", data).with_metadata("{"));
            assert!(
                line.ends_with(&format!(r#""data64":"{text}","metadata64":"ew=="}}"#)),
                "{line}"
            );
        }
    }
}
