//! One segment file.

use super::reader::SegmentReader;
use super::verified::Verified;
use crate::env::fs::{self, File, Mode};
use crate::env::sync::{AtomicU64, Ordering};
use crate::env::{Env, Map};
use crate::error::{Error, Result};
use crate::format::checksum::Place;
use crate::format::frame::FrameBase;
use crate::format::segment::{HEADER_BYTES, MAX_SIZE, SegmentHeader, blank_mark};
use crate::format::{Fault, names};
use crate::types::{Position, StoreId, Timestamp};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// How a segment's bytes are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Mapped,
    Plain,
}

/// A segment's file, open, and mapped if it is read so.
#[derive(Debug)]
pub(crate) struct SegmentFile {
    path: PathBuf,
    file: Arc<dyn File>,
    map: Option<Arc<Map>>,
    size: u64,
}

impl SegmentFile {
    /// The first `size` bytes of this file.
    pub(super) fn new(
        path: PathBuf,
        file: Arc<dyn File>,
        size: u64,
        access: Access,
    ) -> std::io::Result<Self> {
        let map = match access {
            Access::Mapped => file.map(size as usize)?.map(Arc::new),
            Access::Plain => None,
        };
        if let Some(map) = &map {
            map.expect_jumps();
        }
        Ok(SegmentFile {
            path,
            file,
            map,
            size,
        })
    }

    pub(crate) fn file(&self) -> &dyn File {
        &*self.file
    }

    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// How much of a frame is fetched ahead, in bytes: all of a common one.
const FETCHED: usize = 512;

/// A segment file with its header.
#[derive(Debug)]
pub(crate) struct Segment {
    file: SegmentFile,
    published: AtomicU64,
    header: SegmentHeader,
    base: FrameBase,
    /// Which frames have been verified, for as long as they are mapped.
    verified: OnceLock<Verified>,
}

/// What stands where a segment's header should.
#[derive(Debug)]
pub(crate) enum Found {
    Segment(Segment),
    /// Zeros only, or a mark that says so: the file was prepared and never
    /// became the tail.
    Spare {
        /// Whether the mark is there, so that no frames can be behind it.
        marked: bool,
    },
    /// Neither: damaged, or half written when the power failed.
    Damaged(Error),
}

impl Segment {
    /// Opens a segment that must have a header.
    pub(crate) fn open(
        env: &Env,
        dir: &Path,
        store: StoreId,
        number: u64,
        mode: Mode,
        access: Access,
    ) -> Result<Self> {
        match Self::look(env, dir, store, number, mode, access)? {
            Found::Segment(segment) => Ok(segment),
            Found::Damaged(error) => Err(error),
            Found::Spare { .. } => Err(Error::corrupt(
                &dir.join(names::segment(number)),
                0,
                "the segment header is missing",
            )),
        }
    }

    /// Opens whatever stands in a segment's place.
    pub(crate) fn look(
        env: &Env,
        dir: &Path,
        store: StoreId,
        number: u64,
        mode: Mode,
        access: Access,
    ) -> Result<Found> {
        let path = dir.join(names::segment(number));
        let io = |error| Error::io(&path, "read", error);
        let file = env.fs.open(&path, mode).map_err(io)?;
        let size = file.len().map_err(io)?;
        let mut bytes = [0; HEADER_BYTES];
        let within = HEADER_BYTES.min(size as usize);
        fs::read_exact_at(&*file, &mut bytes[..within], 0).map_err(io)?;
        if bytes.iter().all(|byte| *byte == 0) {
            return Ok(Found::Spare { marked: false });
        }
        if bytes == blank_mark(store, number, size) {
            return Ok(Found::Spare { marked: true });
        }
        if within < HEADER_BYTES {
            let reason = "the segment header is cut off";
            return Err(Error::corrupt(&path, size, reason));
        }
        let header = match SegmentHeader::decode(&bytes[..within]) {
            Ok(header) => header,
            Err(fault) => match fault.in_file(&path, 0) {
                error if error.is_corrupt() => return Ok(Found::Damaged(error)),
                newer => return Err(newer),
            },
        };
        if header.store != store || header.number != number {
            let reason = "the segment belongs elsewhere: its store or number is another";
            return Ok(Found::Damaged(Error::corrupt(&path, 16, reason)));
        }
        if size < header.size {
            let reason = format!("the file is cut off: it was {} bytes long", header.size);
            return Err(Error::corrupt(&path, size, reason));
        }
        // Whatever stands behind that was never the log's.
        let file = SegmentFile::new(path.clone(), file, header.size, access)
            .map_err(|error| Error::io(&path, "map", error))?;
        Ok(Found::Segment(Self::with_header(file, header)))
    }

