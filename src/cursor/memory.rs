//! Cursors in memory.

use super::{Cursor, CursorStore};
use crate::env::sync::Mutex;
use crate::error::Result;
use crate::store::check_name;
use std::collections::BTreeMap;

/// Cursors in memory: for tests, and for consumers whose effects don't outlive
/// the process either.
#[derive(Debug, Default)]
pub struct MemoryCursors {
    kept: Mutex<BTreeMap<String, Cursor>>,
}

impl MemoryCursors {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }
}

impl CursorStore for MemoryCursors {
    fn load(&self, name: &str) -> Result<Option<Cursor>> {
        check_name("cursor", name)?;
        Ok(self.kept.lock().get(name).copied())
    }

    fn save(&self, name: &str, cursor: Cursor) -> Result<()> {
        check_name("cursor", name)?;
        self.kept.lock().insert(name.to_owned(), cursor);
        Ok(())
    }

    fn remove(&self, name: &str) -> Result<()> {
        check_name("cursor", name)?;
        self.kept.lock().remove(name);
        Ok(())
    }

    fn list(&self) -> Result<Vec<(String, Cursor)>> {
        let kept = self.kept.lock();
        Ok(kept.iter().map(|(name, at)| (name.clone(), *at)).collect())
    }
}
