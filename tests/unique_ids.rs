//! Stores that keep ids unique: their files, and what becomes of a store that
//! was not used so before.

#![allow(clippy::unwrap_used)]

use annals::{
    Append, Durability, ErrorKind, Event, EventStore, LogStore, Options, Position, Reads, Uuid,
};
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Files of a few events each.
fn plain() -> Options {
    Options::new()
        .segment_size(2048)
        .checkpoint_events(5)
        .durability(Durability::Written)
}

fn unique() -> Options {
    plain().unique_ids(true)
}

/// A directory in memory where there is one: files are made by the hundred.
fn directory() -> TempDir {
    let in_memory = tempfile::tempdir_in("/dev/shm");
    in_memory.or_else(|_| tempfile::tempdir()).unwrap()
}

/// An append of its own for each number; every fifth has three events.
fn append(number: u64) -> Append {
    let event = |part: u64| {
        let id = Uuid::from_u128(u128::from(number) << 8 | u128::from(part));
        Event::with_id(id, "Happened", format!("{number}/{part}"))
    };
    let parts = if number.is_multiple_of(5) { 3 } else { 1 };
    Append::to(format!("a/{}", number % 3)).events((0..parts).map(event))
}

/// Records appends, and says where each came to stand.
fn put(store: &LogStore, numbers: Range<u64>) -> Vec<Position> {
    let put = |number| {
        let done = store.append(append(number)).unwrap();
        assert!(!done.is_repeat(), "{number}");
        done.first()
    };
    numbers.map(put).collect()
}

/// Sees that these appends are known, and stand where they did.
#[track_caller]
fn assert_known(store: &LogStore, firsts: &[Position]) {
    let head = store.head();
    for (number, first) in firsts.iter().enumerate() {
        let again = store.append(append(number as u64)).unwrap();
        assert!(again.is_repeat(), "{number}");
        assert_eq!(again.first(), *first);
    }
    assert_eq!(store.head(), head);
}

fn id_files(dir: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|own| own == "ids"))
        .collect();
    paths.sort();
    paths
}

fn assert_sound(dir: &Path) {
    let report = annals::verify(dir, &mut |_| {}).unwrap();
    assert_eq!(report.faults, []);
    assert_eq!(report.id_files, id_files(dir).len() as u64);
}

#[test]
fn repeats_are_known_over_reopenings_and_crashes() {
    let dir = directory();
    let mut firsts = Vec::new();
    for round in 0..12 {
        let store = unique().open(dir.path()).unwrap();
        assert_known(&store, &firsts);
        let next = firsts.len() as u64;
        firsts.extend(put(&store, next..next + 1 + round % 4 * 11));
        assert_known(&store, &firsts);
        store.close().unwrap();
        assert_sound(dir.path());
        if round % 3 == 1 {
            fs::remove_file(dir.path().join("closed")).unwrap();
        }
    }
}

#[test]
fn a_store_that_was_used_without_gathers_what_came_meanwhile() {
    for reads in [Reads::Mapped, Reads::Plain] {
        let dir = directory();
        let mut firsts = Vec::new();
        for round in 0..6 {
            let options = if round % 2 == 1 { unique() } else { plain() };
            let store = options.reads(reads).open(dir.path()).unwrap();
            if round % 2 == 1 {
                assert_known(&store, &firsts);
            }
            let next = firsts.len() as u64;
            firsts.extend(put(&store, next..next + 100));
            store.close().unwrap();
            assert_sound(dir.path());
        }
        let store = unique().reads(reads).open(dir.path()).unwrap();
        assert_known(&store, &firsts);
    }
}

#[test]
fn of_ids_that_were_not_unique_before_the_first_counts() {
    let dir = directory();
    let one = |data: &'static str| {
        Append::to("a").event(Event::with_id(Uuid::from_u128(1), "Happened", data))
    };
    let store = plain().open(dir.path()).unwrap();
    for data in ["first", "second", "first"] {
        assert!(!store.append(one(data)).unwrap().is_repeat());
    }
    store.close().unwrap();
    let store = unique().open(dir.path()).unwrap();
    let again = store.append(one("first")).unwrap();
    assert_eq!((again.first().get(), again.is_repeat()), (1, true));
    let error = store.append(one("second")).unwrap_err();
    let first = Some(Position::new(1));
    assert!(matches!(error.kind(), ErrorKind::DuplicateId { position, .. } if *position == first));
    assert_eq!(
        error.to_string(),
        "the id 00000000-0000-0000-0000-000000000001 is that of the event at position 1, and the \
         append that recorded it was not this one; give new events ids of their own, or repeat \
         the first append as it was"
    );
}

#[test]
fn files_of_ids_may_be_thrown_away() {
    let dir = directory();
    let store = unique().open(dir.path()).unwrap();
    let firsts = put(&store, 0..200);
    store.close().unwrap();
    assert!(!id_files(dir.path()).is_empty());
    for round in 0..5 {
        // Others may be merged, or made anew, meanwhile.
        let files = id_files(dir.path());
        fs::remove_file(&files[round % files.len()]).unwrap();
        let store = unique().open(dir.path()).unwrap();
        assert_known(&store, &firsts);
        store.close().unwrap();
        assert_sound(dir.path());
    }
    for file in id_files(dir.path()) {
        fs::remove_file(file).unwrap();
    }
    assert_known(&unique().open(dir.path()).unwrap(), &firsts);
}

