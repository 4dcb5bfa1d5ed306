//! A JSON line as an append.

use crate::time;
use annals::{Append, Bytes, Event, Position, Timestamp, Uuid, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// What a line says: an append, and what it claims about its place.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) append: Append,
    /// For each event of the append, if claims were asked for.
    pub(crate) claims: Vec<Claim>,
}

/// What an exported event says about its place in the store it came from.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) stream: String,
    pub(crate) position: Position,
    pub(crate) version: Version,
    pub(crate) recorded: Timestamp,
}

/// Whether to look at what a line claims about its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claims {
    Ignored,
    Needed,
}

/// Reads a line: an object is an append of one event, an array of objects is
/// an append of several. What is wrong with it is said in words.
pub(crate) fn parse(line: &[u8], claims: Claims) -> Result<Line, String> {
    let text = std::str::from_utf8(line)
        .map_err(|error| format!("invalid UTF-8 at column {}", error.valid_up_to() + 1))?;
    let objects: Vec<&str> = match text.trim_ascii_start().as_bytes().first() {
        Some(b'{') => vec![text],
        Some(b'[') => serde_json::from_str::<Vec<&RawValue>>(text)
            .map_err(|error| at_column(&error))?
            .into_iter()
            .map(RawValue::get)
            .collect(),
        _ => return Err("neither a JSON object nor an array of them".into()),
    };
    let mut line = Builder::default();
    for (index, object) in objects.iter().enumerate() {
        line.add(object, claims)
            .map_err(|reason| match objects.len() {
                1 => reason,
                _ => format!("event {} of the array: {reason}", index + 1),
            })?;
    }
    let append = line.append.ok_or("an array without events")?;
    append.validate().map_err(|error| error.to_string())?;
    Ok(Line {
        append,
        claims: line.claims,
    })
}

#[derive(Default)]
struct Builder {
    append: Option<Append>,
    claims: Vec<Claim>,
}

impl Builder {
    fn add(&mut self, object: &str, claims: Claims) -> Result<(), String> {
        if !object.trim_ascii_start().starts_with('{') {
            return Err("not a JSON object".into());
        }
        let mut fields: Fields<'_> =
            serde_json::from_str(object).map_err(|error| at_column(&error))?;
        let stream = std::mem::take(&mut fields.stream);
        if claims == Claims::Needed {
            self.claims.push(fields.claim(stream.clone())?);
        }
        let event = fields.event()?;
        let append = match self.append.take() {
            None => Append::to(stream),
            Some(append) => append.and_to(stream),
        };
        self.append = Some(append.event(event));
        Ok(())
    }
}

/// The keys of an event. One that is not known is an error: a slip of the pen
/// must not lose what it names.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields<'a> {
    stream: String,
    #[serde(rename = "type")]
    event_type: String,
    #[serde(borrow, default, deserialize_with = "as_written")]
    data: Option<&'a RawValue>,
    data64: Option<String>,
    #[serde(borrow, default, deserialize_with = "as_written")]
    metadata: Option<&'a RawValue>,
    metadata64: Option<String>,
    id: Option<String>,
    time: Option<String>,
    tags: Option<Vec<String>>,
    schema: Option<u32>,
    correlation: Option<String>,
    causation: Option<String>,
    #[serde(borrow)]
    position: Option<&'a RawValue>,
    #[serde(borrow)]
    version: Option<&'a RawValue>,
    #[serde(borrow)]
    recorded: Option<&'a RawValue>,
}

/// A value's text, `null` included (which an `Option` would take for absent).
fn as_written<'de, D: Deserializer<'de>>(from: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(from).map(Some)
}

