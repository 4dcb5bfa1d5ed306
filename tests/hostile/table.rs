//! Stores in which one thing was tampered with, by hand: everything in the
//! place of every file, and numbers that are checksummed and lies.

use crate::files::{INSTEAD, LONG, put_at, set_len};
use crate::look::{Report, Settings, WAYS};
use crate::mend;
use crate::sample::{Files, SAMPLE, lay_out, new_dir};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// What numbers are made to be.
const NUMBERS: [u64; 8] = [
    0,
    1,
    (1 << 31) - 1,
    1 << 32,
    1 << 33,
    1 << 62,
    u64::MAX - 1,
    u64::MAX,
];

/// The largest that a segment may say that it is, in bytes.
const LARGEST_SEGMENT: u64 = 1 << 33;

pub fn run(_: &Settings) -> bool {
    let mut report = Report::new("table");
    for (state, files) in [("closed", &SAMPLE.closed), ("left", &SAMPLE.left)] {
        let mut at = |case: &str, tamper: &dyn Fn(&Path) -> bool| {
            let dir = new_dir();
            let path = dir.path().join("store");
            lay_out(files, &path);
            match tamper(&path) {
                true => report.look(&format!("{state}, {case}"), &path, &WAYS),
                false => println!("skipped: {case} can't be made here"),
            }
        };
        for name in names(files) {
            for (what, put) in INSTEAD {
                at(&format!("{what} as {name}"), &|dir| put(&dir.join(&name)));
            }
        }
        for (case, tamper) in SPECIAL {
            at(case, &|dir| {
                tamper(dir, files);
                true
            });
        }
        lies(files, &mut at);
    }
    report.print()
}

fn of_kind<'a>(files: &'a Files, ending: &str) -> Vec<&'a str> {
    let names = files.iter().map(|(name, _)| name.as_str());
    names.filter(|name| name.ends_with(ending)).collect()
}

/// The newest segment with frames.
fn tail(files: &Files) -> &str {
    let begun = |name: &&str| {
        let of_name = files.iter().find(|(own, _)| own == name);
        of_name.is_some_and(|(_, bytes)| bytes.starts_with(b"ANNALSEG"))
    };
    of_kind(files, ".seg").into_iter().rfind(begun).unwrap()
}

/// The files that are replaced, and some that are not there yet.
fn names(files: &Files) -> Vec<String> {
    let segments = of_kind(files, ".seg");
    let indexes = of_kind(files, ".idx");
    let new = [
        "closed.tmp".to_owned(),
        format!("{:010}.seg", segments.len() + 1),
        "0000000000000001-0000000099999999.idx".to_owned(),
    ];
    let there = ["store", "closed", "lock", "watermark"];
    let some = [
        segments[0],
        segments[2],
        tail(files),
        segments[segments.len() - 1],
    ];
    let derived = [indexes[0], of_kind(files, ".ids")[0]];
    let all = there.into_iter().chain(some).chain(derived);
    all.map(str::to_owned).chain(new).collect()
}

type Tamper = fn(&Path, &Files);

const SPECIAL: [(&str, Tamper); 13] = [
    ("thousands of names", thousands_of_names),
    ("thousands of segments that are holes", thousands_of_holes),
    ("thousands of index files", thousands_of_indexes),
    (
        "index files that verify, one over the other",
        layers_of_indexes,
    ),
    ("names that are no text", no_text),
    ("segments of the highest numbers", highest_numbers),
    ("a segment missing", |dir, files| {
        fs::remove_file(dir.join(of_kind(files, ".seg")[1])).unwrap();
    }),
    ("segments that are each other", each_other),
    ("a tail of what looks like small frames", |dir, files| {
        fill_tail(dir, files, &[38, 0, 0, 0, 1, 2, 3, 4, 0, 30, 7, 7]);
    }),
    ("a tail of what looks like long heads", |dir, files| {
        fill_tail(dir, files, &[0, 32, 0, 0, 9, 9, 9, 9, 0, 0xFF, 0x3F, 1]);
    }),
    ("what looks like frames, far apart in a hole", far_apart),
    ("a long head in a hole", |dir, files| {
        long_frame(dir, files, true);
    }),
    ("a long frame in a hole", |dir, files| {
        long_frame(dir, files, false);
    }),
];

fn thousands_of_names(dir: &Path, _: &Files) {
    for number in 0..5000 {
        fs::write(dir.join(format!("junk-{number}.seg")), "").unwrap();
        fs::write(
            dir.join(format!("{number:016}-9999999999999999.idx.tmp")),
            "",
        )
        .unwrap();
    }
}

fn thousands_of_holes(dir: &Path, files: &Files) {
    let first = of_kind(files, ".seg").len() + 1;
    for number in first..first + 2000 {
        let path = dir.join(format!("{number:010}.seg"));
        assert!(set_len(&path, LONG) && put_at(&path, LONG / 2, b"something"));
    }
}

fn thousands_of_indexes(dir: &Path, _: &Files) {
    for last in 1_000_000..1_005_000 {
        fs::write(dir.join(format!("{:016}-{last:016}.idx", 1)), "ANNALIDX").unwrap();
    }
}

