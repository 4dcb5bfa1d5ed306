//! Makes the index from the log: at open for what no file covers, and later
//! for a file that turns out to be damaged.

use super::shared::Shared;
use crate::env::sync::RwLock;
use crate::error::{Error, Result};
use crate::format::frame::Frame;
use crate::format::index::TermKey;
use crate::format::mark::FrameMark;
use crate::format::names;
use crate::format::segment::HEADER_BYTES;
use crate::index::{EventTerms, Image, Index, IndexFile, Marks, Table, TermHasher};
use crate::log::{Segment, Segments, Step, Walk};
use crate::types::{Position, StoreId};
use std::path::Path;
use std::sync::Arc;

/// Gathers the postings of frames, one after the other.
#[derive(Debug)]
pub(super) struct Replay {
    store: StoreId,
    hasher: TermHasher,
    marks: Marks,
    /// How many events a table takes before it is made a file.
    most: usize,
    table: Arc<RwLock<Table>>,
    images: Vec<Image>,
    tags: Vec<TermKey>,
}

impl Replay {
    /// Gathers from the event at `first` on.
    pub(super) fn new(store: StoreId, hasher: &TermHasher, first: Position, most: usize) -> Self {
        Replay {
            store,
            hasher: hasher.clone(),
            marks: hasher.marks(),
            most,
            table: Arc::new(RwLock::new(Table::new(first))),
            images: Vec::new(),
            tags: Vec::new(),
        }
    }

    /// Adds a frame, whose records have been verified.
    pub(super) fn add(&mut self, segment: &Segment, offset: u64, frame: &Frame<'_>) -> Result<()> {
        for record in frame.records() {
            let event = record
                .and_then(|record| record.decode())
                .map_err(|fault| segment.fault(offset, fault))?;
            self.tags.clear();
            self.hasher.tags(event.tags().iter(), &mut self.tags);
            let terms = EventTerms {
                stream: self.hasher.stream(event.stream()),
                category: self.hasher.category_of(event.stream()),
                event_type: self.hasher.event_type(event.event_type()),
                tags: &self.tags,
            };
            let mut table = self.table.write();
            let (number, version) = (segment.number(), event.version());
            table.push(number, offset as u32, version, terms, self.marks);
        }
        if self.table.read().len() >= self.most {
            self.close_table(segment, offset, frame);
        }
        Ok(())
    }

    fn close_table(&mut self, segment: &Segment, offset: u64, frame: &Frame<'_>) {
        let mark = FrameMark {
            segment: segment.number(),
            offset,
            checksum: frame.checksum(),
        };
        let table = self.table.read();
        self.images
            .extend(Image::of_table(self.store, &table, mark));
        let next = Table::new(table.last().next());
        drop(table);
        self.table = Arc::new(RwLock::new(next));
    }

    /// The contents of files that have come together, oldest first.
    pub(super) fn take_images(&mut self) -> Vec<Image> {
        std::mem::take(&mut self.images)
    }

    /// The table that continues the files.
    pub(super) fn table(&self) -> &Arc<RwLock<Table>> {
        &self.table
    }

    /// Puts what has become of full tables into an index that may not write:
    /// files in memory, and the table that continues them.
    pub(super) fn hand_over(&mut self, index: &Index, dir: &Path) -> Result<()> {
        for image in self.take_images() {
            let path = dir.join(names::index(image.first, image.last));
            let file = IndexFile::in_memory(&path, self.store, image.bytes)?;
            index.put_file(Arc::new(file));
            index.add_table(Arc::clone(&self.table));
        }
        Ok(())
    }
}

/// The content of an index file, made again from the log.
pub(super) fn remake(shared: &Shared, file: &IndexFile) -> Result<Image> {
    let (first, last) = (file.first(), file.last());
    let most = usize::MAX;
    let mut replay = Replay::new(shared.id, &shared.hasher, first, most);
    let segments = &shared.segments;
    walk_range(
        segments,
        &shared.dir,
        (first, last),
        &mut |segment, offset, frame| {
            replay.add(segment, offset, frame)?;
            if frame.head().last() >= last {
                replay.close_table(segment, offset, frame);
            }
            Ok(())
        },
    )?;
    let image = replay.take_images().pop();
    image.ok_or_else(|| Error::corrupt(file.path(), 0, "it is empty"))
}

/// Walks the frames of a range of positions, which begins and ends at the
/// borders of appends. Each is verified.
pub(super) fn walk_range(
    segments: &Segments,
    dir: &Path,
    (first, last): (Position, Position),
    visit: &mut dyn FnMut(&Segment, u64, &Frame<'_>) -> Result<()>,
) -> Result<()> {
    let mut segment = segment_of(segments, dir, first)?;
    loop {
        let (base, epoch) = (segment.header().base, segment.header().epoch);
        let mut walk = Walk::new(segment.plain_reader(), HEADER_BYTES as u64, base, epoch);
        loop {
            match walk.step()? {
                Step::Frame(_, frame) if frame.head().last() < first => {}
                Step::Frame(offset, frame) => {
                    visit(&segment, offset, &frame)?;
                    if frame.head().last() >= last {
                        return Ok(());
                    }
                }
                Step::End => break,
                Step::Damaged(error) => return Err(error),
            }
        }
        segment = segments.get(segment.number().saturating_add(1))?;
    }
}

/// The segment that holds a position, by the segments' headers alone.
fn segment_of(segments: &Segments, dir: &Path, position: Position) -> Result<Arc<Segment>> {
    let numbers = segments.numbers();
    let (mut low, mut high) = (0, numbers.len());
    while low + 1 < high {
        let middle = low + (high - low) / 2;
        if segments.get(numbers[middle])?.header().base <= position {
            low = middle;
        } else {
            high = middle;
        }
    }
    match numbers.get(low) {
        Some(number) => segments.get(*number),
        None => Err(Error::corrupt(dir, 0, "there are no segments")),
    }
}
