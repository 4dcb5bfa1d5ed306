//! Files of ids as version 1 of their format wrote them, with the log that they
//! are of: `ids-v1`. They are never made again.

use crate::stores;
use annals::{Append, EventStore, LogStore, Options, Query};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/ids-v1")
}

fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(dir).unwrap().map(Result::unwrap);
    let file = |entry: fs::DirEntry| {
        let name = entry.file_name().to_str().unwrap().to_owned();
        (name, fs::read(entry.path()).unwrap())
    };
    entries.map(file).collect()
}

fn of_ids(files: &BTreeMap<String, Vec<u8>>) -> Vec<(&String, &Vec<u8>)> {
    let files = files.iter();
    files.filter(|(name, _)| name.ends_with(".ids")).collect()
}

/// Retries every append that the store has.
fn assert_knows_all(store: &LogStore) {
    let events: Vec<_> = store.read(&Query::all()).map(Result::unwrap).collect();
    for append in events.chunk_by(|one, next| one.append_first() == next.append_first()) {
        let mut again = Append::to(append[0].stream().to_owned());
        for own in append {
            let event =
                annals::Event::with_id(own.id(), own.event_type().to_owned(), own.data().to_vec());
            let event = event.with_tags(own.tags().iter().map(str::to_owned));
            again = again.and_to(own.stream().to_owned()).event(event);
        }
        let done = store.append(again).unwrap();
        assert!(done.is_repeat());
        assert_eq!(done.first(), append[0].position());
    }
}

#[test]
fn files_of_ids_are_read_as_they_were_written() {
    let golden = files(&root());
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in &golden {
        fs::write(dir.path().join(name), bytes).unwrap();
    }
    let report = annals::verify(dir.path(), &mut |_| {}).unwrap();
    assert_eq!(report.faults, []);
    assert_eq!(report.id_files, of_ids(&golden).len() as u64);
    let options = Options::new().segment_size(8 << 10).unique_ids(true);
    let store = options.open(dir.path()).unwrap();
    assert_knows_all(&store);
    store.close().unwrap();
    // None was thrown away, and made again.
    assert_eq!(of_ids(&files(dir.path())), of_ids(&golden));
}

#[test]
fn the_same_ids_are_the_same_bytes_today() {
    let (golden, today) = (files(&root()), stores::unique());
    assert_eq!(of_ids(&today), of_ids(&golden));
}

/// Made these files, once. It refuses to do it again.
#[test]
#[ignore = "golden files are never made again"]
fn make_ids() {
    assert!(!root().exists(), "golden files are never made again");
    fs::create_dir_all(root()).unwrap();
    for (file, bytes) in stores::unique() {
        fs::write(root().join(file), bytes).unwrap();
    }
}
