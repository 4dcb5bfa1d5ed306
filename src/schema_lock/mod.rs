//! Floor 8: a lock on the shapes of events, for the tests of applications.

mod explore;
mod shape;
#[cfg(test)]
mod tests;
mod tracer;

use crate::env::OsFs;
use crate::env::fs::{read_small, replace};
use crate::typed::Schema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// The longest lock file that is read, in bytes.
const MAX_BYTES: usize = 64 << 20;

const HEADER: &str = "\
# The shapes of stored events: written by annals' schema lock, kept by you.
# Commit this file. A shape in it never changes: data of that shape is in stores.
# To change an event, give it a new schema version with an upcaster.
";

/// A test that fails when the shape of a stored event was changed, and old
/// events could no longer be read.
///
/// It keeps the shape of every type and schema version in a file, which you
/// commit. What is new is added to the file (and the test fails once, so that
/// you see and commit it). A shape that is there already must stay as it is:
/// to change it, add an upcaster, which makes it a new schema version. A type
/// that was there must still have its variant, or an upcaster.
///
/// Use one file for each event enum. Shapes are found by asking the enum's
/// `Deserialize`; names of Rust types do not count. A relative path begins at
/// the package's root when `cargo test` runs it.
///
/// ```no_run
/// use annals::{Schema, SchemaLock, SchemaLockError};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Serialize, Deserialize)]
/// # enum UserEvent { Created { email: String } }
///
/// #[test]
/// fn stored_events_stay_readable() -> Result<(), SchemaLockError> {
///     SchemaLock::new("tests/user-events.lock", Schema::<UserEvent>::new()).check()
/// }
/// ```
#[derive(Debug)]
pub struct SchemaLock<E> {
    path: PathBuf,
    schema: Schema<E>,
    texts: Vec<String>,
    /// The shapes of types that were given as samples.
    samples: BTreeMap<String, String>,
    /// Samples that could not be written.
    bad: Vec<String>,
}

/// What a schema lock has found, in words for whoever runs the test. Its
/// `Debug` shows the same, since that is what a failed test prints.
#[derive(Clone, PartialEq, Eq)]
pub struct SchemaLockError {
    message: String,
}

impl fmt::Display for SchemaLockError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)
    }
}

impl fmt::Debug for SchemaLockError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)
    }
}

impl std::error::Error for SchemaLockError {}

/// For each type and schema version its shape.
type Shapes = BTreeMap<(String, u32), String>;

