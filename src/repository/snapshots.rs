//! The repository's side of snapshots: begin with one, and take one when due.

use super::{Loaded, Repository};
use crate::aggregate::Aggregate;
use crate::codec::{Codec, CodecError, Json};
use crate::env::{Clock, SystemClock, say};
use crate::error::{ErrorKind, Result};
use crate::snapshot::{Replayed, Saved, Snapshot, SnapshotKey, SnapshotPolicy, SnapshotStore};
use crate::store::{EventStore, Query};
use crate::types::{Timestamp, Version};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::Duration;

/// Where snapshots of `A` are kept, when they are taken, and how they are
/// written.
pub(super) struct Snapshots<A> {
    store: Arc<dyn SnapshotStore>,
    policy: SnapshotPolicy,
    coding: Arc<dyn StateCoding<A>>,
}

/// A codec for the states of `A`, whatever its type: only a repository with
/// snapshots asks that states can be serialised.
trait StateCoding<A>: Send + Sync {
    fn encode(&self, state: &A) -> Result<Vec<u8>, CodecError>;
    fn decode(&self, data: &[u8]) -> Result<A, CodecError>;
}

struct Coder<C>(C);

impl<A: Serialize + DeserializeOwned, C: Codec> StateCoding<A> for Coder<C> {
    fn encode(&self, state: &A) -> Result<Vec<u8>, CodecError> {
        self.0.encode(state)
    }

    fn decode(&self, data: &[u8]) -> Result<A, CodecError> {
        self.0.decode_value(data)
    }
}

impl<A> Clone for Snapshots<A> {
    fn clone(&self) -> Self {
        Snapshots {
            store: Arc::clone(&self.store),
            policy: self.policy,
            coding: Arc::clone(&self.coding),
        }
    }
}

fn key<'a, A: Aggregate>(store: &dyn EventStore, stream: &'a str) -> SnapshotKey<'a> {
    SnapshotKey {
        store: store.id(),
        stream,
        kind: A::CATEGORY,
        schema: A::SNAPSHOT_SCHEMA,
    }
}

impl<A: Aggregate> Snapshots<A> {
    pub(super) fn by_hand(mut self) -> Self {
        self.policy = SnapshotPolicy::by_hand();
        self
    }

    /// The aggregate as a snapshot at or before a version has it, if one
    /// holds; as it was in the beginning otherwise.
    pub(super) fn start(
        &self,
        store: &dyn EventStore,
        stream: String,
        up_to: Version,
    ) -> Result<Loaded<A>> {
        let beginning = Loaded::empty(stream);
        if !store.capabilities().gapless_versions {
            return Ok(beginning);
        }
        let stream = &beginning.stream;
        let at_most = store.version(stream)?.min(up_to);
        let found = match self.store.load(key::<A>(store, stream), at_most) {
            Ok(Some(found)) => found,
            Ok(None) => return Ok(beginning),
            Err(error) => {
                say::warn(format_args!(
                    "a snapshot of {stream:?} is not used: {error}"
                ));
                return Ok(beginning);
            }
        };
        if !is_of_this_history(store, stream, &found)? {
            say::warn(format_args!(
                "a snapshot of {stream:?} is not used: version {} is another event now",
                found.version()
            ));
            return Ok(beginning);
        }
        match self.coding.decode(found.state()) {
            Ok(state) => Ok(Loaded {
                state,
                version: found.version(),
                position: found.position(),
                base: found.version(),
                since: Some(found.taken()),
                ..beginning
            }),
            Err(error) => {
                say::warn(format_args!(
                    "a snapshot of {stream:?} is not used: {error}"
                ));
                Ok(beginning)
            }
        }
    }

    fn save(&self, store: &dyn EventStore, loaded: &Loaded<A>, now: Timestamp) -> Result<Saved> {
        let state = self.coding.encode(&loaded.state).map_err(|error| {
            let what = format!("the state of {:?}", loaded.stream);
            let reason = error.to_string();
            ErrorKind::Unencodable { what, reason }
        })?;
        let key = key::<A>(store, &loaded.stream);
        let snapshot = Snapshot::new(key, loaded.version, loaded.position, now, state);
        self.store.save(snapshot, store.durable())
    }
}

/// Whether the snapshot's last event is still where it was: it is not in a
/// store that was put back to an earlier state and went on differently.
fn is_of_this_history(store: &dyn EventStore, stream: &str, snapshot: &Snapshot) -> Result<bool> {
    if !store.capabilities().gapless_positions {
        return Ok(true);
    }
    let query = Query::stream(stream.to_owned())
        .from_version(snapshot.version())
        .to_version(snapshot.version());
    let found = store.read(&query).next().transpose()?;
    // Retention may have dropped the event.
    Ok(found.is_none_or(|event| event.position() == snapshot.position()))
}

