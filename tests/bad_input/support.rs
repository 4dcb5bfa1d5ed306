//! What the tests have in common.

use annals::{Append, Error, Event, EventStore, LogStore, Options, Query, RecordedEvent};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A directory for a store that is not open.
pub(crate) struct Place {
    dir: TempDir,
}

impl Place {
    /// Nothing is there yet.
    pub(crate) fn new() -> Self {
        Place {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    /// A store of several segments, closed.
    pub(crate) fn with_segments() -> Self {
        let place = Place::new();
        let store = options().open(place.path()).unwrap();
        for _ in 0..40 {
            put(&store, "full/of", vec![b'x'; 100]);
        }
        store.close().unwrap();
        assert!(place.segments().len() > 4);
        place
    }

    /// A store of one event, closed.
    pub(crate) fn with_one_event() -> Self {
        let place = Place::new();
        let store = options().open(place.path()).unwrap();
        put(&store, "s", "data");
        store.close().unwrap();
        place
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("store")
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// The segment files, oldest first.
    pub(crate) fn segments(&self) -> Vec<PathBuf> {
        self.files_ending_in(".seg")
    }

    pub(crate) fn files_ending_in(&self, ending: &str) -> Vec<PathBuf> {
        let files = content(&self.path()).into_keys();
        let of_them = files.filter(|name| name.ends_with(ending));
        of_them.map(|name| self.file(&name)).collect()
    }

    pub(crate) fn open(&self) -> LogStore {
        options().open(self.path()).unwrap()
    }

    /// How it is refused to open the store, for writing and for reading, alike
    /// and with nothing changed.
    #[track_caller]
    pub(crate) fn refused(&self) -> Error {
        let before = content(&self.path());
        let writing = options().open(self.path()).unwrap_err();
        let reading = options().open_read_only(self.path()).unwrap_err();
        assert_eq!(writing.to_string(), reading.to_string());
        assert!(content(&self.path()) == before, "something was changed");
        writing
    }

    /// Sees that the store has so many events and takes one more.
    #[track_caller]
    pub(crate) fn assert_usable(&self, events: usize) {
        let store = self.open();
        assert_eq!(everything(&store).len(), events);
        assert_usable(&store);
        store.close().unwrap();
        let report = annals::verify(self.path(), &mut |_| {}).unwrap();
        assert_eq!(report.faults, []);
    }
}

/// The smallest segments.
pub(crate) fn options() -> Options {
    Options::new().segment_size(Options::MIN_SEGMENT_SIZE)
}

/// The names and bytes of a directory, but for what every open touches.
pub(crate) fn content(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), entry.path()))
        .filter(|(name, _)| name != "lock" && name != "watermark")
        .map(|(name, path)| (name, fs::read(path).unwrap()))
        .collect()
}

pub(crate) fn event(data: impl Into<annals::Bytes>) -> Event {
    Event::new("Happened", data)
}

pub(crate) fn put(store: &LogStore, stream: &'static str, data: impl Into<annals::Bytes>) {
    store.append(Append::to(stream).event(event(data))).unwrap();
}

pub(crate) fn everything(store: &LogStore) -> Vec<RecordedEvent> {
    store.read(&Query::all()).map(Result::unwrap).collect()
}

/// Sees that the store takes and gives an event.
#[track_caller]
pub(crate) fn assert_usable(store: &LogStore) {
    let event = event("usable");
    let id = event.id();
    let done = store.append(Append::to("usable").event(event)).unwrap();
    let query = Query::all().after(done.first().previous());
    let found = store.read(&query).next().unwrap().unwrap();
    assert_eq!(found.id(), id);
}

/// Puts the CRC-32 of the bytes before into the last four.
pub(crate) fn seal(bytes: &mut [u8]) {
    let body = bytes.len() - 4;
    let sum = crc32fast::hash(&bytes[..body]);
    bytes[body..].copy_from_slice(&sum.to_le_bytes());
}
