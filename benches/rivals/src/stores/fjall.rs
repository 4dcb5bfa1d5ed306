use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};
use fjall::{Database, Keyspace, KeyspaceCreateOptions, OwnedWriteBatch, PersistMode};

use crate::store::{
    At, Durability, Event, Placed, Rival, STORE, Store, Stripes, Sum, bounds, conflict, encoded,
    key, touch_encoded,
};

/// As large as the data, which it recommends where that fits into memory.
const CACHE: u64 = 1 << 30;

const SETTINGS: &str = "a cache of 1 GiB (larger than the data), LZ4 (its default); durable: a \
                        batch with PersistMode::SyncData; written: a batch without (its \
                        default); the check is two point reads under a lock for the stream";

pub fn rivals() -> [Rival; 2] {
    let rival = |name, open| Rival {
        name,
        package: "fjall",
        settings: SETTINGS,
        source: "https://docs.rs/fjall/3.1.13/fjall/struct.DatabaseBuilder.html, .../enum.PersistMode.html",
        can: STORE,
        open,
    };
    [
        rival("fjall, by stream", |path| {
            Ok(Box::new(Fjall::open(path, true)?))
        }),
        rival("fjall, by position", |path| {
            Ok(Box::new(Fjall::open(path, false)?))
        }),
    ]
}

struct Fjall {
    db: Database,
    events: Keyspace,
    index: Option<Keyspace>,
    next: AtomicU64,
    streams: Stripes,
}

impl Fjall {
    fn open(path: &Path, clustered: bool) -> Result<Self> {
        let db = Database::builder(path).cache_size(CACHE).open()?;
        let events = db.keyspace("events", KeyspaceCreateOptions::default)?;
        let index = match clustered {
            true => None,
            false => Some(db.keyspace("index", KeyspaceCreateOptions::default)?),
        };
        let last = match (&index, events.last_key_value()) {
            (Some(_), Some(last)) => u64::from_be_bytes(last.key()?.as_ref().try_into()?),
            _ => 0,
        };
        Ok(Fjall {
            db,
            events,
            index,
            next: AtomicU64::new(last + 1),
            streams: Stripes::new(),
        })
    }

    fn has(&self, stream: &str, version: u64) -> Result<bool> {
        let versions = self.index.as_ref().unwrap_or(&self.events);
        Ok(versions.contains_key(key(stream, version))?)
    }

    fn put(
        &self,
        batch: &mut OwnedWriteBatch,
        stream: &str,
        version: u64,
        event: &Event<'_>,
    ) -> u64 {
        let (key, value) = (key(stream, version), encoded(version, event));
        let Some(index) = &self.index else {
            batch.insert(&self.events, key, value);
            return 0;
        };
        let position = self.next.fetch_add(1, Ordering::Relaxed);
        batch.insert(&self.events, position.to_be_bytes(), value);
        batch.insert(index, key, position.to_be_bytes());
        position
    }
}

impl Store for Fjall {
    fn append(&self, at: At<'_>, events: &[Event<'_>], durability: Durability) -> Result<u64> {
        let _stream = self.streams.lock(at.number);
        let found = at.version == 0 || self.has(at.stream, at.version)?;
        if !found || self.has(at.stream, at.version + 1)? {
            return Err(conflict(&at));
        }
        let mut batch = self.db.batch().durability(match durability {
            Durability::Durable => Some(PersistMode::SyncData),
            Durability::Written => None,
        });
        let mut last = 0;
        for (version, event) in (at.version + 1..).zip(events) {
            last = self.put(&mut batch, at.stream, version, event);
        }
        batch.commit()?;
        Ok(last)
    }

    fn load(&self, events: &[Placed<'_>]) -> Result<()> {
        let mut batch = self.db.batch();
        for placed in events {
            self.put(&mut batch, placed.stream, placed.version, &placed.event);
        }
        Ok(batch.commit()?)
    }

    fn read_stream(&self, stream: &str, _: u32, sum: &mut Sum) -> Result<()> {
        let (from, to) = bounds(stream);
        match &self.index {
            None => {
                for entry in self.events.range(from..to) {
                    touch_encoded(&entry.value()?, sum)?;
                }
            }
            Some(index) => {
                for entry in index.range(from..to) {
                    let event = self
                        .events
                        .get(entry.value()?)?
                        .context("no such position")?;
                    touch_encoded(&event, sum)?;
                }
            }
        }
        Ok(())
    }

    fn read_all(&self, sum: &mut Sum) -> Result<()> {
        for entry in self.events.iter() {
            touch_encoded(&entry.value()?, sum)?;
        }
        Ok(())
    }

    fn read_one(&self, place: Placed<'_>, sum: &mut Sum) -> Result<()> {
        let key = key(place.stream, place.version);
        let event = match &self.index {
            None => self.events.get(key)?,
            Some(index) => {
                let position = index.get(key)?.context("no such event")?;
                self.events.get(position)?
            }
        };
        touch_encoded(&event.context("no such event")?, sum)
    }

    fn flush(&self) -> Result<()> {
        Ok(self.db.persist(PersistMode::SyncAll)?)
    }

    fn close(self: Box<Self>) -> Result<()> {
        self.flush()
    }
}