    /// The segment in this file, whose header is known: a new tail, or one that
    /// was just read.
    pub(crate) fn with_header(file: SegmentFile, header: SegmentHeader) -> Self {
        Segment {
            file,
            published: AtomicU64::new(0),
            verified: OnceLock::new(),
            header,
            base: FrameBase {
                place: Place::segment(header.store, header.number),
                epoch: header.epoch,
                base_time: header.base_time,
            },
        }
    }

    /// A segment whose header is lost, to look for frames in it: they are bound
    /// to their place, and only their times can't be told.
    pub(crate) fn headless(env: &Env, dir: &Path, store: StoreId, number: u64) -> Result<Self> {
        let path = dir.join(names::segment(number));
        let io = |error| Error::io(&path, "read", error);
        let file = env.fs.open(&path, Mode::Read).map_err(io)?;
        let size = file.len().map_err(io)?.min(MAX_SIZE);
        let file = SegmentFile::new(path.clone(), file, size, Access::Plain).map_err(io)?;
        let header = SegmentHeader {
            store,
            number,
            epoch: 0,
            base: Position::new(1),
            base_time: Timestamp::MIN.micros(),
            previous_end: 0,
            durable: Position::START,
            size,
        };
        Ok(Self::with_header(file, header))
    }

    pub(crate) fn number(&self) -> u64 {
        self.header.number
    }

    pub(crate) fn path(&self) -> &Path {
        &self.file.path
    }

    pub(crate) fn file(&self) -> &Arc<dyn File> {
        &self.file.file
    }

    /// Where the file should end, if it goes on behind that.
    pub(crate) fn excess(&self) -> Result<Option<Error>> {
        let length = self.file().len();
        let length = length.map_err(|error| Error::io(self.path(), "read", error))?;
        let reason = format!("the file is {length} bytes long and should end here");
        Ok((length > self.size()).then(|| Error::corrupt(self.path(), self.size(), reason)))
    }

    /// The size that the header states, and the file has; frames can't go
    /// beyond it.
    pub(crate) fn size(&self) -> u64 {
        self.file.size
    }

    pub(crate) fn header(&self) -> &SegmentHeader {
        &self.header
    }

    /// What its frames count from.
    pub(crate) fn base(&self) -> &FrameBase {
        &self.base
    }

    /// Allows the bytes up to `end` to be borrowed: they are written, and
    /// nothing will ever be written there again.
    pub(crate) fn publish(&self, end: u64) {
        if let Some(map) = &self.file.map {
            map.publish(end);
        }
        self.published.fetch_max(end, Ordering::Release);
    }

    /// Where the bytes end that may be borrowed.
    pub(super) fn published(&self) -> u64 {
        self.published.load(Ordering::Acquire)
    }

    /// Has the frame at an offset brought from memory into the processor's
    /// caches, because it will be read in a moment.
    pub(crate) fn fetch(&self, offset: u64) {
        if let Some(map) = &self.file.map {
            map.fetch(offset, FETCHED);
        }
    }

    /// The same for its first bytes only, somewhat earlier: so that the processor
    /// knows the page by then. To find it takes as long as to fetch a line of it,
    /// and who fetches all of a frame waits for that; but many are found at once.
    pub(crate) fn fetch_start(&self, offset: u64) {
        if let Some(map) = &self.file.map {
            map.fetch(offset, 1);
        }
    }

    /// Has bytes brought from the medium into memory, because they will be read
    /// soon, and doesn't wait for it.
    pub(crate) fn read_ahead(&self, bytes: Range<u64>) {
        if let Some(map) = &self.file.map {
            let length = bytes.end.saturating_sub(bytes.start);
            map.read_ahead(bytes.start, length as usize);
        }
    }

    /// Which of its frames have been verified.
    pub(super) fn verified(&self) -> &Verified {
        self.verified.get_or_init(|| Verified::new(self.size()))
    }

    /// Reads the published bytes.
    pub(crate) fn reader(self: &Arc<Self>) -> SegmentReader {
        SegmentReader::new(Arc::clone(self), self.file.map.clone(), true)
    }

    /// Reads the file itself, published or not. What it has read once it does
    /// not read again, so it is not for a file that somebody writes to, except
    /// for one look.
    pub(crate) fn plain_reader(self: &Arc<Self>) -> SegmentReader {
        SegmentReader::new(Arc::clone(self), None, false)
    }

    /// Writes bytes at an offset.
    pub(crate) fn write(&self, bytes: &[u8], offset: u64) -> Result<()> {
        fs::write_all_at(&**self.file(), bytes, offset)
            .map_err(|error| Error::io(self.path(), "write", error))
    }

    /// Makes what was written durable.
    pub(crate) fn sync(&self) -> Result<()> {
        let synced = self.file().sync();
        synced.map_err(|error| Error::io(self.path(), "sync", error))
    }

    /// The error for a fault in the frame at an offset.
    pub(crate) fn fault(&self, offset: u64, fault: Fault) -> Error {
        fault.in_file(self.path(), offset)
    }
}
