//! Inputs to start from.

use super::{beside, ids, index, operations, record, segment, store, tools};
use crate::env::sim::{SectorSize, SimDisk};
use crate::format::names;
use crate::format::record::encode;
use crate::format::segment::HEADER_BYTES;
use crate::store::{Append, EventStore};
use crate::types::{Event, Timestamp};
use byteorder::{ByteOrder, LittleEndian};
use std::path::Path;
use uuid::Uuid;

/// The seeds of a target: a name for each, and the bytes.
pub fn seeds(target: &str) -> Vec<(&'static str, Vec<u8>)> {
    match target {
        "record_decode" => record_seeds(),
        "segment_recover" => segment_seeds(),
        "index_decode" | "index_alone" => index_seeds(),
        "ids_decode" => id_seeds(),
        "store_open" => store_seeds(),
        "snapshot_decode" => snapshot_seeds(),
        "cursor_decode" => cursor_seeds(),
        "operations" => operation_seeds(),
        _ => Vec::new(),
    }
}

fn plain_event(number: u128) -> Event {
    Event::with_id(Uuid::from_u128(number), "Placed", "{}")
}

fn full_event(number: u128) -> Event {
    plain_event(number)
        .with_schema(300)
        .with_happened(Timestamp::UNIX_EPOCH)
        .with_correlation(Uuid::from_u128(1))
        .with_causation(Uuid::from_u128(2))
        .with_tags(["one", "zwei"])
        .with_metadata("meta")
}

fn record_seeds() -> Vec<(&'static str, Vec<u8>)> {
    let record = |event: &Event| {
        let mut out = Vec::new();
        encode(&mut out, "orders/1", event);
        out
    };
    vec![
        ("seed-record-plain", record(&plain_event(3))),
        ("seed-record-full", record(&full_event(3))),
        ("seed-frame-one", record::frame_of(&[plain_event(3)])),
        (
            "seed-frame-two",
            record::frame_of(&[full_event(3), plain_event(4)]),
        ),
        (
            "seed-frame-three",
            record::frame_of(&[plain_event(3), full_event(4), plain_event(5)]),
        ),
    ]
}

/// The segment files of a small log.
fn segments() -> [Vec<u8>; 2] {
    let disk = SimDisk::new(SectorSize::Bytes512);
    let store = tools::open(&disk).expect("the disk takes everything");
    for number in 0..12 {
        let append = Append::to("orders/1")
            .event(full_event(number))
            .and_to("orders/2")
            .event(plain_event(100 + number));
        store.append(append).expect("the disk takes everything");
    }
    store.close().expect("the disk takes everything");
    [1, 2].map(|number| {
        let path = Path::new(tools::DIR).join(names::segment(number));
        disk.bytes(&path).expect("the log has rolled")
    })
}

fn segment_seeds() -> Vec<(&'static str, Vec<u8>)> {
    use segment::{CLOSED, CONTINUES, MEND_FIRST, MEND_SECOND, ROOM, SECOND};
    let [first, second] = segments();
    let frames = &first[HEADER_BYTES..];
    let alone = |flags: u8, frames: &[u8]| [&[flags], frames].concat();
    let both = |flags: u8, closed: &[u8]| {
        let split = (frames.len() as u16).to_le_bytes();
        [&[flags | SECOND], &split[..], closed, frames, &second].concat()
    };
    let mend = MEND_FIRST | MEND_SECOND;
    vec![
        ("seed-empty", vec![ROOM]),
        ("seed-one", alone(MEND_FIRST | ROOM, frames)),
        ("seed-unmended", alone(0, frames)),
        ("seed-torn", alone(ROOM, &frames[..frames.len() / 2])),
        ("seed-closed", [&[MEND_FIRST | CLOSED, 8], frames].concat()),
        ("seed-two", both(mend | CONTINUES, &[])),
        ("seed-two-apart", both(mend, &[])),
        ("seed-two-closed", both(mend | CONTINUES | CLOSED, &[9])),
    ]
}

/// What version 1 wrote, and nobody writes any more.
const OF_VERSION_1: &[u8] =
    include_bytes!("../../../tests/golden/v1/indexed/0000000000000001-0000000000000280.idx");

