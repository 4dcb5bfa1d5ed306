//! Recovery: any bytes as the end of a log.

use super::mend;
use super::tools::{self, DIR, Input};
use crate::env::sim::{SectorSize, SimDisk};
use crate::error::{Error, ErrorKind};
use crate::format::checksum::Place;
use crate::format::identity::{CloseStatement, Identity};
use crate::format::names;
use crate::format::segment::{HEADER_BYTES, SegmentHeader};
use crate::store::{Append, EventStore, Query};
use crate::types::{Event, Position, RecordedEvent, StoreId, Timestamp, Version};
use byteorder::{ByteOrder, LittleEndian};
use std::path::Path;
use uuid::Uuid;

/// Checksums are made right in the first segment.
pub(super) const MEND_FIRST: u8 = 1;
/// There is a second segment: where the input is split for it follows.
pub(super) const SECOND: u8 = 1 << 1;
/// Checksums are made right in the second segment.
pub(super) const MEND_SECOND: u8 = 1 << 2;
/// The second segment says that it continues the first.
pub(super) const CONTINUES: u8 = 1 << 3;
/// There is a close statement: the head that it states follows.
pub(super) const CLOSED: u8 = 1 << 4;
/// The file of the first segment has zeros behind the input.
pub(super) const ROOM: u8 = 1 << 5;

pub(super) const STORE: [u8; 16] = [7; 16];

/// Takes any bytes for the segments of a store and opens it, for reading, for
/// writing and again: nothing panics, both see the same, what was served once
/// is served again, and what is appended goes behind it.
pub fn segment_recover(bytes: &[u8]) {
    let disk = directory(bytes);
    let seen = tools::open_read_only(&disk).and_then(|store| everything(&store));
    let verified = tools::verify(&disk);
    let before = disk.content_hash();
    let opened = tools::open(&disk);
    let store = match opened {
        Ok(store) => store,
        Err(error) => {
            expected(&error);
            match seen {
                Ok(seen) => panic!("read: {seen:?}, but not written: {error}"),
                Err(reading) => expected(&reading),
            }
            let left = disk.kill_clone();
            let lock = Path::new(DIR).join(names::LOCK);
            left.delete(&lock).expect("the lock was taken");
            assert_eq!(left.content_hash(), before, "nothing was changed");
            return;
        }
    };
    let served = everything(&store).expect("what was recovered can be read");
    if let Ok(seen) = seen {
        assert_eq!(seen, served, "a reader sees what a writer recovers");
    }
    let appended = store.append(Append::to("fuzz/after").event(Event::with_id(
        Uuid::from_u128(1),
        "Appended",
        "behind",
    )));
    if let Err(error) = &appended {
        assert!(
            matches!(error.kind(), ErrorKind::Overflow { .. }),
            "{error}"
        );
    }
    store.close().expect("the disk takes everything");
    drop(store);
    let again = tools::open(&disk).expect("what was closed opens");
    let events = everything(&again).expect("what was closed can be read");
    let (old, new) = events.split_at(served.len());
    assert_eq!(old, served);
    assert_eq!(new.len(), usize::from(appended.is_ok()));
    drop(again);
    let report = tools::verify(&disk).expect("it can be verified");
    if are_numbered(&events) {
        assert!(report.faults.is_empty(), "{:?}", report.faults);
    }
    // Torn is no fault, and nothing else was mended in silence.
    if verified.is_ok_and(|report| report.faults.is_empty()) {
        assert_eq!(report.events, events.len() as u64);
    }
}

