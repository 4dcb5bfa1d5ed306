//! Finds the index files that can be trusted, and where the log goes on
//! behind them.

use super::background;
use super::layout::Layout;
use crate::env::Env;
use crate::env::fs::Mode;
use crate::error::{Error, Result};
use crate::format::mark::FrameMark;
use crate::format::names;
use crate::format::segment::HEADER_BYTES;
use crate::index::{Image, IndexFile};
use crate::log::{Access, Resume, Segment};
use crate::types::{Position, StoreId};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The index as far as files have it.
#[derive(Debug)]
pub(super) struct Loaded {
    /// Files over adjacent ranges, oldest first.
    pub(super) files: Vec<Arc<IndexFile>>,
    /// The first position in the log.
    pub(super) first: Position,
    /// Where the log goes on behind them.
    pub(super) resume: Resume,
    /// The last position known to have been durable.
    pub(super) floor: Position,
    /// Files that others cover, or that can't be trusted.
    superseded: Vec<PathBuf>,
}

impl Loaded {
    /// Puts files in place that continue these.
    pub(super) fn add(
        &mut self,
        env: &Env,
        dir: &Path,
        (store, access): (StoreId, Access),
        images: &[Image],
    ) -> Result<()> {
        for image in images {
            background::save_in(env, dir, image)?;
            let path = dir.join(names::index(image.first, image.last));
            self.files.push(open_file(env, &path, store, access)?);
        }
        Ok(())
    }

    /// Removes the files that serve no more. One that stays harms nobody.
    pub(super) fn remove_superseded(&mut self, env: &Env) {
        for path in self.superseded.drain(..) {
            let _ = env.fs.remove(&path);
        }
    }
}

/// Opens an index file.
pub(super) fn open_file(
    env: &Env,
    path: &Path,
    store: StoreId,
    access: Access,
) -> Result<Arc<IndexFile>> {
    IndexFile::open(env, path, store, access == Access::Mapped).map(Arc::new)
}

/// Picks index files from the first position on, the longest where several
/// begin together, as long as each continues the one before.
pub(super) fn files(env: &Env, dir: &Path, layout: &Layout, access: Access) -> Result<Loaded> {
    let store = layout.identity.id;
    let start = start_of_log(env, dir, layout)?;
    let mut loaded = Loaded {
        files: Vec::new(),
        first: start.next,
        resume: start,
        floor: layout.closed_head(),
        superseded: Vec::new(),
    };
    let mut next = start.next;
    for (first, last) in &layout.indexes {
        let path = dir.join(names::index(*first, *last));
        if *first != next {
            loaded.superseded.push(path);
            continue;
        }
        match open_file(env, &path, store, access) {
            Ok(file) if file.first() == *first && file.last() == *last => {
                // Nothing is indexed in a file before it is durable.
                loaded.floor = loaded.floor.max(*last);
                next = last.next();
                loaded.files.push(file);
            }
            _ => loaded.superseded.push(path),
        }
    }
    // The newest file must speak of the log as it is.
    while let Some(file) = loaded.files.last() {
        if let Some(resume) = behind(env, dir, store, file.mark(), file.last())? {
            loaded.resume = resume;
            break;
        }
        loaded.superseded.push(file.path().to_path_buf());
        loaded.files.pop();
    }
    Ok(loaded)
}

/// Where the log begins.
fn start_of_log(env: &Env, dir: &Path, layout: &Layout) -> Result<Resume> {
    let number = layout.segments.first().copied().unwrap_or(1);
    let store = layout.identity.id;
    let segment = Segment::open(env, dir, store, number, Mode::Read, Access::Plain)?;
    let header = segment.header();
    Ok(Resume {
        segment: number,
        offset: HEADER_BYTES as u64,
        next: header.base,
        epoch: header.epoch,
        recorded: None,
    })
}

/// Where the log goes on behind a file that ends with this frame and position;
/// nothing if they aren't there.
pub(super) fn behind(
    env: &Env,
    dir: &Path,
    store: StoreId,
    mark: FrameMark,
    last: Position,
) -> Result<Option<Resume>> {
    let segment = Segment::open(env, dir, store, mark.segment, Mode::Read, Access::Plain);
    let segment = match segment {
        Ok(segment) => Arc::new(segment),
        Err(error) if error.is_corrupt() || is_missing(&error) => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut reader = segment.plain_reader();
    match reader.frame(mark.offset) {
        Ok(Some(frame)) if frame.checksum() == mark.checksum && frame.head().last() == last => {
            let head = frame.head();
            Ok(Some(Resume {
                segment: mark.segment,
                offset: head.end(),
                next: head.last().next(),
                epoch: frame.commit().epoch,
                recorded: Some(frame.commit().recorded),
            }))
        }
        Ok(_) => Ok(None),
        Err(error) if error.is_corrupt() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether a file was not there, or is there no more.
pub(super) fn is_missing(error: &Error) -> bool {
    match error.kind() {
        crate::ErrorKind::Io { source, .. } => source.kind() == std::io::ErrorKind::NotFound,
        _ => false,
    }
}

/// Reads directory and index files while a writer may be merging the latter:
/// if one vanishes on the way, all is looked at again.
pub(super) fn beside_a_writer(env: &Env, dir: &Path, access: Access) -> Result<(Layout, Loaded)> {
    const MOST_TRIES: usize = 16;
    let mut tries = 0;
    let mut before = None;
    loop {
        let layout = Layout::read(env, dir)?;
        let loaded = files(env, dir, &layout, access)?;
        tries += 1;
        // The newest range in the directory should be covered. If it isn't,
        // files changed while they were opened (or one is damaged).
        let newest = layout.indexes.iter().map(|(_, last)| *last).max();
        let covered = loaded.resume.next.previous();
        let covers = newest.is_none_or(|newest| newest <= covered);
        // Files that no merge has touched meanwhile are no better next time.
        let unchanged = before.as_ref() == Some(&layout.indexes);
        if covers || unchanged || tries >= MOST_TRIES {
            return Ok((layout, loaded));
        }
        before = Some(layout.indexes);
    }
}
