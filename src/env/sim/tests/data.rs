use super::*;

/// The sectors of `/d/a` after a crash, a letter each: `-` for zeros, `?` for
/// a torn one.
fn letters(disk: &SimDisk) -> String {
    let bytes = bytes(disk, "a");
    let letter = |sector: &[u8]| match sector[0] {
        first if sector.iter().any(|byte| *byte != first) => '?',
        0 => '-',
        first => first as char,
    };
    bytes.chunks(512).map(letter).collect()
}

fn write(file: &Arc<dyn File>, sector: u64, letters: &str) {
    let bytes: Vec<u8> = letters.bytes().flat_map(|byte| [byte; 512]).collect();
    write_all_at(&**file, &bytes, sector * 512).unwrap();
}

fn with_sectors(letters: &str) -> (SimDisk, Arc<dyn File>) {
    let disk = disk();
    let file = durable(&disk, "a", b"");
    write(&file, 0, letters);
    file.sync().unwrap();
    (disk, file)
}

#[test]
fn reads_see_writes_at_once_and_a_sync_makes_them_durable() {
    let (disk, file) = with_sectors("ab");
    write(&file, 0, "x");
    assert_eq!(letters(&disk), "xb");
    assert_eq!(all(&disk, letters), set(["ab", "xb"]));
    file.sync().unwrap();
    assert_eq!(all(&disk, letters), set(["xb"]));
}

#[test]
fn unsynced_sectors_survive_in_every_combination() {
    let (disk, file) = with_sectors("abc");
    write(&file, 0, "xyz");
    let expected = ["abc", "xbc", "ayc", "abz", "xyc", "xbz", "ayz", "xyz"];
    assert_eq!(all(&disk, letters), set(expected));
}

#[test]
fn a_sector_of_4096_bytes_survives_whole() {
    let disk = SimDisk::new(SectorSize::Bytes4096);
    disk.put(&path("a"), &[b'a'; 4096]).unwrap();
    let file = disk.open(&path("a"), Mode::Write).unwrap();
    write(&file, 2, "xy");
    assert_eq!(all(&disk, letters), set(["aaaaaaaa", "aaxyaaaa"]));
}

#[test]
fn any_of_the_last_four_versions_may_survive() {
    let (disk, file) = with_sectors("a");
    for version in ["p", "q", "r", "s", "t"] {
        write(&file, 0, version);
    }
    assert_eq!(all(&disk, letters), set(["a", "q", "r", "s", "t"]));
    let kept = |back| letters(&disk.crash_point().crash(&[Choice::Kept(back)]));
    assert_eq!(
        (kept(0), kept(1), kept(9)),
        ("t".into(), "s".into(), "q".into())
    );
}

#[test]
fn a_torn_sector_begins_new_and_ends_as_it_durably_was() {
    let (disk, file) = with_sectors("a");
    write(&file, 0, "p");
    write(&file, 0, "q");
    for (back, new) in [(0, b'q'), (1, b'p')] {
        let after = disk.crash_point().crash(&[Choice::Torn(back, 100)]);
        let bytes = bytes(&after, "a");
        assert!(bytes[..100].iter().all(|byte| *byte == new));
        assert!(bytes[100..].iter().all(|byte| *byte == b'a'));
    }
}

#[test]
fn bytes_written_again_as_they_were_stay_whatever_happens() {
    let disk = disk();
    let file = durable(&disk, "a", b"kept");
    file.write_at(b"kept and more", 0).unwrap();
    let point = disk.crash_point();
    for seed in 0..500 {
        let after = point.crash_by(&CrashPlan::new(seed));
        assert_eq!(&bytes(&after, "a")[..4], b"kept");
    }
    // What is as it was is nothing to decide about.
    let disk = self::disk();
    let file = durable(&disk, "a", b"kept");
    file.write_at(b"kept", 0).unwrap();
    assert_eq!(disk.crash_point().units(), []);
}

#[test]
fn only_a_sector_that_was_never_durable_reads_as_zeros() {
    let (disk, file) = with_sectors("ab");
    write(&file, 1, "xyz");
    let point = disk.crash_point();
    assert_eq!(point.units()[0].kind, UnitKind::Size);
    // The size arrives, the data doesn't.
    let after = point.crash(&[Choice::Kept(0)]);
    assert_eq!(letters(&after), "ab--");
}

#[test]
fn the_size_may_be_behind_the_data_or_anything_between() {
    let (disk, file) = with_sectors("a");
    write(&file, 1, "x");
    write(&file, 2, "y");
    let sizes = |disk: &SimDisk| bytes(disk, "a").len();
    assert_eq!(all(&disk, sizes), BTreeSet::from([512, 1024, 1536]));
    let point = disk.crash_point();
    let kept = Choice::Kept(0);
    assert_eq!(letters(&point.crash(&[Choice::Lost, kept, kept])), "a");
    let after = point.crash(&[Choice::Torn(0, 600), kept, kept]);
    assert_eq!(bytes(&after, "a").len(), 1112);
    // What was cut off is gone: it doesn't come back when the file grows.
    let file = after.open(&path("a"), Mode::Write).unwrap();
    file.write_at(b"z", 1535).unwrap();
    assert_eq!(&bytes(&after, "a")[1111..1113], b"y\0");
}

