//! Files of ids: written from tables that are full, merged, and made again
//! where they are damaged.

use super::gather::Gather;
use crate::disk::background;
use crate::disk::shared::{MOST_HEALINGS, Shared, Writer};
use crate::env::{Env, fs};
use crate::error::{Error, ErrorKind, Result};
use crate::format::ids::{IdEntry, IdsHeader};
use crate::format::mark::FrameMark;
use crate::format::names;
use crate::index::{IdFile, Ids, Sorted, WriteFailure, merged, write};
use crate::types::{Durability, Position, StoreId};
use std::path::Path;
use std::sync::Arc;

/// As that of index files, and less: a new id is looked for in every file.
const FAN_IN: u64 = 4;

/// Where files of ids are kept, and for which store.
#[derive(Clone, Debug)]
pub(super) struct Place<'a> {
    pub(super) env: &'a Env,
    pub(super) dir: &'a Path,
    pub(super) store: StoreId,
    pub(super) mapped: bool,
}

impl<'a> Place<'a> {
    pub(super) fn of(shared: &'a Shared) -> Self {
        Place {
            env: &shared.env,
            dir: &shared.dir,
            store: shared.id,
            mapped: shared.segments.access() == crate::log::Access::Mapped,
        }
    }

    /// Puts a file over a range that ends with this frame in place, and opens
    /// it.
    pub(super) fn save(
        &self,
        (first, last): (Position, Position),
        mark: FrameMark,
        entries: &mut Sorted<'_>,
    ) -> Result<Arc<IdFile>> {
        let count = last.get() - first.get() + 1;
        let header = IdsHeader {
            store: self.store,
            first,
            last,
            blocks: IdsHeader::blocks_for(count),
            last_frame: mark,
        };
        let name = names::ids(first, last);
        let (path, temporary) = (self.dir.join(&name), self.dir.join(format!("{name}.tmp")));
        self.write(&header, &temporary, &path, entries)
            .inspect_err(|_| {
                let _ = self.env.fs.remove(&temporary);
            })?;
        self.open(&path)
    }

    fn write(
        &self,
        header: &IdsHeader,
        temporary: &Path,
        path: &Path,
        entries: &mut Sorted<'_>,
    ) -> Result<()> {
        let fs = &*self.env.fs;
        let io = |error| Error::io(path, "write", error);
        let file = fs.open(temporary, fs::Mode::Create).map_err(io)?;
        write(&*file, header, entries).map_err(|failure| match failure {
            WriteFailure::Write(error) => io(error),
            WriteFailure::Read(error) => error,
        })?;
        file.sync()
            .and_then(|()| fs.rename(temporary, path))
            .and_then(|()| fs.sync_dir(self.dir))
            .map_err(io)
    }

    pub(super) fn open(&self, path: &Path) -> Result<Arc<IdFile>> {
        IdFile::open(self.env, path, self.store, self.mapped).map(Arc::new)
    }
}

/// Writes the tables that have stopped growing, each once its events are
/// durable, as those of the index are.
pub(in crate::disk) fn write_tables(shared: &Arc<Shared>, writer: &Writer) -> Result<()> {
    let Some(ids) = &writer.ids else {
        return Ok(());
    };
    for table in ids.parts().frozen() {
        let (first, last, entries) = {
            let table = table.read();
            (table.first(), table.last(), table.sorted())
        };
        shared.settle(last, Durability::Durable)?;
        let mark = background::mark(shared, last)?;
        let mut entries = entries.into_iter().map(Ok::<IdEntry, Error>);
        let file = Place::of(shared).save((first, last), mark, &mut entries)?;
        shared.counters.wrote_index(file.header().end());
        ids.put(&[file]);
    }
    Ok(())
}