fn index_seeds() -> Vec<(&'static str, Vec<u8>)> {
    use index::{HEADER, MEND, WHOLE};
    let file = &index::LOG.file;
    let change = |flags: u8, at: usize, bytes: &[u8]| {
        let at = (at as u16).to_le_bytes();
        [&[flags], &at[..], &[bytes.len() as u8], bytes].concat()
    };
    // Where a section begins, by the header.
    let section = |number: usize| {
        let at = 80 + 8 * number;
        LittleEndian::read_u64(&file[at..at + 8]) as usize
    };
    let [_, table, data, buckets, entries, lists, checks] = [0, 1, 2, 3, 4, 5, 6].map(section);
    vec![
        ("seed-right", vec![0]),
        ("seed-header", change(HEADER | MEND, 12, &[3, 0, 0, 0])),
        ("seed-first-block", change(0, 200, &[1, 2, 3])),
        ("seed-first-block-lies", change(MEND, 200, &[1, 2, 3])),
        ("seed-last-block", change(0, file.len() - 100, &[7])),
        ("seed-last-block-lies", change(MEND, file.len() - 100, &[7])),
        ("seed-whole", [&[WHOLE | MEND], &file[..400]].concat()),
        (
            "seed-whole-header",
            [&[WHOLE | HEADER | MEND], &file[..400]].concat(),
        ),
        (
            "seed-whole-v1",
            [&[WHOLE | HEADER | MEND], OF_VERSION_1].concat(),
        ),
        ("seed-v1", change(MEND, 8, &[1])),
        ("seed-v3", change(MEND, 8, &[3])),
        ("seed-v2-line-lies", change(MEND, table, &[255; 10])),
        ("seed-v2-places-lie", change(MEND, data, &[255; 8])),
        ("seed-v2-bucket-lies", change(MEND, buckets, &[9, 0, 0, 0])),
        ("seed-v2-entries-lie", change(MEND, entries, &[255; 60])),
        ("seed-v2-entries-end", change(MEND, entries, &[0; 60])),
        ("seed-v2-skip-lies", change(MEND, lists, &[0, 0, 0, 0, 255])),
        ("seed-v2-codes-lie", change(MEND, checks - 40, &[255; 40])),
        ("seed-v2-run-lies", change(MEND, checks - 40, &[31; 40])),
    ]
}

fn store_seeds() -> Vec<(&'static str, Vec<u8>)> {
    use store::{CLOSED, COPY, CUT, LENGTHEN, MEND, REMOVE, WRITE};
    vec![
        ("seed-closed", vec![CLOSED]),
        ("seed-killed", vec![0]),
        ("seed-written", vec![0, 9, WRITE, 200, 0, 3, 1, 2, 3]),
        ("seed-lies", vec![CLOSED | MEND, 9, WRITE, 138, 0, 1, 9]),
        ("seed-cut", vec![CLOSED, 7, CUT, 0, 2, 3, CUT, 20, 0]),
        ("seed-longer", vec![0, 7, LENGTHEN, 0, 2]),
        ("seed-removed", vec![0, 12, REMOVE, 2, REMOVE]),
        ("seed-copied", vec![MEND, 8, COPY, 9, 0, COPY, 1]),
    ]
}

fn snapshot_seeds() -> Vec<(&'static str, Vec<u8>)> {
    use crate::format::snapshot::{Body, Record};
    use crate::types::{Position, Version};
    use beside::{HEADER_RIGHT, MEND, STORE};
    let record = |stream: &str, version: u64| {
        Record {
            store: STORE,
            version: Version::new(version),
            position: Position::new(version),
            taken: Timestamp::UNIX_EPOCH,
            schema: 1,
            removed: version == 0,
            body: Body {
                kind: "Account",
                stream,
                state: b"{}",
            },
        }
        .encode()
        .expect("it is short")
    };
    let two = [record("accounts/0", 3), record("accounts/1", 4)].concat();
    let removed = [record("accounts/0", 3), record("accounts/0", 0)].concat();
    let input = |flags: u8, records: &[u8]| [&[flags], records].concat();
    vec![
        ("seed-empty", vec![HEADER_RIGHT]),
        ("seed-two", input(HEADER_RIGHT, &two)),
        ("seed-two-mended", input(HEADER_RIGHT | MEND, &two)),
        ("seed-removed", input(HEADER_RIGHT, &removed)),
        ("seed-torn", input(HEADER_RIGHT, &two[..two.len() - 1])),
        ("seed-no-pack", input(MEND, &two)),
    ]
}