/// All events; where versions are in order, each stream is asked for, too.
fn everything(store: &impl EventStore) -> Result<Vec<RecordedEvent>, Error> {
    let events: Vec<_> = store.read(&Query::all()).collect::<Result<_, _>>()?;
    let positions = events.iter().map(RecordedEvent::position);
    let first = store.first().get();
    assert!(positions.eq((first..).take(events.len()).map(Position::new)));
    assert_eq!(store.head(), Position::new(first - 1 + events.len() as u64));
    let numbered = are_numbered(&events);
    for (name, own) in tools::by_stream(&events) {
        let found: Vec<_> = store
            .read(&Query::stream(name.clone()))
            .collect::<Result<_, _>>()?;
        let version = store.version(&name)?;
        if numbered {
            assert_eq!(found, own);
            assert_eq!(Some(version), own.last().map(RecordedEvent::version));
        }
    }
    Ok(events)
}

/// Whether the versions of each stream are as an appender numbers them.
fn are_numbered(events: &[RecordedEvent]) -> bool {
    tools::by_stream(events).values().all(|own| {
        let numbers = (1..).map(Version::new).take(own.len());
        own.iter().map(RecordedEvent::version).eq(numbers)
    })
}

/// What opening such a directory may say.
#[track_caller]
fn expected(error: &Error) {
    let kind = error.kind();
    let fits = matches!(
        kind,
        ErrorKind::Corrupt { .. } | ErrorKind::NewerFormat { .. }
    );
    assert!(fits, "{error}");
}

/// The files as the input wants them.
pub(super) fn directory(bytes: &[u8]) -> SimDisk {
    let mut input = Input(bytes);
    let flags = input.byte();
    let split = match flags & SECOND {
        0 => usize::MAX,
        _ => input.short(),
    };
    let closed = (flags & CLOSED != 0).then(|| input.byte());
    let store = StoreId::from_bytes(STORE);
    let disk = SimDisk::new(SectorSize::Bytes512);
    let identity = Identity {
        id: store,
        hash_key: [9; 16],
    };
    tools::put(&disk, names::IDENTITY, &identity.encode());
    let mut first = vec![0; HEADER_BYTES];
    first.extend_from_slice(input.bytes(split));
    let mut end = HEADER_BYTES;
    if flags & MEND_FIRST != 0 {
        end = mend::frames(&mut first, &Place::segment(store, 1));
    }
    if flags & ROOM != 0 {
        first.resize(first.len() + 600, 0);
    }
    let size = first.len();
    first[..HEADER_BYTES].copy_from_slice(&header(store, 1, size));
    tools::put(&disk, &names::segment(1), &first);
    if flags & SECOND != 0 {
        let mut second = input.0.to_vec();
        if flags & MEND_SECOND != 0 {
            mend_second(&mut second, store, end, flags);
        }
        tools::put(&disk, &names::segment(2), &second);
    }
    if let Some(head) = closed {
        let statement = CloseStatement {
            store,
            head: Position::new(u64::from(head)),
            segment: 1,
            end: end as u64,
            reopened: false,
        };
        tools::put(&disk, names::CLOSED, &statement.encode());
    }
    disk
}

pub(super) fn header(store: StoreId, number: u64, size: usize) -> [u8; HEADER_BYTES] {
    SegmentHeader {
        store,
        number,
        epoch: 1,
        base: Position::new(1),
        base_time: Timestamp::MIN.micros(),
        previous_end: 0,
        durable: Position::START,
        size: size as u64,
    }
    .encode()
}

/// Leaves the fields of the header that only the log tells as they are given.
fn mend_second(bytes: &mut Vec<u8>, store: StoreId, end: usize, flags: u8) {
    bytes.resize(bytes.len().max(HEADER_BYTES), 0);
    let whole = header(store, 2, bytes.len());
    bytes[..40].copy_from_slice(&whole[..40]);
    if flags & CONTINUES != 0 {
        LittleEndian::write_u64(&mut bytes[64..72], end as u64);
    }
    // A file that is shorter than it was is refused before anything else, and
    // of a longer one the rest is not looked at.
    bytes[80..88].copy_from_slice(&whole[80..88]);
    mend::seal(&mut bytes[..HEADER_BYTES]);
    mend::frames(bytes, &Place::segment(store, 2));
}