/// Merges files until there are few of each size. However long the log is, a
/// merge needs little memory; a long one is given up when the store closes.
pub(in crate::disk) fn merge_files(shared: &Arc<Shared>, ids: &Ids, writer: &Writer) -> Result<()> {
    let _one_at_a_time = writer.merging_ids.lock();
    // A log that lies makes files that do, as often as they are made again.
    let mut healings = MOST_HEALINGS;
    loop {
        let parts = ids.parts();
        let sizes: Vec<_> = parts
            .files()
            .iter()
            .map(|own| own.header().entries())
            .collect();
        let Some(run) = background::mergeable(&sizes, FAN_IN, u64::from(u32::MAX) / 2) else {
            return Ok(());
        };
        let run = &parts.files()[run];
        let (Some(oldest), Some(newest)) = (run.first(), run.last()) else {
            return Ok(());
        };
        let mut entries = Unless::closing(merged(run), writer);
        let range = (oldest.first(), newest.last());
        let file = match Place::of(shared).save(range, newest.mark(), &mut entries) {
            Err(error) if healings > 0 && is_of(run, &error) => {
                healings -= 1;
                heal_locked(shared, ids, &error)?;
                continue;
            }
            saved => saved?,
        };
        shared.counters.wrote_index(file.header().end());
        ids.put(&[file]);
        for file in run {
            // One that stays is covered by the merged one, and removed at the
            // next open.
            let _ = shared.env.fs.remove(file.path());
        }
    }
}

/// Entries, until the store is being closed and there are many.
struct Unless<'a, I> {
    entries: I,
    count: u64,
    writer: &'a Writer,
}

impl<'a, I> Unless<'a, I> {
    fn closing(entries: I, writer: &'a Writer) -> Self {
        Unless {
            entries,
            count: 0,
            writer,
        }
    }
}

impl<I: Iterator<Item = Result<IdEntry>>> Iterator for Unless<'_, I> {
    type Item = Result<IdEntry>;

    fn next(&mut self) -> Option<Self::Item> {
        /// So many take a moment.
        const MANY: u64 = 1 << 20;
        self.count += 1;
        if self.count.is_multiple_of(MANY) && self.writer.is_closing() {
            return Some(Err(ErrorKind::Closed.into()));
        }
        self.entries.next()
    }
}

/// Makes a file anew from the log, if it is one of ids in which an error was
/// met.
pub(in crate::disk) fn heal(shared: &Arc<Shared>, writer: &Writer, error: &Error) -> Result<bool> {
    let Some(ids) = writer.ids.as_ref().filter(|_| names_ids(error).is_some()) else {
        return Ok(false);
    };
    let _one_at_a_time = writer.merging_ids.lock();
    heal_locked(shared, ids, error)
}

/// The path in an error, if it is that of a file of ids.
fn names_ids(error: &Error) -> Option<&Path> {
    match error.kind() {
        ErrorKind::Corrupt { path, .. } | ErrorKind::Io { path, .. } => {
            let is_ids = path.extension().is_some_and(|extension| extension == "ids");
            is_ids.then_some(path.as_path())
        }
        _ => None,
    }
}

/// Whether an error was met in one of these files.
fn is_of(files: &[Arc<IdFile>], error: &Error) -> bool {
    let path = names_ids(error);
    files.iter().any(|file| Some(file.path()) == path)
}

fn heal_locked(shared: &Arc<Shared>, ids: &Ids, error: &Error) -> Result<bool> {
    let Some(path) = names_ids(error) else {
        return Ok(false);
    };
    let parts = ids.parts();
    let Some(damaged) = parts.files().iter().find(|file| file.path() == path) else {
        // Somebody else has put another file in its place.
        return Ok(true);
    };
    crate::env::say::warn(format_args!("{error}: its ids are gathered again"));
    let gather = Gather::new(Place::of(shared), &shared.segments, &shared.hasher);
    let range = (damaged.first(), damaged.last());
    let files = gather.files(range, shared.options.checkpoint_events)?;
    ids.put(&files);
    if files.iter().all(|file| file.path() != path) {
        let _ = shared.env.fs.remove(path);
    }
    Ok(true)
}
