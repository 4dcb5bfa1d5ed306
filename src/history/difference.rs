//! What differs between two states.

use crate::error::{ErrorKind, Result};
use crate::types::RecordedEvent;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt;

/// What differs between two versions of an aggregate. Shown as one line for
/// each change.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Difference {
    /// What differs in the state.
    pub changes: Vec<Change>,
    /// The events that lie between the two versions, the oldest first.
    pub events: Vec<RecordedEvent>,
}

/// One place in a state where two versions differ.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Where: a JSON pointer, such as `/address/city`.
    pub path: String,
    /// What was there; nothing if there was no such place.
    pub before: Option<Value>,
    /// What is there now; nothing if there is no such place any more.
    pub after: Option<Value>,
}

pub(super) fn as_json<A: Serialize>(state: &A) -> Result<Value> {
    serde_json::to_value(state).map_err(|error| {
        let what = format!("a state of type {}", std::any::type_name::<A>());
        let reason = error.to_string();
        ErrorKind::Unencodable { what, reason }.into()
    })
}

/// The innermost places in which two values differ, in the order of keys.
pub(super) fn changes(before: &Value, after: &Value) -> Vec<Change> {
    let mut found = Vec::new();
    compare(&mut String::new(), Some(before), Some(after), &mut found);
    found
}

fn compare(
    path: &mut String,
    before: Option<&Value>,
    after: Option<&Value>,
    found: &mut Vec<Change>,
) {
    match (before, after) {
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            for key in keys {
                let key_in_path = key.replace('~', "~0").replace('/', "~1");
                within(path, &key_in_path, old.get(key), new.get(key), found);
            }
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) => {
            for index in 0..old.len().max(new.len()) {
                within(
                    path,
                    &index.to_string(),
                    old.get(index),
                    new.get(index),
                    found,
                );
            }
        }
        (before, after) if before != after => found.push(Change {
            path: path.clone(),
            before: before.cloned(),
            after: after.cloned(),
        }),
        _ => {}
    }
}

fn within(
    path: &mut String,
    key: &str,
    before: Option<&Value>,
    after: Option<&Value>,
    found: &mut Vec<Change>,
) {
    let length = path.len();
    path.push('/');
    path.push_str(key);
    compare(path, before, after, found);
    path.truncate(length);
}

impl fmt::Display for Change {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |value: &Option<Value>| match value {
            Some(value) => value.to_string(),
            None => "nothing".to_owned(),
        };
        let path = if self.path.is_empty() {
            "/"
        } else {
            &self.path
        };
        write!(
            out,
            "{path}: {} -> {}",
            shown(&self.before),
            shown(&self.after)
        )
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for change in &self.changes {
            writeln!(out, "{change}")?;
        }
        Ok(())
    }
}