impl Fields<'_> {
    fn event(self) -> Result<Event, String> {
        let data = bytes("data", self.data, self.data64.as_deref())?
            .ok_or("missing field `data` (or `data64`)")?;
        let id = uuid("id", self.id.as_deref())?.unwrap_or_else(Uuid::now_v7);
        let mut event = Event::with_id(id, self.event_type, data)
            .with_schema(self.schema.unwrap_or(1))
            .with_tags(self.tags.unwrap_or_default());
        if let Some(metadata) = bytes("metadata", self.metadata, self.metadata64.as_deref())? {
            event = event.with_metadata(metadata);
        }
        if let Some(text) = self.time {
            event = event.with_happened(time::parse(&text)?);
        }
        if let Some(id) = uuid("correlation", self.correlation.as_deref())? {
            event = event.with_correlation(id);
        }
        if let Some(id) = uuid("causation", self.causation.as_deref())? {
            event = event.with_causation(id);
        }
        Ok(event)
    }

    fn claim(&self, stream: String) -> Result<Claim, String> {
        let recorded: String = needed("recorded", self.recorded)?;
        let recorded = time::parse(&recorded).map_err(|reason| format!("`recorded`: {reason}"))?;
        Ok(Claim {
            stream,
            position: Position::new(needed("position", self.position)?),
            version: Version::new(needed("version", self.version)?),
            recorded,
        })
    }
}

/// The bytes that are given in one of two ways, if they are.
fn bytes(
    key: &str,
    written: Option<&RawValue>,
    encoded: Option<&str>,
) -> Result<Option<Bytes>, String> {
    match (written, encoded) {
        (Some(_), Some(_)) => Err(format!("both `{key}` and `{key}64`")),
        (Some(json), None) => Ok(Some(Bytes::copy_from_slice(json.get().as_bytes()))),
        (None, Some(text)) => match STANDARD.decode(text) {
            Ok(bytes) => Ok(Some(bytes.into())),
            Err(error) => Err(format!("`{key}64` is no base64: {error}")),
        },
        (None, None) => Ok(None),
    }
}

fn uuid(key: &str, text: Option<&str>) -> Result<Option<Uuid>, String> {
    text.map(Uuid::parse_str)
        .transpose()
        .map_err(|error| format!("`{key}` is no UUID: {error}"))
}

/// What a restore needs to know.
fn needed<'a, T: Deserialize<'a>>(key: &str, value: Option<&'a RawValue>) -> Result<T, String> {
    let value = value.ok_or_else(|| format!("missing field `{key}`, which a restore needs"))?;
    serde_json::from_str(value.get()).map_err(|error| format!("`{key}`: {}", at_column(&error)))
}

