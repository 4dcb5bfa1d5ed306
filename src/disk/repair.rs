//! Makes a damaged store one that opens again, and throws nothing away.

use super::layout::{self, Layout};
use super::options::Options;
use super::survey::{Gap, Survey};
use super::{open, verify};
use crate::env::Env;
use crate::env::fs::{self, Mode};
use crate::error::{Error, ErrorKind, Result};
use crate::format::names;
use crate::format::segment::{HEADER_BYTES, MAX_SIZE, SegmentHeader};
use crate::types::Position;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Up to which size the segment in which the log is cut off is filled with
/// zeros, in bytes: that which segments have unless another is set.
const MOST_FILLED: u64 = 64 << 20;

/// What a repair did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RepairReport {
    /// The directory into which everything was moved that was removed; `None`
    /// if nothing was.
    pub kept_in: Option<PathBuf>,
    /// The names of the files that were moved or copied there.
    pub kept: Vec<String>,
    /// The file and the offset at which the log was cut off, if it was.
    pub cut: Option<(PathBuf, u64)>,
    /// The last position that the store still has.
    pub head: Position,
}

/// Repairs the store in this directory as far as that can be done, so that it
/// opens again.
///
/// - Index files that are damaged, or that don't agree with the log, are moved
///   away; the next opening makes them anew, and nothing is lost.
/// - A log that is damaged is cut off before the first fault, so that what is
///   left is what was recorded up to then. Everything behind it, sound or not,
///   is kept in a directory `removed-<seconds since 1970>` within the store's:
///   the segment in which it was cut as a copy, later ones moved.
///
/// A store without faults is left as it is. Make a copy of the directory
/// first if you can, and prefer a backup if you have one: the cut can't be
/// taken back by any other means than the copies that it keeps.
///
/// ```
/// # let dir = tempfile::tempdir().unwrap();
/// # drop(annals::open(dir.path())?);
/// let report = annals::repair(dir.path())?;
/// assert_eq!(report.cut, None);
/// # Ok::<(), annals::Error>(())
/// ```
///
/// # Errors
/// - `Locked`: a writer has the store open.
/// - `NotAStore`, `NewerFormat`, or `Corrupt` where the identity is damaged.
/// - `DiskFull`, `Io`: the operating system refused; repair again.
pub fn repair(path: impl AsRef<Path>) -> Result<RepairReport> {
    in_env(&Options::new().env, path.as_ref())
}

/// `repair`, in any world.
pub(crate) fn in_env(env: &Env, dir: &Path) -> Result<RepairReport> {
    layout::check_is_store(env, dir)?;
    let path = dir.join(names::LOCK);
    let lock = env.fs.lock(&path);
    let lock = lock.map_err(|error| Error::io(&path, "lock", error))?;
    let Some(_lock) = lock else {
        return Err(ErrorKind::Locked { path }.into());
    };
    let (layout, faults) = Layout::look(env, dir)?;
    let mut indexes = bad_indexes(env, dir)?;
    let mut keep = Keep::new(env, dir);
    lengthen(env, &layout, &mut keep)?;
    let mut floor = layout.closed_head();
    for (first, last) in &layout.indexes {
        if !indexes.contains(&names::index(*first, *last)) {
            floor = floor.max(*last);
        }
    }
    let mut survey = Survey::new(env, dir, &layout, floor);
    survey.walk(&mut |_| Ok(()))?;
    let mut report = RepairReport {
        head: survey.head(),
        ..RepairReport::default()
    };
    let first = survey.faults().into_iter().next();
    let first = first.or_else(|| missing_front(dir, &layout));
    let statement_is_bad = faults.iter().any(|fault| concerns(fault, names::CLOSED));
    if let Some(gap) = &first {
        report.head = gap.next.previous();
        let beyond = layout.indexes.iter().filter(|(_, last)| *last >= gap.next);
        indexes.extend(beyond.map(|(first, last)| names::index(*first, *last)));
        let beyond = layout.ids.iter().filter(|(_, last)| *last >= gap.next);
        indexes.extend(beyond.map(|(first, last)| names::ids(*first, *last)));
        if gap.offset > 0 {
            keep.copy_segment(gap.segment)?;
        }
        for number in layout.segments.iter().rev() {
            if *number > gap.segment || (*number == gap.segment && gap.offset == 0) {
                keep.take(&names::segment(*number))?;
            }
        }
    }
    indexes.sort_unstable();
    indexes.dedup();
    for name in &indexes {
        keep.take(name)?;
    }
    // The statement of an end that is no more would call the cut corrupt.
    if layout.closed.is_some() && first.is_some() || statement_is_bad {
        keep.take(names::CLOSED)?;
    }
    if let Some(gap) = first {
        cut(env, dir, &layout, &gap)?;
        report.cut = Some((dir.join(names::segment(gap.segment)), gap.offset));
    }
    report.kept_in = keep.made.then_some(keep.into);
    keep.kept.sort_unstable();
    keep.kept.dedup();
    report.kept = keep.kept;
    Ok(report)
}

fn concerns(fault: &Error, name: &str) -> bool {
    match fault.kind() {
        ErrorKind::Corrupt { path, .. } => path.ends_with(name),
        _ => false,
    }
}

/// A log whose first segment is gone has nothing to be cut off from.
fn missing_front(dir: &Path, layout: &Layout) -> Option<Gap> {
    layout.segments.is_empty().then(|| Gap {
        segment: 1,
        offset: 0,
        next: Position::new(1),
        error: Error::corrupt(&dir.join(names::segment(1)), 0, "the segment is missing"),
    })
}

