//! Floor 8: events of the past, read as events of today.

mod check;
#[cfg(test)]
mod tests;

pub(crate) use check::Newest;

use crate::codec::{Codec, CodecError, Json};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, HashMap};
use std::fmt;

/// What turns events of the past into events of today, whenever they are read.
/// The log itself is never rewritten.
///
/// An upcaster takes events of one type and one schema version, one step on:
/// with other data (`change`, `keep`), under another name (`rename`), as
/// several events (`split`), or not at all (`drop`). Steps chain. Old data is
/// read into whatever suits it: a `serde_json::Value`, or a struct of then.
///
/// The newest schema version of a type, which new events of it are written
/// with, follows from its upcasters: 1 without any. `Schema::upcasting` checks
/// that from every schema version there is a way to today.
///
/// ```
/// use annals::{Event, Schema, Upcasters};
/// use serde::{Deserialize, Serialize};
/// use serde_json::{Value, json};
///
/// #[derive(Debug, PartialEq, Serialize, Deserialize)]
/// enum UserEvent {
///     Named { first: String, last: String },
/// }
///
/// let upcasters = Upcasters::new()
///     // In 2024 users were "UserCreated", ...
///     .rename(("UserCreated", 1), ("Named", 1))
///     // ... and until 2025 they had one name.
///     .change("Named", 1, |old: Value| {
///         let (first, last) = old["name"].as_str().and_then(|name| name.split_once(' ')).unwrap_or_default();
///         json!({ "first": first, "last": last })
///     });
/// let schema = Schema::<UserEvent>::upcasting(upcasters)?;
///
/// # use annals::{Append, EventStore, MemoryStore, Query};
/// # let store = MemoryStore::new();
/// store.append(Append::to("users/1").event(Event::new("UserCreated", r#"{"name": "Ada Lovelace"}"#)))?;
/// let today = schema.read(&store, &Query::stream("users/1")).next().unwrap()?;
/// assert_eq!(today.event, UserEvent::Named { first: "Ada".into(), last: "Lovelace".into() });
/// # Ok::<(), annals::Error>(())
/// ```
pub struct Upcasters<C = Json> {
    pub(crate) codec: C,
    steps: HashMap<String, BTreeMap<u32, Step<C>>>,
    /// The first schema version that a type ever had, where that is not 1.
    since: HashMap<String, u32>,
    /// Steps that were given twice.
    doubles: Vec<Kind>,
}

/// A type and a schema version.
type Kind = (String, u32);

type Run<C> = Box<dyn Fn(&C, &[u8]) -> Result<Vec<Part>, CodecError> + Send + Sync>;

/// What is called with a type, a schema version and data.
type Each<'a, E> = dyn FnMut(&str, u32, &[u8]) -> Result<(), E> + 'a;

/// What becomes of the events of one kind.
struct Step<C> {
    into: Vec<Kind>,
    run: Run<C>,
}

/// An event on its way to today. Without data of its own it has that of the
/// event which it was made from.
pub(crate) struct Part {
    pub(crate) event_type: String,
    pub(crate) schema: u32,
    pub(crate) data: Option<Vec<u8>>,
}

impl Upcasters<Json> {
    /// No upcasters yet, for data in JSON.
    pub fn new() -> Self {
        Self::with_codec(Json)
    }
}

impl Default for Upcasters<Json> {
    fn default() -> Self {
        Self::new()
    }
}

impl<C: Codec> Upcasters<C> {
    /// No upcasters yet, for data that this codec reads and writes.
    pub fn with_codec(codec: C) -> Self {
        Upcasters {
            codec,
            steps: HashMap::new(),
            since: HashMap::new(),
            doubles: Vec::new(),
        }
    }

    /// Changes the data of events of this type from schema version `from` to
    /// the next one.
    #[must_use]
    pub fn change<T: DeserializeOwned, U: Serialize>(
        self,
        event_type: &str,
        from: u32,
        change: impl Fn(T) -> U + Send + Sync + 'static,
    ) -> Self {
        self.try_change(event_type, from, move |old| {
            Ok::<_, CodecError>(change(old))
        })
    }

    /// Like `change`, where some data of the past may turn out to be no good.
    /// Reading such an event fails with `Undecodable`, which gives the reason.
    #[must_use]
    pub fn try_change<T: DeserializeOwned, U: Serialize, R: fmt::Display>(
        self,
        event_type: &str,
        from: u32,
        change: impl Fn(T) -> Result<U, R> + Send + Sync + 'static,
    ) -> Self {
        let target = (event_type.to_owned(), from.saturating_add(1));
        let (name, schema) = target.clone();
        self.step((event_type, from), vec![target], move |codec, data| {
            let new = change(codec.decode_value(data)?).map_err(CodecError::new)?;
            Ok(vec![Part {
                event_type: name.clone(),
                schema,
                data: Some(codec.encode(&new)?),
            }])
        })
    }

    /// Says that data of schema version `from` can be read as that of the next
    /// one: a field was added that has a default, or one was removed.
    #[must_use]
    pub fn keep(self, event_type: &str, from: u32) -> Self {
        self.rename((event_type, from), (event_type, from.saturating_add(1)))
    }

    /// Gives events of one type and schema version another name, with the same
    /// data.
    #[must_use]
    pub fn rename(self, from: (&str, u32), to: (&str, u32)) -> Self {
        let target = (to.0.to_owned(), to.1);
        let (name, schema) = target.clone();
        self.step(from, vec![target], move |_, _| {
            Ok(vec![Part {
                event_type: name.clone(),
                schema,
                data: None,
            }])
        })
    }

