//! What the machine can do at most, coded by hand.

use super::feed::Feed;
use super::medium::zeroed;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

const FILE: usize = 64 << 20;
/// The bytes of an event of the workload in a frame of its own, on average.
const FRAME: usize = 330;

/// Writes the bytes of `batch` events and syncs, again and again; events a
/// second.
pub(crate) fn synced(dir: &Path, batch: usize, time: Duration) -> f64 {
    let file = zeroed(&dir.join("raw-synced"), FILE);
    let bytes = vec![1; batch * FRAME];
    let (mut offset, mut count) = (0, 0);
    let start = Instant::now();
    while start.elapsed() < time {
        if offset + bytes.len() > FILE {
            offset = 0;
        }
        file.write_all_at(&bytes, offset as u64).unwrap();
        file.sync_data().unwrap();
        offset += bytes.len();
        count += batch;
    }
    count as f64 / start.elapsed().as_secs_f64()
}

#[derive(Default)]
struct Queue {
    bytes: Vec<u8>,
    /// How many events were queued, and how many are durable.
    queued: u64,
    durable: u64,
    leading: bool,
    offset: u64,
}

/// The usual group commit: a mutex, a condition variable, a leader.
pub(crate) fn group_commit(dir: &Path, threads: usize, time: Duration) -> f64 {
    let file = zeroed(&dir.join("raw-group"), FILE);
    let queue = Mutex::new(Queue::default());
    let changed = Condvar::new();
    let stop = AtomicBool::new(false);
    let count = AtomicU64::new(0);
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let frame = [1; FRAME];
                let mut own = 0;
                while !stop.load(Ordering::Relaxed) {
                    commit(&file, &queue, &changed, &frame);
                    own += 1;
                }
                count.fetch_add(own, Ordering::Relaxed);
            });
        }
        std::thread::sleep(time);
        stop.store(true, Ordering::Relaxed);
    });
    count.into_inner() as f64 / start.elapsed().as_secs_f64()
}

fn commit(file: &File, queue: &Mutex<Queue>, changed: &Condvar, frame: &[u8]) {
    let mut state = queue.lock().unwrap();
    state.bytes.extend_from_slice(frame);
    state.queued += 1;
    let own = state.queued;
    while state.durable < own {
        if state.leading {
            state = changed.wait(state).unwrap();
            continue;
        }
        state.leading = true;
        let bytes = std::mem::take(&mut state.bytes);
        let (queued, offset) = (state.queued, state.offset);
        state.offset = (offset + bytes.len() as u64) % (FILE as u64 / 2);
        drop(state);
        file.write_all_at(&bytes, offset).unwrap();
        file.sync_data().unwrap();
        state = queue.lock().unwrap();
        state.durable = queued;
        state.leading = false;
        changed.notify_all();
    }
}

/// Encodes, checksums and writes each event by itself.
pub(crate) fn written(dir: &Path, events: usize) -> f64 {
    written_batches(dir, events, 1)
}

/// Encodes and checksums events, and writes `batch` of them at a time.
pub(crate) fn written_batches(dir: &Path, events: usize, batch: usize) -> f64 {
    let mut out = Vec::new();
    let file = fresh(dir);
    let mut offset = 0;
    super::fed(events, batch, |append| {
        out.clear();
        for (_, event) in append.entries() {
            let start = out.len();
            encode(&mut out, append.streams()[0].name(), event);
            let sum = crc32fast::hash(&out[start..]);
            out.extend_from_slice(&sum.to_le_bytes());
        }
        file.write_all_at(&out, offset).unwrap();
        offset += out.len() as u64;
    })
}

/// Encodes what was given, as plainly as can be.
fn encode(out: &mut Vec<u8>, stream: &str, event: &annals::Event) {
    out.extend_from_slice(event.id().as_bytes());
    for field in [
        stream.as_bytes(),
        event.event_type().as_bytes(),
        event.metadata(),
        event.data(),
    ] {
        out.extend_from_slice(&(field.len() as u32).to_le_bytes());
        out.extend_from_slice(field);
    }
}

/// Copies framed bytes and checksums them, into the page cache by large writes.
pub(crate) fn copied(dir: &Path, events: usize) -> f64 {
    const GATHERED: usize = 1 << 20;
    let frames: Vec<u8> = {
        let mut feed = Feed::new(7, events as u64 / 10, 1);
        let mut bytes = Vec::new();
        for _ in 0..events.min(20_000) {
            let append = feed.next();
            encode(
                &mut bytes,
                append.streams()[0].name(),
                &append.entries()[0].1,
            );
        }
        bytes
    };
    let mean = frames.len() / events.min(20_000);
    let file = fresh(dir);
    let mut gathered = Vec::with_capacity(GATHERED + mean);
    let (mut offset, mut at) = (0, 0);
    let start = Instant::now();
    for _ in 0..events {
        if at + mean > frames.len() {
            at = 0;
        }
        let bytes = &frames[at..at + mean];
        gathered.extend_from_slice(bytes);
        std::hint::black_box(crc32fast::hash(bytes));
        at += mean;
        if gathered.len() >= GATHERED {
            file.write_all_at(&gathered, offset).unwrap();
            offset += gathered.len() as u64;
            gathered.clear();
        }
    }
    file.write_all_at(&gathered, offset).unwrap();
    events as f64 / start.elapsed().as_secs_f64()
}

/// A file whose pages are there already, as those of a prepared segment are.
fn fresh(dir: &Path) -> File {
    zeroed(&dir.join("raw-written"), 512 << 20)
}
