//! The files beside a store: cursors, parked events and packs of snapshots.

use super::mend;
use super::tools::Input;
use crate::cursor::{Cursor, CursorStore, FileCursors};
use crate::env::sim::{SectorSize, SimDisk};
use crate::format::cursor::CursorFile;
use crate::format::names::safe_file_name;
use crate::format::parked::ParkedFile;
use crate::format::snapshot::{HEADER, PACK_HEADER, pack_header};
use crate::parked::{FileParked, Parked, ParkedEvents};
use crate::snapshot::{FileSnapshots, Snapshot, SnapshotKey, SnapshotStore};
use crate::types::{Position, StoreId, Timestamp, Version};
use byteorder::{ByteOrder, LittleEndian};
use std::path::Path;
use std::sync::Arc;

/// Checksums are made right.
pub(super) const MEND: u8 = 1;
/// The header of a pack is made right.
pub(super) const HEADER_RIGHT: u8 = 1 << 1;

pub(super) const STORE: StoreId = StoreId::from_bytes([5; 16]);
const NAME: &str = "mailer";
const POSITION: Position = Position::new(7);
const PACK: &str = "/snapshots/0000000001.snaps";

/// Takes any bytes for a cursor and for a parked event. What decodes is
/// encoded again to the same bytes, what doesn't is no cursor, and both can be
/// put in place anew.
pub fn cursor_decode(bytes: &[u8]) {
    let mut input = Input(bytes);
    let flags = input.byte();
    let mut file = input.0.to_vec();
    if flags & MEND != 0 {
        mend::seal(&mut file);
    }
    if let Ok(cursor) = CursorFile::decode(&file) {
        assert_eq!(cursor.encode(), file, "there is one encoding of a cursor");
    }
    if let Ok(parked) = ParkedFile::decode(&file) {
        assert_eq!(
            parked.encode(),
            file,
            "there is one encoding of a parked event"
        );
    }
    let disk = SimDisk::new(SectorSize::Bytes512);
    let fs = || Arc::new(disk.clone());
    let put = |dir: &str, name: String| {
        let path = Path::new(dir).join(name);
        disk.put(&path, &file).expect("the disk takes everything");
    };
    put("/cursors", safe_file_name(NAME, "cursor"));
    put(
        "/parked",
        safe_file_name(NAME, &format!("{:020}.parked", POSITION.get())),
    );
    let cursors = FileCursors::open_in(fs(), Path::new("/cursors"), STORE);
    let cursors = cursors.expect("the disk takes everything");
    let listed = cursors.list().is_ok();
    let loaded = cursors.load(NAME);
    assert!(
        listed || loaded.is_err(),
        "loaded, and not listed: {loaded:?}"
    );
    let cursor = Cursor {
        position: POSITION,
        replay: Position::START,
    };
    cursors
        .save(NAME, cursor)
        .expect("the disk takes everything");
    assert_eq!(cursors.load(NAME).expect("it was saved"), Some(cursor));
    let events = FileParked::open_in(fs(), Path::new("/parked"), STORE);
    let events = events.expect("the disk takes everything");
    let listed = events.list(NAME).expect("what is damaged is listed so");
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].position, POSITION);
    let parked = Parked {
        handler: NAME.into(),
        position: POSITION,
        tries: 3,
        error: "no".into(),
        parked: Timestamp::UNIX_EPOCH,
    };
    events.park(&parked).expect("the disk takes everything");
    assert_eq!(events.list(NAME).expect("it was parked"), [parked]);
}

/// Takes any bytes for a pack of snapshots. What is loaded is what was asked
/// for, and what is saved is loaded, now and after opening again.
pub fn snapshot_decode(bytes: &[u8]) {
    let mut input = Input(bytes);
    let flags = input.byte();
    let mut pack = input.0.to_vec();
    if flags & HEADER_RIGHT != 0 {
        pack.splice(..0, pack_header());
    }
    if flags & MEND != 0 {
        mend_records(&mut pack);
    }
    let disk = SimDisk::new(SectorSize::Bytes512);
    disk.put(Path::new(PACK), &pack)
        .expect("the disk takes everything");
    let open = || FileSnapshots::open_in(Arc::new(disk.clone()), Path::new("/snapshots"), 1 << 20);
    let snapshots = open().expect("what can't be made out is left aside");
    for number in 0..3 {
        let name = format!("accounts/{number}");
        let found = snapshots.load(key(&name), Version::new(1 << 40));
        if let Some(found) = found.expect("what is damaged is left aside") {
            assert_eq!(found.key(), key(&name));
            assert!(found.version() <= Version::new(1 << 40));
        }
    }
    let mine = snapshot("accounts/9", 3);
    let saved = snapshots.save(mine.clone(), Position::MAX);
    let Ok(crate::snapshot::Saved::Kept) = saved else {
        return;
    };
    let load = |from: &FileSnapshots| {
        let found = from.load(key("accounts/9"), Version::MAX);
        assert_eq!(found.expect("it was saved"), Some(mine.clone()));
    };
    load(&snapshots);
    drop(snapshots);
    load(&open().expect("what was open opens again"));
}

pub(super) fn snapshot(stream: &str, version: u64) -> Snapshot {
    let (version, position) = (Version::new(version), Position::new(version));
    Snapshot::new(key(stream), version, position, Timestamp::UNIX_EPOCH, "{}")
}

fn key(stream: &str) -> SnapshotKey<'_> {
    SnapshotKey {
        store: STORE,
        stream,
        kind: "Account",
        schema: 1,
    }
}

/// Makes both checksums of each record right, as far as their lengths lead.
fn mend_records(pack: &mut [u8]) {
    let mut at = PACK_HEADER;
    while let Some(header) = pack.get(at..at + HEADER) {
        let length = HEADER
            + LittleEndian::read_u32(&header[64..68]) as usize
            + usize::from(LittleEndian::read_u16(&header[68..70]))
            + usize::from(LittleEndian::read_u16(&header[70..72]));
        let end = at.saturating_add(length).min(pack.len());
        let record = &mut pack[at..end];
        let all = crate::format::checksum::plain(&record[8..]);
        LittleEndian::write_u32(&mut record[4..8], all);
        let head = crate::format::checksum::plain(&record[4..HEADER]);
        LittleEndian::write_u32(&mut record[..4], head);
        at = end;
    }
}
