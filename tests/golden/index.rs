//! Index files as version 2 of their format wrote them, with the log that they
//! are of: `index-v2`. They are never made again.

use crate::{listing, stores};
use annals::{Append, Event, EventStore, LogStore, Options, Query};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

type Files = BTreeMap<String, Vec<u8>>;

fn root(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name)
}

fn files(dir: &Path) -> Files {
    let entries = fs::read_dir(dir).unwrap().map(Result::unwrap);
    let file = |entry: fs::DirEntry| {
        let name = entry.file_name().to_str().unwrap().to_owned();
        (name, fs::read(entry.path()).unwrap())
    };
    entries.map(file).collect()
}

fn of_index(files: &Files) -> Vec<(&String, &Vec<u8>)> {
    let files = files.iter();
    files.filter(|(name, _)| name.ends_with(".idx")).collect()
}

fn copy(name: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in files(&root(name)) {
        fs::write(dir.path().join(name), bytes).unwrap();
    }
    dir
}

fn options() -> Options {
    Options::new().segment_size(16 << 10)
}

/// What the index answers is what the log says.
#[track_caller]
fn assert_answers(store: &LogStore) {
    let all: Vec<_> = store.read(&Query::all()).map(Result::unwrap).collect();
    let mut seen = Vec::new();
    for (query, matches) in all.iter().flat_map(listing::queries) {
        if seen.contains(&query) {
            continue;
        }
        let mut expected: Vec<_> = all.iter().filter(|event| matches(event)).collect();
        let found: Vec<_> = store.read(&query).map(Result::unwrap).collect();
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{query:?}");
        expected.reverse();
        let backward = query.clone().backward();
        let found: Vec<_> = store.read(&backward).map(Result::unwrap).collect();
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{query:?}");
        seen.push(query);
    }
    for event in &all {
        let of_stream = all.iter().filter(|other| other.stream() == event.stream());
        let version = store.version(event.stream()).unwrap().get();
        assert_eq!(version, of_stream.count() as u64);
    }
}

fn version(file: &[u8]) -> u32 {
    u32::from_le_bytes(file[8..12].try_into().unwrap())
}

#[test]
fn index_files_are_read_as_they_were_written() {
    let golden = files(&root("index-v2"));
    assert_eq!(of_index(&golden).len(), 2);
    assert!(of_index(&golden).iter().all(|(_, file)| version(file) == 2));
    let dir = copy("index-v2");
    let report = annals::verify(dir.path(), &mut |_| {}).unwrap();
    assert_eq!((report.faults, report.index_files), (vec![], 2));
    assert_answers(&options().open_read_only(dir.path()).unwrap());
    let store = options().open(dir.path()).unwrap();
    assert_answers(&store);
    // None was thrown away, and made again.
    let now = files(dir.path());
    for (name, bytes) in of_index(&golden) {
        assert!(now.get(name) == Some(bytes), "{name}");
    }
}

/// The index is derived, so its files may come to be written otherwise; but not
/// by mistake.
#[test]
fn the_same_index_is_the_same_bytes_today() {
    let (golden, today) = (files(&root("index-v2")), stores::index());
    assert_eq!(of_index(&today), of_index(&golden));
}

#[test]
fn files_of_both_versions_are_merged_into_one_of_the_newer() {
    let dir = copy("v1/indexed");
    let before = of_index(&files(dir.path())).len();
    assert!(
        of_index(&files(dir.path()))
            .iter()
            .all(|(_, file)| version(file) == 1)
    );
    // Each closing writes another file, until there are enough.
    let options = Options::new().segment_size(8 << 10);
    let newest_of_all = |dir: &Path| files(dir).into_values().all(|file| !is_old(&file));
    for round in 0.. {
        assert!(round < 2000, "nothing was merged");
        let store = options.open(dir.path()).unwrap();
        let event = |n: u64| Event::new("Happened", "").with_tag(format!("tag:{}", n % 7));
        let append = Append::to(format!("many/{}", round % 40)).events((0..40).map(event));
        store.append(append.and_to("one").event(event(3))).unwrap();
        store.close().unwrap();
        if newest_of_all(dir.path()) {
            break;
        }
    }
    assert!(before > 0 && !of_index(&files(dir.path())).is_empty());
    let report = annals::verify(dir.path(), &mut |_| {}).unwrap();
    assert_eq!(report.faults, []);
    assert_answers(&options.open(dir.path()).unwrap());
}

fn is_old(file: &[u8]) -> bool {
    file.starts_with(b"ANNALIDX") && version(file) == 1
}

/// Made these files, once. It refuses to do it again.
#[test]
#[ignore = "golden files are never made again"]
fn make_index() {
    let root = root("index-v2");
    assert!(!root.exists(), "golden files are never made again");
    fs::create_dir_all(&root).unwrap();
    for (file, bytes) in stores::index() {
        fs::write(root.join(file), bytes).unwrap();
    }
}
