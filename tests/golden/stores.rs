//! How the golden stores were made: in a world whose clock, randomness and
//! background work are the same each time.

use annals::testing::sim::{SectorSize, SimDisk, SimWorld, TaskMode};
use annals::{Append, Durability, Event, EventStore, Expected, LogStore, Options, Timestamp, Uuid};
use std::collections::BTreeMap;
use std::path::Path;

type Files = BTreeMap<String, Vec<u8>>;

/// A store's name, and how it was made.
type Golden = (&'static str, fn() -> Files);

/// All of them.
pub(crate) const ALL: [Golden; 5] = [
    ("empty", empty),
    ("closed", closed),
    ("stopped", stopped),
    ("torn", torn),
    ("indexed", indexed),
];

const DIR: &str = "/store";

fn open(disk: &SimDisk, seed: u64) -> LogStore {
    let world = SimWorld::on(disk.clone(), TaskMode::Inline, seed);
    world
        .options()
        .segment_size(Options::MIN_SEGMENT_SIZE)
        .checkpoint_events(8)
        .open(DIR)
        .unwrap()
}

fn new_disk() -> SimDisk {
    SimDisk::new(SectorSize::Bytes512)
}

/// The files of the store, but for the lock and the writer's watermark.
fn files(disk: &SimDisk) -> Files {
    disk.files()
        .into_iter()
        .map(|(path, _)| Path::new("/").join(path))
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, disk.bytes(&path).unwrap())
        })
        .filter(|(name, _)| name != "lock" && name != "watermark")
        .collect()
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

