//! Copies of stores, and stores that are not in memory.

use std::io::ErrorKind;
use std::path::Path;

/// Makes `to` a copy of a directory, synced, so that the first sync of whoever
/// opens it writes no more than its own.
pub(crate) fn copy(from: &Path, to: &Path) {
    let _ = std::fs::remove_dir_all(to);
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let own = to.join(entry.file_name());
        match std::fs::copy(entry.path(), &own) {
            // An index file that was merged with others meanwhile.
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            copied => copied.unwrap(),
        };
        std::fs::File::open(own).unwrap().sync_all().unwrap();
    }
}

/// Syncs the files of a directory and drops their pages from memory, where
/// there is a call for that. Pages that somebody has mapped stay.
pub(crate) fn evict(dir: &Path) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let file = std::fs::File::open(entry.unwrap().path()).unwrap();
        file.sync_all().unwrap();
        #[cfg(target_os = "linux")]
        rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).unwrap();
    }
}
