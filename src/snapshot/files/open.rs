//! Finding out what is there.

use super::index::{Index, Place};
use super::pack::{self, Pack};
use super::writer::Writer;
use super::{Directory, FileSnapshots};
use crate::env::fs::{Fs, Mode, create_dir_durably, read_exact_at};
use crate::env::say;
use crate::env::sync::{Mutex, RwLock};
use crate::error::{Error, ErrorKind, Result};
use crate::format::FaultKind;
use crate::format::snapshot::{HEADER, Header};
use std::path::Path;
use std::sync::Arc;

/// The name of the file that is locked by whoever has the directory.
const LOCK: &str = "lock";

/// The least that the files may be limited to, in bytes.
const LEAST_LIMIT: u64 = 64 << 10;

impl FileSnapshots {
    pub(crate) fn open_in(fs: Arc<dyn Fs>, dir: &Path, limit: u64) -> Result<Self> {
        create_dir_durably(&*fs, dir)
            .map_err(|error| Error::io(dir, "make the directory", error))?;
        let path = dir.join(LOCK);
        let lock = fs
            .lock(&path)
            .map_err(|error| Error::io(&path, "lock", error))?
            .ok_or(ErrorKind::Locked { path })?;
        let place = Directory {
            fs,
            path: dir.to_path_buf(),
            limit: limit.max(LEAST_LIMIT),
        };
        let mut numbers = place.numbers()?;
        numbers.sort_unstable();
        let mut index = Index::default();
        for number in &numbers {
            let may_be_torn = Some(number) == numbers.last();
            place.take_in(*number, may_be_torn, &mut index)?;
        }
        let next = numbers.last().map_or(1, |last| last.saturating_add(1));
        Ok(FileSnapshots {
            place,
            writer: Mutex::new(Writer::new(next)),
            index: RwLock::new(index),
            _lock: lock,
        })
    }
}

impl Directory {
    /// The numbers of the packs, in no order.
    fn numbers(&self) -> Result<Vec<u32>> {
        let names = self.fs.list(&self.path);
        let names = names.map_err(|error| Error::io(&self.path, "list", error))?;
        Ok(names
            .iter()
            .filter_map(|name| pack::parse_name(name))
            .collect())
    }

    /// Adds the records of a pack to the index. One that can't be made out is
    /// left aside, and removed unless a newer version of annals wrote it.
    ///
    /// Packs are synced before the next one is begun, so only in the last one
    /// can there be a header whose body a crash has taken. Those records are
    /// looked through: an earlier one of the same owner is still good.
    fn take_in(&self, number: u32, may_be_torn: bool, index: &mut Index) -> Result<()> {
        let name = pack::name(number);
        let path = self.path.join(&name);
        let file = match self.fs.open(&path, Mode::Read) {
            Ok(file) => file,
            Err(error) => {
                say::warn(format_args!("{name} is left aside: {error}"));
                return Ok(());
            }
        };
        let mut records = Vec::new();
        let walked = pack::walk(&*file, &mut |at, header| {
            if let Ok(offset) = u32::try_from(at) {
                let place = Place {
                    pack: number,
                    offset,
                };
                records.push((place, *header));
            }
        });
        let walked = walked.map_err(|error| self.error(&name, "read", error))?;
        match walked {
            Ok(end) => {
                let live = 0;
                let pack = Pack { file, end, live };
                if may_be_torn {
                    records.retain(|(place, _)| is_whole(&pack, *place));
                    self.sync_again(&path);
                }
                index.packs.insert(number, pack);
                for (place, header) in &records {
                    let before = Self::before(index, header);
                    index.put(header, *place, before);
                }
            }
            Err(fault) => {
                say::warn(format_args!("{name} is left aside: {}", fault.reason()));
                if matches!(fault.kind, FaultKind::Damaged(_)) {
                    // It can't be of use to anybody any more.
                    let _ = self.fs.remove(&path);
                }
            }
        }
        Ok(())
    }

    /// Syncs the pack that an earlier process was writing when it ended: what
    /// was found in it must not be lost once the next one is begun.
    fn sync_again(&self, path: &Path) {
        let synced = self.fs.open(path, Mode::Write).and_then(|file| file.sync());
        if let Err(error) = synced {
            say::warn(format_args!("cannot sync {}: {error}", path.display()));
        }
    }

    /// The record that another one takes the place of.
    fn before(index: &Index, header: &Header) -> Option<(Place, Header)> {
        let place = index.place(header.owner)?;
        let pack = index.packs.get(&place.pack)?;
        let mut bytes = [0; HEADER];
        let at = u64::from(place.offset);
        read_exact_at(&*pack.file, &mut bytes, at).ok()?;
        Some((place, Header::decode(&bytes).ok()?))
    }
}

/// Whether a record can be read and its body verifies.
fn is_whole(pack: &Pack, place: Place) -> bool {
    let read = pack::read(pack, u64::from(place.offset));
    matches!(read, Ok(Ok((header, record))) if header.body(&record).is_ok())
}
