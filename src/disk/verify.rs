//! Reads everything and reports every fault.

use super::layout::{self, Layout};
use super::load;
use super::options::Options;
use super::survey::{Met, Survey};
use crate::env::Env;
use crate::env::fs::Mode;
use crate::error::{Error, ErrorKind, Result};
use crate::format::frame::Frame;
use crate::format::index::TermKey;
use crate::format::names;
use crate::index::{Audit, IdAudit, IdFile, IndexFile, TermHasher};
use crate::log::{Access, Segment};
use crate::types::{Position, Version};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How far a verification has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerifyProgress {
    /// Events read so far.
    pub events: u64,
    /// Bytes of the log read so far.
    pub bytes: u64,
    /// Bytes of all segment files.
    pub total_bytes: u64,
}

/// What a verification read, and what it found.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct VerifyReport {
    /// Events that verify.
    pub events: u64,
    /// Streams that they are of.
    pub streams: u64,
    /// Segment files read.
    pub segments: u64,
    /// Bytes of the log read.
    pub bytes: u64,
    /// Index files compared with the log.
    pub index_files: u64,
    /// Files of ids compared with the log.
    pub id_files: u64,
    /// What is wrong, in the order of the log.
    pub faults: Vec<Fault>,
}

/// Something that is wrong in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fault {
    /// The file.
    pub path: PathBuf,
    /// Where in the file, in bytes from its start.
    pub offset: u64,
    /// What is wrong there.
    pub reason: String,
}

/// Reads the whole store in this directory and checks every checksum, every
/// position and version, and every index file and file of ids against the log.
/// Nothing is written. Damage is no error but a fault in the report; bytes at the end
/// that the next opening would cut off as torn are no fault.
///
/// ```
/// use annals::{Append, Event, EventStore};
/// let dir = tempfile::tempdir().unwrap();
/// let store = annals::open(dir.path())?;
/// store.append(Append::to("users/1").event(Event::new("Registered", "{}")))?;
/// store.close()?;
/// let report = annals::verify(dir.path(), &mut |_| {})?;
/// assert_eq!((report.events, report.faults.len()), (1, 0));
/// # Ok::<(), annals::Error>(())
/// ```
///
/// # Errors
/// `NotAStore`, `NewerFormat`, or `Io`: it could not be read at all.
pub fn verify(
    path: impl AsRef<Path>,
    progress: &mut dyn FnMut(VerifyProgress),
) -> Result<VerifyReport> {
    in_env(&Options::new().env, path.as_ref(), progress)
}

/// `verify`, in any world.
pub(crate) fn in_env(
    env: &Env,
    dir: &Path,
    progress: &mut dyn FnMut(VerifyProgress),
) -> Result<VerifyReport> {
    layout::check_is_store(env, dir)?;
    let mut report = VerifyReport::default();
    let layout = match Layout::look(env, dir) {
        Ok((layout, faults)) => {
            for fault in faults {
                report.note(fault)?;
            }
            layout
        }
        Err(error) => {
            report.note(error)?;
            return Ok(report);
        }
    };
    let mut verifier = Verifier::new(env, dir, &layout, progress)?;
    verifier.open_indexes(&mut report)?;
    verifier.open_ids(&mut report)?;
    verifier.walk(&mut report)?;
    verifier.finish(&mut report)?;
    Ok(report)
}

impl Fault {
    fn is_in_log(&self) -> bool {
        let name = self.path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| names::parse_segment(name).is_some())
    }
}

impl VerifyReport {
    /// Takes corruption in as a fault; other errors are errors.
    fn note(&mut self, error: Error) -> Result<()> {
        match error.kind() {
            ErrorKind::Corrupt {
                path,
                offset,
                reason,
            } => {
                self.faults.push(Fault {
                    path: path.clone(),
                    offset: *offset,
                    reason: reason.clone(),
                });
                Ok(())
            }
            _ => Err(error),
        }
    }

    /// The same for a file that is made from the log: one of a newer format
    /// can't be compared with it, and may as well be made again.
    fn note_derived(&mut self, error: Error) -> Result<()> {
        let ErrorKind::NewerFormat { path, found } = error.kind() else {
            return self.note(error);
        };
        self.faults.push(Fault {
            path: path.clone(),
            offset: 0,
            reason: format!(
                "it asks for {found}, which this version of annals does not know; opening the \
                 store for writing makes it again in the format that it knows"
            ),
        });
        Ok(())
    }
}

fn other_range(path: &Path) -> Error {
    let reason = "the file is of another range than its name says";
    Error::corrupt(path, 32, reason)
}

struct Verifier<'a> {
    env: &'a Env,
    dir: &'a Path,
    layout: &'a Layout,
    hasher: TermHasher,
    progress: &'a mut dyn FnMut(VerifyProgress),
    total_bytes: u64,
    /// The last version of each stream.
    versions: HashMap<TermKey, Version>,
    /// The index files, each compared with the part of the log it is over.
    audits: Vec<Audit>,
    id_audits: Vec<IdAudit>,
    floor: Position,
    /// Files that go on behind their segments' ends.
    excess: Vec<Error>,
}

