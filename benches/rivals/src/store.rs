//! What a store must be able to do here, and what all adapters share.

use std::path::Path;

use anyhow::{Context, Result};

/// An event as it is given.
#[derive(Clone, Copy)]
pub struct Event<'a> {
    pub id: [u8; 16],
    pub kind: &'a str,
    pub metadata: &'a [u8],
    pub data: &'a [u8],
}

/// Where an append goes, and what its writer knows of the stream.
#[derive(Clone, Copy)]
pub struct At<'a> {
    pub stream: &'a str,
    /// A number for the stream, for stores that know streams by number.
    pub number: u32,
    /// The version that the stream is expected to have.
    pub version: u64,
    /// The position of the stream's last event, for stores that check positions.
    pub position: u64,
}

/// One event among the events of many streams.
#[derive(Clone, Copy)]
pub struct Placed<'a> {
    pub stream: &'a str,
    pub number: u32,
    pub version: u64,
    pub position: u64,
    pub event: Event<'a>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Durability {
    /// Handed to the operating system, or as near to that as the store has it.
    Written,
    /// Synced to the medium before the append returns.
    Durable,
}

/// A store, open. What a store can't do is not called: see [`Can`].
pub trait Store: Send + Sync {
    /// Called before appends of another durability than before.
    fn prepare(&self, durability: Durability) -> Result<()> {
        let _ = durability;
        Ok(())
    }

