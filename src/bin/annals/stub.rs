//! Stands in for the log store until that lands: a directory with one file of
//! export lines.

use crate::parse::{self, Claims};
use annals::*;
use std::collections::HashMap;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

#[derive(Clone)]
pub(crate) struct Options {
    clock: Arc<dyn Clock>,
}

pub(crate) struct LogStore {
    state: Mutex<State>,
    clock: Arc<dyn Clock>,
    read_only: bool,
    dir: PathBuf,
}

struct State {
    events: Vec<RecordedEvent>,
    versions: HashMap<String, u64>,
    file: std::fs::File,
    offset: u64,
    recorded: Timestamp,
}

pub(crate) struct Stat {
    pub(crate) events: u64,
    pub(crate) streams: u64,
    pub(crate) types: u64,
    pub(crate) segments: u64,
    pub(crate) log_bytes: u64,
    pub(crate) allocated_bytes: u64,
    pub(crate) index_bytes: u64,
    pub(crate) head: Position,
    pub(crate) first_recorded: Option<Timestamp>,
    pub(crate) last_recorded: Option<Timestamp>,
}
pub(crate) struct VerifyProgress {
    pub(crate) events: u64,
    pub(crate) bytes: u64,
    pub(crate) total_bytes: u64,
}
pub(crate) struct VerifyReport {
    pub(crate) events: u64,
    pub(crate) streams: u64,
    pub(crate) segments: u64,
    pub(crate) bytes: u64,
    pub(crate) index_files: u64,
    pub(crate) faults: Vec<Fault>,
}
pub(crate) struct Fault {
    pub(crate) path: PathBuf,
    pub(crate) offset: u64,
    pub(crate) reason: String,
}

pub(crate) fn verify(
    path: &Path,
    progress: &mut dyn FnMut(VerifyProgress),
) -> Result<VerifyReport> {
    let store = Options::new().open_read_only(path)?;
    let stat = store.stat()?;
    progress(VerifyProgress {
        events: stat.events,
        bytes: stat.log_bytes,
        total_bytes: stat.log_bytes,
    });
    Ok(VerifyReport {
        events: stat.events,
        streams: stat.streams,
        segments: 1,
        bytes: stat.log_bytes,
        index_files: 0,
        faults: Vec::<Fault>::new(),
    })
}

impl Options {
    pub(crate) fn new() -> Self {
        Options {
            clock: Arc::new(SystemClock),
        }
    }
    pub(crate) fn durability(self, _: Durability) -> Self {
        self
    }
    pub(crate) fn segment_size(self, _: u64) -> Self {
        self
    }
    pub(crate) fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }
    pub(crate) fn open(self, path: impl AsRef<Path>) -> Result<LogStore> {
        drop(std::fs::create_dir_all(path.as_ref()));
        self.open_as(path.as_ref(), false)
    }
    pub(crate) fn open_read_only(self, path: impl AsRef<Path>) -> Result<LogStore> {
        self.open_as(path.as_ref(), true)
    }
    fn open_as(self, path: &Path, read_only: bool) -> Result<LogStore> {
        let file = std::fs::OpenOptions::new()
            .read(true)
            .append(!read_only)
            .create(!read_only)
            .open(path.join("stub.jsonl"))
            .map_err(|error| ErrorKind::NotAStore {
                path: path.into(),
                reason: error.to_string(),
            })?;
        let store = LogStore {
            state: Mutex::new(State {
                events: Vec::new(),
                versions: HashMap::new(),
                file,
                offset: 0,
                recorded: Timestamp::MIN,
            }),
            clock: self.clock,
            read_only,
            dir: path.into(),
        };
        store.state().refresh();
        Ok(store)
    }
}

