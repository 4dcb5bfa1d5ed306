//! How much room a directory takes.

use std::fs::File;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

use anyhow::Result;

const STEP: u64 = 1 << 20;

/// The bytes of all files below `path`: up to the last one of each that isn't
/// zero (so that room made ahead of need is left out), and as allocated.
pub fn of(path: &Path) -> Result<(u64, u64)> {
    let (mut bytes, mut allocated) = (0, 0);
    for entry in std::fs::read_dir(path)? {
        let path = entry?.path();
        let metadata = path.symlink_metadata()?;
        if metadata.is_dir() {
            let below = of(&path)?;
            bytes += below.0;
            allocated += below.1;
        } else if metadata.is_file() {
            bytes += used(&File::open(&path)?, metadata.len())?;
            allocated += metadata.blocks() * 512;
        }
    }
    Ok((bytes, allocated))
}

fn used(file: &File, mut end: u64) -> Result<u64> {
    let mut buffer = vec![0; STEP as usize];
    while end > 0 {
        let begin = end.saturating_sub(STEP);
        let part = &mut buffer[..(end - begin) as usize];
        file.read_exact_at(part, begin)?;
        if let Some(last) = part.iter().rposition(|&byte| byte != 0) {
            return Ok(begin + last as u64 + 1);
        }
        end = begin;
    }
    Ok(0)
}
