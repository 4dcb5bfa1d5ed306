use super::*;
use crate::env::fs::{is_full, read_exact_at};
use std::io::ErrorKind;

#[test]
fn the_nth_call_fails_once_or_for_good() {
    let disk = disk();
    let file = durable(&disk, "a", b"1");
    let write = || file.write_at(b"x", 0).is_ok();
    disk.fail(FaultRule::new(Fault::Io, 2).of_kind(CallKind::Write));
    assert_eq!([write(), write(), write()], [true, false, true]);
    disk.fail(FaultRule::new(Fault::ReadOnly, 2).lasting());
    assert!(file.len().is_ok());
    assert_eq!([write(), write()], [false, false]);
    assert!(
        file.len().is_ok(),
        "asking for the size can't fail like this"
    );
    disk.no_faults();
    assert!(write());
    let fired: Vec<_> = disk.fired().into_iter().collect();
    assert_eq!(
        fired,
        [
            ((Fault::Io, CallKind::Write), 1),
            ((Fault::ReadOnly, CallKind::Write), 2)
        ]
    );
}

#[test]
fn a_rule_counts_only_the_paths_it_names() {
    let disk = disk();
    let (one, two) = (durable(&disk, "one", b""), durable(&disk, "two", b""));
    disk.fail(FaultRule::new(Fault::Io, 1).on_path("two"));
    assert!(one.write_at(b"x", 0).is_ok());
    assert!(two.write_at(b"x", 0).is_err());
}

#[test]
fn a_failed_write_writes_nothing_and_one_that_fails_after_writes_all() {
    let disk = disk();
    let file = durable(&disk, "a", b"old");
    disk.fail(FaultRule::new(Fault::Io, 1));
    disk.fail(FaultRule::new(Fault::IoAfter, 2));
    assert!(file.write_at(b"new", 0).is_err());
    assert_eq!(bytes(&disk, "a"), b"old");
    assert!(file.write_at(b"new", 0).is_err());
    assert_eq!(bytes(&disk, "a"), b"new");
}

#[test]
fn short_and_interrupted_calls_end_well_if_repeated() {
    let disk = disk();
    let file = durable(&disk, "a", b"");
    disk.fail(FaultRule::new(Fault::Short, 1).lasting());
    disk.fail(FaultRule::new(Fault::Interrupted, 2).lasting());
    write_all_at(&*file, b"0123456789", 0).unwrap();
    let mut buffer = [0; 10];
    read_exact_at(&*file, &mut buffer, 0).unwrap();
    assert_eq!(&buffer, b"0123456789");
    let fired = disk.fired();
    assert_eq!(fired[&(Fault::Short, CallKind::Write)], 4);
    assert!(fired[&(Fault::Short, CallKind::Read)] >= 3);
    // Of two rules that strike at once the first decides.
    assert!(!fired.contains_key(&(Fault::Interrupted, CallKind::Write)));
    disk.no_faults();
    disk.fail(FaultRule::new(Fault::Interrupted, 1).lasting());
    let error = file.write_at(b"x", 0).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupted);
    assert!(file.write_at(b"x", 0).is_ok(), "never lasting");
}

#[test]
fn a_full_disk_takes_what_fits_and_goes_on_when_there_is_room() {
    let disk = disk();
    disk.set_capacity(Some(3 * 4096));
    drop(durable(&disk, "b", &[1; 4096]));
    let file = durable(&disk, "a", &[1; 100]);
    assert_eq!(disk.used(), 2 * 4096);
    assert_eq!(file.write_at(&vec![2; 20_000], 0).unwrap(), 8192);
    let error = file.write_at(&[2; 100], 8192).unwrap_err();
    assert!(is_full(&error));
    assert_eq!(
        file.write_at(&[3; 100], 4000).unwrap(),
        100,
        "its own blocks"
    );
    disk.remove(&path("b")).unwrap();
    assert_eq!(disk.used(), 2 * 4096);
    // A name that comes back takes its room again.
    assert_eq!(disk.crash_point().crash(&[]).used(), 2 * 4096);
    assert_eq!(file.write_at(&[2; 100], 8192).unwrap(), 100);
    assert_eq!(disk.fired()[&(Fault::NoSpace, CallKind::Write)], 1);
    // Emptying a file and renaming over one free room too.
    create(&disk, "a").sync().unwrap();
    assert_eq!(disk.used(), 0);
    drop(durable(&disk, "b", &[1; 8192]));
    drop(durable(&disk, "c", &[1; 4096]));
    disk.rename(&path("c"), &path("b")).unwrap();
    assert_eq!(disk.used(), 4096);
    assert_eq!(disk.kill_clone().used(), 4096);
    let kept = vec![Choice::Kept(0); disk.crash_point().units().len()];
    assert_eq!(disk.crash_point().crash(&kept).used(), 4096);
}

#[test]
fn a_failed_change_of_names_changes_nothing_and_a_failed_directory_sync_keeps_it_pending() {
    let disk = disk();
    drop(durable(&disk, "a", b"1"));
    disk.fail(FaultRule::new(Fault::Io, 1).of_kind(CallKind::Rename));
    assert!(disk.rename(&path("a"), &path("b")).is_err());
    assert_eq!(names(&disk), "a1");
    disk.rename(&path("a"), &path("b")).unwrap();
    disk.fail(FaultRule::new(Fault::Io, 1).of_kind(CallKind::SyncDir));
    assert!(disk.sync_dir(Path::new("/d")).is_err());
    assert_eq!(all(&disk, names), set(["a1", "b1"]));
    disk.sync_dir(Path::new("/d")).unwrap();
    assert_eq!(all(&disk, names), set(["b1"]));
}

#[test]
fn too_many_open_files_strike_what_opens() {
    let disk = disk();
    let file = durable(&disk, "a", b"1");
    disk.fail(FaultRule::new(Fault::TooManyOpen, 1).lasting());
    assert!(file.sync().is_ok());
    assert!(disk.open(&path("a"), Mode::Read).is_err());
    assert!(disk.lock(&path("lock")).is_err());
}

#[test]
fn every_fault_strikes_some_kind_of_call() {
    let kinds = [
        CallKind::Read,
        CallKind::Write,
        CallKind::Open,
        CallKind::Rename,
    ];
    for fault in Fault::ALL {
        assert!(
            kinds.iter().any(|kind| fault.applies_to(*kind)),
            "{fault:?}"
        );
    }
}
