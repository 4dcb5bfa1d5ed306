//! What opening and looking up touch does not grow with the log: counted at
//! the seam to the file system. And who waits for a sync, and who does not.

#![allow(clippy::unwrap_used)]

mod cold;
#[cfg(annals_shuttle)]
mod schedules;
mod spares;

use super::{LogStore, Options, Reads};
use crate::env::fs::Fs;
use crate::env::sim::{CallKind, CountingFs, Outcome, SectorSize, SimDisk, SimWorld, TaskMode};
use crate::env::{Env, OsFs};
use crate::store::{Append, EventStore, Query};
use crate::types::{Durability, Event, Position, RecordedEvent, Version};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const DIR: &str = "/store";
/// How many sealed segments there are.
const SEGMENTS: u64 = 1_000;
/// How many events each append has: one append fills a segment.
const BATCH: u64 = 6;
/// The stream that is looked up, and the append that wrote it.
const RARE: (&str, u64) = ("rare/1", 500);
/// How many segments opening may touch, and then a lookup.
const FEW: usize = 4;

fn options() -> Options {
    Options::new()
        .segment_size(Options::MIN_SEGMENT_SIZE)
        .checkpoint_events(256)
        .durability(Durability::Written)
}

/// A log of many segments; the store is closed or was stopped in the middle.
fn disk(closed: bool) -> SimDisk {
    let world = SimWorld::new(3);
    let store = options().env(world.env()).open(DIR).unwrap();
    for append in 0..=SEGMENTS {
        let stream = match append == RARE.1 {
            true => RARE.0.to_owned(),
            false => format!("orders/{append}"),
        };
        let events = (0..BATCH).map(|_| Event::new("Happened", vec![b'x'; 100]));
        store.append(Append::to(stream).events(events)).unwrap();
    }
    let disk = world.disk;
    if closed {
        store.close().unwrap();
        return disk;
    }
    store.flush().unwrap();
    disk.kill_clone()
}

/// The bytes of all files with this ending.
fn size_of(disk: &SimDisk, ending: &str) -> u64 {
    let files = disk.files().into_iter();
    let sizes = files.filter(|(path, _)| path.ends_with(ending));
    sizes.map(|(_, size)| size).sum()
}

/// What was asked of segment files since the last look.
#[derive(Debug)]
struct Touched {
    opened: BTreeSet<Arc<str>>,
    bytes: u64,
}

fn touched(fs: &CountingFs) -> Touched {
    let mut touched = Touched {
        opened: BTreeSet::new(),
        bytes: 0,
    };
    for call in fs.take_trace() {
        let path = fs.path_of(call.path);
        if !path.ends_with(".seg") {
            continue;
        }
        match (call.kind, call.outcome) {
            (CallKind::Open | CallKind::OpenWrite, _) => drop(touched.opened.insert(path)),
            (CallKind::Read, Outcome::Done(count)) => touched.bytes += count,
            _ => {}
        }
    }
    fs.start_trace();
    touched
}

/// Counts what a store asks of this file system.
fn counted(fs: Arc<dyn Fs>) -> (CountingFs, Env) {
    let counting = CountingFs::new(fs);
    counting.start_trace();
    let world = SimWorld::on(SimDisk::new(SectorSize::default()), TaskMode::Inline, 5);
    let env = Env {
        fs: Arc::new(counting.clone()),
        ..world.env()
    };
    (counting, env)
}

/// The first things that anybody asks of a store, each of which touches few
/// segments.
fn look_up(store: &LogStore, fs: &CountingFs) {
    let head = (SEGMENTS + 1) * BATCH;
    assert_eq!(store.head(), Position::new(head));
    assert_eq!(store.version(RARE.0).unwrap(), Version::new(BATCH));
    assert_eq!(store.version("none").unwrap(), Version::NONE);
    // Who follows no writer may look at the end of the log, and no further.
    let versions = touched(fs);
    assert!(versions.opened.len() <= 1, "{versions:?}");
    let read = |query: &Query| -> Vec<RecordedEvent> {
        let events = store.read(query).map(Result::unwrap).collect();
        let touched = touched(fs);
        assert!(touched.opened.len() <= FEW, "{query:?}: {touched:?}");
        events
    };
    assert_eq!(read(&Query::stream(RARE.0)).len() as u64, BATCH);
    assert_eq!(read(&Query::category("rare")).len() as u64, BATCH);
    assert_eq!(read(&Query::all().limit(3)).len(), 3);
    let newest = read(&Query::all().backward().limit(1));
    assert_eq!(newest[0].position(), Position::new(head));
    assert_eq!(
        read(&Query::all().after(Position::new(4_000)).limit(1)).len(),
        1
    );
}

