//! Writing records into the newest pack.

use super::index::Place;
use super::pack::{self, Pack};
use super::{Directory, FileSnapshots};
use crate::env::fs::{self, File, Mode};
use crate::error::{Error, ErrorKind, Result};
use crate::format::snapshot::{Header, PACK_HEADER, pack_header};
use std::sync::Arc;

/// The pack that is being written, if there is one. A new one is begun each
/// time the directory is opened, and after every failure: what stands at the
/// end of an older one may be torn.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) next: u32,
    pub(super) active: Option<Active>,
}

#[derive(Debug)]
pub(super) struct Active {
    pub(super) number: u32,
    file: Arc<dyn File>,
    end: u64,
    synced: bool,
}

impl Writer {
    pub(super) fn new(next: u32) -> Self {
        Writer { next, active: None }
    }

    /// Syncs the pack that is being written.
    pub(super) fn sync(&mut self, place: &Directory) -> Result<()> {
        let Some(active) = self.active.as_mut().filter(|own| !own.synced) else {
            return Ok(());
        };
        if let Err(error) = active.file.sync() {
            let name = pack::name(active.number);
            self.active = None;
            return Err(place.error(&name, "sync", error));
        }
        active.synced = true;
        Ok(())
    }

    /// Ends the pack that is being written.
    fn seal(&mut self, place: &Directory) -> Result<()> {
        let sealed = self.sync(place);
        self.active = None;
        sealed
    }

    /// Begins the next pack.
    fn begin(&mut self, place: &Directory) -> Result<(u32, Arc<dyn File>)> {
        let number = self.next;
        let name = pack::name(number);
        let what = || "the packs of snapshots".to_owned();
        let after = number.checked_add(1);
        self.next = after.ok_or_else(|| Error::from(ErrorKind::Overflow { what: what() }))?;
        let begun = (|| {
            let file = place.fs.open(&place.path.join(&name), Mode::Create)?;
            fs::write_all_at(&*file, &pack_header(), 0)?;
            place.fs.sync_dir(&place.path)?;
            Ok(file)
        })();
        let file = begun.map_err(|error| place.error(&name, "begin", error))?;
        self.active = Some(Active {
            number,
            file: Arc::clone(&file),
            end: PACK_HEADER as u64,
            synced: false,
        });
        Ok((number, file))
    }
}

impl FileSnapshots {
    /// Writes a record as the latest of its owner, in place of `before`, and
    /// clears away what is too much.
    pub(super) fn write(
        &self,
        writer: &mut Writer,
        record: &[u8],
        before: Option<(Place, Header)>,
    ) -> Result<()> {
        let sealed = self.write_only(writer, record, before)?;
        if sealed {
            self.reclaim(writer)?;
        }
        Ok(())
    }

    /// Writes a record as the latest of its owner. Whether a pack was sealed.
    pub(super) fn write_only(
        &self,
        writer: &mut Writer,
        record: &[u8],
        before: Option<(Place, Header)>,
    ) -> Result<bool> {
        let header = record.first_chunk().map(Header::decode);
        let Some(Ok(header)) = header else {
            return Ok(false);
        };
        let full = writer.active.as_ref().is_some_and(|active| {
            active.end > PACK_HEADER as u64
                && active.end + record.len() as u64 > self.place.pack_bytes()
        });
        if full {
            writer.seal(&self.place)?;
        }
        self.make_room(writer, record.len() as u64 + PACK_HEADER as u64)?;
        if writer.active.is_none() {
            let (number, file) = writer.begin(&self.place)?;
            let pack = Pack {
                file,
                end: PACK_HEADER as u64,
                live: 0,
            };
            self.index.write().packs.insert(number, pack);
        }
        let Some(active) = writer.active.as_mut() else {
            return Ok(full);
        };
        let at = active.end;
        let (number, end) = (active.number, at + record.len() as u64);
        active.synced = false;
        if let Err(error) = fs::write_all_at(&*active.file, record, at) {
            writer.active = None;
            return Err(self.place.error(&pack::name(number), "write", error));
        }
        active.end = end;
        // Packs end far below 4 GiB: a record is a quarter of 16 packs at most.
        let offset = u32::try_from(at).unwrap_or(u32::MAX);
        let mut index = self.index.write();
        if let Some(pack) = index.packs.get_mut(&number) {
            pack.end = end;
        }
        let place = Place {
            pack: number,
            offset,
        };
        index.put(&header, place, before);
        Ok(full)
    }
}
