//! An aggregate in memory.

use crate::aggregate::Aggregate;
use crate::store::Appended;
use crate::types::{EventRef, Position, Timestamp, Version};
use std::ops::Deref;
use std::time::Duration;

/// An aggregate as a repository hands it out: its state, and the version that
/// the state is of. It dereferences to the state.
#[derive(Clone, Debug)]
pub struct Loaded<A> {
    pub(crate) state: A,
    pub(super) stream: String,
    pub(super) version: Version,
    /// The position of the last event that was applied.
    pub(super) position: Position,
    pub(super) appended: Option<Appended>,
    /// The version up to which a snapshot spared the replay.
    pub(super) base: Version,
    /// When that snapshot was taken, or the first event recorded.
    pub(super) since: Option<Timestamp>,
    /// How long the replay since then has taken.
    pub(super) cost: Duration,
}

impl<A: Aggregate> Loaded<A> {
    pub(crate) fn empty(stream: String) -> Self {
        Loaded {
            state: A::default(),
            stream,
            version: Version::NONE,
            position: Position::START,
            appended: None,
            base: Version::NONE,
            since: None,
            cost: Duration::ZERO,
        }
    }

    /// Notes that an event was applied.
    pub(crate) fn passed(&mut self, event: &EventRef<'_>) {
        self.version = event.version();
        self.position = event.position();
        self.since.get_or_insert(event.recorded());
    }
}

impl<A> Loaded<A> {
    /// The state.
    pub fn state(&self) -> &A {
        &self.state
    }

    /// The state, to keep.
    pub fn into_state(self) -> A {
        self.state
    }

    /// The version that the state is of: that of the last event.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The position of the last event.
    pub fn position(&self) -> Position {
        self.position
    }

    /// The name of its stream.
    pub fn stream(&self) -> &str {
        &self.stream
    }

    /// Whether anything has happened to it.
    pub fn exists(&self) -> bool {
        self.version != Version::NONE
    }

    /// What the last save through this value appended, if there was one.
    pub fn appended(&self) -> Option<&Appended> {
        self.appended.as_ref()
    }
}

impl<A> Deref for Loaded<A> {
    type Target = A;

    fn deref(&self) -> &A {
        &self.state
    }
}
