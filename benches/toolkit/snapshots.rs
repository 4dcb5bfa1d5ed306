//! A million streams with a snapshot each: what the files take, how long
//! opening them takes and how much memory, and how long finding one.
//!
//! A process of its own opens them, so that no memory counts which was needed
//! to make them.

use crate::percentile;
use annals::snapshot::{FileSnapshots, Saved, Snapshot, SnapshotKey, SnapshotStore};
use annals::{Position, StoreId, Timestamp, Version};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// What a state takes, in bytes.
const STATE: usize = 200;
/// Each so many snapshots are looked up.
const EVERY: usize = 10;

fn key(stream: &str) -> SnapshotKey<'_> {
    SnapshotKey {
        store: StoreId::from_bytes([1; 16]),
        stream,
        kind: "accounts",
        schema: 1,
    }
}

/// The word that tells this programme that it is that other process.
pub(crate) const OPENED: &str = "opened";

pub(crate) fn run(count: u64) -> annals::Result<()> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("snapshots");
    fill(&path, count)?;
    let (files, bytes) = on_disk(&path);
    println!("snapshots: {count} streams with one each, states of {STATE} bytes");
    let each = bytes / count;
    println!("  on disk              {bytes:>12} bytes in {files} files, {each} each");
    let own = std::env::current_exe().unwrap();
    let opened = Command::new(own).arg(OPENED).arg(&path).status();
    assert!(opened.unwrap().success());
    Ok(())
}

/// Opens what is there, and looks some of it up.
pub(crate) fn open(path: &Path) -> annals::Result<()> {
    let before = anonymous_memory();
    let start = Instant::now();
    let snapshots = FileSnapshots::open(path)?;
    let opening = start.elapsed();
    let memory = anonymous_memory().saturating_sub(before);
    let count = snapshots.len() as u64;

    let mut lookups = Vec::new();
    for number in (0..count).step_by(EVERY) {
        let stream = stream(number);
        let start = Instant::now();
        let found = snapshots.load(key(&stream), Version::MAX)?;
        lookups.push(start.elapsed());
        assert_eq!(found.map(|own| own.state().len()), Some(STATE));
    }
    let [half, most] = [50, 99].map(|percent| percentile(&mut lookups, percent));
    println!("  opened in            {opening:>12.1?}");
    let each = memory / count.max(1);
    println!("  anonymous memory     {memory:>12} bytes, {each} each (0: not known here)");
    println!("  found in             {half:>12.1?} p50, {most:.1?} p99");
    Ok(())
}

fn stream(number: u64) -> String {
    format!("accounts/{number}")
}

fn fill(path: &Path, count: u64) -> annals::Result<()> {
    let snapshots = FileSnapshots::open(path)?;
    for number in 0..count {
        let (version, position) = (Version::new(100), Position::new(number + 100));
        let state = vec![number as u8; STATE];
        let stream = stream(number);
        let snapshot = Snapshot::new(
            key(&stream),
            version,
            position,
            Timestamp::UNIX_EPOCH,
            state,
        );
        assert_eq!(snapshots.save(snapshot, Position::MAX)?, Saved::Kept);
    }
    Ok(())
}

fn on_disk(path: &Path) -> (u64, u64) {
    let files = fs::read_dir(path).unwrap();
    let sizes = files.map(|file| file.unwrap().metadata().unwrap().len());
    sizes.fold((0, 0), |(files, bytes), size| (files + 1, bytes + size))
}

/// The memory of this process that no file stands behind, in bytes; 0 where
/// the system does not tell.
fn anonymous_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kibibytes.unwrap_or(0) * 1024
}
