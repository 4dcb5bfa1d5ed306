use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};
use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamilyDescriptor, DB, DBCompressionType, IteratorMode, Options,
    ReadOptions, WriteBatch, WriteOptions,
};

use crate::store::{
    At, Durability, Event, Placed, Rival, STORE, Store, Stripes, Sum, bounds, conflict, encoded,
    key, touch_encoded,
};

const CACHE: usize = 1 << 30;

const SETTINGS: &str = "the options that its wiki gives for general use: block cache (1 GiB), \
                        Bloom filters of 10 bits, blocks of 16 KiB, LZ4 and at the bottom ZSTD, \
                        bytes_per_sync 1 MiB, dynamic level bytes; durable: WriteOptions::sync; \
                        written: its default; the check is two point reads under a lock for \
                        the stream; group commit is its own";

pub fn rivals() -> [Rival; 2] {
    let rival = |name, open| Rival {
        name,
        package: "rocksdb",
        settings: SETTINGS,
        source: "https://github.com/facebook/rocksdb/wiki/Setup-Options-and-Basic-Tuning",
        can: STORE,
        open,
    };
    [
        rival("RocksDB, by stream", |path| {
            Ok(Box::new(Rocks::open(path, true)?))
        }),
        rival("RocksDB, by position", |path| {
            Ok(Box::new(Rocks::open(path, false)?))
        }),
    ]
}

struct Rocks {
    db: DB,
    clustered: bool,
    next: AtomicU64,
    streams: Stripes,
}

fn options() -> Options {
    let mut table = BlockBasedOptions::default();
    table.set_block_size(16 << 10);
    table.set_block_cache(&Cache::new_lru_cache(CACHE));
    table.set_bloom_filter(10.0, false);
    table.set_cache_index_and_filter_blocks(true);
    table.set_pin_l0_filter_and_index_blocks_in_cache(true);
    let mut options = Options::default();
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    options.set_block_based_table_factory(&table);
    options.set_compression_type(DBCompressionType::Lz4);
    options.set_bottommost_compression_type(DBCompressionType::Zstd);
    options.set_level_compaction_dynamic_level_bytes(true);
    options.set_max_background_jobs(6);
    options.set_bytes_per_sync(1 << 20);
    options
}

impl Rocks {
    fn open(path: &Path, clustered: bool) -> Result<Self> {
        let options = options();
        // The default family is named, too: it would be opened with bare options.
        let family = |name: &str| ColumnFamilyDescriptor::new(name, options.clone());
        let mut families = vec![family("default")];
        if !clustered {
            families.push(family("index"));
        }
        let db = DB::open_cf_descriptors(&options, path, families)?;
        let last = match (clustered, db.iterator(IteratorMode::End).next()) {
            (false, Some(last)) => u64::from_be_bytes(last?.0.as_ref().try_into()?),
            _ => 0,
        };
        let next = AtomicU64::new(last + 1);
        Ok(Rocks {
            db,
            clustered,
            next,
            streams: Stripes::new(),
        })
    }

    fn index(&self) -> Result<&rocksdb::ColumnFamily> {
        self.db.cf_handle("index").context("the index is missing")
    }

    fn has(&self, stream: &str, version: u64) -> Result<bool> {
        let key = key(stream, version);
        Ok(match self.clustered {
            true => self.db.get_pinned(key)?.is_some(),
            false => self.db.get_pinned_cf(self.index()?, key)?.is_some(),
        })
    }

    fn put(
        &self,
        batch: &mut WriteBatch,
        stream: &str,
        version: u64,
        event: &Event<'_>,
    ) -> Result<u64> {
        let (key, value) = (key(stream, version), encoded(version, event));
        if self.clustered {
            batch.put(key, value);
            return Ok(0);
        }
        let position = self.next.fetch_add(1, Ordering::Relaxed);
        batch.put(position.to_be_bytes(), value);
        batch.put_cf(self.index()?, key, position.to_be_bytes());
        Ok(position)
    }
}

impl Store for Rocks {
    fn append(&self, at: At<'_>, events: &[Event<'_>], durability: Durability) -> Result<u64> {
        let _stream = self.streams.lock(at.number);
        let found = at.version == 0 || self.has(at.stream, at.version)?;
        if !found || self.has(at.stream, at.version + 1)? {
            return Err(conflict(&at));
        }
        let (mut batch, mut last) = (WriteBatch::default(), 0);
        for (version, event) in (at.version + 1..).zip(events) {
            last = self.put(&mut batch, at.stream, version, event)?;
        }
        let mut how = WriteOptions::default();
        how.set_sync(durability == Durability::Durable);
        self.db.write_opt(batch, &how)?;
        Ok(last)
    }

    fn load(&self, events: &[Placed<'_>]) -> Result<()> {
        let mut batch = WriteBatch::default();
        for placed in events {
            self.put(&mut batch, placed.stream, placed.version, &placed.event)?;
        }
        Ok(self.db.write(batch)?)
    }

    fn read_stream(&self, stream: &str, _: u32, sum: &mut Sum) -> Result<()> {
        let (from, to) = bounds(stream);
        let mut within = ReadOptions::default();
        within.set_iterate_range(from..to);
        if self.clustered {
            let mut entries = self.db.raw_iterator_opt(within);
            entries.seek_to_first();
            while let Some(event) = entries.value() {
                touch_encoded(event, sum)?;
                entries.next();
            }
            return Ok(entries.status()?);
        }
        let mut entries = self.db.raw_iterator_cf_opt(self.index()?, within);
        entries.seek_to_first();
        while let Some(position) = entries.value() {
            let event = self.db.get_pinned(position)?.context("no such position")?;
            touch_encoded(&event, sum)?;
            entries.next();
        }
        Ok(entries.status()?)
    }

    fn read_all(&self, sum: &mut Sum) -> Result<()> {
        let mut entries = self.db.raw_iterator();
        entries.seek_to_first();
        while let Some(event) = entries.value() {
            touch_encoded(event, sum)?;
            entries.next();
        }
        Ok(entries.status()?)
    }

    fn read_one(&self, place: Placed<'_>, sum: &mut Sum) -> Result<()> {
        let key = key(place.stream, place.version);
        let event = match self.clustered {
            true => self.db.get_pinned(key)?,
            false => {
                let position = self
                    .db
                    .get_pinned_cf(self.index()?, key)?
                    .context("no such event")?;
                self.db.get_pinned(position)?
            }
        };
        touch_encoded(&event.context("no such event")?, sum)
    }

    fn flush(&self) -> Result<()> {
        self.db.flush_wal(true)?;
        Ok(())
    }

    fn close(self: Box<Self>) -> Result<()> {
        self.flush()
    }
}
