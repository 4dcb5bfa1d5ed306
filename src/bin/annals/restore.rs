//! What `import --restore` takes over from an export, and what it checks.

use crate::parse::Claim;
use annals::{Clock, EventStore, Position, Timestamp, Version};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Streams whose versions are remembered while their appends are in flight.
const REMEMBERED: usize = 100_000;

/// A clock that stands where it was set.
#[derive(Debug)]
pub(crate) struct SetClock {
    micros: AtomicI64,
}

impl SetClock {
    fn set(&self, time: Timestamp) {
        self.micros.store(time.micros(), Ordering::SeqCst);
    }
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        // Only whole microseconds of a timestamp are ever put in.
        Timestamp::from_micros(self.micros.load(Ordering::SeqCst)).unwrap_or(Timestamp::MIN)
    }
}

/// Follows what the store will give each event, to compare it with what the
/// event had before, and sets the clock to the time it was recorded at.
pub(crate) struct Restore {
    clock: Arc<SetClock>,
    last: Position,
    recorded: Timestamp,
    versions: HashMap<String, Version>,
}

impl Restore {
    pub(crate) fn new() -> Self {
        let micros = AtomicI64::new(Timestamp::MIN.micros());
        Restore {
            clock: Arc::new(SetClock { micros }),
            last: Position::START,
            recorded: Timestamp::MIN,
            versions: HashMap::new(),
        }
    }

    pub(crate) fn clock(&self) -> Arc<SetClock> {
        Arc::clone(&self.clock)
    }

    /// Whether so many streams are remembered that the appends in flight are
    /// to be waited for; then `forget`.
    pub(crate) fn is_full(&self) -> bool {
        self.versions.len() >= REMEMBERED
    }

    /// Forgets the versions of streams: nothing is in flight, so the store
    /// knows them.
    pub(crate) fn forget(&mut self) {
        self.versions.clear();
    }

    /// Checks the claims of the next append and sets the clock for it.
    pub(crate) fn check(&mut self, store: &dyn EventStore, claims: &[Claim]) -> Result<(), String> {
        let Some(first) = claims.first() else {
            return Ok(());
        };
        self.check_recorded(first.recorded, claims)?;
        for claim in claims {
            let position = self.last.next();
            if claim.position != position {
                return Err(format!(
                    "`position` is {}, but the event comes to stand at {position}; \
                     a restore takes a whole export, unfiltered",
                    claim.position
                ));
            }
            let version = self.version(store, &claim.stream)?.next();
            if claim.version != version {
                return Err(format!(
                    "`version` is {}, but the event becomes version {version} of {:?}",
                    claim.version, claim.stream
                ));
            }
            self.last = position;
            self.versions.insert(claim.stream.clone(), version);
        }
        self.recorded = first.recorded;
        self.clock.set(first.recorded);
        Ok(())
    }

    fn check_recorded(&self, recorded: Timestamp, claims: &[Claim]) -> Result<(), String> {
        if recorded != recorded.whole_micros() {
            return Err(format!("`recorded` {recorded} is finer than a microsecond"));
        }
        if recorded < self.recorded {
            return Err(format!(
                "`recorded` {recorded} is earlier than that of the event before it, {}",
                self.recorded
            ));
        }
        match claims.iter().find(|claim| claim.recorded != recorded) {
            None => Ok(()),
            Some(other) => Err(format!(
                "events of one append were `recorded` at {recorded} and {}",
                other.recorded
            )),
        }
    }

    fn version(&self, store: &dyn EventStore, stream: &str) -> Result<Version, String> {
        match self.versions.get(stream) {
            Some(version) => Ok(*version),
            None => store.version(stream).map_err(|error| error.to_string()),
        }
    }
}