    /// Makes any number of events, of the kinds listed, out of each event of
    /// one type and schema version. They count as that one event, at the same
    /// position.
    ///
    /// ```
    /// use annals::Upcasters;
    /// use serde::Deserialize;
    /// use serde_json::json;
    ///
    /// #[derive(Deserialize)]
    /// struct ProfileChanged { email: String, name: Option<String> }
    ///
    /// let upcasters = Upcasters::new().split(
    ///     ("ProfileChanged", 1),
    ///     [("EmailChanged", 1), ("NameChanged", 1)],
    ///     |old: ProfileChanged, parts| {
    ///         parts.push("EmailChanged", &json!({ "to": old.email }));
    ///         if let Some(name) = old.name {
    ///             parts.push("NameChanged", &json!({ "to": name }));
    ///         }
    ///     },
    /// );
    /// ```
    #[must_use]
    pub fn split<'k, T: DeserializeOwned>(
        self,
        from: (&str, u32),
        into: impl IntoIterator<Item = (&'k str, u32)>,
        split: impl Fn(T, &mut Parts<'_, C>) + Send + Sync + 'static,
    ) -> Self {
        let into: Vec<Kind> = into
            .into_iter()
            .map(|(name, schema)| (name.to_owned(), schema))
            .collect();
        let kinds = into.clone();
        self.step(from, into, move |codec, data| {
            let mut parts = Parts {
                codec,
                kinds: &kinds,
                made: Ok(Vec::new()),
            };
            split(codec.decode_value(data)?, &mut parts);
            parts.made
        })
    }

    /// Leaves events of one type and schema version out: readers don't see
    /// them any more.
    #[must_use]
    pub fn drop(self, event_type: &str, schema: u32) -> Self {
        self.step((event_type, schema), Vec::new(), |_, _| Ok(Vec::new()))
    }

    /// Says that a type never had a lower schema version than this one, so
    /// that no upcasters are missing below it.
    #[must_use]
    pub fn since(mut self, event_type: &str, schema: u32) -> Self {
        self.since.insert(event_type.to_owned(), schema);
        self
    }

    fn step(
        mut self,
        from: (&str, u32),
        into: Vec<Kind>,
        run: impl Fn(&C, &[u8]) -> Result<Vec<Part>, CodecError> + Send + Sync + 'static,
    ) -> Self {
        let run = Box::new(run);
        let steps = self.steps.entry(from.0.to_owned()).or_default();
        if steps.insert(from.1, Step { into, run }).is_some() {
            self.doubles.push((from.0.to_owned(), from.1));
        }
        self
    }

    /// Whether events of this kind are turned into something else.
    pub(crate) fn applies(&self, event_type: &str, schema: u32) -> bool {
        self.find(event_type, schema).is_some()
    }

    fn find(&self, event_type: &str, schema: u32) -> Option<&Step<C>> {
        self.steps.get(event_type)?.get(&schema)
    }

    /// Calls `each` with what an event of the past is today, part by part: its
    /// type, schema version and data. Ends, because circles are refused by
    /// the check.
    pub(crate) fn upcast<E: From<CodecError>>(
        &self,
        event_type: &str,
        schema: u32,
        data: &[u8],
        each: &mut Each<'_, E>,
    ) -> Result<(), E> {
        let Some(step) = self.find(event_type, schema) else {
            return each(event_type, schema, data);
        };
        for part in (step.run)(&self.codec, data)? {
            let own = part.data.as_deref().unwrap_or(data);
            self.upcast(&part.event_type, part.schema, own, each)?;
        }
        Ok(())
    }
}

/// Where a `split` puts the events that it makes.
pub struct Parts<'a, C> {
    codec: &'a C,
    kinds: &'a [Kind],
    made: Result<Vec<Part>, CodecError>,
}

impl<C: Codec> Parts<'_, C> {
    /// Adds an event of one of the types listed, with this data. A type that
    /// was not listed, or data that can't be written, makes the reading of the
    /// event fail with `Undecodable`.
    pub fn push<T: Serialize + ?Sized>(&mut self, event_type: &str, data: &T) {
        let Ok(made) = &mut self.made else {
            return;
        };
        match part(self.codec, self.kinds, event_type, data) {
            Ok(part) => made.push(part),
            Err(error) => self.made = Err(error),
        }
    }
}

fn part<C: Codec, T: Serialize + ?Sized>(
    codec: &C,
    kinds: &[Kind],
    event_type: &str,
    data: &T,
) -> Result<Part, CodecError> {
    let Some((name, schema)) = kinds.iter().find(|(name, _)| name == event_type) else {
        return Err(CodecError::new(format_args!(
            "its upcaster made a {event_type:?}, which it had not listed"
        )));
    };
    Ok(Part {
        event_type: name.clone(),
        schema: *schema,
        data: Some(codec.encode(data)?),
    })
}

impl<C> fmt::Debug for Upcasters<C> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = out.debug_map();
        for (event_type, steps) in &self.steps {
            for (schema, step) in steps {
                map.entry(&(event_type, schema), &step.into);
            }
        }
        map.finish()
    }
}

impl<C> fmt::Debug for Parts<'_, C> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Parts")
            .field("kinds", &self.kinds)
            .finish_non_exhaustive()
    }
}
