use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use parking_lot::Mutex;
use seglog::read::Reader;
use seglog::write::{WriteError, Writer};

use crate::store::{
    At, Can, Durability, Event, Placed, Rival, STORE, Store, Sum, encoded_named, touch_named,
};

/// As large as tephra's, which is built on it.
const SEGMENT: usize = 256 << 20;

pub fn rival() -> Rival {
    Rival {
        name: "seglog (log only)",
        package: "seglog",
        settings: "segments of 256 MiB (rolled by us: it is one segment); durable: `commit`, \
                   one at a time under a lock (a single writer, no group commit); written: \
                   `flush_writer`. A log: no check, no streams, no index of positions",
        source: "https://docs.rs/seglog/0.3.6/seglog/write/struct.Writer.html",
        can: Can {
            check: false,
            streams: false,
            one: false,
            ..STORE
        },
        open: |path| Ok(Box::new(Segments(Mutex::new(Tail::open(path)?)))),
    }
}

struct Segments(Mutex<Tail>);

struct Tail {
    directory: PathBuf,
    number: u32,
    writer: Writer<0>,
    last: u64,
}

fn file(directory: &Path, number: u32) -> PathBuf {
    directory.join(format!("{number:06}.seglog"))
}

impl Tail {
    fn open(directory: &Path) -> Result<Self> {
        std::fs::create_dir_all(directory)?;
        let mut number = 0;
        while file(directory, number + 1).exists() {
            number += 1;
        }
        let path = file(directory, number);
        let writer = match path.exists() {
            true => Writer::open(&path, SEGMENT, 0)?,
            false => Writer::create(&path, SEGMENT, 0)?,
        };
        let last = writer.last_committed_position().unwrap_or(0);
        Ok(Tail {
            directory: directory.to_owned(),
            number,
            writer,
            last,
        })
    }

    /// All records go into one segment, so that they are committed as a unit.
    fn append(&mut self, records: &[Vec<u8>]) -> Result<()> {
        let bytes: usize = records.iter().map(|record| record.len() + 8).sum();
        if self.writer.remaining_bytes() < bytes as u64 + 64 {
            self.writer.commit(self.last)?;
            self.number += 1;
            self.writer = Writer::create(file(&self.directory, self.number), SEGMENT, 0)?;
        }
        for record in records {
            match self.writer.append_data(record) {
                Err(WriteError::SegmentFull { .. }) => bail!("an append is larger than a segment"),
                done => done?,
            };
        }
        self.last += records.len() as u64;
        Ok(())
    }
}

impl Store for Segments {
    fn append(&self, at: At<'_>, events: &[Event<'_>], durability: Durability) -> Result<u64> {
        let records: Vec<_> = (at.version + 1..)
            .zip(events)
            .map(|(version, event)| encoded_named(at.stream, version, event))
            .collect();
        let mut tail = self.0.lock();
        tail.append(&records)?;
        let last = tail.last;
        match durability {
            Durability::Durable => drop(tail.writer.commit(last)?),
            Durability::Written => tail.writer.flush_writer()?,
        }
        Ok(last)
    }

    fn load(&self, events: &[Placed<'_>]) -> Result<()> {
        let records: Vec<_> = events
            .iter()
            .map(|placed| encoded_named(placed.stream, placed.version, &placed.event))
            .collect();
        let mut tail = self.0.lock();
        tail.append(&records)?;
        tail.writer.flush_writer()?;
        Ok(())
    }

    fn read_stream(&self, _: &str, _: u32, _: &mut Sum) -> Result<()> {
        bail!("seglog has no streams")
    }

    fn read_all(&self, sum: &mut Sum) -> Result<()> {
        let (directory, last, flushed) = {
            let tail = self.0.lock();
            (
                tail.directory.clone(),
                tail.number,
                tail.writer.flushed_offset(),
            )
        };
        for number in 0..=last {
            let bound = (number == last).then(|| flushed.clone());
            let mut reader = Reader::<0>::open_read_only(file(&directory, number), bound)?;
            let mut records = reader.iter(0);
            while let Some(record) = records.next_record()? {
                touch_named(&record.data, sum)?;
            }
        }
        Ok(())
    }

    fn read_one(&self, _: Placed<'_>, _: &mut Sum) -> Result<()> {
        bail!("seglog has no index")
    }

    fn flush(&self) -> Result<()> {
        let mut tail = self.0.lock();
        let last = tail.last;
        tail.writer.commit(last)?;
        Ok(())
    }

    fn close(self: Box<Self>) -> Result<()> {
        self.flush()
    }
}
