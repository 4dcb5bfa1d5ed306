//! The store that is tampered with: about a megabyte, of every kind of file.

use annals::testing::sim::Rng;
use annals::{Append, Event, EventStore, LogStore, Options};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// Names and bytes of the files of a store.
pub type Files = Vec<(String, Vec<u8>)>;

/// A store that was closed, and the same before it was.
pub struct Sample {
    pub closed: Files,
    pub left: Files,
}

pub static SAMPLE: LazyLock<Sample> = LazyLock::new(|| {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    let store = options().open(&path).unwrap();
    fill(&store, 0..2400);
    store.close().unwrap();
    let closed = read(&path);
    let store = options().open(&path).unwrap();
    fill(&store, 2400..2600);
    let left = read(&path);
    Sample { closed, left }
});

fn fill(store: &LogStore, numbers: std::ops::Range<u64>) {
    let mut rng = Rng::new(numbers.start);
    for number in numbers {
        let data = "x".repeat(200 + rng.below(200) as usize);
        let event = Event::new("Happened", data).with_tag(format!("tag{}", number % 7));
        let append = Append::to(format!("many/{}", number % 50)).event(event);
        drop(store.submit(append));
    }
    store.flush().unwrap();
}

pub fn options() -> Options {
    Options::new()
        .segment_size(128 << 10)
        .checkpoint_events(1000)
        .unique_ids(true)
}

fn read(dir: &Path) -> Files {
    let mut files: Files = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (name_of(&path), fs::read(path).unwrap()))
        .collect();
    files.sort();
    files
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

/// A new directory, in memory where that is at hand: there are many, and
/// what is shown of them has nothing to do with syncs.
pub fn new_dir() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let made = match memory.is_dir() {
        true => tempfile::tempdir_in(memory),
        false => tempfile::tempdir(),
    };
    made.unwrap()
}

/// Puts the files into a directory that it makes.
pub fn lay_out(files: &Files, dir: &Path) {
    fs::create_dir_all(dir).unwrap();
    for (name, bytes) in files {
        fs::write(dir.join(name), bytes).unwrap();
    }
}

/// What a directory takes on the medium, in bytes.
pub fn real_size(dir: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let Ok(entries) = fs::read_dir(dir) else {
        return 0;
    };
    let paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    let size = |path: &PathBuf| match fs::symlink_metadata(path) {
        // A name takes some room, too.
        Ok(found) if found.is_dir() => real_size(path) + 64,
        Ok(found) => found.blocks() * 512 + 64,
        Err(_) => 0,
    };
    paths.iter().map(size).sum()
}
