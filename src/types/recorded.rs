//! An event as a store gives it back: lent (`EventRef`) or owned (`RecordedEvent`).

use super::{Event, Micros, Position, Tags, Timestamp, Version};
use bytes::Bytes;
use std::fmt;
use std::ops::Range;
use uuid::Uuid;

/// A recorded event, lent: its texts and bytes stay where the store keeps them
/// (for a log read through a mapping: in the mapping, without a copy).
///
/// `to_owned` makes a `RecordedEvent` that may be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventRef<'a> {
    pub(crate) position: Position,
    pub(crate) append_first: Position,
    pub(crate) append_last: Position,
    pub(crate) version: Version,
    pub(crate) recorded: Micros,
    pub(crate) stream: &'a str,
    pub(crate) event_type: &'a str,
    pub(crate) id: Uuid,
    pub(crate) schema: u32,
    pub(crate) happened: Option<Timestamp>,
    pub(crate) correlation: Option<Uuid>,
    pub(crate) causation: Option<Uuid>,
    pub(crate) tags: Tags<'a>,
    pub(crate) metadata: &'a [u8],
    pub(crate) data: &'a [u8],
}

impl<'a> EventRef<'a> {
    /// An event as a backend records it: the application's part from `event`,
    /// the store's part from the rest. It counts as an append of its own
    /// unless `within_append` says otherwise.
    pub fn recording(
        event: &'a Event,
        stream: &'a str,
        version: Version,
        position: Position,
        recorded: Timestamp,
    ) -> Self {
        EventRef {
            position,
            append_first: position,
            append_last: position,
            version,
            recorded: recorded.into(),
            stream,
            event_type: event.event_type(),
            id: event.id(),
            schema: event.schema(),
            happened: event.happened(),
            correlation: event.correlation(),
            causation: event.causation(),
            tags: event.tags(),
            metadata: event.metadata(),
            data: event.data(),
        }
    }

    /// Sets which positions were appended together with this event.
    #[must_use]
    pub fn within_append(mut self, first: Position, last: Position) -> Self {
        self.append_first = first;
        self.append_last = last;
        self
    }

    /// Whether an event, recorded here, would be what this one is.
    pub(crate) fn says(&self, event: &Event) -> bool {
        let same = EventRef::recording(
            event,
            self.stream,
            self.version,
            self.position,
            self.recorded(),
        );
        *self == same.within_append(self.append_first, self.append_last)
    }

    /// An owned copy, in one allocation.
    #[allow(clippy::should_implement_trait, clippy::wrong_self_convention)]
    pub fn to_owned(&self) -> RecordedEvent {
        RecordedEvent::copied(self)
    }
}

/// The accessors that a lent and an owned event have in common.
macro_rules! accessors {
    ($self:ident, $view:expr) => {
        /// The event's place in the store.
        pub fn position(&$self) -> Position {
            $view.position
        }

        /// The event's place in its stream.
        pub fn version(&$self) -> Version {
            $view.version
        }

        /// When the store recorded it: whole microseconds by the store's
        /// clock, never earlier than the event before it.
        pub fn recorded(&$self) -> Timestamp {
            $view.recorded.timestamp()
        }

        /// The position of the first event of the atomic append that this one
        /// was part of.
        pub fn append_first(&$self) -> Position {
            $view.append_first
        }

        /// The position of the last event of that append.
        pub fn append_last(&$self) -> Position {
            $view.append_last
        }

        /// The event's id.
        pub fn id(&$self) -> Uuid {
            $view.id
        }

        /// The version of the data's schema.
        pub fn schema(&$self) -> u32 {
            $view.schema
        }

        /// When it happened, if the application said so.
        pub fn happened(&$self) -> Option<Timestamp> {
            $view.happened
        }

        /// The id of the process that it belongs to, if one was given.
        pub fn correlation(&$self) -> Option<Uuid> {
            $view.correlation
        }

        /// The id of what caused it, if one was given.
        pub fn causation(&$self) -> Option<Uuid> {
            $view.causation
        }
    };
}

impl<'a> EventRef<'a> {
    accessors!(self, self);

