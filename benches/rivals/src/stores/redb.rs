use std::path::Path;

use anyhow::{Context, Result};
use redb::{
    Database, Durability as Commit, ReadableDatabase, ReadableTable, Table, TableDefinition,
};

use crate::store::{
    At, Durability, Event, Placed, Rival, STORE, Store, Sum, bounds, conflict, encoded, key,
    touch_encoded,
};

const SETTINGS: &str = "a cache of 1 GiB (its default); durable: Durability::Immediate (its \
                        default); written: Durability::None, which stays in the process's \
                        memory until the next durable commit, so it is less than what others do";

pub fn rivals() -> [Rival; 2] {
    let rival = |name, open| Rival {
        name,
        package: "redb",
        settings: SETTINGS,
        source: "https://docs.rs/redb/4.6.0/redb/enum.Durability.html",
        can: STORE,
        open,
    };
    [
        rival("redb, by stream", |path| {
            Ok(Box::new(Redb::open(path, true)?))
        }),
        rival("redb, by position", |path| {
            Ok(Box::new(Redb::open(path, false)?))
        }),
    ]
}

const CLUSTERED: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("events_by_stream");
const EVENTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("events");
const INDEX: TableDefinition<'_, &[u8], u64> = TableDefinition::new("index");

struct Redb {
    db: Database,
    clustered: bool,
}

/// The tables of one write transaction.
enum Tables<'txn> {
    Clustered(Table<'txn, &'static [u8], &'static [u8]>),
    Positioned {
        events: Table<'txn, u64, &'static [u8]>,
        index: Table<'txn, &'static [u8], u64>,
        next: u64,
    },
}

impl Tables<'_> {
    fn has(&self, stream: &str, version: u64) -> Result<bool> {
        let key = key(stream, version);
        Ok(match self {
            Tables::Clustered(events) => events.get(key.as_slice())?.is_some(),
            Tables::Positioned { index, .. } => index.get(key.as_slice())?.is_some(),
        })
    }

    fn put(&mut self, stream: &str, version: u64, event: &Event<'_>) -> Result<u64> {
        let (key, value) = (key(stream, version), encoded(version, event));
        match self {
            Tables::Clustered(events) => {
                events.insert(key.as_slice(), value.as_slice())?;
                Ok(0)
            }
            Tables::Positioned {
                events,
                index,
                next,
            } => {
                events.insert(*next, value.as_slice())?;
                index.insert(key.as_slice(), *next)?;
                *next += 1;
                Ok(*next - 1)
            }
        }
    }
}

impl Redb {
    fn open(path: &Path, clustered: bool) -> Result<Self> {
        std::fs::create_dir_all(path)?;
        let db = Database::create(path.join("events.redb"))?;
        let store = Redb { db, clustered };
        store.write(Commit::Immediate, |_| Ok(()))?;
        Ok(store)
    }

    fn write<T>(
        &self,
        commit: Commit,
        change: impl FnOnce(&mut Tables<'_>) -> Result<T>,
    ) -> Result<T> {
        let mut txn = self.db.begin_write()?;
        txn.set_durability(commit)?;
        let mut tables = if self.clustered {
            Tables::Clustered(txn.open_table(CLUSTERED)?)
        } else {
            let events = txn.open_table(EVENTS)?;
            let next = events
                .last()?
                .map_or(1, |(position, _)| position.value() + 1);
            Tables::Positioned {
                events,
                index: txn.open_table(INDEX)?,
                next,
            }
        };
        let done = change(&mut tables)?;
        drop(tables);
        txn.commit()?;
        Ok(done)
    }
}

impl Store for Redb {
    fn append(&self, at: At<'_>, events: &[Event<'_>], durability: Durability) -> Result<u64> {
        let commit = match durability {
            Durability::Durable => Commit::Immediate,
            Durability::Written => Commit::None,
        };
        self.write(commit, |tables| {
            let found = at.version == 0 || tables.has(at.stream, at.version)?;
            if !found || tables.has(at.stream, at.version + 1)? {
                return Err(conflict(&at));
            }
            let mut last = 0;
            for (version, event) in (at.version + 1..).zip(events) {
                last = tables.put(at.stream, version, event)?;
            }
            Ok(last)
        })
    }

    fn load(&self, events: &[Placed<'_>]) -> Result<()> {
        self.write(Commit::None, |tables| {
            for placed in events {
                tables.put(placed.stream, placed.version, &placed.event)?;
            }
            Ok(())
        })
    }

    fn read_stream(&self, stream: &str, _: u32, sum: &mut Sum) -> Result<()> {
        let txn = self.db.begin_read()?;
        let (from, to) = bounds(stream);
        if self.clustered {
            let events = txn.open_table(CLUSTERED)?;
            for entry in events.range(from.as_slice()..to.as_slice())? {
                touch_encoded(entry?.1.value(), sum)?;
            }
            return Ok(());
        }
        let (events, index) = (txn.open_table(EVENTS)?, txn.open_table(INDEX)?);
        for entry in index.range(from.as_slice()..to.as_slice())? {
            let event = events.get(entry?.1.value())?.context("no such position")?;
            touch_encoded(event.value(), sum)?;
        }
        Ok(())
    }

    fn read_all(&self, sum: &mut Sum) -> Result<()> {
        let txn = self.db.begin_read()?;
        if self.clustered {
            for entry in txn.open_table(CLUSTERED)?.iter()? {
                touch_encoded(entry?.1.value(), sum)?;
            }
            return Ok(());
        }
        for entry in txn.open_table(EVENTS)?.iter()? {
            touch_encoded(entry?.1.value(), sum)?;
        }
        Ok(())
    }

    fn read_one(&self, place: Placed<'_>, sum: &mut Sum) -> Result<()> {
        let txn = self.db.begin_read()?;
        let key = key(place.stream, place.version);
        if self.clustered {
            let events = txn.open_table(CLUSTERED)?;
            let event = events.get(key.as_slice())?.context("no such event")?;
            return touch_encoded(event.value(), sum);
        }
        let index = txn.open_table(INDEX)?;
        let position = index.get(key.as_slice())?.context("no such event")?.value();
        let event = txn
            .open_table(EVENTS)?
            .get(position)?
            .context("no such position")?;
        touch_encoded(event.value(), sum)
    }

    fn flush(&self) -> Result<()> {
        self.write(Commit::Immediate, |_| Ok(()))
    }

    fn close(self: Box<Self>) -> Result<()> {
        self.flush()
    }
}
