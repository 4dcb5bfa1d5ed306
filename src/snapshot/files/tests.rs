use super::*;
use crate::types::StoreId;
use proptest::prelude::*;
use std::collections::HashMap;
use tempfile::TempDir;

fn key(stream: &str) -> SnapshotKey<'_> {
    SnapshotKey {
        store: StoreId::from_bytes([1; 16]),
        stream,
        kind: "A",
        schema: 1,
    }
}

fn at(stream: &str, version: u64, size: usize) -> Snapshot {
    let state = vec![version as u8; size];
    let position = Position::new(version);
    Snapshot::new(
        key(stream),
        Version::new(version),
        position,
        Timestamp::UNIX_EPOCH,
        state,
    )
}

fn open(dir: &TempDir, limit: u64) -> FileSnapshots {
    FileSnapshots::open_with_limit(dir.path(), limit).unwrap()
}

fn version(snapshots: &FileSnapshots, stream: &str) -> Option<u64> {
    let found = snapshots.load(key(stream), Version::MAX).unwrap();
    found.map(|own| own.version().get())
}

fn save(snapshots: &FileSnapshots, snapshot: Snapshot) -> Saved {
    snapshots.save(snapshot, Position::MAX).unwrap()
}

fn on_disk(dir: &TempDir) -> u64 {
    let files = std::fs::read_dir(dir.path()).unwrap();
    files
        .map(|file| file.unwrap().metadata().unwrap().len())
        .sum()
}

#[test]
fn the_rules_of_saving_hold() {
    let dir = tempfile::tempdir().unwrap();
    let snapshots = open(&dir, LIMIT);
    assert_eq!(
        snapshots.save(at("s", 5, 9), Position::new(4)).unwrap(),
        Saved::NotDurable
    );
    assert_eq!(save(&snapshots, at("s", 5, 9)), Saved::Kept);
    assert_eq!(save(&snapshots, at("s", 4, 9)), Saved::Outdated);
    let newer = SnapshotKey {
        schema: 2,
        ..key("s")
    };
    let other = Snapshot::new(
        newer,
        Version::new(3),
        Position::new(3),
        Timestamp::UNIX_EPOCH,
        "",
    );
    assert_eq!(save(&snapshots, other.clone()), Saved::Kept);
    assert_eq!(version(&snapshots, "s"), None);
    assert_eq!(snapshots.load(newer, Version::new(3)).unwrap(), Some(other));
    assert_eq!(snapshots.load(newer, Version::new(2)).unwrap(), None);
    assert_eq!(snapshots.len(), 1);
    let refused = FileSnapshots::open(dir.path()).unwrap_err();
    assert!(refused.is_retryable(), "{refused}");
}

#[test]
fn what_was_removed_stays_removed() {
    let dir = tempfile::tempdir().unwrap();
    for version in 1..4 {
        save(&open(&dir, LIMIT), at("s", version, 9));
    }
    open(&dir, LIMIT).remove(key("s")).unwrap();
    let snapshots = open(&dir, LIMIT);
    assert_eq!(version(&snapshots, "s"), None);
    assert!(snapshots.is_empty());
    assert_eq!(save(&snapshots, at("s", 1, 9)), Saved::Kept);
    assert_eq!(snapshots.len(), 1);
}

#[test]
fn old_versions_give_their_room_back() {
    let dir = tempfile::tempdir().unwrap();
    let limit = 256 << 10;
    let snapshots = open(&dir, limit);
    save(&snapshots, at("kept", 1, 1000));
    for version in 1..2000 {
        save(
            &snapshots,
            at(&format!("s/{}", version % 10), version, 1000),
        );
        assert!(on_disk(&dir) <= limit);
    }
    // Far more was written than there is room for, but little is in use.
    assert_eq!(snapshots.len(), 11);
    assert_eq!(version(&snapshots, "kept"), Some(1));
    assert!(snapshots.bytes() < limit / 2, "{}", snapshots.bytes());
    drop(snapshots);
    let snapshots = open(&dir, limit);
    assert_eq!(version(&snapshots, "kept"), Some(1));
    assert_eq!(version(&snapshots, "s/9"), Some(1999));
}

#[test]
fn over_the_limit_the_oldest_go() {
    let dir = tempfile::tempdir().unwrap();
    let limit = 128 << 10;
    let snapshots = open(&dir, limit);
    for number in 0..1000 {
        save(&snapshots, at(&format!("s/{number}"), 1, 1000));
        assert!(on_disk(&dir) <= limit);
    }
    assert_eq!(version(&snapshots, "s/0"), None);
    assert_eq!(version(&snapshots, "s/999"), Some(1));
    assert!((90..120).contains(&snapshots.len()), "{}", snapshots.len());
    assert_eq!(save(&snapshots, at("large", 1, 40 << 10)), Saved::TooLarge);
}

