use std::ops::Bound;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};
use heed::types::Bytes;
use heed::{Database, Env, EnvFlags, EnvOpenOptions, FlagSetMode, MdbError, PutFlags, RwTxn};

use crate::store::{
    At, Durability, Event, Placed, Rival, STORE, Store, Sum, bounds, conflict, encoded, key,
    touch_encoded,
};

/// The size of the map is a bound, not a use.
const MAP: usize = 64 << 30;

const SETTINGS: &str = "a map of 64 GiB; durable: its default (a sync for each commit); written: \
                        MDB_NOSYNC; by position: MDB_APPEND for events";

pub fn rivals() -> [Rival; 2] {
    let rival = |name, open| Rival {
        name,
        package: "heed",
        settings: SETTINGS,
        source: "http://www.lmdb.tech/doc/group__mdb.html (`mdb_env_open`, `mdb_put`)",
        can: STORE,
        open,
    };
    [
        rival("LMDB, by stream", |path| {
            Ok(Box::new(Lmdb::open(path, true)?))
        }),
        rival("LMDB, by position", |path| {
            Ok(Box::new(Lmdb::open(path, false)?))
        }),
    ]
}

type Table = Database<Bytes, Bytes>;

/// Clustered, `events` holds (stream, version) -> event, and there is no index.
/// Else `events` holds position -> event, `index` (stream, version) -> position.
struct Lmdb {
    env: Env,
    events: Table,
    index: Option<Table>,
    next: AtomicU64,
}

impl Lmdb {
    fn open(path: &Path, clustered: bool) -> Result<Self> {
        std::fs::create_dir_all(path)?;
        // SAFETY: this process alone has the directory, and opens it once.
        let env = unsafe { EnvOpenOptions::new().map_size(MAP).max_dbs(2).open(path)? };
        let mut txn = env.write_txn()?;
        let events: Table = env.create_database(&mut txn, Some("events"))?;
        let index = match clustered {
            true => None,
            false => Some(env.create_database(&mut txn, Some("index"))?),
        };
        let last = match index {
            None => 0,
            Some(_) => match events.last(&txn)? {
                Some((position, _)) => u64::from_be_bytes(position.try_into()?),
                None => 0,
            },
        };
        txn.commit()?;
        Ok(Lmdb {
            env,
            events,
            index,
            next: AtomicU64::new(last + 1),
        })
    }

    /// Within a write transaction, of which there is one at a time.
    fn put(
        &self,
        txn: &mut RwTxn<'_>,
        stream: &str,
        version: u64,
        event: &Event<'_>,
    ) -> Result<()> {
        let (key, value) = (key(stream, version), encoded(version, event));
        match &self.index {
            None => self
                .events
                .put_with_flags(txn, PutFlags::NO_OVERWRITE, &key, &value)?,
            Some(index) => {
                let position = self.next.load(Ordering::Relaxed).to_be_bytes();
                index.put_with_flags(txn, PutFlags::NO_OVERWRITE, &key, &position)?;
                self.events
                    .put_with_flags(txn, PutFlags::APPEND, &position, &value)?;
                self.next.fetch_add(1, Ordering::Relaxed);
            }
        }
        Ok(())
    }
}

impl Store for Lmdb {
    fn prepare(&self, durability: Durability) -> Result<()> {
        let mode = match durability {
            Durability::Durable => FlagSetMode::Disable,
            Durability::Written => FlagSetMode::Enable,
        };
        // SAFETY: between rounds no other thread is in the store.
        unsafe { self.env.set_flags(EnvFlags::NO_SYNC, mode)? };
        Ok(())
    }

    fn append(&self, at: At<'_>, events: &[Event<'_>], _: Durability) -> Result<u64> {
        let mut txn = self.env.write_txn()?;
        let first = self.next.load(Ordering::Relaxed);
        let versions = self.index.unwrap_or(self.events);
        // The stream is at the version if that event is there and the next isn't:
        // the latter NO_OVERWRITE tells.
        let found = at.version == 0 || versions.get(&txn, &key(at.stream, at.version))?.is_some();
        let mut put = || -> Result<()> {
            for (version, event) in (at.version + 1..).zip(events) {
                self.put(&mut txn, at.stream, version, event)?;
            }
            Ok(())
        };
        let written = if found { put() } else { Err(conflict(&at)) };
        if let Err(error) = written {
            self.next.store(first, Ordering::Relaxed);
            return match error.downcast_ref() {
                Some(heed::Error::Mdb(MdbError::KeyExist)) => Err(conflict(&at)),
                _ => Err(error),
            };
        }
        let last = self.next.load(Ordering::Relaxed) - 1;
        txn.commit()?;
        Ok(last)
    }

    fn load(&self, events: &[Placed<'_>]) -> Result<()> {
        let mut txn = self.env.write_txn()?;
        for placed in events {
            self.put(&mut txn, placed.stream, placed.version, &placed.event)?;
        }
        Ok(txn.commit()?)
    }

    fn read_stream(&self, stream: &str, _: u32, sum: &mut Sum) -> Result<()> {
        let txn = self.env.read_txn()?;
        let (from, to) = bounds(stream);
        let range = (
            Bound::Included(from.as_slice()),
            Bound::Excluded(to.as_slice()),
        );
        match &self.index {
            None => {
                for entry in self.events.range(&txn, &range)? {
                    touch_encoded(entry?.1, sum)?;
                }
            }
            Some(index) => {
                for entry in index.range(&txn, &range)? {
                    let event = self
                        .events
                        .get(&txn, entry?.1)?
                        .context("no such position")?;
                    touch_encoded(event, sum)?;
                }
            }
        }
        Ok(())
    }

    fn read_all(&self, sum: &mut Sum) -> Result<()> {
        let txn = self.env.read_txn()?;
        for entry in self.events.iter(&txn)? {
            touch_encoded(entry?.1, sum)?;
        }
        Ok(())
    }

    fn read_one(&self, place: Placed<'_>, sum: &mut Sum) -> Result<()> {
        let txn = self.env.read_txn()?;
        let key = key(place.stream, place.version);
        let event = match &self.index {
            None => self.events.get(&txn, &key)?,
            Some(index) => match index.get(&txn, &key)? {
                Some(position) => self.events.get(&txn, position)?,
                None => None,
            },
        };
        touch_encoded(event.context("no such event")?, sum)
    }

    fn flush(&self) -> Result<()> {
        Ok(self.env.force_sync()?)
    }

    fn close(self: Box<Self>) -> Result<()> {
        self.env.force_sync()?;
        self.env.prepare_for_closing().wait();
        Ok(())
    }
}
