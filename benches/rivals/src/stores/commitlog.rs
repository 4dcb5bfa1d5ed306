use anyhow::{Result, bail};
use commitlog::message::{MessageBuf, MessageSet};
use commitlog::{CommitLog, LogOptions, ReadLimit};
use parking_lot::Mutex;

use crate::store::{
    At, Can, Durability, Event, Placed, Rival, STORE, Store, Sum, encoded_named, touch_named,
};

/// What one read takes in: large enough for the longest message, and, where all
/// is read, for few calls.
const ONE: usize = 64 << 10;
const MANY: usize = 256 << 10;
/// An index that is exactly full when it is closed can't be added to once it is
/// opened again; so this is no number that round numbers are multiples of.
const INDEX: usize = 131_071;

pub fn rival() -> Rival {
    Rival {
        name: "commitlog (log only)",
        package: "commitlog",
        settings: "`LogOptions::new` but for messages of up to 16 MiB and an index begun with 131,071 items; one append at a time \
                   under a lock. A log: no check, no streams; one event is found by its position. \
                   Its `flush` syncs nothing of the log (`File::flush` does nothing), so it \
                   has no durable figures",
        source: "https://docs.rs/commitlog/0.2.0/commitlog/struct.LogOptions.html",
        can: Can {
            check: false,
            streams: false,
            durable: false,
            ..STORE
        },
        open: |path| {
            let mut options = LogOptions::new(path);
            options.message_max_bytes(16 << 20).index_max_items(INDEX);
            Ok(Box::new(Log(Mutex::new(CommitLog::new(options)?))))
        },
    }
}

struct Log(Mutex<CommitLog>);

impl Store for Log {
    fn append(&self, at: At<'_>, events: &[Event<'_>], durability: Durability) -> Result<u64> {
        if durability == Durability::Durable {
            bail!("commitlog has no way to be durable");
        }
        let mut buffer = MessageBuf::default();
        for (version, event) in (at.version + 1..).zip(events) {
            let message = encoded_named(at.stream, version, event);
            if buffer.push(message).is_err() {
                bail!("a message is too long");
            }
        }
        let range = self.0.lock().append(&mut buffer)?;
        Ok(range.first() + range.len() as u64)
    }

    fn load(&self, events: &[Placed<'_>]) -> Result<()> {
        let mut buffer = MessageBuf::default();
        for placed in events {
            let message = encoded_named(placed.stream, placed.version, &placed.event);
            if buffer.push(message).is_err() {
                bail!("a message is too long");
            }
        }
        self.0.lock().append(&mut buffer)?;
        Ok(())
    }

    fn read_stream(&self, _: &str, _: u32, _: &mut Sum) -> Result<()> {
        bail!("commitlog has no streams")
    }

    fn read_all(&self, sum: &mut Sum) -> Result<()> {
        let mut next = 0;
        loop {
            let messages = self.0.lock().read(next, ReadLimit::max_bytes(MANY))?;
            if messages.is_empty() {
                return Ok(());
            }
            for message in messages.iter() {
                touch_named(message.payload(), sum)?;
                next = message.offset() + 1;
            }
        }
    }

    fn read_one(&self, place: Placed<'_>, sum: &mut Sum) -> Result<()> {
        let limit = ReadLimit::max_bytes(ONE.min(place.event.data.len() + 512));
        let messages = self.0.lock().read(place.position - 1, limit)?;
        match messages.iter().next() {
            Some(message) => touch_named(message.payload(), sum),
            None => bail!("no such position"),
        }
    }

    fn flush(&self) -> Result<()> {
        Ok(self.0.lock().flush()?)
    }

    fn close(self: Box<Self>) -> Result<()> {
        self.flush()
    }
}
