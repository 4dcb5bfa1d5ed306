use super::*;

#[test]
fn a_created_name_is_lost_until_its_directory_is_synced_even_if_the_file_is() {
    let disk = disk();
    let file = create(&disk, "a");
    file.write_at(b"1", 0).unwrap();
    file.sync().unwrap();
    assert_eq!(all(&disk, names), set(["", "a1"]));
    disk.sync_dir(Path::new("/d")).unwrap();
    assert_eq!(all(&disk, names), set(["a1"]));
}

#[test]
fn a_directory_that_is_not_durable_takes_all_in_it_along() {
    let disk = SimDisk::new(SectorSize::Bytes512);
    disk.create_dir(Path::new("/x/d")).unwrap();
    disk.put(Path::new("/y"), b"").unwrap();
    let disk = SimDisk::new(SectorSize::Bytes512);
    disk.create_dir(Path::new("/x/d")).unwrap();
    let file = disk.open(Path::new("/x/d/a"), Mode::Create).unwrap();
    file.sync().unwrap();
    disk.sync_dir(Path::new("/x/d")).unwrap();
    disk.sync_dir(Path::new("/x")).unwrap();
    let paths = |disk: &SimDisk| format!("{:?}", disk.files());
    assert_eq!(all(&disk, paths), set(["[]", "[(\"/x/d/a\", 0)]"]));
    disk.sync_dir(Path::new("/")).unwrap();
    assert_eq!(all(&disk, paths), set(["[(\"/x/d/a\", 0)]"]));
}

#[test]
fn a_rename_is_atomic_and_leaves_the_old_state_if_it_is_lost() {
    let disk = disk();
    drop(durable(&disk, "a", b"1"));
    drop(durable(&disk, "b", b"2"));
    disk.rename(&path("a"), &path("b")).unwrap();
    assert_eq!(names(&disk), "b1");
    assert_eq!(all(&disk, names), set(["a1 b2", "b1"]));
    disk.sync_dir(Path::new("/d")).unwrap();
    assert_eq!(all(&disk, names), set(["b1"]));
}

#[test]
fn a_removed_name_may_come_back_until_its_directory_is_synced() {
    let disk = disk();
    let file = durable(&disk, "a", b"1");
    disk.remove(&path("a")).unwrap();
    let mut byte = [0];
    assert_eq!(file.read_at(&mut byte, 0).unwrap(), 1, "it is still open");
    assert_eq!(all(&disk, names), set(["", "a1"]));
    disk.sync_dir(Path::new("/d")).unwrap();
    assert_eq!(all(&disk, names), set([""]));
}

#[test]
fn changes_of_different_names_survive_in_any_order_and_of_one_name_in_theirs() {
    let disk = disk();
    drop(durable(&disk, "a", b"1"));
    disk.rename(&path("a"), &path("b")).unwrap();
    create(&disk, "a").sync().unwrap();
    create(&disk, "c").sync().unwrap();
    // Never is `a` the new, empty file while the old one has no name.
    let expected = ["a1", "a1 c", "b1", "b1 c", "a b1", "a b1 c"];
    assert_eq!(all(&disk, names), set(expected));
}

#[test]
fn a_sync_of_one_directory_leaves_no_second_name_behind_in_another() {
    let disk = disk();
    disk.create_dir(Path::new("/e")).unwrap();
    disk.sync_dir(Path::new("/")).unwrap();
    create(&disk, "a").sync().unwrap();
    disk.rename(&path("a"), Path::new("/e/a")).unwrap();
    let paths = |disk: &SimDisk| format!("{:?}", disk.files());
    let expected = ["[]", "[(\"/d/a\", 0)]", "[(\"/e/a\", 0)]"];
    assert_eq!(all(&disk, paths), set(expected));
    disk.sync_dir(Path::new("/e")).unwrap();
    assert_eq!(all(&disk, paths), set(["[(\"/e/a\", 0)]"]));
}

#[test]
fn what_survives_a_crash_is_durable_from_then_on() {
    let disk = disk();
    let file = create(&disk, "a");
    file.write_at(b"1", 0).unwrap();
    let point = disk.crash_point();
    let all_kept = vec![Choice::Kept(0); point.units().len()];
    let after = point.crash(&all_kept);
    assert_eq!(names(&after), "a1");
    assert_eq!(after.crash_point().units(), []);
    assert_eq!(names(&after.crash_point().crash(&[])), "a1");
}

#[test]
fn a_kill_leaves_all_that_was_written_and_it_may_still_be_lost() {
    let disk = disk();
    create(&disk, "a").write_at(b"1", 0).unwrap();
    let after = disk.kill_clone();
    assert_eq!(names(&after), "a1");
    assert_eq!(names(&after.crash_point().crash(&[])), "");
}

#[test]
fn only_regular_files_open_and_a_planted_thing_is_other() {
    use crate::env::fs::Kind;
    let disk = disk();
    disk.plant_other(&path("link")).unwrap();
    assert_eq!(disk.kind(&path("link")).unwrap(), Kind::Other);
    assert_eq!(disk.kind(Path::new("/d")).unwrap(), Kind::Directory);
    assert_eq!(disk.kind(&path("none")).unwrap(), Kind::Nothing);
    for mode in [Mode::Read, Mode::Write, Mode::Create] {
        assert!(disk.open(&path("link"), mode).is_err());
        assert!(disk.open(Path::new("/d"), mode).is_err());
    }
    assert!(disk.open(&path("none"), Mode::Write).is_err());
    assert!(disk.open(Path::new("/none/a"), Mode::Create).is_err());
    assert_eq!(disk.list(Path::new("/d")).unwrap(), ["link"]);
    let after = disk.crash_point().crash(&[]);
    assert_eq!(after.kind(&path("link")).unwrap(), Kind::Other);
}