#[test]
fn damaged_files_of_ids_are_made_again() {
    for reads in [Reads::Mapped, Reads::Plain] {
        let dir = directory();
        let options = unique().reads(reads);
        let store = options.open(dir.path()).unwrap();
        let firsts = put(&store, 0..100);
        store.close().unwrap();
        // In the header, a block, the zeros behind, an entry, a checksum.
        for at in [0, 40, 130, 4090, 4100, usize::MAX] {
            for round in 0..3 {
                let files = id_files(dir.path());
                let file = &files[round % files.len()];
                let mut bytes = fs::read(file).unwrap();
                let at = at.min(bytes.len() - 1);
                bytes[at] ^= 1;
                fs::write(file, bytes).unwrap();
                let report = annals::verify(dir.path(), &mut |_| {}).unwrap();
                assert_eq!(report.faults.len(), 1);
                assert_eq!(report.faults[0].path, *file);
                let store = options.open(dir.path()).unwrap();
                assert_known(&store, &firsts);
                store.close().unwrap();
                assert_sound(dir.path());
            }
        }
    }
}

#[test]
fn a_file_that_differs_from_the_log_is_found_and_repaired() {
    let dir = directory();
    let store = unique().open(dir.path()).unwrap();
    put(&store, 0..20);
    store.close().unwrap();
    // The files of a store with the same ids at other places.
    let elsewhere = directory();
    for name in ["store", "closed"] {
        fs::copy(dir.path().join(name), elsewhere.path().join(name)).unwrap();
    }
    fs::remove_file(elsewhere.path().join("closed")).unwrap();
    for segment in fs::read_dir(dir.path()).unwrap() {
        let path = segment.unwrap().path();
        if path.extension().is_some_and(|own| own == "seg") {
            fs::copy(&path, elsewhere.path().join(path.file_name().unwrap())).unwrap();
        }
    }
    let other = unique().open(elsewhere.path()).unwrap();
    put(&other, 500..560);
    other.close().unwrap();
    let store = unique().open(dir.path()).unwrap();
    put(&store, 20..80);
    store.close().unwrap();
    for file in id_files(dir.path()) {
        fs::remove_file(file).unwrap();
    }
    for file in id_files(elsewhere.path()) {
        fs::copy(&file, dir.path().join(file.file_name().unwrap())).unwrap();
    }
    let report = annals::verify(dir.path(), &mut |_| {}).unwrap();
    assert!(!report.faults.is_empty());
    let reason = "the ids differ from the log at position";
    assert!(
        report
            .faults
            .iter()
            .all(|fault| fault.reason.starts_with(reason))
    );
    let repaired = annals::repair(dir.path()).unwrap();
    assert_eq!(repaired.cut, None);
    assert!(!repaired.kept.is_empty());
    let is_of_ids = |name: &String| Path::new(name).extension() == Some("ids".as_ref());
    assert!(repaired.kept.iter().all(is_of_ids));
    let store = unique().open(dir.path()).unwrap();
    assert!(store.append(append(70)).unwrap().is_repeat());
    assert!(!store.append(append(555)).unwrap().is_repeat());
}

#[test]
fn files_of_another_history_are_left_aside() {
    let dir = directory();
    let store = unique().open(dir.path()).unwrap();
    let firsts = put(&store, 0..30);
    store.close().unwrap();
    let copy = directory();
    let copy_all = |from: &Path, to: &Path| {
        for entry in fs::read_dir(from).unwrap() {
            let path = entry.unwrap().path();
            fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        }
    };
    copy_all(dir.path(), copy.path());
    let store = unique().open(dir.path()).unwrap();
    put(&store, 100..150);
    store.close().unwrap();
    let newer = id_files(dir.path());
    // The log is put back to what it was; files of ids are not.
    let back = directory();
    copy_all(copy.path(), back.path());
    for file in id_files(back.path()) {
        fs::remove_file(file).unwrap();
    }
    for file in newer {
        fs::copy(&file, back.path().join(file.file_name().unwrap())).unwrap();
    }
    // And goes on with other events, over the same positions.
    let store = plain().open(back.path()).unwrap();
    let mut firsts = firsts;
    firsts.extend(put(&store, 30..120));
    store.close().unwrap();
    let store = unique().open(back.path()).unwrap();
    assert_known(&store, &firsts);
    put(&store, 200..220);
    store.close().unwrap();
    assert_sound(back.path());
}

#[test]
fn files_are_merged_so_that_few_are_left() {
    let dir = directory();
    let store = unique().checkpoint_events(4).open(dir.path()).unwrap();
    put(&store, 0..3000);
    let due = Instant::now() + Duration::from_secs(60);
    // 4,200 events are 4^6; at most three files of each size may stay, and
    // what is on its way.
    while id_files(dir.path()).len() > 24 {
        assert!(Instant::now() < due, "{}", id_files(dir.path()).len());
        std::thread::sleep(Duration::from_millis(5));
    }
    store.close().unwrap();
    for _ in 0..40 {
        let store = unique().open(dir.path()).unwrap();
        let next = 10_000 + store.head().get() * 10;
        put(&store, next + 1..next + 2);
        store.close().unwrap();
    }
    assert!(id_files(dir.path()).len() <= 24);
    assert_sound(dir.path());
}

#[test]
fn readers_and_stores_without_the_option_leave_the_files_alone() {
    let dir = directory();
    let store = unique().open(dir.path()).unwrap();
    put(&store, 0..50);
    store.close().unwrap();
    let before: Vec<_> = id_files(dir.path())
        .iter()
        .map(fs::read)
        .map(Result::unwrap)
        .collect();
    drop(unique().open_read_only(dir.path()).unwrap());
    let store = plain().open(dir.path()).unwrap();
    assert!(!store.append(append(3)).unwrap().is_repeat());
    assert!(!store.capabilities().whole_log_repeats);
    store.close().unwrap();
    let after: Vec<_> = id_files(dir.path())
        .iter()
        .map(fs::read)
        .map(Result::unwrap)
        .collect();
    assert!(before == after);
}
