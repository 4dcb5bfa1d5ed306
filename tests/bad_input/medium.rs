//! A directory that can't be written, and a disk that is full.
//!
//! Both need a file system of their own, which only root may mount; where that
//! can't be done, the tests say that they skip.
#![cfg(target_os = "linux")]

use crate::support::{Place, assert_usable, content, event, everything, options, put};
use annals::{Append, ErrorKind, EventStore, LogStore};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Something mounted, for as long as this is held.
struct Mount(PathBuf);

impl Mount {
    /// Nothing, with a message, where it is not allowed.
    fn new(arguments: &[&str], at: &Path) -> Option<Self> {
        let output = Command::new("mount").args(arguments).arg(at).output();
        if output.is_ok_and(|output| output.status.success()) {
            return Some(Mount(at.to_path_buf()));
        }
        println!("skipped: this process may not mount");
        None
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Whatever was mapped may be let go a little later.
        drop(Command::new("umount").arg("-l").arg(&self.0).status());
    }
}

#[test]
fn a_read_only_directory_is_read_and_not_written() {
    let place = Place::with_one_event();
    let path = place.path();
    let Some(mount) = Mount::new(&["--bind", path.to_str().unwrap()], &path) else {
        return;
    };
    let remounted = Command::new("mount")
        .args(["-o", "remount,ro,bind"])
        .arg(&path)
        .status();
    assert!(remounted.unwrap().success());
    let before = content(&path);
    let error = options().open(&path).unwrap_err();
    let ErrorKind::Io {
        path: named,
        source,
        ..
    } = error.kind()
    else {
        panic!("{error}");
    };
    assert_eq!(*named, place.file("lock"));
    assert_eq!(source.kind(), std::io::ErrorKind::ReadOnlyFilesystem);
    assert!(error.to_string().starts_with("cannot lock "), "{error}");
    let reader = options().open_read_only(&path).unwrap();
    assert_eq!(everything(&reader).len(), 1);
    let report = annals::verify(&path, &mut |_| {}).unwrap();
    assert_eq!((report.events, report.faults.len()), (1, 0));
    drop(reader);
    assert!(content(&path) == before);
    // A new store has no place there, either.
    let new = options().open(path.join("new")).unwrap_err();
    assert!(matches!(new.kind(), ErrorKind::Io { .. }), "{new}");
    drop(mount);
    place.assert_usable(1);
}

/// Appends until there is no room; says how many went in.
fn fill(store: &LogStore) -> usize {
    for count in 0..10_000 {
        let append = Append::to("s").event(event(vec![b'x'; 3000]));
        let Err(error) = store.append(append) else {
            continue;
        };
        let ErrorKind::DiskFull { path } = error.kind() else {
            panic!("{error}");
        };
        assert_eq!(path.extension().unwrap(), "seg");
        assert!(error.is_retryable() && !error.is_outcome_unknown());
        let said = error.to_string();
        assert!(
            said.contains("nothing was written: free some space"),
            "{said}"
        );
        return count;
    }
    panic!("the disk never got full");
}

#[test]
fn a_full_disk_refuses_and_breaks_nothing() {
    let place = Place::new();
    fs::create_dir(place.path()).unwrap();
    let Some(mount) = Mount::new(&["-t", "tmpfs", "-o", "size=512k", "none"], &place.path()) else {
        return;
    };
    let dir = place.path().join("store");
    let ballast = place.path().join("ballast");
    fs::write(&ballast, vec![1; 100 << 10]).unwrap();
    let small = options().segment_size(32 << 10);
    let store = small.open(&dir).unwrap();
    let before = fill(&store);
    assert!(before > 50, "{before}");
    // Again, and nothing is broken: reads go on.
    fill(&store);
    let recorded = everything(&store);
    // With room again writing goes on, on the same handle.
    fs::remove_file(&ballast).unwrap();
    assert_usable(&store);
    assert_eq!(everything(&store).len(), recorded.len() + 1);
    fill(&store);
    let recorded = everything(&store);
    drop(store);
    // Opened on a full disk it is read; what it may say is that it is full.
    fs::write(&ballast, vec![1; 1 << 20]).unwrap_err();
    let reader = small.open_read_only(&dir).unwrap();
    assert_eq!(everything(&reader), recorded);
    drop(reader);
    if let Err(error) = small.open(&dir) {
        assert!(
            matches!(
                error.kind(),
                ErrorKind::DiskFull { .. } | ErrorKind::Io { .. }
            ),
            "{error}"
        );
    }
    fs::remove_file(&ballast).unwrap();
    // What stands on it is whole.
    let elsewhere = Place::new();
    fs::create_dir(elsewhere.path()).unwrap();
    for (name, bytes) in content(&dir) {
        fs::write(elsewhere.file(&name), bytes).unwrap();
    }
    drop(mount);
    elsewhere.assert_usable(recorded.len());
}

#[test]
fn a_disk_without_room_for_a_store_says_so() {
    let place = Place::new();
    fs::create_dir(place.path()).unwrap();
    let Some(mount) = Mount::new(&["-t", "tmpfs", "-o", "size=64k", "none"], &place.path()) else {
        return;
    };
    let dir = place.path().join("store");
    let small = options().segment_size(1 << 20);
    let error = small.open(&dir).unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::DiskFull { .. }),
        "{error}"
    );
    // A smaller one has room, where the large one was tried.
    let store = options().open(&dir).unwrap();
    put(&store, "s", "");
    store.close().unwrap();
    drop((store, mount));
}

/// The same without root, on a disk that is simulated.
#[cfg(feature = "testing")]
#[test]
fn a_full_disk_is_met_before_anything_is_claimed() {
    use annals::testing::sim::SimWorld;
    let world = SimWorld::new(1);
    let store = world.options().segment_size(32 << 10).open("/store");
    let store = store.unwrap();
    put(&store, "s", "");
    world
        .disk
        .set_capacity(Some(world.disk.used() + (40 << 10)));
    let before = fill(&store);
    assert!(before > 5, "{before}");
    let recorded = everything(&store);
    // Nothing half made is left behind, and the error stays the same.
    let used = world.disk.used();
    assert_eq!(fill(&store), 0);
    assert_eq!((world.disk.used(), everything(&store)), (used, recorded));
    world.disk.set_capacity(None);
    assert_usable(&store);
    store.close().unwrap();
    let report = world.verify("/store", &mut |_| {}).unwrap();
    assert_eq!(report.events, before as u64 + 2);
    assert_eq!(report.faults, []);
}
