//! Each rule of the model, and that it catches writers that break the rules.

mod calls;
mod data;
mod faults;
mod names;
mod speed;
mod tasks;
mod writers;

use super::*;
use crate::env::fs::{File, Fs, Mode, write_all_at};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

/// A disk with a durable directory `/d`.
fn disk() -> SimDisk {
    let disk = SimDisk::new(SectorSize::Bytes512);
    disk.create_dir(Path::new("/d")).unwrap();
    disk.sync_dir(Path::new("/")).unwrap();
    disk
}

/// A new file `/d/name`, durable with these bytes.
fn durable(disk: &SimDisk, name: &str, bytes: &[u8]) -> Arc<dyn File> {
    let file = create(disk, name);
    write_all_at(&*file, bytes, 0).unwrap();
    file.sync().unwrap();
    disk.sync_dir(Path::new("/d")).unwrap();
    assert_eq!(disk.crash_point().units(), []);
    file
}

fn create(disk: &SimDisk, name: &str) -> Arc<dyn File> {
    disk.open(&path(name), Mode::Create).unwrap()
}

fn path(name: &str) -> std::path::PathBuf {
    Path::new("/d").join(name)
}

fn bytes(disk: &SimDisk, name: &str) -> Vec<u8> {
    disk.bytes(&path(name)).unwrap()
}

/// The names in `/d` with the first byte of each file, as `a1 b2`.
fn names(disk: &SimDisk) -> String {
    let files = disk.files().into_iter();
    let shown = files.map(|(path, size)| {
        let name = path.trim_start_matches("/d/").to_owned();
        let first = disk.bytes(Path::new(&path)).unwrap().first().copied();
        format!(
            "{name}{}",
            if size == 0 {
                String::new()
            } else {
                (first.unwrap() as char).to_string()
            }
        )
    });
    shown.collect::<Vec<_>>().join(" ")
}

/// What `look` sees of all the disks that combinations of lost and kept leave.
fn all<T: Ord>(disk: &SimDisk, look: impl Fn(&SimDisk) -> T) -> BTreeSet<T> {
    let point = disk.crash_point();
    let all = Exhaust::new(point.units());
    all.map(|choices| look(&point.crash(&choices))).collect()
}

fn set<const N: usize>(items: [&str; N]) -> BTreeSet<String> {
    items.into_iter().map(str::to_owned).collect()
}
