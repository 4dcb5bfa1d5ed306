//! A record: one event, without its place.
//!
//! Nothing in here depends on where in the log the event comes to stand, so a
//! record is encoded and checksummed before its place is known. The frame's
//! head binds it to its place.

use super::{Fault, segment, take, varint};
use crate::env::{split_text, text};
use crate::types::{Event, EventRef, Micros, Position, Tags, Timestamp, Version};
use uuid::Uuid;

const SCHEMA: u8 = 1;
const HAPPENED: u8 = 1 << 1;
const CORRELATION: u8 = 1 << 2;
const CAUSATION: u8 = 1 << 3;
const TAGS: u8 = 1 << 4;
const METADATA: u8 = 1 << 5;
/// Fields that few events have.
const RARE: u8 = SCHEMA | HAPPENED | CORRELATION | CAUSATION | TAGS;
/// A list of extension fields stands before the data.
const EXTENSIONS: u8 = 1 << 6;
/// Kept for encrypted data; this version knows no meaning of it.
const UNKNOWN: u8 = 1 << 7;

/// Appends the record of an event of this stream.
pub(crate) fn encode(out: &mut Vec<u8>, stream: &str, event: &Event) {
    let flags_at = out.len();
    let mut flags = 0;
    out.push(0);
    out.extend_from_slice(event.id().as_bytes());
    put_bytes(out, stream.as_bytes());
    put_bytes(out, event.event_type().as_bytes());
    if event.schema() != 1 {
        flags |= SCHEMA;
        varint::put(out, u64::from(event.schema()));
    }
    if let Some(happened) = event.happened() {
        flags |= HAPPENED;
        varint::put(out, varint::zigzag(happened.seconds()));
        varint::put(out, u64::from(happened.nanos()));
    }
    if let Some(id) = event.correlation() {
        flags |= CORRELATION;
        out.extend_from_slice(id.as_bytes());
    }
    if let Some(id) = event.causation() {
        flags |= CAUSATION;
        out.extend_from_slice(id.as_bytes());
    }
    let tags = event.tags();
    if !tags.is_empty() {
        flags |= TAGS;
        varint::put(out, tags.iter().map(|tag| 2 + tag.len() as u64).sum());
        tags.pack_into(out);
    }
    if !event.metadata().is_empty() {
        flags |= METADATA;
        put_bytes(out, event.metadata());
    }
    out.extend_from_slice(event.data());
    out[flags_at] = flags;
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    varint::put(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// What the frame knows about a record: its place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RecordPlace {
    pub(crate) position: Position,
    pub(crate) append_first: Position,
    pub(crate) append_last: Position,
    pub(crate) version: Version,
    pub(crate) recorded: Micros,
}

/// Decodes a record without any of the fields that few events have, and of short
/// names: what most records are. Nothing if it is another, or malformed:
/// `decode` tells which.
#[allow(clippy::inline_always)] // See `lone`.
#[inline(always)]
fn plain(bytes: &[u8], place: RecordPlace) -> Option<EventRef<'_>> {
    let (fixed, rest) = bytes.split_first_chunk::<17>()?;
    let [flags, id @ ..] = *fixed;
    if flags & !METADATA != 0 {
        return None;
    }
    let (stream, rest) = short_text(rest)?;
    let (event_type, rest) = short_text(rest)?;
    let (metadata, data) = match flags {
        0 => (&[][..], rest),
        _ => {
            let mut at = 0;
            let length = varint::quick(rest, &mut at).filter(|length| *length > 0)?;
            rest[at..].split_at_checked(usize::try_from(length).ok()?)?
        }
    };
    Some(EventRef {
        position: place.position,
        append_first: place.append_first,
        append_last: place.append_last,
        version: place.version,
        recorded: place.recorded,
        stream,
        event_type,
        id: Uuid::from_bytes(id),
        schema: Rare::NONE.schema,
        happened: None,
        correlation: None,
        causation: None,
        tags: Tags::NONE,
        metadata,
        data,
    })
}

