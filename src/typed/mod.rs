//! Floor 8: an enum of the application as the type of its events.

mod coder;
mod decode;
mod deliver;
mod encode;
mod only_enum;
#[cfg(test)]
mod tests;

pub use deliver::{TypedDelivered, TypedSubscription};
pub(crate) use only_enum::{GivesEnum, NO_PLAIN_ENUM, OnlyEnum};

use crate::codec::{Codec, Json};
use crate::error::{ErrorKind, EventPlace, Result};
use crate::store::{EventStore, Events, Query};
use crate::types::{Event, EventRef, RecordedEvent};
use crate::upcast::{Newest, Upcasters};
use coder::{Coder, Coding, Problem};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

/// How the values of an event enum are written and read.
///
/// Any serde enum will do: the serde name of a variant is the type of the
/// stored event, and what the variant holds is its data. `#[serde(rename)]`
/// names a type, `#[serde(alias)]` reads one that had another name, and a
/// variant with `#[serde(other)]` takes what is unknown.
///
/// ```
/// use annals::{Append, EventStore, MemoryStore, Query, Schema};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, PartialEq, Serialize, Deserialize)]
/// enum CareerEvent {
///     PlayerDebuted { team: String },
///     #[serde(rename = "PlayerMoved")]
///     Traded { to: String },
///     Retired,
/// }
///
/// let schema = Schema::<CareerEvent>::new();
/// let traded = schema.encode(&CareerEvent::Traded { to: "BOS".into() })?;
/// assert_eq!(traded.event_type(), "PlayerMoved");
/// assert_eq!(&traded.data()[..], br#"{"to":"BOS"}"#);
///
/// let store = MemoryStore::new();
/// store.append(Append::to("careers/ruth").event(traded))?;
/// for event in schema.read(&store, &Query::category("careers")) {
///     let event = event?;
///     assert_eq!(event.event, CareerEvent::Traded { to: "BOS".into() });
///     assert_eq!(event.record.stream(), "careers/ruth");
/// }
/// # Ok::<(), annals::Error>(())
/// ```
pub struct Schema<E> {
    coding: Arc<dyn Coding<E>>,
    skip_unknown: bool,
}

impl<E: Serialize + DeserializeOwned + 'static> Schema<E> {
    /// Events as JSON, all of schema version 1.
    pub fn new() -> Self {
        Self::with_codec(Json)
    }

    /// Events as this codec writes them, all of schema version 1.
    pub fn with_codec(codec: impl Codec) -> Self {
        let newest = decode::variant_names::<E>()
            .iter()
            .map(|name| ((*name).to_owned(), 1))
            .collect();
        Self::made_of(Upcasters::with_codec(codec), newest)
    }

    /// Events as the upcasters' codec writes them; older ones are read as the
    /// upcasters tell.
    ///
    /// # Errors
    /// `InvalidUpcasters`: there is a schema version from which no upcaster
    /// leads on, a circle, two upcasters for the same events, or a type in the
    /// end that the enum does not have.
    pub fn upcasting<C: Codec>(upcasters: Upcasters<C>) -> Result<Self> {
        match upcasters.check(decode::variant_names::<E>()) {
            Ok(newest) => Ok(Self::made_of(upcasters, newest)),
            Err(problems) => Err(ErrorKind::InvalidUpcasters { problems }.into()),
        }
    }

    fn made_of<C: Codec>(upcasters: Upcasters<C>, newest: Newest) -> Self {
        Schema {
            coding: Arc::new(Coder::new(upcasters, newest)),
            skip_unknown: false,
        }
    }

    /// The types that the enum has, by their stored names (aliases included).
    pub fn types() -> &'static [&'static str] {
        decode::variant_names::<E>()
    }
}