/// What `serde_json` says, without its count of lines: the caller counts them.
fn at_column(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(end) => format!("{} at column {}", &text[..end], error.column()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(line: &str) -> Vec<(String, Event)> {
        let append = parse(line.as_bytes(), Claims::Ignored).unwrap().append;
        let name = |index: usize| append.streams()[index].name().to_owned();
        let entries = append.entries().iter();
        entries
            .map(|(stream, event)| (name(*stream), event.clone()))
            .collect()
    }

    fn refused(line: &str) -> String {
        parse(line.as_bytes(), Claims::Ignored).unwrap_err()
    }

    #[test]
    fn data_and_metadata_are_kept_as_they_are_written() {
        for text in [
            r#"{"b": 1.0e5,"a":-0.0, "b" :[ 1E400 ]}"#,
            r#""\u00e9\/\ud800 é""#,
            "null",
            "{ \t}",
            "123456789012345678901234567890",
        ] {
            let line =
                format!(r#" {{"stream":"s","type":"T","data":  {text} ,"metadata":{text}}} "#);
            let (_, event) = &events(&line)[0];
            assert_eq!(event.data(), text.as_bytes());
            assert_eq!(event.metadata(), text.as_bytes());
        }
    }

    #[test]
    fn everything_that_an_event_has_can_be_said() {
        let (stream, event) = &events(
            r#"{"time":"1970-01-01T01:00:00+01:00","data64":"AAE=","stream":"a/\u00e9","type":"T","id":"00000000-0000-0000-0000-000000000001","metadata64":"","tags":["x","y"],"schema":7,"correlation":"00000000-0000-0000-0000-000000000002","causation":"00000000-0000-0000-0000-000000000003","position":"any","version":[],"recorded":{}}"#,
        )[0];
        assert_eq!(stream, "a/é");
        let expected = Event::with_id(Uuid::from_u128(1), "T", &b"\0\x01"[..])
            .with_tags(["x", "y"])
            .with_schema(7)
            .with_happened(Timestamp::UNIX_EPOCH)
            .with_correlation(Uuid::from_u128(2))
            .with_causation(Uuid::from_u128(3));
        assert_eq!(*event, expected);
    }

    #[test]
    fn what_is_null_is_not_given_but_for_data_and_metadata() {
        let (_, event) = &events(
            r#"{"stream":"s","type":"T","data":1,"time":null,"id":null,"tags":null,"schema":null,"correlation":null,"causation":null,"position":null}"#,
        )[0];
        assert_eq!((event.happened(), event.schema()), (None, 1));
        assert!(event.tags().is_empty() && event.metadata().is_empty());
    }

    #[test]
    fn an_array_is_one_append_over_its_streams() {
        let found = events(
            r#"[{"stream":"a","type":"1","data":1},{"stream":"b","type":"2","data":2},{"stream":"a","type":"3","data":3}]"#,
        );
        let names: Vec<_> = found.iter().map(|(stream, _)| stream.as_str()).collect();
        assert_eq!(names, ["a", "b", "a"]);
    }

    #[test]
    fn claims_are_read_when_they_are_needed() {
        let line = r#"{"stream":"s","type":"T","data":1,"position":5,"version":2,"recorded":"1970-01-01T00:00:00.000001Z"}"#;
        let claims = parse(line.as_bytes(), Claims::Needed).unwrap().claims;
        assert_eq!(
            claims,
            [Claim {
                stream: "s".into(),
                position: Position::new(5),
                version: Version::new(2),
                recorded: Timestamp::from_micros(1).unwrap(),
            }]
        );
        let bare = r#"{"stream":"s","type":"T","data":1}"#;
        let reason = parse(bare.as_bytes(), Claims::Needed).unwrap_err();
        assert!(
            reason.contains("`recorded`, which a restore needs"),
            "{reason}"
        );
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (line, reason) in [
            ("", "neither a JSON object"),
            ("7", "neither a JSON object"),
            ("[]", "an array without events"),
            (r#"[["s","T",1]]"#, "not a JSON object"),
            ("{", "EOF while parsing an object at column 1"),
            (r#"{"type":"T","data":1}"#, "missing field `stream`"),
            (r#"{"stream":"s","data":1}"#, "missing field `type`"),
            (
                r#"{"stream":"s","type":"T"}"#,
                "missing field `data` (or `data64`)",
            ),
            (
                r#"{"stream":"s","type":"T","data":1,"dta":1}"#,
                "unknown field `dta`",
            ),
            (
                r#"{"stream":"s","type":"T","data":1,"data":2}"#,
                "duplicate field `data`",
            ),
            (
                r#"{"stream":"s","type":"T","data":1,"data64":""}"#,
                "both `data` and `data64`",
            ),
            (
                r#"{"stream":"s","type":"T","data64":"?"}"#,
                "`data64` is no base64",
            ),
            (r#"{"stream":"s","type":"T","data":01}"#, "invalid number"),
            (
                r#"{"stream":"s","type":"T","data":1} x"#,
                "trailing characters at column 36",
            ),
            (
                r#"{"stream":"s","type":"T","data":1,"id":"7"}"#,
                "`id` is no UUID",
            ),
            (
                r#"{"stream":"s","type":"T","data":1,"schema":-1}"#,
                "invalid value",
            ),
            (
                r#"{"stream":"s","type":"T","data":1,"time":"now"}"#,
                "RFC 3339",
            ),
            (
                r#"{"stream":"","type":"T","data":1}"#,
                "the name of the stream is empty",
            ),
            (
                r#"{"stream":"s","type":"","data":1}"#,
                "the name of the event type is empty",
            ),
            (
                r#"{"stream":"s","type":"T","data":1,"tags":[""]}"#,
                "the name of the tag is empty",
            ),
            (r#"{"stream":"\ud800","type":"T","data":1}"#, "hex escape"),
            (
                r#"[{"stream":"s","type":"T","data":1},{"stream":"s"}]"#,
                "event 2 of the array: missing field `type`",
            ),
        ] {
            let said = refused(line);
            assert!(said.contains(reason), "{line}: {said}");
            assert!(!said.contains(" line "), "{said}");
        }
        let reason = parse(b"{\"stream\":\"\xff\"}", Claims::Ignored).unwrap_err();
        assert_eq!(reason, "invalid UTF-8 at column 12");
    }
}