#[test]
fn a_store_of_a_thousand_segments_opens_without_reading_its_events() {
    let disk = disk(true);
    let log = size_of(&disk, ".seg");
    assert!(log > SEGMENTS * 1000);
    for read_only in [true, false] {
        let (fs, env) = counted(Arc::new(disk.kill_clone()));
        let options = options().reads(Reads::Plain).env(env);
        let store = match read_only {
            true => options.open_read_only(DIR).unwrap(),
            false => options.open(DIR).unwrap(),
        };
        let opening = touched(&fs);
        assert!(opening.opened.len() <= FEW, "{opening:?}");
        assert!(opening.bytes <= 16 << 10, "{opening:?}");
        // What else is read is the headers of index files and small files.
        let all = fs.counts().bytes_read();
        assert!(all < 32 << 10, "{all} bytes were read, of {log} in the log");
        look_up(&store, &fs);
    }
}

#[test]
fn after_an_unclean_stop_only_the_end_of_the_log_is_read() {
    let disk = disk(false);
    let log = size_of(&disk, ".seg");
    for read_only in [true, false] {
        let (fs, env) = counted(Arc::new(disk.kill_clone()));
        let options = options().reads(Reads::Plain).env(env);
        let store = match read_only {
            true => options.open_read_only(DIR).unwrap(),
            false => options.open(DIR).unwrap(),
        };
        // At most what one checkpoint has not covered yet: two tables.
        let opening = touched(&fs);
        let covered = opening.opened.len() as u64 * BATCH;
        assert!(
            covered <= 2 * 256 + 8 * BATCH,
            "{covered} events were replayed"
        );
        assert!(opening.bytes * 5 < log, "{opening:?}");
        look_up(&store, &fs);
    }
}

#[test]
fn with_mappings_few_segments_are_opened_either() {
    let disk = disk(true);
    let dir = tempfile::tempdir().unwrap();
    for (path, _) in disk.files() {
        let path = Path::new("/").join(path);
        let bytes = disk.bytes(&path).unwrap();
        let name = path.file_name().unwrap();
        if name != "lock" && name != "watermark" {
            std::fs::write(dir.path().join(name), bytes).unwrap();
        }
    }
    for read_only in [true, false] {
        let (fs, env) = counted(Arc::new(OsFs));
        let options = options().reads(Reads::Mapped).env(env);
        let store = match read_only {
            true => options.open_read_only(dir.path()).unwrap(),
            false => options.open(dir.path()).unwrap(),
        };
        let opening = touched(&fs);
        assert!(opening.opened.len() <= FEW, "{opening:?}");
        look_up(&store, &fs);
    }
}

/// A store whose syncs of the log wait until they are let go, and tell when
/// one has begun.
fn store_with_held_syncs() -> (Arc<LogStore>, Receiver<()>, Sender<()>) {
    let world = SimWorld::new(5);
    let options = Options::new().durability(Durability::Written);
    let store = Arc::new(options.env(world.env()).open(DIR).unwrap());
    store.append(to("first", Durability::Durable)).unwrap();
    let (begins, begun) = channel();
    let (go, held) = channel();
    let held = Mutex::new(held);
    world.disk.on_boundary(move |disk, boundary| {
        if boundary.kind == CallKind::Sync && disk.path_of(boundary.path).ends_with(".seg") {
            // When nobody listens any more, and nobody lets go, all are free.
            let _ = begins.send(());
            let _ = held.lock().unwrap().recv();
        }
    });
    (store, begun, go)
}

fn to(stream: &'static str, durability: Durability) -> Append {
    let event = Event::new("Happened", "x");
    Append::to(stream).event(event).durability(durability)
}

/// Runs something beside; what it gives is there within a minute, or never.
fn beside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Receiver<T> {
    let (done, outcome) = channel();
    std::thread::spawn(move || done.send(work()));
    outcome
}

const NEVER: Duration = Duration::from_secs(60);

#[test]
fn an_append_that_needs_no_sync_does_not_wait_for_one() {
    let (store, begun, go) = store_with_held_syncs();
    store.append(to("a", Durability::Written)).unwrap();
    let other = Arc::clone(&store);
    let flushed = beside(move || other.flush().unwrap());
    begun.recv_timeout(NEVER).unwrap();
    let other = Arc::clone(&store);
    let written = beside(move || other.append(to("b", Durability::Written)).unwrap());
    let appended = written.recv_timeout(NEVER).unwrap();
    assert_eq!(
        (appended.last(), store.head()),
        (Position::new(3), Position::new(3))
    );
    assert_eq!(store.durable(), Position::new(1));
    drop(go);
    // What came while the sync went on is not durable by it.
    assert_eq!(flushed.recv_timeout(NEVER).unwrap(), Position::new(2));
    assert_eq!(store.flush().unwrap(), Position::new(3));
}

#[test]
fn nothing_is_seen_behind_what_is_not_durable_yet() {
    let (store, begun, go) = store_with_held_syncs();
    let other = Arc::clone(&store);
    let durable = beside(move || other.append(to("a", Durability::Durable)).unwrap());
    begun.recv_timeout(NEVER).unwrap();
    let writes = store.activity().writes;
    let other = Arc::clone(&store);
    let behind = beside(move || other.append(to("b", Durability::Written)).unwrap());
    while store.activity().writes == writes {
        std::thread::yield_now();
    }
    assert_eq!(store.head(), Position::new(1));
    assert!(behind.try_recv().is_err());
    drop(go);
    durable.recv_timeout(NEVER).unwrap();
    behind.recv_timeout(NEVER).unwrap();
    assert_eq!(store.head(), Position::new(3));
}

