//! Parked events in memory.

use super::{Parked, ParkedEvents, cut};
use crate::env::sync::Mutex;
use crate::error::Result;
use crate::store::check_name;
use crate::types::Position;
use std::collections::BTreeMap;

/// Parked events in memory: for tests, and for handlers whose cursors don't
/// outlive the process either.
#[derive(Debug, Default)]
pub struct MemoryParked {
    kept: Mutex<BTreeMap<(String, Position), Parked>>,
}

impl MemoryParked {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }
}

impl ParkedEvents for MemoryParked {
    fn park(&self, parked: &Parked) -> Result<()> {
        check_name("handler", &parked.handler)?;
        let mut parked = parked.clone();
        parked.error.truncate(cut(&parked.error).len());
        parked.parked = parked.parked.whole_micros();
        let key = (parked.handler.clone(), parked.position);
        self.kept.lock().insert(key, parked);
        Ok(())
    }

    fn list(&self, handler: &str) -> Result<Vec<Parked>> {
        check_name("handler", handler)?;
        let kept = self.kept.lock();
        let from = (handler.to_owned(), Position::START);
        let of_handler = kept.range(from..).take_while(|(key, _)| key.0 == handler);
        Ok(of_handler.map(|(_, parked)| parked.clone()).collect())
    }

    fn remove(&self, handler: &str, position: Position) -> Result<()> {
        check_name("handler", handler)?;
        self.kept.lock().remove(&(handler.to_owned(), position));
        Ok(())
    }
}
