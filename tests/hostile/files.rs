//! What an enemy puts in the place of a file.

use rustix::fs::{CWD, FileType, Mode, mknodat};
use std::fs;
use std::os::unix::fs::{FileExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

/// How long a file with a hole says that it is: a terabyte.
pub const LONG: u64 = 1 << 40;

/// Puts something in the place of a file; false where that can't be done.
pub type Put = fn(&Path) -> bool;

/// Everything that may stand where a file should.
pub const INSTEAD: [(&str, Put); 16] = [
    ("nothing", nothing),
    ("a directory", directory),
    ("a full directory", full_directory),
    ("a pipe", pipe),
    ("a socket", socket),
    ("a device", device),
    ("a link to itself", |path| link(path, path)),
    ("a link to nothing", |path| link(path, Path::new("nowhere"))),
    ("a link to endless zeros", |path| {
        link(path, Path::new("/dev/zero"))
    }),
    ("a link to the file", link_to_the_file),
    ("no bytes", |path| write(path, |_| Vec::new())),
    ("one byte", |path| write(path, |_| vec![b'A'])),
    ("zeros", |path| write(path, |old| vec![0; old.len()])),
    ("ones", |path| write(path, |old| vec![0xFF; old.len()])),
    ("a hole", hole),
    ("the file and a hole", long_end),
];

fn nothing(path: &Path) -> bool {
    drop(fs::remove_file(path));
    true
}

fn directory(path: &Path) -> bool {
    nothing(path) && fs::create_dir(path).is_ok()
}

fn full_directory(path: &Path) -> bool {
    directory(path) && fs::write(path.join("something"), "else").is_ok()
}

fn pipe(path: &Path) -> bool {
    nothing(path) && mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).is_ok()
}

fn socket(path: &Path) -> bool {
    nothing(path) && UnixListener::bind(path).is_ok()
}

/// The device of endless zeros, which only root may make.
fn device(path: &Path) -> bool {
    let zeros = rustix::fs::makedev(1, 5);
    nothing(path) && mknodat(CWD, path, FileType::CharacterDevice, Mode::RUSR, zeros).is_ok()
}

fn link(path: &Path, to: &Path) -> bool {
    nothing(path) && symlink(to, path).is_ok()
}

fn link_to_the_file(path: &Path) -> bool {
    let moved = path.with_extension("moved");
    fs::rename(path, &moved).is_ok() && symlink(&moved, path).is_ok()
}

fn write(path: &Path, content: fn(&[u8]) -> Vec<u8>) -> bool {
    let old = fs::read(path).unwrap_or_default();
    fs::write(path, content(&old)).is_ok()
}

fn hole(path: &Path) -> bool {
    nothing(path) && set_len(path, LONG)
}

fn long_end(path: &Path) -> bool {
    set_len(path, LONG) && put_at(path, LONG - 1, &[1])
}

/// Makes a file so long, whatever is in it.
pub fn set_len(path: &Path, length: u64) -> bool {
    let file = fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path);
    file.and_then(|file| file.set_len(length)).is_ok()
}

/// Writes bytes at an offset of a file.
pub fn put_at(path: &Path, offset: u64, bytes: &[u8]) -> bool {
    let file = fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path);
    file.and_then(|file| file.write_all_at(bytes, offset))
        .is_ok()
}
