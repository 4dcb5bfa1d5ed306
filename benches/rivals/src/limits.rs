//! What the disk and the memory can do at all, by loops coded by hand: no
//! versions, no index, no checks but a CRC where one is taken.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::store::words;

const RECORD: usize = 300;
const FILE: u64 = 64 << 20;
/// A flush that is answered faster than this has not reached any medium.
const PLAUSIBLE: Duration = Duration::from_micros(8);

pub struct Limits {
    path: PathBuf,
    file: File,
    at: u64,
    pub sync_p50: Duration,
    pub sync_p99: Duration,
    /// Why durable figures from here would be worth nothing, if they would be.
    pub refused: Option<String>,
}

impl Limits {
    /// Writes a file full of zeros, syncs it, and looks how long a sync takes.
    pub fn prepare(directory: &Path) -> Result<Self> {
        let path = directory.join("limits");
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&path)
            .with_context(|| format!("create {}", path.display()))?;
        let zeros = vec![0; 1 << 20];
        for _ in 0..FILE / zeros.len() as u64 {
            (&file).write_all(&zeros)?;
        }
        file.sync_all()?;
        let mut limits = Limits {
            path,
            file,
            at: 0,
            sync_p50: Duration::ZERO,
            sync_p99: Duration::ZERO,
            refused: None,
        };
        let mut times = Vec::new();
        for _ in 0..300 {
            limits.write(RECORD)?;
            let began = Instant::now();
            limits.file.sync_data()?;
            times.push(began.elapsed());
        }
        times.sort_unstable();
        limits.sync_p50 = times[times.len() / 2];
        limits.sync_p99 = times[times.len() * 99 / 100];
        if limits.sync_p50 < PLAUSIBLE {
            limits.refused = Some(format!(
                "fdatasync has a p50 of {:?}: nothing reaches a medium in that time \
                 (a tmpfs, or a disk whose flush is free)",
                limits.sync_p50
            ));
        }
        Ok(limits)
    }

    fn write(&mut self, bytes: usize) -> Result<()> {
        let buffer = [0x5a; RECORD * 100];
        if self.at + bytes as u64 > FILE {
            self.at = 0;
        }
        self.file.write_all_at(&buffer[..bytes], self.at)?;
        self.at += bytes as u64;
        Ok(())
    }

    /// Records a second: `together` of 300 bytes a write, each write synced or not.
    pub fn writes(&mut self, together: usize, sync: bool, time: Duration) -> Result<f64> {
        let (began, mut records) = (Instant::now(), 0);
        while began.elapsed() < time {
            for _ in 0..if sync { 1 } else { 16 } {
                self.write(RECORD * together)?;
                records += together;
                if sync {
                    self.file.sync_data()?;
                }
            }
        }
        let rate = records as f64 / began.elapsed().as_secs_f64();
        self.file.sync_data()?;
        Ok(rate)
    }
}

impl Drop for Limits {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.path));
    }
}

/// Records a second of one pass over the workload's bytes in memory: a CRC and a
/// sum of every byte.
pub fn pass(bytes: &[u8], records: usize) -> f64 {
    let began = Instant::now();
    let mut sum = 0u64;
    for record in bytes.chunks(bytes.len().div_ceil(records)) {
        sum = sum
            .wrapping_add(u64::from(crc32fast::hash(record)))
            .wrapping_add(words(record));
    }
    std::hint::black_box(sum);
    records as f64 / began.elapsed().as_secs_f64()
}
