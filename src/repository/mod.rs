//! Floor 8: aggregates, loaded from a store and saved to it.

mod commit;
mod execute;
mod loaded;
mod snapshots;
#[cfg(test)]
mod tests;

pub use loaded::Loaded;

use crate::aggregate::Aggregate;
use crate::command::Recorder;
use crate::context::Context;
use crate::env::Stopwatch;
use crate::error::{ErrorKind, Result};
use crate::store::{EventStore, Query};
use crate::typed::Schema;
use crate::types::{Durability, EventRef, Version};
use crate::view::{Moment, View};
use snapshots::Snapshots;
use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Loads aggregates of one kind from a store, and saves what happens to them.
///
/// ```
/// use annals::{Aggregate, CommandError, MemoryStore, Repository, Version};
/// use serde::{Deserialize, Serialize};
/// use std::sync::Arc;
///
/// #[derive(Default)]
/// struct Account { balance: i64 }
///
/// #[derive(Serialize, Deserialize)]
/// enum AccountEvent { Deposited(i64), Withdrawn(i64) }
///
/// impl Aggregate for Account {
///     type Event = AccountEvent;
///     const CATEGORY: &'static str = "accounts";
///     fn apply(&mut self, event: &AccountEvent) {
///         match event {
///             AccountEvent::Deposited(amount) => self.balance += amount,
///             AccountEvent::Withdrawn(amount) => self.balance -= amount,
///         }
///     }
/// }
///
/// #[derive(Debug)]
/// struct Overdraft;
/// # impl std::fmt::Display for Overdraft {
/// #   fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
/// #     out.write_str("overdraft")
/// #   }
/// # }
/// # impl std::error::Error for Overdraft {}
///
/// let store = Arc::new(MemoryStore::new());
/// let accounts = Repository::<Account>::new(store);
///
/// accounts.execute(7, |_| Ok::<_, Overdraft>([AccountEvent::Deposited(5)]))?;
/// let refused = accounts.execute(7, |account| {
///     if account.balance < 9 {
///         return Err(Overdraft);
///     }
///     Ok([AccountEvent::Withdrawn(9)])
/// });
/// assert!(matches!(refused, Err(CommandError::Refused(Overdraft))));
///
/// let account = accounts.load(7)?;
/// assert_eq!((account.balance, account.version()), (5, Version::new(1)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Repository<A: Aggregate> {
    pub(crate) recorder: Recorder<A::Event>,
    snapshots: Option<Snapshots<A>>,
}

impl<A: Aggregate> Repository<A> {
    /// The aggregates in this store, with events as JSON and without
    /// snapshots.
    pub fn new(store: Arc<dyn EventStore>) -> Self {
        Repository {
            recorder: Recorder::new(store, Schema::new()),
            snapshots: None,
        }
    }

    /// Sets how events are written and read: codec and upcasters.
    #[must_use]
    pub fn with_schema(mut self, schema: Schema<A::Event>) -> Self {
        self.recorder.schema = schema;
        self
    }

    /// Sets how often `execute` decides at most when others keep changing the
    /// aggregate meanwhile: 32 times unless set; 0 counts as 1.
    #[must_use]
    pub fn with_attempts(mut self, attempts: u32) -> Self {
        self.recorder.attempts = attempts.max(1);
        self
    }

    /// Sets how safe events must be before a save is done; the store's own
    /// setting holds unless this is called.
    #[must_use]
    pub fn with_durability(mut self, durability: Durability) -> Self {
        self.recorder.durability = Some(durability);
        self
    }

    /// The same repository, within a context: who, why, caused by what. Events
    /// saved through it carry that. Cheap: make one for every command.
    #[must_use]
    pub fn within(&self, context: Context) -> Self {
        let mut own = self.clone();
        own.recorder.context = context.or(own.recorder.context);
        own
    }

    /// The store.
    pub fn store(&self) -> &Arc<dyn EventStore> {
        &self.recorder.store
    }

    /// How events are written and read.
    pub fn schema(&self) -> &Schema<A::Event> {
        &self.recorder.schema
    }

    /// The aggregates as they were at a position or recorded time, whatever
    /// was appended since. Nothing can be saved there.
    ///
    /// # Errors
    /// As `View::as_of`.
    pub fn as_of(&self, moment: impl Into<Moment>) -> Result<Self> {
        let view = View::as_of(Arc::clone(self.store()), moment)?;
        Ok(self.on(Arc::new(view)))
    }

