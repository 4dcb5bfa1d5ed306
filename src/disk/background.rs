//! What goes on beside the appends: the next segment, checkpoints of the
//! index, merging its files, and mending them.

use super::ids;
use super::rebuild;
use super::shared::{MOST_HEALINGS, Role, Shared, Writer};
use super::spare;
use crate::env::{Bug, Lane, fs};
use crate::error::{Error, ErrorKind, Result};
use crate::format::mark::FrameMark;
use crate::format::names;
use crate::index::{Image, IndexFile, merge};
use crate::log::Access;
use crate::types::{Durability, Position};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// Adjacent files are merged once they are together so many times as large as
/// the largest of them, so that whatever is written again comes into a file so
/// many times as large as before. More mean fewer bytes written, and more files
/// to look into.
const FAN_IN: u64 = 6;
/// The same when a store is closed, for files that become no larger than twice
/// `LARGEST_AT_CLOSE`: small files are large for what they hold.
const FAN_IN_AT_CLOSE: u64 = 2;
const LARGEST_AT_CLOSE: u64 = 1 << 20;
/// Files over this many events are merged no further, so that the memory that a
/// merge needs is bounded.
const LARGEST_MERGE: u64 = 16 << 20;

/// Has the next segment prepared, or made ready to be written to.
pub(super) fn prepare_spare(shared: &Arc<Shared>) {
    in_background(shared, Lane::Prepare, |shared, writer| {
        let (number, size, offset) = {
            let claims = writer.claims.lock();
            (claims.tail.number() + 1, claims.tail.size(), claims.offset)
        };
        let largest = shared.options.segment_size;
        let soon = offset > spare::late(size);
        let spares = &writer.spares;
        spares.prepare(&shared.env, number, size, largest, soon);
    });
}

/// Has the tables that have stopped growing written as files.
pub(super) fn checkpoint(shared: &Arc<Shared>) {
    in_background(shared, Lane::Index, |shared, writer| {
        // Should it fail, the tables stay, serve reads, and are tried again
        // with the next one; or they are made again from the log.
        let _ = write_tables(shared, writer);
        merge_ids(shared);
    });
}

/// Has files of ids merged, if there are enough of a size.
pub(super) fn merge_ids(shared: &Arc<Shared>) {
    let is_wanted = matches!(&shared.role, Role::Writer(writer) if writer.ids.is_some());
    if !is_wanted {
        return;
    }
    in_background(shared, Lane::Ids, |shared, writer| {
        if let Some(ids) = &writer.ids {
            // Should it fail, the small files stay.
            let _ = ids::merge_files(shared, ids, writer);
        }
    });
}

fn in_background(
    shared: &Arc<Shared>,
    lane: Lane,
    work: impl FnOnce(&Arc<Shared>, &Writer) + Send + 'static,
) {
    let weak = Arc::downgrade(shared);
    let job = move || {
        if let Some(shared) = weak.upgrade()
            && let Role::Writer(writer) = &shared.role
        {
            work(&shared, writer);
        }
    };
    shared.env.tasks.run(lane, Duration::ZERO, Box::new(job));
}

/// Writes the tables that have stopped growing, each once its events are
/// durable: an index file never speaks of events that may be gone tomorrow.
pub(super) fn write_tables(shared: &Arc<Shared>, writer: &Writer) -> Result<()> {
    let _one_at_a_time = writer.indexing.lock();
    for table in shared.index.frozen() {
        let last = table.read().last();
        let wanted = match shared.env.bug(Bug::IndexAheadOfLog) {
            true => Durability::Written,
            false => Durability::Durable,
        };
        shared.settle(last, wanted)?;
        let mark = mark(shared, last)?;
        let image = Image::of_table(shared.id, &table.read(), mark);
        if let Some(image) = image {
            let file = save(shared, image)?;
            shared.index.put_file(file);
        }
    }
    ids::write_tables(shared, writer)?;
    merge_files(shared, FAN_IN, LARGEST_MERGE)
}

/// The same for a store that is being closed.
pub(super) fn write_last_tables(shared: &Arc<Shared>, writer: &Writer) -> Result<()> {
    write_tables(shared, writer)?;
    let _one_at_a_time = writer.indexing.lock();
    merge_files(shared, FAN_IN_AT_CLOSE, LARGEST_AT_CLOSE)
}

/// The frame that ends with a position.
pub(super) fn mark(shared: &Shared, last: Position) -> Result<FrameMark> {
    let place = shared.index.parts().place(last)?;
    let (segment, offset) = place
        .ok_or_else(|| Error::corrupt(&shared.dir, 0, format!("position {last} has no place")))?;
    let mut reader = shared.segments.get(segment)?.reader();
    match reader.frame(offset)? {
        Some(frame) => Ok(FrameMark {
            segment,
            offset,
            checksum: frame.checksum(),
        }),
        None => {
            let path = reader.segment().path();
            Err(Error::corrupt(path, offset, "no frame begins here"))
        }
    }
}

/// Puts an index file in place, and opens it.
pub(super) fn save(shared: &Shared, image: Image) -> Result<Arc<IndexFile>> {
    save_in(&shared.env, &shared.dir, &image)?;
    shared.counters.wrote_index(image.bytes.len() as u64);
    let path = shared.dir.join(names::index(image.first, image.last));
    let mapped = shared.segments.access() == Access::Mapped;
    let file = IndexFile::open(&shared.env, &path, shared.id, mapped)?;
    Ok(Arc::new(file.with_streams(image.streams)))
}