#[test]
fn damage_anywhere_is_never_served() {
    let dir = tempfile::tempdir().unwrap();
    let snapshots = open(&dir, LIMIT);
    for number in 0..4 {
        save(&snapshots, at(&format!("s/{number}"), 7, 20));
    }
    drop(snapshots);
    let path = dir.path().join(pack::name(1));
    let good = std::fs::read(&path).unwrap();
    for place in 0..good.len() {
        let mut bad = good.clone();
        bad[place] ^= 1 << (place % 8);
        std::fs::write(&path, &bad).unwrap();
        let snapshots = open(&dir, LIMIT);
        let mut found = 0;
        for number in 0..4 {
            let stream = format!("s/{number}");
            let loaded = snapshots.load(key(&stream), Version::MAX).unwrap();
            assert!(loaded.iter().all(|own| *own == at(&stream, 7, 20)));
            found += usize::from(loaded.is_some());
        }
        assert!(found < 4, "byte {place}");
        assert_eq!(save(&snapshots, at("s/0", 8, 20)), Saved::Kept);
        drop(snapshots);
        let _ = std::fs::remove_file(dir.path().join(pack::name(2)));
    }
    for length in 0..good.len() {
        std::fs::write(&path, &good[..length]).unwrap();
        assert!(open(&dir, LIMIT).len() < 4);
    }
}

/// Whatever a crash leaves: no snapshot is served that was never saved, none
/// is lost that was flushed, and saving goes on.
#[test]
fn a_crash_leaves_snapshots_that_were_saved() {
    use crate::env::sim::{SectorSize, SimDisk};
    use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
    let disk = SimDisk::new(SectorSize::Bytes512);
    let open = |disk: &SimDisk| {
        FileSnapshots::open_in(Arc::new(disk.clone()), Path::new("/s"), 0).unwrap()
    };
    let (saved, flushed) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let states = Arc::new(AtomicU64::new(0));
    let (all, safe, count) = (
        Arc::clone(&saved),
        Arc::clone(&flushed),
        Arc::clone(&states),
    );
    disk.on_boundary(move |disk, boundary| {
        let point = disk.crash_point();
        for choices in point.explore(16, boundary.number) {
            let snapshots = open(&point.crash(&choices));
            let (saved, flushed) = (all.load(SeqCst), safe.load(SeqCst));
            for stream in 0..5 {
                let name = format!("s/{stream}");
                let found = snapshots.load(key(&name), Version::MAX).unwrap();
                // Versions of this stream are `stream` modulo five.
                let least = (1..=flushed)
                    .rev()
                    .find(|own| own % 5 == stream)
                    .unwrap_or(0);
                let version = found.as_ref().map_or(0, |own| own.version().get());
                assert!(
                    (least..=saved + 1).contains(&version),
                    "{version} of {least}..={saved}"
                );
                assert!(found.is_none_or(|own| own == at(&name, version, 900)));
            }
            assert_eq!(save(&snapshots, at("after", 1, 9)), Saved::Kept);
            count.fetch_add(1, SeqCst);
        }
    });
    let snapshots = open(&disk);
    for version in 1..150 {
        save(&snapshots, at(&format!("s/{}", version % 5), version, 900));
        saved.store(version, SeqCst);
        if version % 20 == 0 {
            snapshots.flush().unwrap();
            flushed.store(version, SeqCst);
        }
    }
    drop(snapshots);
    assert!(states.load(SeqCst) > 500, "{}", states.load(SeqCst));
}

#[derive(Clone, Debug)]
enum Step {
    Save(u8, u64, usize),
    Remove(u8),
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => (0..20u8, 1..100u64, 0..3000usize).prop_map(|(s, v, n)| Step::Save(s, v, n)),
        2 => (0..20u8).prop_map(Step::Remove),
        1 => Just(Step::Reopen),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Twenty streams fit under the limit, so that nothing is ever lost.
    #[test]
    fn files_keep_what_memory_keeps(steps in proptest::collection::vec(step(), 1..300)) {
        let dir = tempfile::tempdir().unwrap();
        let limit = 512 << 10;
        let mut snapshots = open(&dir, limit);
        let mut model: HashMap<String, Snapshot> = HashMap::new();
        for step in steps {
            match step {
                Step::Save(stream, version, size) => {
                    let stream = format!("s/{stream}");
                    let snapshot = at(&stream, version, size);
                    let outdated = model.get(&stream).is_some_and(|own| own.version() > snapshot.version());
                    let expected = if outdated { Saved::Outdated } else { Saved::Kept };
                    prop_assert_eq!(save(&snapshots, snapshot.clone()), expected);
                    if !outdated {
                        model.insert(stream, snapshot);
                    }
                }
                Step::Remove(stream) => {
                    let stream = format!("s/{stream}");
                    snapshots.remove(key(&stream)).unwrap();
                    model.remove(&stream);
                }
                Step::Reopen => {
                    drop(snapshots);
                    snapshots = open(&dir, limit);
                }
            }
            prop_assert_eq!(snapshots.len(), model.len());
            prop_assert!(on_disk(&dir) <= limit);
        }
        for stream in (0..20).map(|number| format!("s/{number}")) {
            let found = snapshots.load(key(&stream), Version::MAX).unwrap();
            prop_assert_eq!(found.as_ref(), model.get(&stream));
        }
    }
}