/// Decodes a record, and lends the event where it comes about: it is large, and
/// would else be moved once or twice. Nothing if the record is malformed.
#[allow(clippy::inline_always)]
#[inline(always)]
pub(crate) fn lend<'a, T>(
    bytes: &'a [u8],
    place: RecordPlace,
    take: impl FnOnce(EventRef<'a>) -> T,
) -> Option<T> {
    match plain(bytes, place) {
        Some(event) => Some(take(event)),
        None => decode(bytes, place).ok().map(take),
    }
}

/// A text whose length is a single byte, and what stands behind it.
#[inline]
fn short_text(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (length, rest) = bytes.split_first()?;
    // The top bit says that the length goes on.
    match *length < 0x80 {
        true => split_text(rest, usize::from(*length)),
        false => None,
    }
}

/// Decodes a whole record.
#[inline]
pub(crate) fn decode(bytes: &[u8], place: RecordPlace) -> Result<EventRef<'_>, Fault> {
    let mut at = 0;
    let flags = take(bytes, &mut at, 1, "the record is cut off")?[0];
    if flags & UNKNOWN != 0 {
        return Err(Fault::newer(0, "a kind of record that must be known"));
    }
    let id = get_id(bytes, &mut at)?;
    let stream = get_text(bytes, &mut at)?;
    let event_type = get_text(bytes, &mut at)?;
    let Rare {
        schema,
        happened,
        correlation,
        causation,
        tags,
    } = match flags & RARE {
        0 => Rare::NONE,
        _ => Rare::decode(flags, bytes, &mut at)?,
    };
    let metadata = match flags & METADATA {
        0 => &[],
        _ => get_bytes(bytes, &mut at)?,
    };
    if flags & METADATA != 0 && metadata.is_empty() {
        return Err(absent(at));
    }
    if flags & EXTENSIONS != 0 {
        let start = at;
        let extensions = get_bytes(bytes, &mut at)?;
        segment::check_extensions(extensions).map_err(|fault| fault.shifted(start))?;
    }
    Ok(EventRef {
        position: place.position,
        append_first: place.append_first,
        append_last: place.append_last,
        version: place.version,
        recorded: place.recorded,
        stream,
        event_type,
        id,
        schema,
        happened,
        correlation,
        causation,
        tags,
        metadata,
        data: bytes.get(at..).unwrap_or(&[]),
    })
}

/// There is one encoding of an event: what is not there has no field.
fn absent(at: usize) -> Fault {
    Fault::damaged(at, "a field of the record says nothing")
}

/// What few events have.
struct Rare<'a> {
    schema: u32,
    happened: Option<Timestamp>,
    correlation: Option<Uuid>,
    causation: Option<Uuid>,
    tags: Tags<'a>,
}

impl<'a> Rare<'a> {
    const NONE: Rare<'static> = Rare {
        schema: 1,
        happened: None,
        correlation: None,
        causation: None,
        tags: Tags::NONE,
    };

    fn decode(flags: u8, bytes: &'a [u8], at: &mut usize) -> Result<Self, Fault> {
        let mut rare = Rare::NONE;
        if flags & SCHEMA != 0 {
            rare.schema = get_schema(bytes, at)?;
            if rare.schema == 1 {
                return Err(absent(*at));
            }
        }
        if flags & HAPPENED != 0 {
            rare.happened = Some(get_time(bytes, at)?);
        }
        if flags & CORRELATION != 0 {
            rare.correlation = Some(get_id(bytes, at)?);
        }
        if flags & CAUSATION != 0 {
            rare.causation = Some(get_id(bytes, at)?);
        }
        if flags & TAGS != 0 {
            rare.tags = get_tags(bytes, at)?;
            if rare.tags.is_empty() {
                return Err(absent(*at));
            }
        }
        Ok(rare)
    }
}