impl<E: Serialize + DeserializeOwned + 'static> SchemaLock<E> {
    /// The lock in this file on the events of this schema.
    pub fn new(path: impl Into<PathBuf>, schema: Schema<E>) -> Self {
        SchemaLock {
            path: path.into(),
            schema,
            texts: Vec::new(),
            samples: BTreeMap::new(),
            bad: Vec::new(),
        }
    }

    /// Gives a text that some field of the events takes, where not every text
    /// will do. Ids, dates, addresses and the like are tried anyway.
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.texts.push(text.into());
        self
    }

    /// Gives an event whose shape can't be found otherwise, because not every
    /// value will do for its fields, or it has `#[serde(flatten)]`. Its shape
    /// is then that of its JSON: fill its lists and options.
    #[must_use]
    pub fn sample(mut self, event: &E) -> Self {
        let described = Schema::<E>::new()
            .encode(event)
            .map_err(|error| error.to_string());
        let shaped = described.and_then(|stored| {
            let value = serde_json::from_slice(stored.data());
            let value = value.map_err(|error| error.to_string())?;
            let shape = shape::of_json(&value).to_string();
            Ok((stored.event_type().to_owned(), shape))
        });
        match shaped {
            Ok((name, shape)) => drop(self.samples.insert(name, shape)),
            Err(error) => self.bad.push(error),
        }
        self
    }

    /// Compares the shapes with those in the file, and adds the new ones.
    ///
    /// # Errors
    /// A shape changed, or a type went, without an upcaster; shapes were added
    /// to the file; the file can't be read or written; or a shape can't be
    /// found without a sample.
    pub fn check(&self) -> Result<(), SchemaLockError> {
        let now = self.now()?;
        let locked = self.locked()?;
        let problems = self.problems(&now, &locked);
        if !problems.is_empty() {
            return Err(self.error(&problems.join("\n")));
        }
        let new: Vec<_> = now.keys().filter(|key| !locked.contains_key(key)).collect();
        if new.is_empty() {
            return Ok(());
        }
        let names: Vec<String> = new
            .iter()
            .map(|(name, schema)| shown(name, *schema))
            .collect();
        let mut all = locked;
        all.extend(now.clone());
        self.write(&all)?;
        Err(self.error(&format!(
            "these shapes were new and have been added: {}. Look at them, commit the file, \
             and run the test again",
            names.join(", ")
        )))
    }

    /// The shapes that events are written with now.
    fn now(&self) -> Result<Shapes, SchemaLockError> {
        let mut shapes = Shapes::new();
        let mut problems = self.bad.clone();
        for name in Schema::<E>::types() {
            let schema = self.schema.newest(name).unwrap_or(1);
            let shape = match self.samples.get(*name) {
                Some(shape) => Ok(shape.clone()),
                None => explore::shape_of::<E>(name, &self.texts),
            };
            match shape {
                Ok(shape) => drop(shapes.insert(((*name).to_owned(), schema), shape)),
                Err(reason) => problems.push(format!(
                    "the shape of {name} can't be found: {reason}; \
                     give a text or a sample (SchemaLock::text, SchemaLock::sample)"
                )),
            }
        }
        if problems.is_empty() {
            return Ok(shapes);
        }
        Err(self.error(&problems.join("\n")))
    }

    fn problems(&self, now: &Shapes, locked: &Shapes) -> Vec<String> {
        let mut problems = Vec::new();
        for ((name, schema), shape) in locked {
            match now.get(&(name.clone(), *schema)) {
                Some(own) if own == shape => {}
                Some(own) => problems.push(format!(
                    "{} is stored, and its shape has changed\n  from {shape}\n    to {own}\n  \
                     Undo that, or let an upcaster make it schema {}: \
                     Upcasters::change(\"{name}\", {schema}, ...), \
                     or keep(\"{name}\", {schema}) if the old data can be read as it is",
                    shown(name, *schema),
                    u64::from(*schema) + 1,
                )),
                None if self.schema.upcasts(name, *schema) => {}
                None => problems.push(format!(
                    "{} is stored, and can no longer be read; give it an upcaster \
                     (change, rename, split or drop), or its variant back",
                    shown(name, *schema),
                )),
            }
        }
        problems
    }

    fn locked(&self) -> Result<Shapes, SchemaLockError> {
        let bytes = match read_small(&OsFs, &self.path, MAX_BYTES) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(self.error(&format!("it can't be read: {error}"))),
        };
        let text = String::from_utf8_lossy(&bytes);
        let mut shapes = Shapes::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let Some((name, schema, shape)) = parse(line) else {
                return Err(self.error(&format!("line {} is damaged: {line}", index + 1)));
            };
            shapes.insert((name, schema), shape);
        }
        Ok(shapes)
    }

    fn write(&self, shapes: &Shapes) -> Result<(), SchemaLockError> {
        let mut text = HEADER.to_owned();
        for ((name, schema), shape) in shapes {
            text.extend([&shown(name, *schema), " ", shape, "\n"]);
        }
        let directory = match self.path.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        replace(&OsFs, directory, &name, text.as_bytes())
            .map_err(|error| self.error(&format!("it can't be written: {error}")))
    }

    fn error(&self, what: &str) -> SchemaLockError {
        let message = format!("schema lock {}: {what}", self.path.display());
        SchemaLockError { message }
    }
}

/// A type and schema version as they stand in the file: the name as a JSON
/// string, so that any name can be told from what follows.
fn shown(name: &str, schema: u32) -> String {
    format!("{} {schema}", serde_json::Value::from(name))
}

fn parse(line: &str) -> Option<(String, u32, String)> {
    let mut values = serde_json::Deserializer::from_str(line).into_iter::<serde_json::Value>();
    let name = values.next()?.ok()?.as_str()?.to_owned();
    let rest = line.get(values.byte_offset()..)?.trim_start();
    let (schema, shape) = rest.split_once(' ')?;
    Some((name, schema.parse().ok()?, shape.trim().to_owned()))
}