    /// Appends to one stream, all or nothing, if the stream is as expected.
    /// Gives the position of the last event, or 0 where there are none.
    fn append(&self, at: At<'_>, events: &[Event<'_>], durability: Durability) -> Result<u64>;

    /// Loads the events of many streams, unchecked, as fast as the store can.
    fn load(&self, events: &[Placed<'_>]) -> Result<()>;

    fn read_stream(&self, stream: &str, number: u32, sum: &mut Sum) -> Result<()>;

    fn read_all(&self, sum: &mut Sum) -> Result<()>;

    fn read_one(&self, place: Placed<'_>, sum: &mut Sum) -> Result<()>;

    /// Makes everything durable.
    fn flush(&self) -> Result<()>;

    fn close(self: Box<Self>) -> Result<()>;
}

/// What a store can do, so that nothing is asked of it that it wasn't made for.
#[derive(Clone, Copy)]
pub struct Can {
    /// Checks the version (or position) that a writer expects, atomically.
    pub check: bool,
    /// Reads one stream by an index.
    pub streams: bool,
    /// Finds one event.
    pub one: bool,
    /// Reads everything.
    pub all: bool,
    /// Appends without a sync.
    pub written: bool,
    /// Its way to be durable really syncs.
    pub durable: bool,
}

impl Can {
    /// The least durable way to append that the store has.
    pub fn least(&self) -> Durability {
        if self.written {
            Durability::Written
        } else {
            Durability::Durable
        }
    }
}

pub const STORE: Can = Can {
    check: true,
    streams: true,
    one: true,
    all: true,
    written: true,
    durable: true,
};

/// A contestant: how to open it, and what the page says about it.
pub struct Rival {
    pub name: &'static str,
    /// The crate whose version the lock file tells.
    pub package: &'static str,
    /// The settings, and why.
    pub settings: &'static str,
    /// Where its documentation recommends them.
    pub source: &'static str,
    pub can: Can,
    pub open: fn(&Path) -> Result<Box<dyn Store>>,
}

/// What was read: how many events and bytes, and a sum over every byte.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Sum {
    pub events: u64,
    pub bytes: u64,
    sum: u64,
    strict: bool,
}

impl Sum {
    /// Also takes a CRC of each event, so that swapped bytes show.
    pub fn strict() -> Self {
        Sum {
            strict: true,
            ..Sum::default()
        }
    }

    #[inline]
    pub fn touch(&mut self, version: u64, id: &[u8], kind: &[u8], metadata: &[u8], data: &[u8]) {
        self.events += 1;
        self.bytes += (id.len() + kind.len() + metadata.len() + data.len()) as u64;
        let bytes = words(id)
            .wrapping_add(words(kind))
            .wrapping_add(words(metadata))
            .wrapping_add(words(data));
        self.sum = self
            .sum
            .wrapping_add(bytes)
            .wrapping_add(version.wrapping_mul(0x9e37_79b9));
        if self.strict {
            let mut crc = crc32fast::Hasher::new();
            for part in [&version.to_le_bytes()[..], id, kind, metadata, data] {
                crc.update(part);
            }
            self.sum = self.sum.wrapping_add(u64::from(crc.finalize()) << 16);
        }
    }

    pub fn touch_event(&mut self, version: u64, event: &Event<'_>) {
        self.touch(
            version,
            &event.id,
            event.kind.as_bytes(),
            event.metadata,
            event.data,
        );
    }

    pub fn add(&mut self, other: &Sum) {
        self.events += other.events;
        self.bytes += other.bytes;
        self.sum = self.sum.wrapping_add(other.sum);
    }
}

/// The sum of the bytes, eight at a time.
#[inline]
pub fn words(bytes: &[u8]) -> u64 {
    let mut chunks = bytes.chunks_exact(8);
    let mut sum = 0u64;
    for chunk in &mut chunks {
        sum = sum.wrapping_add(u64::from_le_bytes(chunk.try_into().unwrap_or_default()));
    }
    let mut last = [0; 8];
    last[..chunks.remainder().len()].copy_from_slice(chunks.remainder());
    sum.wrapping_add(u64::from_le_bytes(last))
}

/// How a store that knows only bytes keeps an event: version, id, type,
/// metadata, data. The stream's name is its key, or stands before it.
pub fn encode(version: u64, event: &Event<'_>, to: &mut Vec<u8>) {
    to.extend_from_slice(&version.to_be_bytes());
    to.extend_from_slice(&event.id);
    to.push(event.kind.len() as u8);
    to.extend_from_slice(&(event.metadata.len() as u16).to_le_bytes());
    to.extend_from_slice(event.kind.as_bytes());
    to.extend_from_slice(event.metadata);
    to.extend_from_slice(event.data);
}

pub fn encoded(version: u64, event: &Event<'_>) -> Vec<u8> {
    let mut to = Vec::with_capacity(event.data.len() + event.metadata.len() + 64);
    encode(version, event, &mut to);
    to
}

/// The same with the stream's name before it, for stores that have no keys.
pub fn encoded_named(stream: &str, version: u64, event: &Event<'_>) -> Vec<u8> {
    let mut to = Vec::with_capacity(stream.len() + event.data.len() + event.metadata.len() + 64);
    to.extend_from_slice(&(stream.len() as u16).to_le_bytes());
    to.extend_from_slice(stream.as_bytes());
    encode(version, event, &mut to);
    to
}

/// Touches every byte of an encoded event.
#[inline]
pub fn touch_encoded(bytes: &[u8], sum: &mut Sum) -> Result<()> {
    let split = |bytes, at| <[u8]>::split_at_checked(bytes, at).context("an event is cut short");
    let (version, rest) = split(bytes, 8)?;
    let (id, rest) = split(rest, 16)?;
    let (lengths, rest) = split(rest, 3)?;
    let (kind, rest) = split(rest, usize::from(lengths[0]))?;
    let (metadata, data) = split(
        rest,
        usize::from(u16::from_le_bytes([lengths[1], lengths[2]])),
    )?;
    let version = u64::from_be_bytes(version.try_into()?);
    sum.touch(version, id, kind, metadata, data);
    Ok(())
}

#[inline]
pub fn touch_named(bytes: &[u8], sum: &mut Sum) -> Result<()> {
    let (length, rest) = bytes.split_at_checked(2).context("an event is cut short")?;
    let length = usize::from(u16::from_le_bytes([length[0], length[1]]));
    touch_encoded(rest.get(length..).context("an event is cut short")?, sum)
}

/// The key of an event where keys are clustered by stream: all events of a
/// stream stand together, in order of their versions.
pub fn key(stream: &str, version: u64) -> Vec<u8> {
    let mut key = Vec::with_capacity(stream.len() + 9);
    key.extend_from_slice(stream.as_bytes());
    key.push(0);
    key.extend_from_slice(&version.to_be_bytes());
    key
}

/// The keys between which all events of a stream lie.
pub fn bounds(stream: &str) -> (Vec<u8>, Vec<u8>) {
    (key(stream, 0), key(stream, u64::MAX))
}

/// What an append says that found the stream at another version.
pub fn conflict(at: &At<'_>) -> anyhow::Error {
    anyhow::anyhow!("conflict: {} is not at version {}", at.stream, at.version)
}

/// One lock for each stream (or several), for stores that let writers in side by
/// side and leave it to them to check before they write.
pub struct Stripes(Vec<parking_lot::Mutex<()>>);

impl Stripes {
    pub fn new() -> Self {
        Stripes((0..1024).map(|_| parking_lot::Mutex::new(())).collect())
    }

    pub fn lock(&self, number: u32) -> parking_lot::MutexGuard<'_, ()> {
        self.0[number as usize % self.0.len()].lock()
    }
}