#[test]
fn an_emptied_file_is_the_old_one_or_the_new_one_but_never_both() {
    let (disk, _) = with_sectors("ab");
    let file = create(&disk, "a");
    assert_eq!(letters(&disk), "");
    write(&file, 0, "x");
    assert_eq!(all(&disk, letters), set(["ab", "", "-", "x"]));
    file.sync().unwrap();
    assert_eq!(all(&disk, letters), set(["x"]));
}

#[test]
fn a_failed_sync_drops_what_was_dirty_for_good() {
    let (disk, file) = with_sectors("ab");
    write(&file, 0, "xy");
    disk.fail(FaultRule::new(Fault::Io, 1).of_kind(CallKind::Sync));
    assert!(file.sync().is_err());
    file.sync().unwrap();
    assert_eq!(letters(&disk), "xy", "the cache still has it");
    let lost = |disk: &SimDisk| letters(&disk.crash_point().crash(&[]));
    assert_eq!(lost(&disk), "ab");
    // It may have arrived all the same.
    assert_eq!(all(&disk, letters), set(["ab", "xb", "ay", "xy"]));
    // A kill changes nothing about that.
    assert_eq!(lost(&disk.kill_clone()), "ab");
    // Written again, if only as the cache has it, the next sync counts.
    write(&file, 1, "y");
    file.sync().unwrap();
    assert_eq!(all(&disk, letters), set(["ay", "xy"]));
    write(&file, 0, "x");
    file.sync().unwrap();
    assert_eq!(disk.crash_point().units(), []);
}

#[test]
fn a_dropped_sector_that_is_written_back_to_what_it_was_is_settled_by_a_sync() {
    let (disk, file) = with_sectors("a");
    write(&file, 0, "x");
    disk.fail(FaultRule::new(Fault::Io, 1).of_kind(CallKind::Sync));
    assert!(file.sync().is_err());
    write(&file, 0, "a");
    assert_eq!(all(&disk, letters), set(["a", "x"]));
    file.sync().unwrap();
    assert_eq!(all(&disk, letters), set(["a"]));
}

#[test]
fn the_size_is_no_part_of_what_a_failed_sync_drops() {
    let (disk, file) = with_sectors("a");
    write(&file, 1, "x");
    disk.fail(FaultRule::new(Fault::NoSpace, 1).of_kind(CallKind::Sync));
    assert!(file.sync().is_err());
    file.sync().unwrap();
    assert_eq!(all(&disk, letters), set(["a-", "ax"]));
}

#[test]
fn evicting_shows_what_the_medium_has() {
    let (disk, file) = with_sectors("ab");
    write(&file, 0, "x");
    disk.fail(FaultRule::new(Fault::Io, 1).of_kind(CallKind::Sync));
    assert!(file.sync().is_err());
    write(&file, 1, "y");
    disk.evict();
    assert_eq!(letters(&disk), "ay", "what is dirty stays");
    assert_eq!(all(&disk, letters), set(["ab", "ay"]));
}

#[test]
fn a_crash_point_is_apart_from_the_disk_and_a_seed_is_a_state() {
    let (disk, file) = with_sectors("abcdefgh");
    write(&file, 0, "stuvwxyz");
    let point = disk.crash_point();
    let hash = point.kill().content_hash();
    write(&file, 0, "ABCDEFGH");
    assert_eq!(point.kill().content_hash(), hash);
    assert_ne!(disk.content_hash(), hash);
    let state = |seed| point.crash_by(&CrashPlan::new(seed)).content_hash();
    let distinct: BTreeSet<u64> = (0..200).map(state).collect();
    assert!(distinct.len() > 50, "{}", distinct.len());
    assert_eq!(state(7), state(7));
}

#[test]
fn exploring_exhausts_what_is_small_and_samples_what_is_not() {
    let (disk, file) = with_sectors("abc");
    write(&file, 0, "xyz");
    let point = disk.crash_point();
    let explored = point.explore(40, 1).map(|one| letters(&point.crash(&one)));
    let whole: BTreeSet<String> = explored.filter(|one| !one.contains('?')).collect();
    assert_eq!(whole.len(), 8);
    write(&file, 0, &"x".repeat(40));
    let point = disk.crash_point();
    let mut explored = point.explore(100, 1).map(|one| letters(&point.crash(&one)));
    assert_eq!(explored.next().unwrap(), "abc");
    assert_eq!(explored.next().unwrap(), "x".repeat(40));
    assert_eq!(explored.count(), 98);
    // Nothing pending: one state.
    file.sync().unwrap();
    assert_eq!(disk.crash_point().explore(100, 1).count(), 1);
}
