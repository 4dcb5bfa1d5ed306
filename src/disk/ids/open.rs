//! The ids of a store that is being opened: from files as far as those can be
//! trusted, and from the log beyond.

use super::files::Place;
use super::gather::Gather;
use crate::disk::layout::Layout;
use crate::disk::load::behind;
use crate::env::{Env, say};
use crate::error::Result;
use crate::format::names;
use crate::index::{IdFile, IdTable, Ids, TermHasher};
use crate::log::{Access, Segments};
use crate::types::Position;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What is known of a log whose end is found and firm.
#[derive(Debug)]
pub(in crate::disk) struct Start<'a> {
    pub(in crate::disk) env: &'a Env,
    pub(in crate::disk) dir: &'a Path,
    pub(in crate::disk) layout: &'a Layout,
    pub(in crate::disk) hasher: &'a TermHasher,
    pub(in crate::disk) segments: &'a Segments,
    /// How many events a table takes.
    pub(in crate::disk) table: usize,
    /// The first position, and the last.
    pub(in crate::disk) range: (Position, Position),
    /// Where the table of the newest events begins.
    pub(in crate::disk) newest: Position,
}

/// The ids of all events of a log.
pub(in crate::disk) fn load(start: &Start<'_>) -> Result<Ids> {
    let place = Place {
        env: start.env,
        dir: start.dir,
        store: start.layout.identity.id,
        mapped: start.segments.access() == Access::Mapped,
    };
    let (first, head) = start.range;
    let mut files = trusted(start, &place)?;
    let next = files.last().map_or(first, |file| file.last().next());
    let gather = Gather::new(place, start.segments, start.hasher);
    let newest = start.newest.max(next);
    if next < newest {
        let count = newest.get() - next.get();
        if count > start.table as u64 {
            say::warn(format_args!(
                "{}: the ids of {count} events are gathered from the log",
                start.dir.display()
            ));
        }
        files.extend(gather.files((next, newest.previous()), start.table)?);
    }
    let mut table = IdTable::new(newest);
    gather.table((newest, head), &mut table)?;
    Ok(Ids::new(files, table))
}

/// Picks files from the first position on, the longest where several begin
/// together, as long as each continues the one before and the log has them.
/// The others are removed.
fn trusted(start: &Start<'_>, place: &Place<'_>) -> Result<Vec<Arc<IdFile>>> {
    let (mut next, head) = start.range;
    let (mut files, mut superseded): (Vec<Arc<IdFile>>, Vec<PathBuf>) = Default::default();
    for (first, last) in &start.layout.ids {
        let path = start.dir.join(names::ids(*first, *last));
        match place.open(&path) {
            Ok(file)
                if *first == next
                    && *last <= head
                    && (file.first(), file.last()) == (*first, *last) =>
            {
                next = last.next();
                files.push(file);
            }
            _ => superseded.push(path),
        }
    }
    // The newest must speak of the log as it is.
    while let Some(file) = files.last() {
        let (store, mark) = (place.store, file.mark());
        if behind(start.env, start.dir, store, mark, file.last())?.is_some() {
            break;
        }
        superseded.push(file.path().to_path_buf());
        files.pop();
    }
    for path in superseded {
        // One that stays harms nobody.
        let _ = start.env.fs.remove(&path);
    }
    Ok(files)
}