impl<E: 'static> Schema<E> {
    /// Leaves out events of types that the enum does not have, instead of
    /// failing with `UnknownType`.
    #[must_use]
    pub fn skip_unknown(mut self) -> Self {
        self.skip_unknown = true;
        self
    }

    /// The newest schema version of a type: the one that new events are
    /// written with. Nothing for a type that neither the enum nor the
    /// upcasters know.
    pub fn newest(&self, event_type: &str) -> Option<u32> {
        self.coding.newest().get(event_type).copied()
    }

    /// Whether there is an upcaster for events of this type and schema version.
    pub fn upcasts(&self, event_type: &str, schema: u32) -> bool {
        self.coding.upcasts(event_type, schema)
    }

    /// The event to be stored for a value.
    ///
    /// # Errors
    /// `Unencodable`: the value is no variant of an enum, the codec can't
    /// write it, or it would be written under a name that is not read.
    pub fn encode(&self, event: &E) -> Result<Event> {
        let (name, schema, data) = self.coding.encode(event).map_err(|error| {
            let what = format!("an event of type {}", std::any::type_name::<E>());
            let reason = error.to_string();
            ErrorKind::Unencodable { what, reason }
        })?;
        Ok(Event::new(name, data).with_schema(schema))
    }

    /// The values that a recorded event stands for: one, unless upcasters
    /// split or drop it, or it is of a type that is skipped.
    ///
    /// # Errors
    /// As `visit`.
    pub fn decode(&self, event: &RecordedEvent) -> Result<Vec<E>> {
        let mut values = Vec::with_capacity(1);
        self.visit(&event.as_ref(), |value| values.push(value))?;
        Ok(values)
    }

    /// Like `decode`, without a `Vec`: calls `each` with every value.
    ///
    /// # Errors
    /// `UnknownType` (unless skipped), `NewerSchema`, `Undecodable`.
    pub fn visit(&self, event: &EventRef<'_>, mut each: impl FnMut(E)) -> Result<()> {
        let (event_type, schema) = (event.event_type(), event.schema());
        let outcome = self
            .coding
            .decode(event_type, schema, event.data(), &mut each);
        let Err(problem) = outcome else {
            return Ok(());
        };
        let (event_type, at) = (event_type.to_owned(), EventPlace::from(event));
        Err(match problem {
            Problem::UnknownType if self.skip_unknown => return Ok(()),
            Problem::UnknownType => ErrorKind::UnknownType {
                event_type,
                at,
                known: self.coding.variants(),
            },
            Problem::NewerSchema(newest) => ErrorKind::NewerSchema {
                event_type,
                schema,
                newest,
                at,
            },
            Problem::Content(reason) => ErrorKind::Undecodable {
                event_type,
                schema,
                at,
                reason,
            },
        }
        .into())
    }

    /// The events that a query asks for, as values. Errors come as items; the
    /// iterator ends after one. The query's limit counts stored events.
    pub fn read(&self, store: &(impl EventStore + ?Sized), query: &Query) -> TypedEvents<E> {
        TypedEvents {
            schema: self.clone(),
            source: store.read(query),
            ready: VecDeque::new(),
            failed: false,
        }
    }
}

/// A value of an event enum, and the event that it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypedEvent<E> {
    /// The value.
    pub event: E,
    /// The recorded event: its stream, version, position, times, metadata.
    pub record: RecordedEvent,
}

/// What `Schema::read` returns.
pub struct TypedEvents<E> {
    schema: Schema<E>,
    source: Events,
    ready: VecDeque<TypedEvent<E>>,
    failed: bool,
}

impl<E: 'static> Iterator for TypedEvents<E> {
    type Item = Result<TypedEvent<E>>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.ready.is_empty() && !self.failed {
            let found = self.source.next()?.and_then(|record| {
                let ready = &mut self.ready;
                self.schema.visit(&record.as_ref(), |event| {
                    let record = record.clone();
                    ready.push_back(TypedEvent { event, record });
                })
            });
            if let Err(error) = found {
                self.ready.clear();
                self.failed = true;
                return Some(Err(error));
            }
        }
        self.ready.pop_front().map(Ok)
    }
}

impl<E> Clone for Schema<E> {
    fn clone(&self) -> Self {
        Schema {
            coding: Arc::clone(&self.coding),
            skip_unknown: self.skip_unknown,
        }
    }
}

impl<E: Serialize + DeserializeOwned + 'static> Default for Schema<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E> fmt::Debug for Schema<E> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let newest: std::collections::BTreeMap<_, _> = self.coding.newest().iter().collect();
        out.debug_struct("Schema")
            .field("newest", &newest)
            .field("skip_unknown", &self.skip_unknown)
            .finish()
    }
}

impl<E> fmt::Debug for TypedEvents<E> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("TypedEvents")
            .field("schema", &self.schema)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}