/// How long before `now` that was.
fn age(now: Timestamp, then: Timestamp) -> Duration {
    let micros = now.micros().saturating_sub(then.micros());
    Duration::from_micros(micros.max(0).unsigned_abs())
}

impl<A: Aggregate> Repository<A> {
    /// Takes a snapshot when one is due. It is only a copy: trouble with it is
    /// told through `tracing` and is nobody's error.
    pub(super) fn snapshot_if_due(&self, loaded: &mut Loaded<A>) {
        let Some(snapshots) = &self.snapshots else {
            return;
        };
        let events = loaded.version.get() - loaded.base.get().min(loaded.version.get());
        let by_hand = snapshots.policy == SnapshotPolicy::by_hand();
        if events == 0 || by_hand || !self.store().capabilities().gapless_versions {
            return;
        }
        let now = SystemClock.now();
        let replayed = Replayed {
            events,
            age: loaded.since.map_or(Duration::ZERO, |since| age(now, since)),
            cost: loaded.cost,
        };
        if !snapshots.policy.is_due(&replayed) {
            return;
        }
        match snapshots.save(&**self.store(), loaded, now) {
            Ok(Saved::Kept | Saved::Outdated) => {
                loaded.base = loaded.version;
                loaded.since = Some(now);
                loaded.cost = Duration::ZERO;
            }
            Ok(_) => {}
            Err(error) => say::warn(format_args!(
                "no snapshot of {:?} was taken: {error}",
                loaded.stream
            )),
        }
    }
}

impl<A: Aggregate + Serialize + DeserializeOwned> Repository<A> {
    /// Begins loads with snapshots, and takes them by a policy; states are
    /// written as JSON.
    ///
    /// ```
    /// use annals::snapshot::{MemorySnapshots, SnapshotPolicy};
    /// use annals::{Aggregate, MemoryStore, Repository};
    /// use serde::{Deserialize, Serialize};
    /// use std::sync::Arc;
    ///
    /// #[derive(Default, Serialize, Deserialize)]
    /// struct Counter { count: u64 }
    ///
    /// #[derive(Serialize, Deserialize)]
    /// enum Counted { Once }
    ///
    /// impl Aggregate for Counter {
    ///     type Event = Counted;
    ///     const CATEGORY: &'static str = "counters";
    ///     fn apply(&mut self, _: &Counted) {
    ///         self.count += 1;
    ///     }
    /// }
    ///
    /// let snapshots = Arc::new(MemorySnapshots::new());
    /// let counters = Repository::<Counter>::new(Arc::new(MemoryStore::new()))
    ///     .with_snapshots(snapshots.clone(), SnapshotPolicy::every(100));
    /// for _ in 0..250 {
    ///     counters.execute("clicks", |_| Ok::<_, ()>([Counted::Once])).unwrap();
    /// }
    /// assert_eq!(snapshots.len(), 1);
    /// assert_eq!(counters.load("clicks")?.count, 250);
    /// # Ok::<(), annals::Error>(())
    /// ```
    #[must_use]
    pub fn with_snapshots(self, store: Arc<dyn SnapshotStore>, policy: SnapshotPolicy) -> Self {
        self.with_snapshots_as(Json, store, policy)
    }

    /// Like `with_snapshots`, with states as this codec writes them.
    #[must_use]
    pub fn with_snapshots_as(
        mut self,
        codec: impl Codec,
        store: Arc<dyn SnapshotStore>,
        policy: SnapshotPolicy,
    ) -> Self {
        self.snapshots = Some(Snapshots {
            store,
            policy,
            coding: Arc::new(Coder(codec)),
        });
        self
    }

    /// Takes a snapshot of an aggregate now, whatever the policy says.
    ///
    /// # Errors
    /// `Unsupported` in a repository without snapshots, or on a store whose
    /// streams have gaps; `Unencodable`; what the snapshot store fails with.
    pub fn snapshot(&self, loaded: &Loaded<A>) -> Result<Saved> {
        match &self.snapshots {
            Some(snapshots) if self.store().capabilities().gapless_versions => {
                snapshots.save(&**self.store(), loaded, SystemClock.now())
            }
            _ => {
                let what = "snapshots";
                Err(ErrorKind::Unsupported { what }.into())
            }
        }
    }
}