#[inline]
fn get_id(bytes: &[u8], at: &mut usize) -> Result<Uuid, Fault> {
    let mut id = [0; 16];
    id.copy_from_slice(take(bytes, at, 16, "an id is cut off")?);
    Ok(Uuid::from_bytes(id))
}

#[inline]
fn get_bytes<'a>(bytes: &'a [u8], at: &mut usize) -> Result<&'a [u8], Fault> {
    let length = varint::get_len(bytes, at)?;
    take(bytes, at, length, "a field leads outside the record")
}

#[inline]
fn get_text<'a>(bytes: &'a [u8], at: &mut usize) -> Result<&'a str, Fault> {
    let start = *at;
    text(get_bytes(bytes, at)?).ok_or(Fault::damaged(start, "a name is not UTF-8"))
}

fn get_schema(bytes: &[u8], at: &mut usize) -> Result<u32, Fault> {
    let start = *at;
    u32::try_from(varint::get(bytes, at)?)
        .map_err(|_| Fault::damaged(start, "a schema version is out of range"))
}

fn get_time(bytes: &[u8], at: &mut usize) -> Result<Timestamp, Fault> {
    let start = *at;
    let seconds = varint::unzigzag(varint::get(bytes, at)?);
    let nanos = varint::get(bytes, at)?;
    u32::try_from(nanos)
        .ok()
        .and_then(|nanos| Timestamp::new(seconds, nanos).ok())
        .ok_or(Fault::damaged(start, "a time is out of range"))
}

fn get_tags<'a>(bytes: &'a [u8], at: &mut usize) -> Result<Tags<'a>, Fault> {
    let start = *at;
    Tags::packed(get_bytes(bytes, at)?).ok_or(Fault::damaged(start, "the tags are malformed"))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn full_event() -> Event {
        Event::with_id(Uuid::from_u128(7), "Typ", "data")
            .with_schema(300)
            .with_happened(Timestamp::new(-5, 999).unwrap())
            .with_correlation(Uuid::from_u128(1))
            .with_causation(Uuid::from_u128(2))
            .with_tags(["one", "zwei"])
            .with_metadata("meta")
    }

    fn place() -> RecordPlace {
        RecordPlace {
            position: Position::new(9),
            append_first: Position::new(8),
            append_last: Position::new(10),
            version: Version::new(4),
            recorded: Micros::new(77).unwrap(),
        }
    }

    fn encoded(event: &Event) -> Vec<u8> {
        let mut out = Vec::new();
        encode(&mut out, "s/ü", event);
        out
    }

    #[test]
    fn events_come_back_whole() {
        let plain = Event::with_id(Uuid::nil(), "T", "");
        for event in [full_event(), plain] {
            let bytes = encoded(&event);
            let expected = EventRef::recording(
                &event,
                "s/ü",
                place().version,
                place().position,
                place().recorded.timestamp(),
            )
            .within_append(place().append_first, place().append_last);
            assert_eq!(decode(&bytes, place()), Ok(expected));
        }
    }

    #[test]
    fn a_plain_record_costs_three_bytes_beside_what_was_given() {
        let event = Event::with_id(Uuid::nil(), "Type", "data");
        assert_eq!(encoded(&event).len(), 3 + 16 + "s/ü".len() + 4 + 4);
    }

    #[test]
    fn no_cut_and_no_flipped_bit_makes_it_panic() {
        let good = encoded(&full_event());
        for length in 0..good.len() - 4 {
            assert!(decode(&good[..length], place()).is_err(), "length {length}");
        }
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let _ = decode(&bad, place());
        }
    }

    #[test]
    fn a_kind_of_record_that_is_not_known_is_refused() {
        let mut bytes = encoded(&full_event());
        bytes[0] |= UNKNOWN;
        let fault = decode(&bytes, place()).unwrap_err();
        assert_eq!(
            fault,
            Fault::newer(0, "a kind of record that must be known")
        );
    }
}
