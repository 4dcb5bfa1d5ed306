//! An index file by itself, without a log to hold it to: a hundred times as many
//! inputs in the same time, for what decodes.

use super::index::{LOG, input_file};
use crate::error::{ErrorKind, Result};
use crate::index::IndexFile;
use crate::types::Position;

/// Takes bytes for an index file as `index_decode` does, and reads all that it
/// says: it may be a lie, but one that fits the file.
pub fn index_alone(bytes: &[u8]) {
    let file = input_file(bytes, &LOG);
    if let Err(error) = decode(file) {
        let is_newer = matches!(error.kind(), ErrorKind::NewerFormat { .. });
        assert!(error.is_corrupt() || is_newer, "{error}");
    }
}

fn decode(bytes: Vec<u8>) -> Result<()> {
    let file = IndexFile::in_memory(&LOG.path, LOG.store, bytes)?;
    file.segments()?;
    places(&file)?;
    terms(&file)
}

/// The places, all at once and one by one.
fn places(file: &IndexFile) -> Result<()> {
    let mut offsets = Vec::new();
    file.read_offsets(&mut offsets)?;
    assert_eq!(offsets.len() as u32, file.header().positions());
    let (first, last) = (file.first().get(), file.last().get());
    for position in [first, first.midpoint(last), last] {
        let (_, offset) = file.place(Position::new(position))?;
        assert_eq!(offset, u64::from(offsets[(position - first) as usize]));
    }
    Ok(())
}

/// Each term, with all of its postings, and as a lookup finds it.
fn terms(file: &IndexFile) -> Result<()> {
    let (mut terms, mut postings) = (file.terms(), Vec::new());
    while let Some(bucket) = terms.next_bucket()? {
        for term in bucket {
            postings.clear();
            file.read_postings(&term, 0, &mut postings)?;
            assert_eq!(postings.len(), term.count as usize);
            // Terms that are out of order are not all found.
            file.find(term.key)?;
        }
    }
    Ok(())
}