/// Appends of every shape: small and large, of one stream and of several, with
/// every field and with none.
fn fill(store: &LogStore) {
    let plain = |number| Event::with_id(id(number), "Happened", r#"{"n": 1}"#);
    let full = |number| {
        Event::with_id(id(number), "Vollständig", [0, 255, 254, 128].as_slice())
            .with_schema(300)
            .with_happened(Timestamp::new(-1, 999_999_999).unwrap())
            .with_correlation(id(1000))
            .with_causation(id(1001))
            .with_tags(
                ["customer:7", "", "ß"]
                    .into_iter()
                    .filter(|tag| !tag.is_empty()),
            )
            .with_metadata(r#"{"by":"web"}"#)
    };
    let put = |append: Append| drop(store.append(append).unwrap());
    put(Append::to("orders/1")
        .expect(Expected::NoStream)
        .event(plain(1)));
    put(Append::to("orders/1").event(full(2)).event(plain(3)));
    put(Append::to("orders/2")
        .event(full(4))
        .and_to("accounts/ä/b")
        .event(plain(5))
        .and_to("orders/2")
        .event(Event::with_id(id(6), "Empty", "")));
    let oldest = plain(7).with_happened(Timestamp::MIN).with_schema(0);
    let newest = plain(8).with_happened(Timestamp::MAX).with_schema(u32::MAX);
    put(Append::to("edges").event(oldest).event(newest));
    // Larger than a segment.
    let large = Event::with_id(id(9), "Large", "0123456789".repeat(250));
    put(Append::to("orders/1").event(large));
    let longest = "n".repeat(annals::MAX_NAME_BYTES);
    put(Append::to(longest).event(plain(10)));
    let many = (100..130).map(|number| plain(number).with_tag("many"));
    put(Append::to("batch").events(many));
    for number in 200..212 {
        let durability = match number % 3 {
            0 => Durability::Durable,
            1 => Durability::Written,
            _ => Durability::Buffered,
        };
        put(Append::to("orders/3")
            .event(plain(number))
            .durability(durability));
    }
}

/// Nothing was ever appended.
fn empty() -> Files {
    let disk = new_disk();
    open(&disk, 1).close().unwrap();
    files(&disk)
}

/// Closed, opened again, written on and closed.
fn closed() -> Files {
    let disk = new_disk();
    let store = open(&disk, 2);
    fill(&store);
    store.close().unwrap();
    let store = open(&disk, 3);
    store
        .append(Append::to("orders/1").event(Event::with_id(id(300), "Later", "")))
        .unwrap();
    store.close().unwrap();
    files(&disk)
}

/// The process was killed: no close statement, and the newest events are in no
/// index file.
fn stopped() -> Files {
    let disk = new_disk();
    let store = open(&disk, 4);
    fill(&store);
    store.flush().unwrap();
    files(&disk.kill_clone())
}

/// The power failed twice in the middle of a write, so that there are frames
/// of a second epoch, and half a frame behind the last one.
fn torn() -> Files {
    let disk = new_disk();
    let store = open(&disk, 5);
    fill(&store);
    store.flush().unwrap();
    let disk = disk.kill_clone();
    tear(&disk);
    let store = open(&disk, 6);
    for number in 400..403 {
        let event = Event::with_id(id(number), "AfterTheCut", "{}").with_tag("epoch:2");
        store.append(Append::to("orders/4").event(event)).unwrap();
    }
    store.flush().unwrap();
    let disk = disk.kill_clone();
    tear(&disk);
    files(&disk)
}

/// What a spare segment that is not needed soon begins with. It did not when
/// `v1` was made; such a file is no part of the log.
pub(crate) const BLANK: &[u8] = b"ANNALBLK";

/// Writes what looks like the first half of a frame behind the last one.
fn tear(disk: &SimDisk) {
    let segments = disk
        .files()
        .into_iter()
        .map(|(path, _)| Path::new("/").join(path));
    let used = |path: &Path| {
        let bytes = disk.bytes(path).unwrap();
        let last = bytes.iter().rposition(|byte| *byte != 0);
        last.filter(|_| !bytes.starts_with(BLANK))
    };
    let (tail, last) = segments
        .filter(|path| path.extension().is_some_and(|extension| extension == "seg"))
        .filter_map(|path| used(&path).map(|last| (path.clone(), last)))
        .max()
        .unwrap();
    let half = [60, 0, 0, 0, 1, 2, 3, 4, 0, 20, 9, 9];
    disk.overwrite(&tail, last as u64 + 1, &half).unwrap();
}

/// Lists of more than one block in the index, and files that were merged.
fn indexed() -> Files {
    let disk = new_disk();
    let world = SimWorld::on(disk.clone(), TaskMode::Inline, 7);
    let options = world.options().segment_size(8 << 10).checkpoint_events(40);
    let store = options.open(DIR).unwrap();
    for number in 0..150 {
        let event = |half: u128| Event::with_id(id(2 * number + half), "Happened", "");
        let append = Append::to(format!("many/{}", number % 40))
            .event(event(0).with_tag(format!("tag:{}", number % 7)))
            .and_to("one")
            .event(event(1));
        store.append(append).unwrap();
    }
    store.close().unwrap();
    files(&disk)
}

/// Ids that are unique: a file that was merged, and one behind it.
pub(crate) fn unique() -> Files {
    let disk = new_disk();
    let open = |seed| {
        let world = SimWorld::on(disk.clone(), TaskMode::Inline, seed);
        let options = world.options().segment_size(8 << 10).unique_ids(true);
        options.checkpoint_events(40).open(DIR).unwrap()
    };
    let put = |store: &LogStore, numbers: std::ops::Range<u128>| {
        for number in numbers {
            let event = |half: u128| Event::with_id(id(2 * number + half), "Happened", "{}");
            let append = Append::to(format!("many/{}", number % 40))
                .event(event(0).with_tag(format!("tag:{}", number % 7)))
                .and_to("one")
                .event(event(1));
            store.append(append).unwrap();
        }
    };
    let store = open(8);
    put(&store, 0..80);
    store.close().unwrap();
    let store = open(9);
    put(&store, 80..87);
    store.close().unwrap();
    files(&disk)
}

/// An index of two files, and events behind them that are in none: streams of
/// one event and of many, lists of one block and of two, tags that every event
/// has, some have and only two have, far apart.
pub(crate) fn index() -> Files {
    let disk = new_disk();
    let world = SimWorld::on(disk.clone(), TaskMode::Inline, 10);
    let options = world.options().segment_size(16 << 10);
    let store = options.checkpoint_events(300).open(DIR).unwrap();
    for number in 0..350 {
        let event = |half: u128| {
            let event_type = if number % 3 == 0 { "Third" } else { "Other" };
            Event::with_id(id(2 * number + half), event_type, "").with_tag("all")
        };
        let of_many = match number % 149 {
            0 => event(0).with_tag(format!("rare:{}", number % 149)),
            _ => event(0).with_tag(format!("tag:{}", number % 7)),
        };
        let append = Append::to(format!("many/{}", number * number % 83))
            .event(of_many)
            .and_to("one")
            .event(event(1));
        store.append(append).unwrap();
        // Some are busy for a moment.
        if number % 50 == 20 {
            let burst = Append::to(format!("burst/{}", number % 100));
            store
                .append(burst.events((0..5).map(|n| event(n * 1000 + 7000))))
                .unwrap();
        }
    }
    store.flush().unwrap();
    files(&disk.kill_clone())
}
