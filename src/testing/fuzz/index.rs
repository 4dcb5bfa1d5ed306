//! Index files: any bytes in the place of one, beside a log that is in order.

use super::mend;
use super::tools::{self, DIR, Input};
use crate::env::sim::{SectorSize, SimDisk};
use crate::error::{Error, ErrorKind};
use crate::format::checksum;
use crate::format::index::{HEADER_BYTES, IndexHeader};
use crate::format::names;
use crate::index::IndexFile;
use crate::store::{Append, EventStore, Query, QueryItem};
use crate::types::{Event, Position, RecordedEvent, StoreId, Version};
use byteorder::{ByteOrder, LittleEndian};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use uuid::Uuid;

/// The input is the file; otherwise it is a list of changes to the right one.
pub(super) const WHOLE: u8 = 1;
/// Checksums are made right.
pub(super) const MEND: u8 = 1 << 1;
/// Magic, version, store, range, length and the last frame are made right.
pub(super) const HEADER: u8 = 1 << 2;

/// How many bytes of a file one checksum covers, by the format.
const BLOCK: usize = 16 << 10;

/// A log and the one index file over all of it.
pub(super) struct Log {
    disk: SimDisk,
    pub(super) store: StoreId,
    pub(super) path: PathBuf,
    pub(super) file: Vec<u8>,
    events: Vec<RecordedEvent>,
    answers: Vec<(Query, Vec<RecordedEvent>)>,
}

/// More terms than one checksum covers, and lists of more than one block.
pub(super) static LOG: LazyLock<Log> = LazyLock::new(|| {
    let disk = SimDisk::new(SectorSize::Bytes512);
    let store = tools::options(&disk)
        .segment_size(8 << 10)
        .open(DIR)
        .expect("the disk takes everything");
    for number in 0..1000u64 {
        let event = |half: u64| {
            Event::with_id(Uuid::from_u128((2 * number + half).into()), "Happened", "")
                .with_tag(format!("tag{}", number % 7))
        };
        let append = Append::to(format!("many/{number}"))
            .event(event(0))
            .and_to(format!("few/{}", number % 3))
            .event(event(1));
        store.append(append).expect("the disk takes everything");
    }
    let events = tools::read(&store, &Query::all()).expect("the log is in order");
    store.close().expect("the disk takes everything");
    let mut files = disk.files().into_iter();
    let (path, _) = files
        .find(|(path, _)| names::parse_index(path.rsplit('/').next().unwrap_or(path)).is_some())
        .expect("closing writes an index file");
    let path = Path::new("/").join(path);
    let file = disk.bytes(&path).expect("it was listed");
    assert!(file.len() > BLOCK, "one checksum covers it all");
    Log {
        store: store.id(),
        file,
        path,
        disk,
        answers: queries().map(|query| answer(query, &events)).collect(),
        events,
    }
});

/// Takes any bytes for an index file. As long as a checksum tells that it is
/// not the right one, all answers are right. Where all of them hold, no event
/// is served that was not asked for, and verification finds what is missing.
pub fn index_decode(bytes: &[u8]) {
    let log = &*LOG;
    let file = input_file(bytes, log);
    let lies = file != log.file && holds(&file, log);
    let disk = log.disk.kill_clone();
    disk.put(&log.path, &file)
        .expect("the disk takes everything");
    let clean = tools::verify(&disk).is_ok_and(|report| report.faults.is_empty());
    assert!(
        clean || file != log.file,
        "verification is wrong about the right file"
    );
    let sure = clean || !lies;
    {
        let reading = tools::open_read_only(&disk);
        check(reading.as_ref().map_err(Clone::clone), log, sure);
    }
    let writing = tools::open(&disk);
    check(writing.as_ref().map_err(Clone::clone), log, sure);
    if let Ok(store) = writing {
        let append = Append::to("few/0").event(Event::with_id(Uuid::nil(), "Happened", ""));
        let appended = store.append(append);
        if sure {
            let version = appended.expect("the disk takes everything").version();
            assert_eq!(version, Version::new(335));
        }
        // A lie may keep the index from being merged, never the log from
        // being closed.
        store.close().expect("the disk takes everything");
    }
}

/// Whether all checksums of a file hold.
fn holds(bytes: &[u8], log: &Log) -> bool {
    IndexFile::in_memory(&log.path, log.store, bytes.to_vec())
        .is_ok_and(|file| file.verify().is_ok())
}

#[track_caller]
fn check(store: Result<&crate::LogStore, Error>, log: &Log, sure: bool) {
    let store = match store {
        Ok(store) => store,
        Err(error) => {
            assert!(!sure && error.is_corrupt(), "{error}");
            return;
        }
    };
    for (query, right) in &log.answers {
        ask(store, log, query, sure.then_some(right));
    }
    for (name, version) in [("few/1", 333), ("many/999", 1), ("none", 0)] {
        match store.version(name) {
            Ok(found) => assert!(!sure || found == Version::new(version)),
            Err(error) => refused(&error, sure),
        }
    }
}