#[test]
fn many_durable_appends_at_once_all_get_their_answer() {
    let world = SimWorld::new(6);
    let store = Arc::new(Options::new().env(world.env()).open(DIR).unwrap());
    let threads: Vec<_> = (0..16)
        .map(|thread| {
            let store = Arc::clone(&store);
            beside(move || {
                for round in 0..50u64 {
                    let durability = match (round + thread) % 3 {
                        0 => Durability::Written,
                        _ => Durability::Durable,
                    };
                    let appended = store.append(to("a", durability)).unwrap();
                    assert!(store.head() >= appended.last());
                    let is_durable = store.durable() >= appended.last();
                    assert!(is_durable || durability == Durability::Written);
                }
            })
        })
        .collect();
    for thread in threads {
        thread.recv_timeout(NEVER).unwrap();
    }
    assert_eq!(store.head(), Position::new(16 * 50));
}

/// Where the newest part of the index begins.
fn newest_part(store: &LogStore) -> u64 {
    let parts = store.shared.index.parts();
    parts.iter().last().unwrap().range().0.get()
}

#[test]
fn the_newest_table_is_put_away_once_it_is_full_and_not_before() {
    let append = |store: &LogStore| {
        let event = Event::new("Happened", "");
        store.append(Append::to("a").event(event)).unwrap();
    };
    let options = options().checkpoint_events(10);
    let world = SimWorld::new(5);
    let store = options.clone().env(world.env()).open(DIR).unwrap();
    for number in 1..=35 {
        append(&store);
        assert_eq!(newest_part(&store), number / 10 * 10 + 1);
    }
    store.flush().unwrap();
    // A store that is opened goes on where the last index file ends.
    let (_, env) = counted(Arc::new(world.disk.kill_clone()));
    let store = options.env(env).open(DIR).unwrap();
    let first = newest_part(&store);
    for number in 36..first + 10 {
        assert_eq!(newest_part(&store), first);
        append(&store);
        assert_eq!(store.head().get(), number);
    }
    assert_eq!(newest_part(&store), first + 10);
}

/// How many events are looked through for a few, and how many those are.
const MANY: u64 = 10_000;
const MATCHES: u64 = 50;

/// A log in which few events have the tag `rare`, half of them `odd`, too,
/// which every second event has.
fn disk_with_tags() -> SimDisk {
    let world = SimWorld::new(4);
    let options = options().segment_size(1 << 20).checkpoint_events(2_000);
    let store = options.env(world.env()).open(DIR).unwrap();
    for number in 0..MANY {
        let mut tags = vec![format!("n:{}", number % 1_000)];
        let every = MANY / MATCHES;
        if number % every == 7 {
            tags.push("rare".to_owned());
        }
        if number % 2 == number / every % 2 {
            tags.push("odd".to_owned());
        }
        let event = Event::new("Happened", vec![b'x'; 100]).with_tags(tags);
        let append = Append::to(format!("s/{}", number % 100)).event(event);
        let pending = store.submit(append.durability(Durability::Buffered));
        drop(pending);
    }
    store.close().unwrap();
    world.disk
}

#[test]
fn a_selective_query_reads_its_matches_and_nothing_else() {
    let disk = disk_with_tags();
    let (fs, env) = counted(Arc::new(disk.kill_clone()));
    let options = options().reads(Reads::Plain).env(env);
    let store = options.open_read_only(DIR).unwrap();
    let rare = Query::all().with_tag("rare");
    let both = rare.clone().with_tag("odd");
    for (query, count) in [(&rare, MATCHES), (&both, MATCHES / 2)] {
        for query in [query.clone(), query.clone().backward()] {
            assert_eq!(store.explain(&query).unwrap().candidates, count);
            // Index files are read once, when they are first needed.
            let _ = touched(&fs);
            let found: Vec<_> = store.read(&query).map(Result::unwrap).collect();
            assert_eq!(found.len() as u64, count);
            let parts = store.shared.index.parts();
            let places: BTreeSet<_> = found
                .iter()
                .map(|event| parts.place(event.position()).unwrap().unwrap())
                .map(|(segment, offset)| (crate::format::names::segment(segment), offset))
                .collect();
            let mut reads = 0;
            for call in fs.take_trace() {
                let path = fs.path_of(call.path);
                let is_log = path.ends_with(".seg") && call.kind == CallKind::Read;
                // The header of a segment that is opened for it.
                if !is_log || call.offset == 0 {
                    continue;
                }
                let name = path.rsplit('/').next().unwrap().to_owned();
                let place = (name, call.offset);
                assert!(places.contains(&place), "{place:?} was read");
                reads += 1;
            }
            fs.start_trace();
            assert!((1..=count).contains(&reads), "{reads} reads");
        }
    }
}
