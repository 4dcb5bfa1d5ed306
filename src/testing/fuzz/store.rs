//! A whole small store whose files were changed in any way.

use super::index;
use super::mend;
use super::tools::{self, DIR, Input};
use crate::env::sim::{SectorSize, SimDisk};
use crate::error::{Error, ErrorKind};
use crate::format::checksum::Place;
use crate::format::names;
use crate::format::segment::HEADER_BYTES;
use crate::store::{Append, EventStore, Query};
use crate::types::{Event, RecordedEvent, StoreId};
use byteorder::{ByteOrder, LittleEndian};
use std::path::Path;
use std::sync::LazyLock;
use uuid::Uuid;

/// The store was closed; otherwise its writer was killed.
pub(super) const CLOSED: u8 = 1;
/// Checksums of what was changed are made right.
pub(super) const MEND: u8 = 1 << 1;

/// What is done to a file; a number of the input, modulo their count.
pub(super) const WRITE: u8 = 0;
pub(super) const CUT: u8 = 1;
pub(super) const LENGTHEN: u8 = 2;
pub(super) const REMOVE: u8 = 3;
pub(super) const COPY: u8 = 4;
const CHANGES: u8 = 5;

/// No more changes are made, so that every input ends soon.
const MOST_CHANGES: usize = 32;

struct Sample {
    closed: SimDisk,
    killed: SimDisk,
    store: StoreId,
    events: Vec<RecordedEvent>,
}

/// Several segments and index files, and a board.
static SAMPLE: LazyLock<Sample> = LazyLock::new(|| {
    let disk = SimDisk::new(SectorSize::Bytes512);
    let store = tools::options(&disk)
        .checkpoint_events(16)
        .open(DIR)
        .expect("the disk takes everything");
    for number in 0..40u64 {
        let event = |half: u64| {
            let id = Uuid::from_u128((2 * number + half).into());
            Event::with_id(id, "Happened", vec![b'x'; number as usize]).with_tag("tag")
        };
        let append = Append::to(format!("many/{}", number % 5))
            .event(event(0))
            .and_to("one")
            .event(event(1));
        store.append(append).expect("the disk takes everything");
    }
    let events = tools::read(&store, &Query::all()).expect("the log is in order");
    let killed = disk.kill_clone();
    let id = store.id();
    store.close().expect("the disk takes everything");
    Sample {
        closed: disk.kill_clone(),
        killed,
        store: id,
        events,
    }
});

/// Changes files of a store as the input says, and opens it, for reading, for
/// writing and again. As long as checksums were not made right for lies, what
/// is served is a prefix of what was recorded, or the answer is `Corrupt`.
pub fn store_open(bytes: &[u8]) {
    let sample = &*SAMPLE;
    let mut input = Input(bytes);
    let flags = input.byte();
    let disk = match flags & CLOSED {
        0 => sample.killed.kill_clone(),
        _ => sample.closed.kill_clone(),
    };
    change(&disk, &mut input, flags & MEND != 0, sample.store);
    let lies = flags & MEND != 0;
    let reading = tools::open_read_only(&disk).and_then(|store| served(&store, lies));
    reading.unwrap_or_else(|error| refused(&error));
    if let Err(error) = tools::verify(&disk) {
        refused(&error);
    }
    let store = match tools::open(&disk) {
        Ok(store) => store,
        Err(error) => return refused(&error),
    };
    served(&store, lies).unwrap_or_else(|error| refused(&error));
    let before = store.head();
    let event = Event::with_id(Uuid::from_u128(1 << 64), "Appended", "behind");
    let appended = store.append(Append::to("fuzz/after").event(event));
    store.close().expect("the disk takes everything");
    drop(store);
    if lies {
        return;
    }
    // An index file that is damaged is made again from a log that may be, too.
    if let Err(error) = appended {
        return refused(&error);
    }
    let again = tools::open(&disk).expect("what was closed opens");
    assert_eq!(again.head(), before.next());
}

/// Holds what is served to what was recorded.
fn served(store: &impl EventStore, lies: bool) -> Result<(), Error> {
    let truth = &SAMPLE.events;
    let mut next = truth.iter();
    for event in store.read(&Query::all()).take(10_000) {
        let event = event?;
        let known = next.next();
        assert!(lies || known == Some(&event), "{event:?}, not {known:?}");
    }
    for name in ["one", "many/3", "none"] {
        let found: Vec<_> = store
            .read(&Query::stream(name))
            .take(10_000)
            .collect::<Result<_, _>>()?;
        let head = store.head();
        let own = truth
            .iter()
            .filter(|event| event.stream() == name && event.position() <= head);
        assert!(lies || own.eq(&found), "{name}: {found:?}");
        store.version(name)?;
    }
    Ok(())
}

/// What opening such a directory may say.
#[track_caller]
fn refused(error: &Error) {
    let fits = matches!(
        error.kind(),
        ErrorKind::Corrupt { .. } | ErrorKind::NewerFormat { .. } | ErrorKind::NotAStore { .. }
    );
    let missing = matches!(error.kind(), ErrorKind::Io { source, .. }
        if source.kind() == std::io::ErrorKind::NotFound);
    assert!(fits || missing, "{error}");
}

/// Does to the files what the input says: which one, what, and with what.
fn change(disk: &SimDisk, input: &mut Input<'_>, mended: bool, store: StoreId) {
    let files = disk.files();
    let prefix = DIR.trim_start_matches('/');
    let names: Vec<String> = files
        .into_iter()
        .filter_map(|(path, _)| {
            let path = path.trim_start_matches('/');
            Some(
                path.strip_prefix(prefix)?
                    .trim_start_matches('/')
                    .to_owned(),
            )
        })
        .collect();
    for _ in 0..MOST_CHANGES {
        if input.0.is_empty() {
            return;
        }
        let name = &names[usize::from(input.byte()) % names.len()];
        let path = Path::new(DIR).join(name);
        let Ok(mut bytes) = disk.bytes(&path) else {
            continue;
        };
        match input.byte() % CHANGES {
            WRITE => {
                let at = input.short().min(bytes.len());
                let count = usize::from(input.byte());
                let new = input.bytes(count);
                let end = (at + new.len()).min(bytes.len());
                bytes[at..end].copy_from_slice(&new[..end - at]);
            }
            CUT => bytes.truncate(input.short()),
            LENGTHEN => bytes.resize(bytes.len() + input.short(), 0),
            REMOVE => {
                drop(disk.delete(&path));
                continue;
            }
            _ => {
                let from = &names[usize::from(input.byte()) % names.len()];
                bytes = disk.bytes(&Path::new(DIR).join(from)).unwrap_or(bytes);
            }
        }
        if mended {
            mend_file(name, &mut bytes, store);
        }
        disk.put(&path, &bytes).expect("the disk takes everything");
    }
}

fn mend_file(name: &str, bytes: &mut [u8], store: StoreId) {
    if let Some(number) = names::parse_segment(name) {
        if let Some(header) = bytes.get_mut(..HEADER_BYTES) {
            // Of another segment it would only be left aside.
            header[16..32].copy_from_slice(store.as_bytes());
            LittleEndian::write_u64(&mut header[32..40], number);
            mend::seal(header);
            mend::frames(bytes, &Place::segment(store, number));
        }
    } else if names::parse_index(name).is_some() {
        index::mend_checks(bytes);
    } else if let Some(small) = bytes.get_mut(..64) {
        mend::seal(small);
    }
}