fn cursor_seeds() -> Vec<(&'static str, Vec<u8>)> {
    use crate::format::cursor::CursorFile;
    use crate::format::parked::ParkedFile;
    use crate::types::Position;
    use beside::{MEND, STORE};
    let cursor = CursorFile {
        store: STORE,
        name: "mailer".into(),
        position: Position::new(5),
        replay: Position::new(2),
    };
    let parked = ParkedFile {
        store: STORE,
        handler: "mailer".into(),
        position: Position::new(7),
        tries: 3,
        error: "no".into(),
        parked: Timestamp::UNIX_EPOCH,
    };
    let input = |flags: u8, file: &[u8]| [&[flags], file].concat();
    vec![
        ("seed-cursor", input(0, &cursor.encode())),
        ("seed-cursor-mended", input(MEND, &cursor.encode())),
        ("seed-parked", input(0, &parked.encode())),
        ("seed-parked-mended", input(MEND, &parked.encode())),
        ("seed-empty", vec![0]),
    ]
}

fn operation_seeds() -> Vec<(&'static str, Vec<u8>)> {
    use operations::{APPEND, FAULT, FLUSH, KILL, LATER, LOOK, POWER, REOPEN};
    let durable = [APPEND, 0b0010_1000, 20];
    let written = [APPEND, 0b0101_1001, 90];
    let buffered = [APPEND, 0b0000_0100, 3];
    let all = |parts: &[&[u8]]| [&[0], parts.concat().as_slice()].concat();
    vec![
        (
            "seed-appends",
            all(&[&durable, &written, &buffered, &[FLUSH, LOOK]]),
        ),
        (
            "seed-power",
            all(&[&durable, &written, &[POWER, 3, 9], &durable, &[POWER, 1, 1]]),
        ),
        (
            "seed-kill",
            all(&[
                &written,
                &buffered,
                &[KILL],
                &buffered,
                &[LATER, LOOK, KILL],
            ]),
        ),
        (
            "seed-reopen",
            all(&[&durable, &[REOPEN], &durable, &[REOPEN, LOOK]]),
        ),
        (
            "seed-fault",
            all(&[
                &durable,
                &[FAULT, 0, 2, 0],
                &durable,
                &durable,
                &[REOPEN, KILL],
            ]),
        ),
        (
            "seed-full",
            all(&[
                &durable,
                &[FAULT, 2, 0, 1],
                &written,
                &written,
                &[POWER, 4, 4],
            ]),
        ),
        (
            "seed-conflict",
            all(&[&durable, &[APPEND, 0b0010_0000, 1], &durable]),
        ),
    ]
}

fn id_seeds() -> Vec<(&'static str, Vec<u8>)> {
    use ids::{HEADER, MEND, WHOLE};
    let file = &ids::LOG.file;
    let change = |flags: u8, at: usize, bytes: &[u8]| {
        let at = (at as u16).to_le_bytes();
        [&[flags], &at[..], &[bytes.len() as u8], bytes].concat()
    };
    let entry = 4096 + 10 * 77;
    vec![
        ("seed-right", vec![0]),
        ("seed-header", change(MEND, 12, &[3, 0, 0, 0])),
        ("seed-mark", change(MEND, 56, &[1])),
        ("seed-block", change(0, 128, &[200, 1, 0, 0, 255])),
        ("seed-block-lies", change(MEND, 128, &[200, 1, 0, 0, 255])),
        ("seed-block-far", change(MEND, 192, &[0, 0, 0, 1])),
        ("seed-filter-lies", change(MEND, 132, &[0; 60])),
        ("seed-entry", change(0, entry, &[1, 2, 3])),
        ("seed-entry-lies", change(MEND, entry, &[1, 2, 3])),
        ("seed-place-lies", change(MEND, entry + 6, &[1, 2, 3, 4])),
        ("seed-whole", [&[WHOLE | HEADER], &file[..]].concat()),
    ]
}
