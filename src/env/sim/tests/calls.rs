use super::*;
use crate::env::Board;
use crate::env::sync::Mutex;

#[test]
fn the_hook_comes_before_each_change_with_no_lock_held() {
    let disk = disk();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&seen);
    disk.on_boundary(move |disk, boundary| {
        let state = names(&disk.crash_point().kill());
        let path = disk.path_of(boundary.path);
        noted
            .lock()
            .push(format!("{:?} {path}: {state}", boundary.kind));
    });
    let file = create(&disk, "a");
    file.write_at(b"1", 0).unwrap();
    file.len().unwrap();
    file.sync().unwrap();
    disk.rename(&path("a"), &path("b")).unwrap();
    disk.sync_dir(Path::new("/d")).unwrap();
    disk.remove(&path("b")).unwrap();
    disk.no_hook();
    create(&disk, "c");
    let expected = [
        "Create /d/a: ",
        "Write /d/a: a",
        "Sync /d/a: a1",
        "Rename /d/b: a1",
        "SyncDir /d: b1",
        "Remove /d/b: b1",
    ];
    assert_eq!(*seen.lock(), expected);
    assert_eq!(disk.boundaries(), 9);
}

#[test]
fn without_power_nothing_happens_any_more() {
    let disk = disk();
    let file = durable(&disk, "a", b"1");
    disk.power_off_at(disk.boundaries() + 2);
    assert!(file.write_at(b"2", 0).is_ok() && !disk.is_off());
    assert!(file.sync().is_err() && disk.is_off());
    assert!(file.write_at(b"3", 0).is_err());
    assert!(file.len().is_err());
    assert_eq!(all(&disk, names), set(["a1", "a2"]));
}

#[test]
fn a_lock_is_exclusive_until_its_guard_goes_or_its_process() {
    let disk = disk();
    let lock = path("lock");
    let guard = disk.lock(&lock).unwrap();
    assert!(guard.is_some());
    assert!(disk.lock(&lock).unwrap().is_none());
    assert!(disk.kill_clone().lock(&lock).unwrap().is_some());
    assert!(disk.lock(&lock).unwrap().is_none(), "the clone is apart");
    drop(guard);
    assert!(disk.lock(&lock).unwrap().is_some());
    disk.plant_other(&path("pipe")).unwrap();
    assert!(disk.lock(&path("pipe")).is_err());
}

#[test]
fn a_board_is_shared_survives_a_kill_and_may_hold_anything_after_a_crash() {
    let disk = disk();
    let board = path("board");
    assert!(disk.board(&board, Mode::Read).is_err());
    let writer = disk.board(&board, Mode::Create).unwrap();
    let follower = disk.board(&board, Mode::Read).unwrap();
    writer.set(3, 77);
    assert_eq!(follower.get(3), 77);

    let killed = disk.kill_clone();
    writer.set(3, 78);
    let found = killed.board(&board, Mode::Read).unwrap();
    assert_eq!(found.get(3), 77);

    disk.sync_dir(Path::new("/d")).unwrap();
    let point = disk.crash_point();
    let kinds: Vec<_> = point.units().iter().map(|unit| unit.kind).collect();
    assert_eq!(kinds, [UnitKind::Size, UnitKind::Board]);
    let word = |choice| {
        let after = point.crash(&[Choice::Kept(0), choice]);
        after.board(&board, Mode::Read).unwrap().get(3)
    };
    assert_eq!((word(Choice::Lost), word(Choice::Kept(0))), (0, 78));
    let garbage: BTreeSet<u64> = (0..50).map(|n| word(Choice::Torn(0, n))).collect();
    assert!(garbage.len() > 20);
    // A file that is too short for a board is none, until a writer comes.
    let after = point.crash(&[]);
    assert!(after.board(&board, Mode::Read).is_err());
    assert!(after.board(&board, Mode::Create).is_ok());
    assert_eq!(bytes(&after, "board").len() as u64, Board::BYTES);
}

