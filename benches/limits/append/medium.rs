//! The medium that a bench writes to, and its raw speed.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Below this a sync can't have reached a medium.
const IMPLAUSIBLE: Duration = Duration::from_micros(15);

/// Where benches put their files: `ANNALS_BENCH_DIR`, or the directory for
/// temporary files.
pub(crate) fn directory() -> tempfile::TempDir {
    let parent =
        std::env::var_os("ANNALS_BENCH_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
    tempfile::Builder::new()
        .prefix("annals-bench-")
        .tempdir_in(parent)
        .unwrap()
}

/// A file full of zeros, synced.
pub(crate) fn zeroed(path: &Path, bytes: usize) -> File {
    let file = File::options()
        .create(true)
        .truncate(true)
        .read(true)
        .write(true)
        .open(path)
        .unwrap();
    let zeros = vec![0; 1 << 20];
    for offset in (0..bytes).step_by(zeros.len()) {
        let length = zeros.len().min(bytes - offset);
        file.write_all_at(&zeros[..length], offset as u64).unwrap();
    }
    file.sync_all().unwrap();
    file
}

/// The median time of a small write and its `fdatasync`, or why figures about
/// durable appends would mean nothing here.
pub(crate) fn sync_time(dir: &Path) -> Result<Duration, String> {
    let file = zeroed(&dir.join("probe"), 1 << 20);
    let mut times: Vec<Duration> = (0..200u64)
        .map(|index| {
            let start = Instant::now();
            file.write_all_at(&[1; 300], index * 300).unwrap();
            file.sync_data().unwrap();
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    let median = times[times.len() / 2];
    match median < IMPLAUSIBLE {
        true => Err(format!(
            "a write with fdatasync takes {median:?} here, so nothing reaches a medium \
             (tmpfs, or a disk whose flush is free): figures about durable appends are \
             refused; set ANNALS_BENCH_DIR to a directory on a real disk"
        )),
        false => Ok(median),
    }
}