    /// The name of the event's stream.
    pub fn stream(&self) -> &'a str {
        self.stream
    }

    /// What kind of thing happened.
    pub fn event_type(&self) -> &'a str {
        self.event_type
    }

    /// The tags, in the order in which they were given.
    pub fn tags(&self) -> Tags<'a> {
        self.tags
    }

    /// The metadata; empty if there is none.
    pub fn metadata(&self) -> &'a [u8] {
        self.metadata
    }

    /// The data.
    pub fn data(&self) -> &'a [u8] {
        self.data
    }
}

/// Where a part of an event lies in the buffer that it shares. Four bytes are
/// enough: no append is larger than 4 GiB.
#[derive(Clone, Copy, Debug)]
struct Part {
    start: u32,
    end: u32,
}

impl Part {
    fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// A recorded event, owned. Cloning it copies no texts and no bytes: clones
/// share one buffer, which may be the store's own.
///
/// Such an event keeps what it shares alive: for a log read through mappings
/// the mapping of a whole segment (address space, not memory). `EventRef::to_owned`
/// makes one that shares nothing.
///
/// ```
/// use annals::{Append, Event, EventStore, Query};
/// let store = annals::temporary()?;
/// store.append(Append::to("orders/42").event(Event::new("Placed", "{}").with_tag("vip")))?;
/// let event = store.read(&Query::all()).next().unwrap()?;
/// assert_eq!((event.stream(), event.version().get()), ("orders/42", 1));
/// assert_eq!((event.event_type(), event.data()), ("Placed", &b"{}"[..]));
/// assert!(event.tags().contains("vip"));
/// # Ok::<(), annals::Error>(())
/// ```
#[derive(Clone)]
pub struct RecordedEvent {
    buffer: Bytes,
    stream: Part,
    event_type: Part,
    tags: Part,
    metadata: Part,
    data: Part,
    position: Position,
    append_first: Position,
    append_last: Position,
    version: Version,
    recorded: Micros,
    id: Uuid,
    schema: u32,
    happened: Option<Timestamp>,
    correlation: Option<Uuid>,
    causation: Option<Uuid>,
}

impl RecordedEvent {
    /// An owned event whose bytes are those of `buffer`, or a copy if not all
    /// of the event's texts and bytes lie in there.
    pub fn sharing(event: &EventRef<'_>, buffer: &Bytes) -> Self {
        Self::within(event, buffer).unwrap_or_else(|| Self::copied(event))
    }

    fn within(event: &EventRef<'_>, buffer: &Bytes) -> Option<Self> {
        let locate = |part: &[u8]| -> Option<Part> {
            if part.is_empty() {
                return Some(Part { start: 0, end: 0 });
            }
            let start = (part.as_ptr() as usize).checked_sub(buffer.as_ptr() as usize)?;
            let end = start.checked_add(part.len())?;
            (end <= buffer.len()).then_some(())?;
            Some(Part {
                start: u32::try_from(start).ok()?,
                end: u32::try_from(end).ok()?,
            })
        };
        let parts = Parts {
            stream: locate(event.stream.as_bytes())?,
            event_type: locate(event.event_type.as_bytes())?,
            tags: locate(event.tags.as_packed()?)?,
            metadata: locate(event.metadata)?,
            data: locate(event.data)?,
        };
        Some(Self::assemble(event, buffer.clone(), &parts))
    }

    fn copied(event: &EventRef<'_>) -> Self {
        let fixed = event.stream.len() + event.event_type.len();
        let mut bytes = Vec::with_capacity(fixed + event.metadata.len() + event.data.len());
        let mut ends = [0u32; 5];
        let mut note = |bytes: &Vec<u8>, part: usize| {
            ends[part] = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        };
        bytes.extend_from_slice(event.stream.as_bytes());
        note(&bytes, 0);
        bytes.extend_from_slice(event.event_type.as_bytes());
        note(&bytes, 1);
        event.tags.pack_into(&mut bytes);
        note(&bytes, 2);
        bytes.extend_from_slice(event.metadata);
        note(&bytes, 3);
        bytes.extend_from_slice(event.data);
        note(&bytes, 4);
        let between = |start: u32, end: u32| Part { start, end };
        let parts = Parts {
            stream: between(0, ends[0]),
            event_type: between(ends[0], ends[1]),
            tags: between(ends[1], ends[2]),
            metadata: between(ends[2], ends[3]),
            data: between(ends[3], ends[4]),
        };
        Self::assemble(event, Bytes::from(bytes), &parts)
    }

