//! The segments of a store, each opened when it is first touched.

use super::segment::{Access, Segment};
use crate::env::Env;
use crate::env::fs::Mode;
use crate::env::sync::RwLock;
use crate::error::{Error, Result};
use crate::format::names;
use crate::format::segment::HEADER_BYTES;
use crate::types::StoreId;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// Finds segments by number. Opening one costs a few system calls, so a store
/// of thousands opens none of them before it has to.
#[derive(Debug)]
pub(crate) struct Segments {
    env: Env,
    dir: PathBuf,
    store: StoreId,
    access: Access,
    known: RwLock<BTreeMap<u64, Option<Arc<Segment>>>>,
}

impl Segments {
    /// The sealed segments with these numbers.
    pub(crate) fn new(
        env: &Env,
        dir: PathBuf,
        store: StoreId,
        access: Access,
        numbers: impl IntoIterator<Item = u64>,
    ) -> Self {
        Segments {
            env: env.clone(),
            dir,
            store,
            access,
            known: RwLock::new(numbers.into_iter().map(|number| (number, None)).collect()),
        }
    }

    pub(crate) fn access(&self) -> Access {
        self.access
    }

    /// Adds a segment that is open already.
    pub(crate) fn add(&self, segment: Arc<Segment>) {
        self.known.write().insert(segment.number(), Some(segment));
    }

    /// The segment with a number.
    pub(crate) fn get(&self, number: u64) -> Result<Arc<Segment>> {
        if let Some(Some(segment)) = self.known.read().get(&number) {
            return Ok(Arc::clone(segment));
        }
        let path = self.dir.join(names::segment(number));
        let mut known = self.known.write();
        match known.get(&number) {
            Some(Some(segment)) => Ok(Arc::clone(segment)),
            Some(None) => {
                let segment = Arc::new(Segment::open(
                    &self.env,
                    &self.dir,
                    self.store,
                    number,
                    Mode::Read,
                    self.access,
                )?);
                // A sealed segment never changes again.
                segment.publish(segment.size());
                known.insert(number, Some(Arc::clone(&segment)));
                Ok(segment)
            }
            None => Err(Error::corrupt(&path, 0, "the segment is missing")),
        }
    }

    /// Has the header of a segment that is not open yet read from the medium, and
    /// doesn't wait for it: who goes on to open several then waits once. Only a
    /// hint.
    pub(crate) fn expect(&self, number: u64) {
        let is_open = !matches!(self.known.read().get(&number), Some(None));
        if is_open || self.access == Access::Plain {
            return;
        }
        let path = self.dir.join(names::segment(number));
        if let Ok(file) = self.env.fs.open(&path, Mode::Read)
            && let Ok(Some(map)) = file.map(HEADER_BYTES)
        {
            map.read_ahead(0, HEADER_BYTES);
        }
    }

    /// The numbers of all segments, ascending.
    pub(crate) fn numbers(&self) -> Vec<u64> {
        self.known.read().keys().copied().collect()
    }
}