/// Each says that it is over one position more than the one before.
fn layers_of_indexes(dir: &Path, files: &Files) {
    let first = of_kind(files, ".idx")[0];
    let mut bytes = fs::read(dir.join(first)).unwrap();
    for last in 1000u64..1100 {
        bytes[40..48].copy_from_slice(&last.to_le_bytes());
        mend::file(first, &mut bytes);
        fs::write(dir.join(format!("{:016}-{last:016}.idx", 1)), &bytes).unwrap();
    }
}

fn no_text(dir: &Path, _: &Files) {
    for byte in 0x80..=0xFF {
        let name = [b"0000000001.seg", &[byte][..]].concat();
        fs::write(dir.join(OsStr::from_bytes(&name)), "").unwrap();
    }
}

fn highest_numbers(dir: &Path, files: &Files) {
    let mut bytes = fs::read(dir.join(tail(files))).unwrap();
    for number in u64::MAX - 2..=u64::MAX {
        bytes[32..40].copy_from_slice(&number.to_le_bytes());
        mend::file(".seg", &mut bytes);
        fs::write(dir.join(format!("{number}.seg")), &bytes).unwrap();
    }
}

/// Every segment is the same, but for its number.
fn each_other(dir: &Path, files: &Files) {
    let segments = of_kind(files, ".seg");
    let mut bytes = fs::read(dir.join(segments[2])).unwrap();
    for (number, name) in (1u64..).zip(segments) {
        bytes[32..40].copy_from_slice(&number.to_le_bytes());
        mend::file(name, &mut bytes);
        fs::write(dir.join(name), &bytes).unwrap();
    }
}

/// Fills what is free of the tail.
fn fill_tail(dir: &Path, files: &Files, pattern: &[u8]) {
    let path = dir.join(tail(files));
    let mut bytes = fs::read(&path).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    for (byte, own) in bytes[end..].iter_mut().zip(pattern.iter().cycle()) {
        *byte = *own;
    }
    fs::write(path, bytes).unwrap();
}

/// Makes the tail as large as one may be, and says so in its header.
fn stretch_tail(dir: &Path, files: &Files) -> (std::path::PathBuf, Vec<u8>) {
    let path = dir.join(tail(files));
    let mut bytes = fs::read(&path).unwrap();
    bytes[80..88].copy_from_slice(&LARGEST_SEGMENT.to_le_bytes());
    mend::seal(&mut bytes[..mend::FRAMES]);
    fs::write(&path, &bytes).unwrap();
    assert!(set_len(&path, LARGEST_SEGMENT));
    (path, bytes)
}

fn far_apart(dir: &Path, files: &Files) {
    let (path, _) = stretch_tail(dir, files);
    for number in 1..200u64 {
        let frame = [
            0xFF, 0xFF, 0xFF, 0x10, 1, 2, 3, 4, 0, 0xFF, 0xFF, 0xFF, 0x0F,
        ];
        assert!(put_at(&path, number * (40 << 20), &frame));
    }
}

/// The first frame of the tail says that almost all of the file is its head,
/// or its record.
fn long_frame(dir: &Path, files: &Files, head: bool) {
    let (path, bytes) = stretch_tail(dir, files);
    let mut frame = bytes[mend::FRAMES..mend::FRAMES + 200].to_vec();
    frame[..4].copy_from_slice(&(u32::MAX - 512).to_le_bytes());
    let mut place = crc32fast::Hasher::new();
    place.update(&bytes[16..40]);
    match head {
        true => frame[9..14].copy_from_slice(&[0xFF, 0xFF, 0xFF, 0xFF, 0x0E]),
        false => {
            let head = usize::from(frame[9]);
            mend::head(&mut frame[..head], place, mend::FRAMES as u64);
        }
    }
    assert!(put_at(&path, mend::FRAMES as u64, &frame));
}

/// Looks at a store to which something is done.
type At<'a> = dyn FnMut(&str, &dyn Fn(&Path) -> bool) + 'a;

/// Numbers in headers and statements that are checksummed and lies.
fn lies(files: &Files, at: &mut At<'_>) {
    let segments = of_kind(files, ".seg");
    let indexes = of_kind(files, ".idx");
    let of_segments = (32..88).step_by(8);
    let of_indexes = (8..144).step_by(8);
    for (name, fields) in [
        (segments[0], of_segments.clone()),
        (segments[2], of_segments.clone()),
        (tail(files), of_segments),
        (indexes[0], of_indexes),
        (of_kind(files, ".ids")[0], (8..72).step_by(8)),
        ("closed", (24..56).step_by(8)),
        ("watermark", (0..24).step_by(8)),
    ] {
        for field in fields {
            for number in NUMBERS {
                at(&format!("{name} says {number} at {field}"), &|dir| {
                    lie(&dir.join(name), field, number);
                    true
                });
            }
        }
    }
}

fn lie(path: &Path, field: usize, number: u64) {
    let Ok(mut bytes) = fs::read(path) else {
        return;
    };
    bytes[field..field + 8].copy_from_slice(&number.to_le_bytes());
    let name = path.to_str().unwrap();
    if !name.ends_with("watermark") {
        mend::file(name, &mut bytes);
    }
    fs::write(path, bytes).unwrap();
}