    fn assemble(event: &EventRef<'_>, buffer: Bytes, parts: &Parts) -> Self {
        RecordedEvent {
            buffer,
            stream: parts.stream,
            event_type: parts.event_type,
            tags: parts.tags,
            metadata: parts.metadata,
            data: parts.data,
            position: event.position,
            append_first: event.append_first,
            append_last: event.append_last,
            version: event.version,
            recorded: event.recorded,
            id: event.id,
            schema: event.schema,
            happened: event.happened,
            correlation: event.correlation,
            causation: event.causation,
        }
    }

    accessors!(self, self);

    /// The name of the event's stream.
    pub fn stream(&self) -> &str {
        self.text(self.stream)
    }

    /// What kind of thing happened.
    pub fn event_type(&self) -> &str {
        self.text(self.event_type)
    }

    /// The tags, in the order in which they were given.
    pub fn tags(&self) -> Tags<'_> {
        Tags::packed(&self.buffer[self.tags.range()]).unwrap_or(Tags::NONE)
    }

    /// The metadata; empty if there is none.
    pub fn metadata(&self) -> &[u8] {
        &self.buffer[self.metadata.range()]
    }

    /// The data.
    pub fn data(&self) -> &[u8] {
        &self.buffer[self.data.range()]
    }

    /// The data as bytes of their own that share the event's buffer.
    pub fn data_bytes(&self) -> Bytes {
        self.buffer.slice(self.data.range())
    }

    /// The event, lent.
    pub fn as_ref(&self) -> EventRef<'_> {
        EventRef {
            position: self.position,
            append_first: self.append_first,
            append_last: self.append_last,
            version: self.version,
            recorded: self.recorded,
            stream: self.stream(),
            event_type: self.event_type(),
            id: self.id,
            schema: self.schema,
            happened: self.happened,
            correlation: self.correlation,
            causation: self.causation,
            tags: self.tags(),
            metadata: self.metadata(),
            data: self.data(),
        }
    }

    /// The texts were texts when the event was made, so the fallback is never
    /// taken; it is there because a library does not panic on data.
    fn text(&self, part: Part) -> &str {
        std::str::from_utf8(&self.buffer[part.range()]).unwrap_or("")
    }
}

/// The places of the five parts that vary in length.
struct Parts {
    stream: Part,
    event_type: Part,
    tags: Part,
    metadata: Part,
    data: Part,
}

impl PartialEq for RecordedEvent {
    fn eq(&self, other: &Self) -> bool {
        self.as_ref() == other.as_ref()
    }
}

impl Eq for RecordedEvent {}

impl fmt::Debug for RecordedEvent {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().fmt(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Event {
        Event::new("Happened", "data")
            .with_metadata("metadata")
            .with_tags(["one", "two"])
            .with_schema(3)
            .with_happened(Timestamp::new(-5, 7).unwrap())
            .with_correlation(Uuid::from_u128(1))
            .with_causation(Uuid::from_u128(2))
    }

    #[test]
    fn an_owned_event_says_what_the_lent_one_said() {
        let event = sample();
        let time = Timestamp::new(10, 1_999).unwrap();
        let lent = EventRef::recording(&event, "s/1", Version::new(4), Position::new(9), time)
            .within_append(Position::new(8), Position::new(10));
        let owned = lent.to_owned();
        assert_eq!(owned.as_ref(), lent);
        assert_eq!(owned.recorded(), Timestamp::new(10, 1_000).unwrap());
        assert_eq!(owned.tags().iter().collect::<Vec<_>>(), ["one", "two"]);
        assert_eq!(&owned.data_bytes()[..], b"data");
    }

    #[test]
    fn sharing_copies_nothing_when_everything_lies_in_the_buffer() {
        let event = sample();
        let first = EventRef::recording(
            &event,
            "s",
            Version::new(1),
            Position::new(1),
            Timestamp::UNIX_EPOCH,
        )
        .to_owned();
        let again = RecordedEvent::sharing(&first.as_ref(), &first.buffer);
        assert_eq!(again.data().as_ptr(), first.data().as_ptr());
        assert_eq!(again, first);
        let elsewhere = RecordedEvent::sharing(&first.as_ref(), &Bytes::from_static(b"other"));
        assert_eq!(elsewhere, first);
    }
}
