//! Stores as version 1 of the format wrote them. They are never made again:
//! whatever annals becomes, it opens these and reads the same events.
//!
//! How they were made, once, is `stores.rs`; what was written then is also
//! what is written today, byte for byte. See `README.md` beside this.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::case_sensitive_file_extension_comparisons)]

mod ids;
mod index;
mod listing;
mod stores;

use annals::{Append, Event, EventStore, LogStore, Options, Query, Reads};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v1")
}

/// The names and bytes of a store's files.
fn files(name: &str) -> BTreeMap<String, Vec<u8>> {
    fs::read_dir(root().join(name))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, fs::read(path).unwrap())
        })
        .collect()
}

/// The events that a store has, as they were listed when it was made.
fn listed(name: &str) -> String {
    fs::read_to_string(root().join(format!("{name}.jsonl"))).unwrap()
}

/// A copy of a store that may be written.
fn copy(name: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in files(name) {
        fs::write(dir.path().join(name), bytes).unwrap();
    }
    dir
}

fn options() -> Options {
    Options::new().segment_size(Options::MIN_SEGMENT_SIZE)
}

#[track_caller]
fn assert_reads(store: &LogStore, name: &str) {
    let all = listing::of(store.read(&Query::all()));
    assert_eq!(all, listed(name), "{name}");
    // What the index answers is what the log says.
    let mut seen = Vec::new();
    for event in store.read(&Query::all()).map(Result::unwrap) {
        for (query, matches) in listing::queries(&event) {
            if seen.contains(&query) {
                continue;
            }
            let of_all = store.read(&Query::all()).map(Result::unwrap);
            let expected: Vec<_> = of_all.filter(|event| matches(event)).collect();
            let found: Vec<_> = store.read(&query).map(Result::unwrap).collect();
            assert_eq!(found, expected, "{name}: {query:?}");
            seen.push(query);
        }
    }
}

#[test]
fn every_event_is_read_as_it_was_written() {
    for (name, _) in stores::ALL {
        for reads in [Reads::Mapped, Reads::Plain] {
            let dir = copy(name);
            let options = options().reads(reads);
            let report = annals::verify(dir.path(), &mut |_| {}).unwrap();
            assert_eq!(report.faults, [], "{name}");
            assert_eq!(report.events, listed(name).lines().count() as u64);
            assert_reads(&options.open_read_only(dir.path()).unwrap(), name);
            assert_reads(&options.open(dir.path()).unwrap(), name);
        }
    }
}

#[test]
fn every_store_is_written_on() {
    for (name, _) in stores::ALL {
        let dir = copy(name);
        let store = options().open(dir.path()).unwrap();
        let before = store.head();
        for _ in 0..20 {
            let event = Event::new("Added", vec![b'x'; 90]);
            store.append(Append::to("added/1").event(event)).unwrap();
        }
        store.close().unwrap();
        let store = options().open(dir.path()).unwrap();
        let old = Query::all().up_to(before);
        assert_eq!(listing::of(store.read(&old)), listed(name), "{name}");
        assert_eq!(store.head(), before.plus(20));
        drop(store);
        let report = annals::verify(dir.path(), &mut |_| {}).unwrap();
        assert_eq!(report.faults, [], "{name}");
    }
}

#[test]
fn index_files_are_not_needed() {
    for (name, _) in stores::ALL {
        let dir = copy(name);
        for file in files(name).keys().filter(|file| file.ends_with(".idx")) {
            fs::remove_file(dir.path().join(file)).unwrap();
        }
        assert_reads(&options().open(dir.path()).unwrap(), name);
    }
}

/// The index is derived, so its files may come to be written otherwise.
#[test]
fn the_same_events_are_the_same_bytes_today() {
    for (name, make) in stores::ALL {
        let (golden, mut today) = (files(name), make());
        for bytes in today.values_mut() {
            if bytes.starts_with(stores::BLANK) {
                bytes[..128].fill(0);
            }
        }
        let of_log = |(file, _): &(&String, &Vec<u8>)| !file.ends_with(".idx");
        let names = |files: &BTreeMap<String, Vec<u8>>| -> Vec<String> {
            files
                .iter()
                .filter(of_log)
                .map(|(file, _)| file.clone())
                .collect()
        };
        assert_eq!(names(&today), names(&golden), "{name}");
        for (file, bytes) in golden.iter().filter(of_log) {
            let first = bytes
                .iter()
                .zip(&today[file])
                .position(|(own, new)| own != new);
            assert_eq!(first, None, "{name}/{file} differs at this byte");
            assert_eq!(bytes.len(), today[file].len(), "{name}/{file}");
        }
    }
}

/// Made these files, once. It refuses to do it again.
#[test]
#[ignore = "golden files are never made again"]
fn make() {
    assert!(!root().exists(), "golden files are never made again");
    for (name, make) in stores::ALL {
        let dir = root().join(name);
        fs::create_dir_all(&dir).unwrap();
        for (file, bytes) in make() {
            fs::write(dir.join(file), bytes).unwrap();
        }
        let copy = copy(name);
        let store = options().open_read_only(copy.path()).unwrap();
        let listing = listing::of(store.read(&Query::all()));
        fs::write(root().join(format!("{name}.jsonl")), listing).unwrap();
    }
}