/// The names of the index files and files of ids that don't verify, or differ
/// from the log.
fn bad_indexes(env: &Env, dir: &Path) -> Result<Vec<String>> {
    let report = verify::in_env(env, dir, &mut |_| {})?;
    let names = report.faults.iter().filter_map(|fault| {
        let name = fault.path.file_name()?.to_str()?;
        let derived = names::parse_index(name).or_else(|| names::parse_ids(name));
        derived.map(|_| name.to_owned())
    });
    Ok(names.collect())
}

/// Lets segments that were cut off end in zeros, so that what is left of them
/// can be read.
fn lengthen(env: &Env, layout: &Layout, keep: &mut Keep<'_>) -> Result<()> {
    for number in &layout.segments {
        let path = keep.dir.join(names::segment(*number));
        let io = |error| Error::io(&path, "lengthen", error);
        let file = env.fs.open(&path, Mode::Read).map_err(io)?;
        let length = file.len().map_err(io)?;
        let header = header_of(&*file).map_err(io)?;
        let own =
            |header: &SegmentHeader| header.number == *number && header.store == layout.identity.id;
        let Some(header) = header.filter(own).filter(|header| header.size > length) else {
            continue;
        };
        keep.copy_segment(*number)?;
        let file = env.fs.open(&path, Mode::Write).map_err(io)?;
        fs::write_all_at(&*file, &[0], header.size - 1).map_err(io)?;
        file.sync().map_err(io)?;
    }
    Ok(())
}

/// The header that a segment file begins with, if it does.
fn header_of(file: &dyn fs::File) -> std::io::Result<Option<SegmentHeader>> {
    let mut bytes = vec![0; file.len()?.min(HEADER_BYTES as u64) as usize];
    fs::read_exact_at(file, &mut bytes, 0)?;
    Ok(SegmentHeader::decode(&bytes).ok())
}

/// How much of a segment file is of the segment.
fn size_of(file: &dyn fs::File) -> std::io::Result<u64> {
    let stated = header_of(file)?.map_or(MAX_SIZE, |header| header.size);
    Ok(file.len()?.min(stated))
}

/// Turns what stands in the last segment behind the cut to zeros; where no
/// segment is left, makes the first one anew.
fn cut(env: &Env, dir: &Path, layout: &Layout, gap: &Gap) -> Result<()> {
    let store = layout.identity.id;
    let first = layout.segments.first().copied().unwrap_or(1);
    if gap.offset == 0 && gap.segment > first {
        return Ok(());
    }
    if gap.offset == 0 {
        return open::make_first_segment(env, dir, store, Options::MIN_SEGMENT_SIZE);
    }
    let path = dir.join(names::segment(gap.segment));
    let io = |error| Error::io(&path, "cut", error);
    let tail = env.fs.open(&path, Mode::Write).map_err(io)?;
    let size = size_of(&*tail).map_err(io)?;
    // It is the tail from now on, and a tail should have its room before it is
    // written to; not a size that only a header says.
    let zeroed = match size <= MOST_FILLED {
        true => fs::fill_zeros(&*tail, gap.offset, size),
        false => fs::write_zeros(&*tail, gap.offset, size),
    };
    zeroed.and_then(|()| tail.sync()).map_err(io)
}

/// The place for what is removed.
struct Keep<'a> {
    env: &'a Env,
    dir: &'a Path,
    into: PathBuf,
    made: bool,
    kept: Vec<String>,
}

impl<'a> Keep<'a> {
    fn new(env: &'a Env, dir: &'a Path) -> Self {
        let seconds = env.clock.now().seconds();
        Keep {
            env,
            dir,
            into: dir.join(format!("removed-{seconds}")),
            made: false,
            kept: Vec::new(),
        }
    }

    fn make(&mut self) -> Result<()> {
        if self.made {
            return Ok(());
        }
        let made = self.env.fs.create_dir(&self.into);
        made.map_err(|error| Error::io(&self.into, "make the directory", error))?;
        self.sync(self.dir)?;
        self.made = true;
        Ok(())
    }

    fn sync(&self, dir: &Path) -> Result<()> {
        let synced = self.env.fs.sync_dir(dir);
        synced.map_err(|error| Error::io(dir, "sync", error))
    }

    /// Moves a file away. Each move is durable before the next.
    fn take(&mut self, name: &str) -> Result<()> {
        self.make()?;
        let (from, to) = (self.dir.join(name), self.into.join(name));
        let moved = self.env.fs.rename(&from, &to);
        moved.map_err(|error| Error::io(&from, "move", error))?;
        self.sync(&self.into)?;
        self.sync(self.dir)?;
        self.kept.push(name.to_owned());
        Ok(())
    }

    /// Copies a segment that is to be cut, if it is there.
    fn copy_segment(&mut self, number: u64) -> Result<()> {
        let name = names::segment(number);
        let from = self.dir.join(&name);
        let io = |error| Error::io(&from, "copy", error);
        let file = match self.env.fs.open(&from, Mode::Read) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            file => file.map_err(io)?,
        };
        if self.kept.contains(&name) {
            return Ok(());
        }
        self.make()?;
        let to = self.into.join(&name);
        let copy: Arc<dyn fs::File> = self.env.fs.open(&to, Mode::Create).map_err(io)?;
        let size = size_of(&*file).map_err(io)?;
        fs::copy_data(&*file, &*copy, size).map_err(io)?;
        copy.sync().map_err(io)?;
        self.sync(&self.into)?;
        self.kept.push(name);
        Ok(())
    }
}
