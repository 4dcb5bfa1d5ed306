//! Files of ids: any bytes in the place of one, beside a log that is in order.

use super::index::changed;
use super::mend;
use super::tools::{self, DIR, Input};
use crate::disk::LogStore;
use crate::env::sim::{SectorSize, SimDisk};
use crate::format::checksum;
use crate::format::ids::{CHECK_BYTES, HEADER_BYTES, IdsHeader};
use crate::format::names;
use crate::store::{Append, EventStore};
use crate::types::Event;
use byteorder::{ByteOrder, LittleEndian};
use std::path::PathBuf;
use std::sync::LazyLock;
use uuid::Uuid;

/// The input is the file; otherwise it is a list of changes to the right one.
pub(super) const WHOLE: u8 = 1;
/// Checksums are made right.
pub(super) const MEND: u8 = 1 << 1;
/// Everything of the header but the number of blocks is made right.
pub(super) const HEADER: u8 = 1 << 2;

/// Appends in the log.
const APPENDS: u64 = 500;

/// A log and the one file of ids over all of it.
pub(super) struct Log {
    disk: SimDisk,
    path: PathBuf,
    pub(super) file: Vec<u8>,
}

/// More entries than one checksum covers, in more than one block.
pub(super) static LOG: LazyLock<Log> = LazyLock::new(|| {
    let disk = SimDisk::new(SectorSize::Bytes512);
    let store = open(&disk);
    for number in 0..APPENDS {
        let done = store.append(append(number)).expect("there is room");
        assert!(!done.is_repeat());
    }
    let range = (store.first(), store.head());
    store.close().expect("the disk takes everything");
    let path = PathBuf::from(DIR).join(names::ids(range.0, range.1));
    let file = disk.bytes(&path).expect("closing writes a file of ids");
    Log { disk, path, file }
});

fn open(disk: &SimDisk) -> LogStore {
    let options = tools::options(disk).segment_size(8 << 10).unique_ids(true);
    options.open(DIR).expect("the log is in order")
}

/// Every append has two events.
fn append(number: u64) -> Append {
    let event = |half: u64| {
        let id = Uuid::from_u128((2 * number + half).into());
        Event::with_id(id, "Happened", "")
    };
    let append = Append::to(format!("s/{}", number % 7)).event(event(0));
    append.and_to("all").event(event(1))
}

/// Takes any bytes for a file of ids. As long as a checksum tells that it is
/// not the right one, repeats are known as if it were. Where all of them hold,
/// what is told of a repeat is true, no append is refused that should not be,
/// and verification finds what is wrong.
pub fn ids_decode(bytes: &[u8]) {
    let log = &*LOG;
    let file = input_file(bytes, log);
    let disk = log.disk.kill_clone();
    disk.put(&log.path, &file)
        .expect("the disk takes everything");
    let clean = tools::verify(&disk).is_ok_and(|report| report.faults.is_empty());
    assert!(
        clean || file != log.file,
        "verification is wrong about the right file"
    );
    let sure = clean || !holds(&file);
    let store = open(&disk);
    for number in (0..APPENDS).step_by(23) {
        let again = store.append(append(number)).expect("nothing has its ids");
        match again.is_repeat() {
            true => assert_eq!(again.first().get(), 2 * number + 1),
            false => assert!(!sure, "append {number} is not known"),
        }
    }
    let new = store.append(append(APPENDS)).expect("it is new");
    assert!(!new.is_repeat());
    let repeat = store.append(append(APPENDS)).expect("it is known");
    assert_eq!(repeat, new.as_repeat());
    // A lie may keep files from being merged, never the log from being closed.
    store.close().expect("the disk takes everything");
}

/// Whether all checksums of a file hold.
fn holds(file: &[u8]) -> bool {
    let Ok(header) = IdsHeader::decode(file, file.len() as u64) else {
        return false;
    };
    let (body, checks) = file.split_at(header.checks_at() as usize);
    let mut sums = body.chunks(CHECK_BYTES as usize).map(checksum::plain);
    let mut stated = checks.chunks_exact(4).map(LittleEndian::read_u32);
    sums.by_ref().eq(stated.by_ref())
}

/// The file that the input stands for.
fn input_file(bytes: &[u8], log: &Log) -> Vec<u8> {
    let mut input = Input(bytes);
    let flags = input.byte();
    let mut file = match flags & WHOLE {
        0 => changed(&log.file, &mut input),
        _ => input.0.to_vec(),
    };
    if flags & HEADER != 0 && file.len() >= HEADER_BYTES {
        for range in [0..12, 16..HEADER_BYTES] {
            file[range.clone()].copy_from_slice(&log.file[range]);
        }
    }
    if flags & MEND != 0 && file.len() >= HEADER_BYTES {
        mend_checks(&mut file);
    }
    file
}

/// Makes the checksums right, as far as the header leads to them.
fn mend_checks(file: &mut [u8]) {
    mend::seal(&mut file[..HEADER_BYTES]);
    let Ok(header) = IdsHeader::decode(file, file.len() as u64) else {
        return;
    };
    let (body, checks) = file.split_at_mut(header.checks_at() as usize);
    for (block, check) in body
        .chunks(CHECK_BYTES as usize)
        .zip(checks.chunks_exact_mut(4))
    {
        LittleEndian::write_u32(check, checksum::plain(block));
    }
}