#[test]
fn calls_and_bytes_are_counted_and_traced() {
    let disk = disk();
    drop(durable(&disk, "a", &[1; 600]));
    let before = disk.counts();
    disk.start_trace();
    let file = disk.open(&path("a"), Mode::Read).unwrap();
    file.read_at(&mut [0; 1000], 100).unwrap();
    assert!(file.write_at(b"x", 0).is_err(), "open for reading");
    assert!(file.map(100).unwrap().is_none());
    let trace = disk.take_trace();
    let shown: Vec<_> = trace
        .iter()
        .map(|call| (call.kind, call.offset, call.len, call.outcome))
        .collect();
    let denied = Outcome::Failed(std::io::ErrorKind::PermissionDenied);
    assert_eq!(
        shown,
        [
            (CallKind::Open, 0, 0, Outcome::Done(0)),
            (CallKind::Read, 100, 1000, Outcome::Done(500)),
            (CallKind::Write, 0, 1, denied),
            (CallKind::Map, 0, 100, Outcome::Done(0)),
        ]
    );
    assert_eq!(&*disk.path_of(trace[0].path), "/d/a");
    let counts = disk.counts();
    assert_eq!(counts.bytes_read(), 500);
    assert_eq!(counts.bytes_read_of(&path("a")), 500);
    assert_eq!(counts.bytes_read_of(&path("b")), 0);
    assert_eq!((counts.bytes_written(), counts.syncs()), (600, 1));
    assert_eq!(counts.total() - before.total(), 4);
    assert_eq!(counts.mutating() - before.mutating(), 1);
    assert_eq!(counts.failed(), 1);
}

#[test]
fn the_counting_file_system_counts_on_a_real_disk() {
    let dir = tempfile::tempdir().unwrap();
    let fs = CountingFs::new(Arc::new(crate::env::OsFs));
    let path = dir.path().join("a");
    let file = fs.open(&path, Mode::Create).unwrap();
    write_all_at(&*file, b"12345", 0).unwrap();
    file.sync().unwrap();
    assert!(fs.open(&dir.path().join("none"), Mode::Write).is_err());
    assert_eq!(fs.counts().mutating(), 4);
    fs.start_trace();
    file.read_at(&mut [0; 9], 1).unwrap();
    let counts = fs.counts();
    assert_eq!((counts.bytes_read(), counts.bytes_written()), (4, 5));
    assert_eq!(counts.bytes_read_of(&path), 4);
    assert_eq!((counts.mutating(), counts.failed()), (4, 1));
    let trace = fs.take_trace();
    assert_eq!(trace[0].outcome, Outcome::Done(4));
    assert_eq!(*fs.path_of(trace[0].path), *path.to_string_lossy());
}

#[test]
fn damage_is_durable_and_passes_by_counts_and_faults() {
    let disk = disk();
    drop(durable(&disk, "a", b"abc"));
    let before = disk.counts();
    disk.fail(FaultRule::new(Fault::Io, 1).lasting());
    disk.flip_bit(&path("a"), 8).unwrap();
    assert!(disk.flip_bit(&path("a"), 24).is_err());
    disk.overwrite(&path("a"), 5, b"!").unwrap();
    disk.copy(&path("a"), Path::new("/e/f/copy")).unwrap();
    disk.truncate(&path("a"), 2).unwrap();
    disk.put(&path("b"), b"new").unwrap();
    disk.put(&path("b"), b"newer").unwrap();
    disk.copy(&path("b"), &path("c")).unwrap();
    disk.delete(&path("b")).unwrap();
    for disk in [disk.clone(), disk.crash_point().crash(&[])] {
        assert_eq!(bytes(&disk, "a"), b"ac");
        assert_eq!(disk.bytes(Path::new("/e/f/copy")).unwrap(), b"acc\0\0!");
        let files: Vec<String> = disk.files().into_iter().map(|one| one.0).collect();
        assert_eq!(files, ["/d/a", "/d/c", "/e/f/copy"]);
        assert_eq!(disk.used(), 3 * 4096);
    }
    assert_eq!(disk.counts(), before);
}

#[test]
fn a_hash_tells_disks_apart_by_names_bytes_and_sizes() {
    let disk = disk();
    disk.put(&path("a"), b"abc").unwrap();
    let twin = disk.kill_clone();
    assert_eq!(disk.content_hash(), twin.content_hash());
    let mut hashes = BTreeSet::from([disk.content_hash()]);
    let mut differs = |change: &dyn Fn(&SimDisk)| {
        let other = disk.kill_clone();
        change(&other);
        assert!(hashes.insert(other.content_hash()));
    };
    differs(&|disk| disk.flip_bit(&path("a"), 0).unwrap());
    differs(&|disk| disk.truncate(&path("a"), 4).unwrap());
    differs(&|disk| disk.rename(&path("a"), &path("b")).unwrap());
    differs(&|disk| disk.put(&path("b"), b"").unwrap());
    differs(&|disk| disk.create_dir(&path("b")).unwrap());
    differs(&|disk| disk.copy(&path("a"), &path("b")).unwrap());
}
