//! Stores in which several things were tampered with, by a seed: numbers,
//! bytes, names and lengths, most of the time with checksums made right.

use crate::files::{INSTEAD, put_at, set_len};
use crate::look::{Report, Settings, WAYS};
use crate::mend;
use crate::sample::{SAMPLE, lay_out, new_dir};
use annals::testing::sim::Rng;
use std::fs;
use std::path::{Path, PathBuf};

pub fn run(settings: &Settings) -> bool {
    let mut report = Report::new("mutations");
    for seed in settings.seed..settings.seed + settings.cases {
        let mut rng = Rng::new(seed);
        let dir = new_dir();
        let path = dir.path().join("store");
        let files = match rng.below(2) {
            0 => &SAMPLE.closed,
            _ => &SAMPLE.left,
        };
        lay_out(files, &path);
        for _ in 0..=rng.below(4) {
            mutate(&path, &mut rng);
        }
        let case = format!("ANNALS_SEED={seed} ANNALS_HOSTILE=1");
        report.look(&case, &path, &WAYS);
    }
    report.print()
}

fn mutate(dir: &Path, rng: &mut Rng) {
    let path = pick(dir, rng);
    match rng.below(10) {
        0 => {
            let (_, put) = INSTEAD[rng.below(INSTEAD.len() as u64) as usize];
            put(&path);
        }
        1 => drop(fs::rename(&path, dir.join(new_name(rng)))),
        2 if is_small(&path) => drop(fs::copy(&path, dir.join(new_name(rng)))),
        3 => {
            let length = number(rng) % (1 << 42);
            let _ = set_len(&path, length) && rng.below(2) == 0 && put_at(&path, length, b"end");
        }
        _ => tamper(&path, rng),
    }
}

/// Any of the files, those of which there are many not more often.
fn pick(dir: &Path, rng: &mut Rng) -> PathBuf {
    let mut paths: Vec<PathBuf> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    let kind = [".seg", ".idx", ".ids", ""][rng.below(4) as usize];
    let of_kind = |path: &&PathBuf| path.to_string_lossy().ends_with(kind);
    let of_kind: Vec<&PathBuf> = paths.iter().filter(of_kind).collect();
    match of_kind.get(rng.below(of_kind.len() as u64) as usize) {
        Some(path) => (*path).clone(),
        None => dir.join("store"),
    }
}

fn new_name(rng: &mut Rng) -> String {
    match rng.below(4) {
        0 => format!("{:010}.seg", number(rng)),
        1 => format!("{:010}.seg", rng.below(16)),
        2 => format!("{:016}-{:016}.idx", 1 + rng.below(3000), number(rng)),
        _ => "closed".to_owned(),
    }
}

/// A number near some border.
fn number(rng: &mut Rng) -> u64 {
    let near = match rng.below(4) {
        0 => 0,
        1 => u64::MAX,
        2 => 1 << rng.below(64),
        _ => return rng.below(4096),
    };
    near.wrapping_add(rng.below(5)).wrapping_sub(2)
}

/// Whether it is a file, and not one that says that it is huge: no copy of
/// that is made here.
fn is_small(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_file() && found.len() < 1 << 24)
}

/// Changes bytes, and makes the checksums right most of the time.
fn tamper(path: &Path, rng: &mut Rng) {
    if !is_small(path) {
        return;
    }
    let mut bytes = fs::read(path).unwrap();
    if bytes.is_empty() {
        return;
    }
    for _ in 0..=rng.below(6) {
        let at = match rng.below(3) {
            0 => rng.below(bytes.len().min(200) as u64) as usize & !7,
            1 => rng.below(bytes.len().min(2000) as u64) as usize,
            _ => rng.below(bytes.len() as u64) as usize,
        };
        let own = match rng.below(3) {
            0 => number(rng).to_le_bytes().to_vec(),
            1 => vec![rng.next_u64() as u8],
            _ => {
                let from = rng.below(bytes.len() as u64) as usize;
                let to = (from + rng.below(300) as usize).min(bytes.len());
                bytes[from..to].to_vec()
            }
        };
        let end = (at + own.len()).min(bytes.len());
        bytes[at..end].copy_from_slice(&own[..end - at]);
    }
    if rng.below(4) > 0 {
        mend::file(&path.to_string_lossy(), &mut bytes);
    }
    fs::write(path, bytes).unwrap();
}