impl State {
    fn refresh(&mut self) {
        let mut text = Vec::new();
        self.file.seek(SeekFrom::Start(self.offset)).unwrap();
        self.file.read_to_end(&mut text).unwrap();
        let end = text
            .iter()
            .rposition(|b| *b == b'\n')
            .map_or(0, |at| at + 1);
        self.offset += end as u64;
        for line in text[..end].split(|b| *b == b'\n').filter(|l| !l.is_empty()) {
            let line = parse::parse(line, Claims::Needed).unwrap();
            self.take(&line.append, line.claims[0].recorded);
        }
    }
    fn take(&mut self, append: &Append, recorded: Timestamp) -> (Position, Position, Vec<Version>) {
        let first = Position::new(self.events.len() as u64 + 1);
        let last = Position::new((self.events.len() + append.entries().len()) as u64);
        for (index, event) in append.entries() {
            let stream = append.streams()[*index].name();
            let version = self.versions.entry(stream.to_owned()).or_default();
            *version += 1;
            let position = Position::new(self.events.len() as u64 + 1);
            let event =
                EventRef::recording(event, stream, Version::new(*version), position, recorded)
                    .within_append(first, last)
                    .to_owned();
            self.events.push(event);
        }
        let versions = append
            .streams()
            .iter()
            .map(|part| Version::new(self.versions[part.name()]))
            .collect();
        self.recorded = recorded;
        (first, last, versions)
    }
}

impl LogStore {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
    fn fresh(&self) -> std::sync::MutexGuard<'_, State> {
        let mut state = self.state();
        if self.read_only {
            state.refresh();
        }
        state
    }
    pub(crate) fn stat(&self) -> Result<Stat> {
        let state = self.fresh();
        let types: std::collections::HashSet<_> = state
            .events
            .iter()
            .map(|e| e.event_type().to_owned())
            .collect();
        Ok(Stat {
            events: state.events.len() as u64,
            streams: state.versions.len() as u64,
            types: types.len() as u64,
            segments: 1,
            log_bytes: state.file.metadata().unwrap().len(),
            allocated_bytes: 0,
            index_bytes: 0,
            head: Position::new(state.events.len() as u64),
            first_recorded: state.events.first().map(|e| e.recorded()),
            last_recorded: state.events.last().map(|e| e.recorded()),
        })
    }
}

impl EventStore for LogStore {
    fn submit(&self, append: Append) -> Pending {
        if let Err(error) = append.validate() {
            return error.into();
        }
        for (_, event) in append.entries() {
            if event.data().len() > 16 << 20 {
                return Error::from(ErrorKind::TooLarge {
                    what: "event",
                    size: event.data().len() as u64,
                    limit: 16 << 20,
                })
                .into();
            }
        }
        let mut state = self.state();
        let recorded = self.clock.now().max(state.recorded).whole_micros();
        let from = state.events.len();
        let (first, last, versions) = state.take(&append, recorded);
        let mut text = b"[".to_vec();
        for event in &state.events[from..] {
            if text.len() > 1 {
                text.push(b',');
            }
            crate::line::write(&mut text, &event.as_ref()).unwrap();
        }
        text.extend(b"]\n");
        state.file.write_all(&text).unwrap();
        state.offset += text.len() as u64;
        Pending::ready(Ok(Appended::new(first, last, &versions, recorded)))
    }
    fn read(&self, query: &Query) -> Events {
        let state = self.fresh();
        let mut found: Vec<_> = state
            .events
            .iter()
            .filter(|e| query.matches(&e.as_ref()))
            .cloned()
            .collect();
        if query.direction() == Direction::Backward {
            found.reverse();
        }
        found.truncate(query.max_events() as usize);
        Events::new(found.into_iter().map(Ok))
    }
    fn version(&self, stream: &str) -> Result<Version> {
        let state = self.fresh();
        Ok(Version::new(
            state.versions.get(stream).copied().unwrap_or(0),
        ))
    }
    fn head(&self) -> Position {
        Position::new(self.fresh().events.len() as u64)
    }
    fn durable(&self) -> Position {
        self.head()
    }
    fn flush(&self) -> Result<Position> {
        Ok(self.head())
    }
    fn wait(&self, after: Position, timeout: Duration) -> Result<Position> {
        let until = Instant::now() + timeout;
        while self.head() <= after && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(self.head())
    }
    fn id(&self) -> StoreId {
        StoreId::from_bytes([self.dir.as_os_str().len() as u8; 16])
    }
    fn close(&self) -> Result<()> {
        Ok(())
    }
}
