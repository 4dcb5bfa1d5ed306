//! An event as an application hands it in.

use super::{Tags, Timestamp};
use bytes::Bytes;
use std::borrow::Cow;
use uuid::Uuid;

/// Something that happened, before a store has recorded it.
///
/// The id is fixed here, when the event is built, so that appending the same
/// value again is known as a repeat and not recorded twice.
///
/// ```
/// use annals::Event;
/// let event = Event::new("OrderPlaced", r#"{"total": 12}"#)
///     .with_tag("customer:7")
///     .with_metadata(r#"{"by": "web"}"#);
/// assert_eq!(event.event_type(), "OrderPlaced");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    id: Uuid,
    event_type: Cow<'static, str>,
    schema: u32,
    data: Bytes,
    metadata: Bytes,
    tags: Vec<Cow<'static, str>>,
    happened: Option<Timestamp>,
    correlation: Option<Uuid>,
    causation: Option<Uuid>,
}

impl Event {
    /// An event of this type with this data, a new id (UUID version 7) and
    /// schema version 1.
    pub fn new(event_type: impl Into<Cow<'static, str>>, data: impl Into<Bytes>) -> Self {
        Self::with_id(Uuid::now_v7(), event_type, data)
    }

    /// Like `new`, with an id that the caller has chosen.
    pub fn with_id(
        id: Uuid,
        event_type: impl Into<Cow<'static, str>>,
        data: impl Into<Bytes>,
    ) -> Self {
        Event {
            id,
            event_type: event_type.into(),
            schema: 1,
            data: data.into(),
            metadata: Bytes::new(),
            tags: Vec::new(),
            happened: None,
            correlation: None,
            causation: None,
        }
    }

    /// Sets the version of the data's schema (1 unless set).
    #[must_use]
    pub fn with_schema(mut self, schema: u32) -> Self {
        self.schema = schema;
        self
    }

    /// Sets the metadata: bytes about the event that are not its data.
    #[must_use]
    pub fn with_metadata(mut self, metadata: impl Into<Bytes>) -> Self {
        self.metadata = metadata.into();
        self
    }

    /// Adds a tag.
    #[must_use]
    pub fn with_tag(mut self, tag: impl Into<Cow<'static, str>>) -> Self {
        self.tags.push(tag.into());
        self
    }

    /// Adds tags.
    #[must_use]
    pub fn with_tags<T: Into<Cow<'static, str>>>(
        mut self,
        tags: impl IntoIterator<Item = T>,
    ) -> Self {
        self.tags.extend(tags.into_iter().map(Into::into));
        self
    }

    /// Sets when it happened, which is the application's own business: it may
    /// lie in the past, and need not follow the order of the log.
    #[must_use]
    pub fn with_happened(mut self, happened: Timestamp) -> Self {
        self.happened = Some(happened);
        self
    }

    /// Sets the id of the business process that this event belongs to.
    #[must_use]
    pub fn with_correlation(mut self, id: Uuid) -> Self {
        self.correlation = Some(id);
        self
    }

    /// Sets the id of the event or command that caused this one.
    #[must_use]
    pub fn with_causation(mut self, id: Uuid) -> Self {
        self.causation = Some(id);
        self
    }

    /// The id, fixed when the event was built.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// What kind of thing happened.
    pub fn event_type(&self) -> &str {
        &self.event_type
    }

    /// The version of the data's schema.
    pub fn schema(&self) -> u32 {
        self.schema
    }

    /// The data.
    pub fn data(&self) -> &Bytes {
        &self.data
    }

    /// The metadata; empty if none was given.
    pub fn metadata(&self) -> &Bytes {
        &self.metadata
    }

    /// The tags, in the order given.
    pub fn tags(&self) -> Tags<'_> {
        Tags::listed(&self.tags)
    }

    /// When it happened, if that was said.
    pub fn happened(&self) -> Option<Timestamp> {
        self.happened
    }

    /// The id of the process that it belongs to, if one was given.
    pub fn correlation(&self) -> Option<Uuid> {
        self.correlation
    }

    /// The id of what caused it, if one was given.
    pub fn causation(&self) -> Option<Uuid> {
        self.causation
    }
}