fn queries() -> impl Iterator<Item = Query> {
    let forward = [
        Query::all(),
        Query::all()
            .after(Position::new(590))
            .up_to(Position::new(595)),
        Query::stream("few/2").limit(20),
        Query::stream("few/2")
            .from_version(Version::new(40))
            .to_version(Version::new(60)),
        Query::stream("many/7"),
        Query::stream("none"),
        Query::category("many").limit(5),
        Query::category("few").with_tag("tag3"),
        Query::all().with_type("Happened").limit(3),
        Query::all().with_tag("tag5").limit(20),
        Query::stream("few/0")
            .or(QueryItem::all().with_tag("tag1"))
            .limit(20),
        Query::category("many")
            .to_version(Version::new(1))
            .with_tag("tag2"),
    ];
    let backward = forward.clone().map(Query::backward);
    backward.into_iter().chain(forward)
}

/// What a look at every event says.
fn answer(query: Query, events: &[RecordedEvent]) -> (Query, Vec<RecordedEvent>) {
    let matches = |event: &&RecordedEvent| {
        let (after, up_to) = query.bounds();
        let within = event.position() > after && event.position() <= up_to;
        within && query.matches(&event.as_ref())
    };
    let mut right: Vec<_> = events.iter().filter(matches).cloned().collect();
    if query.direction() == crate::Direction::Backward {
        right.reverse();
    }
    let most = usize::try_from(query.max_events()).unwrap_or(usize::MAX);
    right.truncate(most);
    (query, right)
}

/// Compares an answer with the right one; where that can't be expected, each
/// event of it must still be one that was asked for.
fn ask(store: &crate::LogStore, log: &Log, query: &Query, right: Option<&Vec<RecordedEvent>>) {
    // A lie must not make a read endless, either.
    let mut found = Vec::new();
    for event in store.read(query).take(10_000) {
        match event {
            Ok(event) => found.push(event),
            Err(error) => return refused(&error, right.is_some()),
        }
    }
    if let Some(right) = right {
        assert_eq!(&found, right, "{query:?}");
        return;
    }
    for event in found {
        let place = event.position().get() as usize - 1;
        assert_eq!(Some(&event), log.events.get(place), "{query:?}");
        assert!(query.matches(&event.as_ref()), "{query:?}");
    }
}

#[track_caller]
fn refused(error: &Error, sure: bool) {
    let corrupt = matches!(error.kind(), ErrorKind::Corrupt { .. });
    assert!(!sure && corrupt, "{error}");
}

/// The file that the input stands for.
pub(super) fn input_file(bytes: &[u8], log: &Log) -> Vec<u8> {
    let mut input = Input(bytes);
    let flags = input.byte();
    let mut file = match flags & WHOLE {
        0 => changed(&log.file, &mut input),
        _ => input.0.to_vec(),
    };
    if flags & HEADER != 0 {
        mend_header(&mut file, log);
    }
    if flags & MEND != 0 {
        mend_checks(&mut file);
    }
    file
}

/// Changes: where, how many bytes, which.
pub(super) fn changed(file: &[u8], input: &mut Input<'_>) -> Vec<u8> {
    let mut file = file.to_vec();
    while !input.0.is_empty() {
        let at = input.short().min(file.len());
        let count = usize::from(input.byte());
        let bytes = input.bytes(count);
        let end = (at + bytes.len()).min(file.len());
        file[at..end].copy_from_slice(&bytes[..end - at]);
    }
    file
}

fn mend_header(file: &mut Vec<u8>, log: &Log) {
    file.resize(file.len().max(HEADER_BYTES + 4), 0);
    // Everything but the bits of the directory, the number of terms and where
    // sections begin; version 1 stays.
    let is_old = file[8..12] == [1, 0, 0, 0];
    for range in [0..12, 16..48, 56..80] {
        file[range.clone()].copy_from_slice(&log.file[range]);
    }
    if is_old {
        file[8] = 1;
    }
    let end = file.len() as u64;
    // The blocks and their checksums fill the file.
    let mut checks = end.saturating_sub(4);
    while checks > 0 && checks + 4 * checks.div_ceil(BLOCK as u64) > end {
        checks -= 1;
    }
    let exact = checks + 4 * checks.div_ceil(BLOCK as u64);
    file.truncate(exact as usize);
    LittleEndian::write_u64(&mut file[128..136], checks);
    LittleEndian::write_u64(&mut file[136..144], exact);
    mend::seal(&mut file[..HEADER_BYTES]);
}

/// Makes the checksums of the blocks right, as far as the header leads to them.
pub(super) fn mend_checks(file: &mut [u8]) {
    if file.len() < HEADER_BYTES {
        return;
    }
    mend::seal(&mut file[..HEADER_BYTES]);
    let Ok(header) = IndexHeader::decode(file) else {
        return;
    };
    let (body, checks) = match usize::try_from(header.sections.checks) {
        Ok(at) if at <= file.len() => file.split_at_mut(at),
        _ => return,
    };
    for (block, check) in body.chunks(BLOCK).zip(checks.chunks_exact_mut(4)) {
        LittleEndian::write_u32(check, checksum::plain(block));
    }
}