/// Puts an index file in place.
pub(super) fn save_in(env: &crate::env::Env, dir: &std::path::Path, image: &Image) -> Result<()> {
    let name = names::index(image.first, image.last);
    fs::replace(&*env.fs, dir, &name, &image.bytes).map_err(|error| {
        let _ = env.fs.remove(&dir.join(format!("{name}.tmp")));
        Error::io(&dir.join(name), "write", error)
    })
}

/// Merges files until there are few of each size.
fn merge_files(shared: &Arc<Shared>, fan_in: u64, largest: u64) -> Result<()> {
    // A log that lies makes files that do, as often as they are made again.
    let mut healings = MOST_HEALINGS;
    loop {
        let files: Vec<_> = shared.index.parts().files().cloned().collect();
        let sizes = files
            .iter()
            .map(|file| u64::from(file.header().positions()));
        let Some(run) = mergeable(&sizes.collect::<Vec<_>>(), fan_in, largest) else {
            return Ok(());
        };
        let run = &files[run];
        let merged = match merge(shared.id, run) {
            Ok(merged) => merged,
            Err(error) if healings > 0 && heal_locked(shared, &error)? => {
                healings -= 1;
                continue;
            }
            Err(error) => return Err(error),
        };
        let Some(image) = merged else {
            return Ok(());
        };
        shared.index.put_file(save(shared, image)?);
        for file in run {
            // One that stays is covered by the merged one, and removed at the
            // next open.
            let _ = shared.env.fs.remove(file.path());
        }
    }
}

/// Of files of these sizes, the longest run that is together `fan_in` times as
/// large as its largest, and at most twice `largest`. Files of `largest` and more
/// are merged no further.
pub(super) fn mergeable(sizes: &[u64], fan_in: u64, largest: u64) -> Option<Range<usize>> {
    let mut best: Option<Range<usize>> = None;
    for start in 0..sizes.len() {
        let (mut total, mut most) = (0u64, 0);
        for (index, size) in sizes.iter().enumerate().skip(start) {
            total = total.saturating_add(*size);
            most = most.max(*size);
            if most >= largest || total > largest.saturating_mul(2) {
                break;
            }
            let run = start..index + 1;
            let longest = best.as_ref().is_none_or(|best| best.len() < run.len());
            if run.len() > 1 && longest && total >= most.saturating_mul(fan_in) {
                best = Some(run);
            }
        }
    }
    best
}

/// Makes an index file anew from the log, if that is where an error was met.
pub(super) fn heal(shared: &Arc<Shared>, error: &Error) -> Result<bool> {
    match &shared.role {
        Role::Writer(writer) => {
            if ids::heal(shared, writer, error)? {
                return Ok(true);
            }
            let _one_at_a_time = writer.indexing.lock();
            heal_locked(shared, error)
        }
        Role::Follower(_) => heal_locked(shared, error),
    }
}

fn heal_locked(shared: &Arc<Shared>, error: &Error) -> Result<bool> {
    let (ErrorKind::Corrupt { path, .. } | ErrorKind::Io { path, .. }) = error.kind() else {
        return Ok(false);
    };
    if path.extension().is_none_or(|extension| extension != "idx") {
        return Ok(false);
    }
    let parts = shared.index.parts();
    let Some(damaged) = parts.files().find(|file| file.path() == path) else {
        // Somebody else has put another file in its place.
        return Ok(true);
    };
    let image = rebuild::remake(shared, damaged)?;
    let file = match &shared.role {
        Role::Writer(_) => save(shared, image)?,
        Role::Follower(_) => Arc::new(IndexFile::in_memory(path, shared.id, image.bytes)?),
    };
    shared.index.put_file(file);
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_about_a_size_are_merged_and_large_ones_let_alone() {
        assert_eq!(mergeable(&[1; 5], 6, 100), None);
        assert_eq!(mergeable(&[1; 6], 6, 100), Some(0..6));
        // A few small ones do not have a large one written again.
        assert_eq!(mergeable(&[50, 1, 1, 1, 1, 1], 6, 100), None);
        assert_eq!(mergeable(&[50, 1, 1, 1, 1, 1, 1], 6, 100), Some(1..7));
        assert_eq!(mergeable(&[10, 10, 10, 10, 10, 5, 5], 6, 100), Some(0..7));
        assert_eq!(mergeable(&[100; 9], 6, 100), None);
        assert_eq!(mergeable(&[60; 9], 2, 100), Some(0..3));
        assert_eq!(mergeable(&[], 2, 100), None);
    }

    #[test]
    fn nothing_is_written_often_and_few_files_are_left() {
        let (mut sizes, mut written, tables) = (Vec::<u64>::new(), 0, 1000);
        for _ in 0..tables {
            sizes.push(1);
            while let Some(run) = mergeable(&sizes, FAN_IN, 256) {
                let total = sizes[run.clone()].iter().sum();
                written += total;
                sizes.splice(run, [total]);
            }
            assert!(sizes.len() <= 21, "{sizes:?}");
        }
        // 6^3 are nearly 256, and a merge is of six or more.
        assert!(written <= 4 * tables, "{written}");
    }
}
