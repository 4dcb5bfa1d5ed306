use std::io;

use anyhow::{Result, bail};
use okaywal::{Configuration, Entry, EntryId, LogManager, SegmentReader, WriteAheadLog};

use crate::store::{At, Can, Durability, Event, Placed, Rival, STORE, Store, Sum, encoded_named};

/// Segments large enough that checkpoints (here: forgetting) are rare, and
/// begun before a segment must grow, as its documentation says.
const SEGMENT: u32 = 64 << 20;
const CHECKPOINT: u64 = 48 << 20;

pub fn rival() -> Rival {
    Rival {
        name: "okaywal (log only)",
        package: "okaywal",
        settings: "segments of 64 MiB, a checkpoint after 48 MiB that does nothing; one entry an \
                   append; group commit is its own. A log to stand before a store: no check, \
                   no streams, and what is checkpointed is gone, so nothing is read back",
        source: "https://docs.rs/okaywal/0.3.1/okaywal/struct.Configuration.html",
        can: Can {
            check: false,
            streams: false,
            one: false,
            all: false,
            written: false,
            ..STORE
        },
        open: |path| {
            std::fs::create_dir_all(path)?;
            let log = Configuration::default_for(path)
                .preallocate_bytes(SEGMENT)
                .checkpoint_after_bytes(CHECKPOINT)
                .open(Forget)?;
            Ok(Box::new(Okay(log)))
        },
    }
}

struct Okay(WriteAheadLog);

/// Recovers every entry by reading it, and lets go of what is checkpointed.
#[derive(Debug)]
struct Forget;

impl LogManager for Forget {
    fn recover(&mut self, entry: &mut Entry<'_>) -> io::Result<()> {
        entry.read_all_chunks()?;
        Ok(())
    }

    fn checkpoint_to(
        &mut self,
        _: EntryId,
        _: &mut SegmentReader,
        _: &WriteAheadLog,
    ) -> io::Result<()> {
        Ok(())
    }
}

impl Store for Okay {
    fn append(&self, at: At<'_>, events: &[Event<'_>], _: Durability) -> Result<u64> {
        let chunks: Vec<_> = (at.version + 1..)
            .zip(events)
            .map(|(version, event)| encoded_named(at.stream, version, event))
            .collect();
        let mut entry = self.0.begin_entry()?;
        for chunk in &chunks {
            entry.write_chunk(chunk)?;
        }
        entry.commit()?;
        Ok(0)
    }

    fn load(&self, events: &[Placed<'_>]) -> Result<()> {
        let mut entry = self.0.begin_entry()?;
        for placed in events {
            entry.write_chunk(&encoded_named(placed.stream, placed.version, &placed.event))?;
        }
        entry.commit()?;
        Ok(())
    }

    fn read_stream(&self, _: &str, _: u32, _: &mut Sum) -> Result<()> {
        bail!("okaywal has no streams")
    }

    fn read_all(&self, _: &mut Sum) -> Result<()> {
        bail!("okaywal is read when it is recovered")
    }

    fn read_one(&self, _: Placed<'_>, _: &mut Sum) -> Result<()> {
        bail!("okaywal has no streams")
    }

    fn flush(&self) -> Result<()> {
        Ok(())
    }

    fn close(self: Box<Self>) -> Result<()> {
        Ok(self.0.shutdown()?)
    }
}
