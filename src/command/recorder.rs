//! How what was decided is recorded.

use crate::context::Context;
use crate::error::Result;
use crate::store::{Append, Appended, EventStore};
use crate::typed::Schema;
use crate::types::Durability;
use std::sync::Arc;

/// How often is decided at most, unless told otherwise.
const ATTEMPTS: u32 = 32;

/// Where events of a kind are recorded, as what, in whose name, how safe, and
/// after how many attempts at most.
pub(crate) struct Recorder<E> {
    pub(crate) store: Arc<dyn EventStore>,
    pub(crate) schema: Schema<E>,
    pub(crate) context: Context,
    pub(crate) attempts: u32,
    pub(crate) durability: Option<Durability>,
}

impl<E> Recorder<E> {
    pub(crate) fn new(store: Arc<dyn EventStore>, schema: Schema<E>) -> Self {
        Recorder {
            store,
            schema,
            context: Context::new(),
            attempts: ATTEMPTS,
            durability: None,
        }
    }

    /// The context of events that are recorded now: this one's own, and that
    /// of the scope.
    pub(crate) fn context_now(&self) -> Context {
        self.context.clone().or(Context::current())
    }

    /// Appends, as safe as was asked for.
    pub(crate) fn append(&self, append: Append) -> Result<Appended> {
        self.store.append(match self.durability {
            Some(durability) => append.durability(durability),
            None => append,
        })
    }
}

impl<E> Clone for Recorder<E> {
    fn clone(&self) -> Self {
        Recorder {
            store: Arc::clone(&self.store),
            schema: self.schema.clone(),
            context: self.context.clone(),
            attempts: self.attempts,
            durability: self.durability,
        }
    }
}
