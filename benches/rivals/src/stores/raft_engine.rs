use anyhow::{Context, Result};
use protobuf::well_known_types::BytesValue;
use raft_engine::{Config, Engine, LogBatch, MessageExt, ReadableSize};

use crate::store::{
    At, Durability, Event, Placed, Rival, STORE, Store, Stripes, Sum, conflict, encoded,
    touch_encoded,
};

pub fn rival() -> Rival {
    Rival {
        name: "raft-engine",
        package: "raft-engine",
        settings: "`Config::default()` but for no compression (as in its example); a stream is a \
                   Raft group, a version an index, so it knows streams by number, not by name; \
                   the check is `last_index` under a lock for the stream; it has no order over \
                   all, so everything is read group by group; group commit is its own",
        source: "https://docs.rs/raft-engine/0.4.2/raft_engine/struct.Config.html",
        can: STORE,
        open: |path| {
            let config = Config {
                dir: path.to_string_lossy().into_owned(),
                batch_compression_threshold: ReadableSize::kb(0),
                purge_threshold: ReadableSize::gb(100),
                ..Config::default()
            };
            Ok(Box::new(Raft {
                engine: Engine::open(config)?,
                streams: Stripes::new(),
            }))
        },
    }
}

struct Raft {
    engine: Engine,
    streams: Stripes,
}

/// Entries are events as encoded for all: the first eight bytes are the version.
struct Entries;

impl MessageExt for Entries {
    type Entry = BytesValue;

    fn index(entry: &BytesValue) -> u64 {
        let version = entry.value.first_chunk().copied();
        u64::from_be_bytes(version.unwrap_or_default())
    }
}

fn entry(version: u64, event: &Event<'_>) -> BytesValue {
    let mut entry = BytesValue::new();
    entry.set_value(encoded(version, event));
    entry
}

/// Group 0 is not used, as in Raft.
fn group(number: u32) -> u64 {
    u64::from(number) + 1
}

impl Raft {
    fn read(&self, group: u64, sum: &mut Sum) -> Result<()> {
        let (Some(first), Some(last)) = (
            self.engine.first_index(group),
            self.engine.last_index(group),
        ) else {
            return Ok(());
        };
        // Some at a time: it gathers what it returns.
        for from in (first..=last).step_by(1024) {
            let mut entries = Vec::new();
            let to = (from + 1024).min(last + 1);
            self.engine
                .fetch_entries_to::<Entries>(group, from, to, None, &mut entries)?;
            for entry in &entries {
                touch_encoded(&entry.value, sum)?;
            }
        }
        Ok(())
    }
}

impl Store for Raft {
    fn append(&self, at: At<'_>, events: &[Event<'_>], durability: Durability) -> Result<u64> {
        let group = group(at.number);
        let entries: Vec<_> = (at.version + 1..)
            .zip(events)
            .map(|(version, event)| entry(version, event))
            .collect();
        let _stream = self.streams.lock(at.number);
        if self.engine.last_index(group).unwrap_or(0) != at.version {
            return Err(conflict(&at));
        }
        let mut batch = LogBatch::with_capacity(1);
        batch.add_entries::<Entries>(group, &entries)?;
        self.engine
            .write(&mut batch, durability == Durability::Durable)?;
        Ok(0)
    }

    /// One by one: reading an entry reads all that was in its batch.
    fn load(&self, events: &[Placed<'_>]) -> Result<()> {
        for placed in events {
            let mut batch = LogBatch::with_capacity(1);
            let entry = entry(placed.version, &placed.event);
            batch.add_entries::<Entries>(group(placed.number), &[entry])?;
            self.engine.write(&mut batch, false)?;
        }
        Ok(())
    }

    fn read_stream(&self, _: &str, number: u32, sum: &mut Sum) -> Result<()> {
        self.read(group(number), sum)
    }

    fn read_all(&self, sum: &mut Sum) -> Result<()> {
        let mut groups = self.engine.raft_groups();
        groups.sort_unstable();
        groups
            .into_iter()
            .try_for_each(|group| self.read(group, sum))
    }

    fn read_one(&self, place: Placed<'_>, sum: &mut Sum) -> Result<()> {
        let entry = self
            .engine
            .get_entry::<Entries>(group(place.number), place.version)?
            .context("no such event")?;
        touch_encoded(&entry.value, sum)
    }

    fn flush(&self) -> Result<()> {
        Ok(self.engine.sync()?)
    }

    fn close(self: Box<Self>) -> Result<()> {
        self.flush()
    }
}
