//! The directories beside a store: cursors, parked events and snapshots.

use crate::files::{INSTEAD, LONG, put_at, set_len};
use crate::look::{Report, Settings, Way};
use crate::mend;
use crate::sample::new_dir;
use annals::cursor::{Cursor, CursorStore, FileCursors};
use annals::parked::{FileParked, Parked, ParkedEvents};
use annals::snapshot::{FileSnapshots, Snapshot, SnapshotKey, SnapshotStore};
use annals::{Position, StoreId, Timestamp, Version};
use std::fs;
use std::path::{Path, PathBuf};

const WAYS: [(&str, Way); 3] = [
    ("cursors", cursors),
    ("parked", parked),
    ("snapshots", snapshots),
];

fn store() -> StoreId {
    StoreId::from_bytes([5; 16])
}

fn cursors(dir: &Path) -> Result<(), annals::Error> {
    let cursors = FileCursors::open(dir.join("cursors"), store())?;
    let loaded = cursors.load("mailer");
    let listed = cursors.list();
    let cursor = Cursor {
        position: Position::new(3),
        replay: Position::START,
    };
    cursors.save("mailer", cursor)?;
    cursors.remove("mailer")?;
    loaded?;
    listed.map(drop)
}

fn parked(dir: &Path) -> Result<(), annals::Error> {
    let parked = FileParked::open(dir.join("parked"), store())?;
    let listed = parked.list("mailer");
    parked.park(&Parked {
        handler: "mailer".into(),
        position: Position::new(7),
        tries: 1,
        error: "no".into(),
        parked: Timestamp::UNIX_EPOCH,
    })?;
    parked.remove("mailer", Position::new(7))?;
    listed.map(drop)
}

fn key(stream: &str) -> SnapshotKey<'_> {
    SnapshotKey {
        store: store(),
        stream,
        kind: "Account",
        schema: 1,
    }
}

fn snapshots(dir: &Path) -> Result<(), annals::Error> {
    let snapshots = FileSnapshots::open(dir.join("snapshots"))?;
    for number in 0..20 {
        let name = format!("accounts/{number}");
        snapshots.load(key(&name), Version::MAX)?;
        save(&snapshots, &name, 9)?;
    }
    snapshots.remove(key("accounts/1"))?;
    snapshots.flush()
}

fn save(snapshots: &FileSnapshots, stream: &str, version: u64) -> Result<(), annals::Error> {
    let state = "x".repeat(100);
    let (version, position) = (Version::new(version), Position::new(version));
    let snapshot = Snapshot::new(key(stream), version, position, Timestamp::UNIX_EPOCH, state);
    snapshots.save(snapshot, Position::MAX).map(drop)
}

/// One of each, as the library makes them.
fn lay_out(dir: &Path) {
    let cursors = FileCursors::open(dir.join("cursors"), store()).unwrap();
    let cursor = Cursor {
        position: Position::new(2),
        replay: Position::START,
    };
    cursors.save("mailer", cursor).unwrap();
    let parked = FileParked::open(dir.join("parked"), store()).unwrap();
    let event = Parked {
        handler: "mailer".into(),
        position: Position::new(7),
        tries: 3,
        error: "no".into(),
        parked: Timestamp::UNIX_EPOCH,
    };
    parked.park(&event).unwrap();
    let snapshots = FileSnapshots::open(dir.join("snapshots")).unwrap();
    for number in 0..20 {
        save(&snapshots, &format!("accounts/{number}"), 5).unwrap();
    }
}

/// Every file there, and some that are not.
fn names(dir: &Path) -> Vec<PathBuf> {
    let mut names = Vec::new();
    for own in ["cursors", "parked", "snapshots"] {
        names.push(PathBuf::from(own));
        for entry in fs::read_dir(dir.join(own)).unwrap() {
            let name = Path::new(own).join(entry.unwrap().file_name());
            let mut temporary = name.clone().into_os_string();
            temporary.push(".tmp");
            names.extend([name, temporary.into()]);
        }
    }
    names.extend(
        ["0000000009.snaps", "4294967295.snaps"].map(|name| Path::new("snapshots").join(name)),
    );
    names.push(Path::new("cursors").join("other.cursor"));
    names
}

pub fn run(_: &Settings) -> bool {
    let mut report = Report::new("beside");
    let sample = new_dir();
    lay_out(sample.path());
    for name in names(sample.path()) {
        for (what, put) in INSTEAD {
            let dir = new_dir();
            lay_out(dir.path());
            let path = dir.path().join(&name);
            drop(fs::remove_dir_all(&path));
            let case = format!("{what} as {}", name.display());
            match put(&path) {
                true => report.look(&case, dir.path(), &WAYS),
                false => println!("skipped: {case} can't be made here"),
            }
        }
    }
    for (case, tamper) in [
        ("records that are holes", holes as fn(&Path)),
        ("thousands of packs", thousands_of_packs),
        ("thousands of cursors", thousands_of_cursors),
    ] {
        let dir = new_dir();
        lay_out(dir.path());
        tamper(dir.path());
        report.look(case, dir.path(), &WAYS);
    }
    report.print()
}

/// Headers of records that say how long their states are: four gigabytes.
fn holes(dir: &Path) {
    let path = dir.join("snapshots/0000000001.snaps");
    let pack = fs::read(&path).unwrap();
    let mut header = pack[16..88].to_vec();
    header[64..68].copy_from_slice(&u32::MAX.to_le_bytes());
    let sum = crc32fast::hash(&header[4..]);
    header[..4].copy_from_slice(&sum.to_le_bytes());
    let names = u64::from(header[68]) + u64::from(header[70]);
    let mut at = 16;
    for _ in 0..100 {
        assert!(put_at(&path, at, &header));
        at += 72 + u64::from(u32::MAX) + names;
    }
    assert!(set_len(&path, LONG.max(at)));
}

fn thousands_of_packs(dir: &Path) {
    let pack = fs::read(dir.join("snapshots/0000000001.snaps")).unwrap();
    for number in 2..2000 {
        let path = dir.join(format!("snapshots/{number:010}.snaps"));
        fs::write(path, &pack[..400]).unwrap();
    }
}

fn thousands_of_cursors(dir: &Path) {
    let mut bytes = [0; 64];
    mend::seal(&mut bytes);
    for number in 0..5000 {
        fs::write(dir.join(format!("cursors/{number}.cursor")), bytes).unwrap();
        fs::write(dir.join(format!("parked/{number}.parked")), bytes).unwrap();
    }
}
