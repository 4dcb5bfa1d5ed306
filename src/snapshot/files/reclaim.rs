//! Clearing away: old versions, and what is over the limit.

use super::FileSnapshots;
use super::index::Place;
use super::pack;
use super::writer::Writer;
use crate::env::say;
use crate::error::Result;
use crate::format::snapshot::Header;

/// How many packs are rewritten at most each time that one was filled. Each
/// is at least half empty, so that two keep up with any rate of saving.
const AT_ONCE: usize = 2;

impl FileSnapshots {
    /// Moves what is in use out of packs that are mostly unused, and removes
    /// those.
    pub(super) fn reclaim(&self, writer: &mut Writer) -> Result<()> {
        for _ in 0..AT_ONCE {
            let Some(number) = self.emptiest(writer) else {
                break;
            };
            self.rewrite(writer, number)?;
        }
        Ok(())
    }

    /// The pack with the least in use, if that is little enough.
    fn emptiest(&self, writer: &Writer) -> Option<u32> {
        let index = self.index.read();
        let active = writer.active.as_ref().map(|own| own.number);
        let sealed = index
            .packs
            .iter()
            .filter(|(number, _)| Some(**number) != active);
        let (number, pack) = sealed.min_by_key(|(_, pack)| pack.live)?;
        let worth_it = pack.live * 2 < pack.end.max(self.place.pack_bytes());
        let fits = index.bytes() + pack.live <= self.place.limit;
        (worth_it && fits).then_some(*number)
    }

    /// Copies the records in use into the pack that is being written, as they
    /// are; then removes the pack.
    fn rewrite(&self, writer: &mut Writer, number: u32) -> Result<()> {
        let is_oldest = self.index.read().packs.keys().next() == Some(&number);
        for (place, header) in self.records(number)? {
            if header.removed && is_oldest {
                // Nothing older is left that it would have to hide.
                self.index.write().forget(header.owner, place, &header);
                continue;
            }
            let Some(pack) = self.index.read().packs.get(&number).cloned() else {
                break;
            };
            let name = pack::name(number);
            let read = pack::read(&pack, u64::from(place.offset))
                .map_err(|error| self.place.error(&name, "read", error))?;
            match read {
                Ok((header, record)) => {
                    self.write_only(writer, &record, Some((place, header)))?;
                }
                Err(fault) => {
                    super::leave_aside(&name, place, fault);
                    self.index.write().forget(header.owner, place, &header);
                }
            }
        }
        // Only when the copies are safe may the originals go.
        writer.sync(&self.place)?;
        self.remove_pack(number)
    }

    /// The records of a pack that are the latest of their owners.
    fn records(&self, number: u32) -> Result<Vec<(Place, Header)>> {
        let index = self.index.read();
        let Some(pack) = index.packs.get(&number) else {
            return Ok(Vec::new());
        };
        let mut records = Vec::new();
        let walked = pack::walk(&*pack.file, &mut |at, header| {
            let offset = u32::try_from(at).unwrap_or(u32::MAX);
            let place = Place {
                pack: number,
                offset,
            };
            if index.is_latest(header.owner, place) {
                records.push((place, *header));
            }
        });
        match walked.map_err(|error| self.place.error(&pack::name(number), "read", error))? {
            Ok(_) => {}
            Err(fault) => {
                let name = pack::name(number);
                say::warn(format_args!("{name} is left aside: {}", fault.reason()));
            }
        }
        Ok(records)
    }

    /// Makes room for so many bytes under the limit: the oldest packs go, with
    /// all that is in them.
    pub(super) fn make_room(&self, writer: &Writer, bytes: u64) -> Result<()> {
        let active = writer.active.as_ref().map(|own| own.number);
        loop {
            let oldest = {
                let index = self.index.read();
                if index.bytes() + bytes <= self.place.limit {
                    return Ok(());
                }
                index.packs.keys().next().copied()
            };
            match oldest.filter(|number| Some(*number) != active) {
                Some(number) => {
                    let records = self.records(number)?;
                    let mut index = self.index.write();
                    for (place, header) in records {
                        index.forget(header.owner, place, &header);
                    }
                    drop(index);
                    self.remove_pack(number)?;
                }
                None => return Ok(()),
            }
        }
    }

    fn remove_pack(&self, number: u32) -> Result<()> {
        let name = pack::name(number);
        if self.index.write().packs.remove(&number).is_none() {
            // It had to go already, to make room.
            return Ok(());
        }
        self.place
            .fs
            .remove(&self.place.path.join(&name))
            .and_then(|()| self.place.fs.sync_dir(&self.place.path))
            .map_err(|error| self.place.error(&name, "remove", error))
    }
}