impl<'a> Verifier<'a> {
    fn new(
        env: &'a Env,
        dir: &'a Path,
        layout: &'a Layout,
        progress: &'a mut dyn FnMut(VerifyProgress),
    ) -> Result<Self> {
        let mut total_bytes = 0;
        for number in &layout.segments {
            let path = dir.join(names::segment(*number));
            let size = env.fs.open(&path, Mode::Read).and_then(|file| file.len());
            total_bytes += size.map_err(|error| Error::io(&path, "read", error))?;
        }
        Ok(Verifier {
            env,
            dir,
            layout,
            hasher: TermHasher::new(&layout.identity.hash_key),
            progress,
            total_bytes,
            versions: HashMap::new(),
            audits: Vec::new(),
            id_audits: Vec::new(),
            floor: layout.closed_head(),
            excess: Vec::new(),
        })
    }

    fn open_indexes(&mut self, report: &mut VerifyReport) -> Result<()> {
        for (first, last) in &self.layout.indexes {
            let path = self.dir.join(names::index(*first, *last));
            let store = self.layout.identity.id;
            let opened = load::open_file(self.env, &path, store, Access::Mapped);
            let checked = opened.and_then(|file| {
                file.verify()?;
                let stated = file.first() == *first && file.last() == *last;
                stated.then_some(file).ok_or_else(|| other_range(&path))
            });
            match checked {
                Ok(file) => {
                    self.floor = self.floor.max(*last);
                    self.add_audit(file);
                }
                // A writer that merges files beside us has removed it since.
                Err(error) if load::is_missing(&error) => {}
                Err(error) => report.note_derived(error)?,
            }
        }
        Ok(())
    }

    fn open_ids(&mut self, report: &mut VerifyReport) -> Result<()> {
        for (first, last) in &self.layout.ids {
            let path = self.dir.join(names::ids(*first, *last));
            let store = self.layout.identity.id;
            let opened = IdFile::open(self.env, &path, store, true);
            let audit = opened.and_then(|file| {
                let stated = file.first() == *first && file.last() == *last;
                let audit = IdAudit::new(Arc::new(file), &self.hasher)?;
                stated.then_some(audit).ok_or_else(|| other_range(&path))
            });
            match audit {
                Ok(audit) => self.id_audits.push(audit),
                // A writer that merges files beside us has removed it since.
                Err(error) if load::is_missing(&error) => {}
                Err(error) => report.note_derived(error)?,
            }
        }
        Ok(())
    }

    fn add_audit(&mut self, file: Arc<IndexFile>) {
        self.audits.push(Audit::new(file, &self.hasher));
    }

    /// Walks all segments, past what is damaged in them.
    fn walk(&mut self, report: &mut VerifyReport) -> Result<()> {
        let mut survey = Survey::new(self.env, self.dir, self.layout, self.floor);
        survey.walk(&mut |met| match met {
            Met::Frame(segment, offset, frame) => {
                report.bytes += frame.head().length();
                self.take_in(segment, offset, frame, report)?;
                (self.progress)(VerifyProgress {
                    events: report.events,
                    bytes: report.bytes,
                    total_bytes: self.total_bytes,
                });
                Ok(())
            }
            Met::Lost(first, last) => {
                self.pass_over(first, last);
                Ok(())
            }
        })?;
        report.segments = survey.segments;
        self.excess.append(&mut survey.excess);
        let head = survey.head();
        self.pass_over(head.next(), Position::MAX);
        for gap in survey.faults() {
            report.note(gap.error)?;
        }
        Ok(())
    }

    /// These positions are gone, so nothing can be compared with them.
    fn pass_over(&mut self, first: Position, last: Position) {
        for audit in &mut self.audits {
            audit.skip_if_over(first, last);
        }
        for version in self.versions.values_mut() {
            *version = Version::NONE;
        }
    }

    /// Checks the events of a frame whose checksums hold.
    fn take_in(
        &mut self,
        segment: &Arc<Segment>,
        offset: u64,
        frame: &Frame<'_>,
        report: &mut VerifyReport,
    ) -> Result<()> {
        for record in frame.records() {
            let decoded = record.and_then(|record| record.decode());
            let event = match decoded {
                Ok(event) => event,
                Err(fault) => {
                    report.note(segment.fault(offset, fault))?;
                    continue;
                }
            };
            let stream = self.hasher.stream(event.stream());
            let version = self.versions.entry(stream).or_default();
            if *version != Version::NONE && version.next() != event.version() {
                let reason = format!(
                    "stream {:?} goes on with version {} after {}",
                    event.stream(),
                    event.version(),
                    version
                );
                report.note(Error::corrupt(segment.path(), offset, reason))?;
            }
            *version = event.version();
            report.events += 1;
            for audit in &mut self.audits {
                if let Err(error) = audit.compare(&event, segment.number(), offset) {
                    report.note(error)?;
                }
            }
            for audit in &mut self.id_audits {
                if let Err(error) = audit.compare(&event) {
                    report.note(error)?;
                }
            }
        }
        Ok(())
    }

    fn finish(self, report: &mut VerifyReport) -> Result<()> {
        report.streams = self.versions.len() as u64;
        report.id_files = self.id_audits.len() as u64;
        // Where the log is damaged not all of it was compared, and then what an
        // index has beyond it says nothing.
        let whole = !report.faults.iter().any(Fault::is_in_log);
        for audit in self.audits {
            report.index_files += 1;
            if whole && let Err(error) = audit.finish() {
                report.note(error)?;
            }
        }
        self.excess
            .into_iter()
            .try_for_each(|fault| report.note(fault))
    }
}