    /// The same repository over another store: usually a `View` of this one.
    /// Snapshots are used, but none are taken.
    #[must_use]
    pub fn on(&self, store: Arc<dyn EventStore>) -> Self {
        let mut own = self.clone();
        own.recorder.store = store;
        own.snapshots = own.snapshots.map(Snapshots::by_hand);
        own
    }

    /// The aggregate with this id, in its present state; in its default state
    /// and of `Version::NONE` if nothing has happened to it.
    ///
    /// # Errors
    /// What reading met: corruption, I/O, an event that can't be decoded, or
    /// `NoSuchEvent` where retention has dropped events that no snapshot
    /// makes up for. Trouble with snapshots is no error: all is replayed then.
    pub fn load(&self, id: impl fmt::Display) -> Result<Loaded<A>> {
        self.load_stream(A::stream(id), Version::MAX)
    }

    /// Like `load`; nothing if nothing has happened to it.
    ///
    /// # Errors
    /// As `load`.
    pub fn find(&self, id: impl fmt::Display) -> Result<Option<Loaded<A>>> {
        let loaded = self.load(id)?;
        Ok(loaded.exists().then_some(loaded))
    }

    /// The aggregate with this id as it was at a version.
    ///
    /// # Errors
    /// `NoSuchEvent` if it has not come that far; otherwise as `load`.
    pub fn load_version(
        &self,
        id: impl fmt::Display,
        version: impl Into<Version>,
    ) -> Result<Loaded<A>> {
        let (stream, version) = (A::stream(id), version.into());
        let loaded = self.load_stream(stream, version)?;
        if loaded.version() == version {
            return Ok(loaded);
        }
        Err(no_such_version(&loaded.stream, version))
    }

    /// Brings a loaded aggregate up to date: reads the events after its
    /// version only.
    ///
    /// # Errors
    /// As `load`; the aggregate is then of no use and is to be loaded anew.
    pub fn refresh(&self, loaded: &mut Loaded<A>) -> Result<()> {
        self.replay(loaded, Version::MAX)
    }

    pub(crate) fn load_stream(&self, stream: String, up_to: Version) -> Result<Loaded<A>> {
        let mut loaded = match &self.snapshots {
            Some(snapshots) => snapshots.start(&**self.store(), stream, up_to)?,
            None => Loaded::empty(stream),
        };
        self.replay(&mut loaded, up_to)?;
        if up_to == Version::MAX {
            self.snapshot_if_due(&mut loaded);
        }
        Ok(loaded)
    }

    /// Applies the events after an aggregate's version.
    fn replay(&self, loaded: &mut Loaded<A>, up_to: Version) -> Result<()> {
        let whole = self.store().capabilities().gapless_versions;
        let watch = Stopwatch::start();
        let query = Query::stream(loaded.stream.clone())
            .from_version(loaded.version.next())
            .to_version(up_to);
        let mut failed = None;
        self.store().scan(&query, &mut |event| {
            let outcome = if whole && event.version() != loaded.version.next() {
                Err(no_such_version(&loaded.stream, loaded.version.next()))
            } else {
                self.apply(loaded, &event)
            };
            match outcome {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => {
                    failed = Some(error);
                    ControlFlow::Break(())
                }
            }
        })?;
        loaded.cost += watch.read();
        failed.map_or(Ok(()), Err)
    }

    /// Applies one event: all that it stands for.
    fn apply(&self, loaded: &mut Loaded<A>, event: &EventRef<'_>) -> Result<()> {
        let state = &mut loaded.state;
        self.schema().visit(event, |value| state.apply(&value))?;
        loaded.passed(event);
        Ok(())
    }
}

pub(crate) fn no_such_version(stream: &str, version: Version) -> crate::Error {
    let what = format!("version {version} of stream {stream:?}");
    ErrorKind::NoSuchEvent { what }.into()
}

impl<A: Aggregate> Clone for Repository<A> {
    fn clone(&self) -> Self {
        Repository {
            recorder: self.recorder.clone(),
            snapshots: self.snapshots.clone(),
        }
    }
}

impl<A: Aggregate> fmt::Debug for Repository<A> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Repository")
            .field("category", &A::CATEGORY)
            .field("schema", self.schema())
            .field("context", &self.recorder.context)
            .finish_non_exhaustive()
    }
}