/// The part of an event that a store of events has no field for: version,
/// metadata, data.
pub fn payload(version: u64, event: &Event<'_>) -> Vec<u8> {
    let mut to = Vec::with_capacity(event.data.len() + event.metadata.len() + 26);
    to.extend_from_slice(&version.to_be_bytes());
    to.extend_from_slice(&(event.metadata.len() as u16).to_le_bytes());
    to.extend_from_slice(event.metadata);
    to.extend_from_slice(event.data);
    to
}

#[inline]
pub fn touch_payload(id: &[u8], kind: &str, bytes: &[u8], sum: &mut Sum) -> Result<()> {
    let (head, rest) = bytes
        .split_at_checked(10)
        .context("an event is cut short")?;
    let length = usize::from(u16::from_le_bytes([head[8], head[9]]));
    let (metadata, data) = rest
        .split_at_checked(length)
        .context("an event is cut short")?;
    let version = u64::from_be_bytes(head[..8].try_into()?);
    sum.touch(version, id, kind.as_bytes(), metadata, data);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(data: &[u8]) -> Event<'_> {
        Event {
            id: [3; 16],
            kind: "a-type",
            metadata: b"who",
            data,
        }
    }

    #[test]
    fn what_is_encoded_is_read_back() {
        let event = event(b"0123456789");
        let mut wanted = Sum::strict();
        wanted.touch_event(7, &event);
        let mut read = Sum::strict();
        touch_encoded(&encoded(7, &event), &mut read).unwrap();
        assert_eq!(read, wanted);
        let mut read = Sum::strict();
        touch_named(&encoded_named("a/stream", 7, &event), &mut read).unwrap();
        assert_eq!(read, wanted);
        let mut read = Sum::strict();
        touch_payload(&event.id, event.kind, &payload(7, &event), &mut read).unwrap();
        assert_eq!(read, wanted);
    }

    #[test]
    fn every_byte_and_the_version_count() {
        let sum = |version, data: &[u8]| {
            let mut sum = Sum::default();
            sum.touch_event(version, &event(data));
            sum
        };
        assert_ne!(sum(1, b"0123456789"), sum(1, b"0123456780"));
        assert_ne!(sum(1, b"0123456789"), sum(2, b"0123456789"));
    }

    #[test]
    fn only_a_strict_sum_sees_words_that_changed_places() {
        let read = |mut sum: Sum, data: &[u8]| {
            sum.touch_event(1, &event(data));
            sum
        };
        let (one, other) = (b"aaaaaaaabbbbbbbb", b"bbbbbbbbaaaaaaaa");
        assert_eq!(read(Sum::default(), one), read(Sum::default(), other));
        assert_ne!(read(Sum::strict(), one), read(Sum::strict(), other));
    }

    #[test]
    fn a_cut_event_is_an_error() {
        let bytes = encoded(1, &event(b""));
        assert!(touch_encoded(&bytes[..bytes.len() - 1], &mut Sum::default()).is_err());
    }

    #[test]
    fn keys_keep_a_stream_together_and_in_order() {
        let (from, to) = bounds("a");
        assert!(from < key("a", 1) && key("a", 1) < key("a", 256) && key("a", 256) < to);
        assert!(to < key("a1", 1) && to < key("aa", 1));
    }
}
