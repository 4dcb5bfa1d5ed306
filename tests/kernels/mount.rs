//! File systems of our own, in sparse images on loop devices. Needs root.

use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// What kind of file system, how mounted, in an image of how many bytes.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    pub name: &'static str,
    pub options: &'static str,
    pub bytes: u64,
}

pub const EXT4_ORDERED: Kind = Kind {
    name: "ext4",
    options: "data=ordered",
    bytes: 64 << 20,
};
pub const EXT4_WRITEBACK: Kind = Kind {
    name: "ext4",
    options: "data=writeback",
    bytes: 64 << 20,
};
/// The smallest that mkfs.xfs makes.
pub const XFS: Kind = Kind {
    name: "xfs",
    options: "defaults",
    bytes: 300 << 20,
};

/// A file system in an image, mounted or not.
#[derive(Debug)]
pub struct Image {
    kind: Kind,
    place: TempDir,
    mounted: bool,
    /// The image, where it is not in `place`.
    file: PathBuf,
}

/// How a file system is shut down, as the kernel numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Going {
    /// Everything is written first.
    Flushed = 0,
    /// The journal is, data is not.
    LogFlushed = 1,
    /// Nothing is: the closest to a loss of power.
    Dead = 2,
}

impl Image {
    /// Makes one and mounts it; or says why that can't be done here.
    pub fn new(kind: Kind) -> Result<Self, String> {
        let memory = Path::new("/dev/shm");
        let place = match memory.is_dir() {
            true => tempfile::tempdir_in(memory),
            false => tempfile::tempdir(),
        };
        let place = place.unwrap();
        let file = place.path().join("image");
        Self::in_file(kind, place, file)
    }

    /// Makes one whose image is in another file system.
    pub fn on(kind: Kind, place: &Path) -> Result<Self, String> {
        Self::in_file(kind, tempfile::tempdir().unwrap(), place.join("image"))
    }

    fn in_file(kind: Kind, place: TempDir, file: PathBuf) -> Result<Self, String> {
        std::fs::create_dir(place.path().join("mounted")).unwrap();
        File::create(&file).unwrap().set_len(kind.bytes).unwrap();
        let force = if kind.name == "xfs" { "-f" } else { "-F" };
        let make = format!("mkfs.{}", kind.name);
        let mut arguments = vec!["-q", force];
        if kind.name == "ext4" {
            arguments.extend(["-b", "4096"]);
        }
        let mut arguments: Vec<&OsStr> = arguments.into_iter().map(OsStr::new).collect();
        arguments.push(file.as_os_str());
        command(&make, &arguments)?;
        let mut image = Image {
            kind,
            place,
            mounted: false,
            file,
        };
        image.mount()?;
        Ok(image)
    }

    pub fn file(&self) -> &Path {
        &self.file
    }

    pub fn dir(&self) -> PathBuf {
        self.place.path().join("mounted")
    }

    /// A place beside the file system, for what must survive it.
    pub fn beside(&self) -> &Path {
        self.place.path()
    }

    pub fn mount(&mut self) -> Result<(), String> {
        let options = format!("loop,{}", self.kind.options);
        command(
            "mount",
            &[
                "-t".as_ref(),
                self.kind.name.as_ref(),
                "-o".as_ref(),
                options.as_ref(),
                self.file.as_os_str(),
                self.dir().as_os_str(),
            ],
        )?;
        self.mounted = true;
        Ok(())
    }

    /// Unmounts it, as soon as nobody has files of it open.
    pub fn unmount(&mut self) -> Result<(), String> {
        let started = Instant::now();
        loop {
            let tried = command("umount", &[self.dir().as_os_str()]);
            if tried.is_ok() || started.elapsed() > crate::child::LONG {
                self.mounted &= tried.is_err();
                return tried;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Has the kernel write each page of the image by itself. A loop device
    /// takes a write of which only a part found room for a success, which makes
    /// it a disk that lies; of one page nothing does, or all.
    pub fn write_by_page(&self) -> Result<(), String> {
        let device = std::fs::metadata(self.dir()).unwrap().dev();
        let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
        let path = format!("/sys/dev/block/{major}:{minor}/queue/max_sectors_kb");
        std::fs::write(&path, "4").map_err(|error| format!("{path}: {error}"))
    }

    /// Shuts it down with whatever is under way.
    pub fn shut_down(&self, how: Going) -> Result<(), String> {
        let dir = File::open(self.dir()).map_err(|error| error.to_string())?;
        going_down(&dir, how).map_err(|error| format!("FS_IOC_SHUTDOWN: {error}"))
    }

    /// Keeps the image for whoever wants to look at it; says where.
    pub fn keep(mut self) -> PathBuf {
        let _ = self.unmount();
        let place = std::mem::replace(&mut self.place, tempfile::tempdir().unwrap());
        place.keep()
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        if self.mounted {
            // Lazily: a file may be open that a failed test has left.
            let dir = self.dir();
            let _ = command("umount", &["-l".as_ref(), dir.as_os_str()]);
        }
    }
}

/// `FS_IOC_SHUTDOWN`, which ext4 and XFS share.
#[allow(unsafe_code)]
fn going_down(dir: &File, how: Going) -> std::io::Result<()> {
    use rustix::ioctl::{Setter, ioctl, opcode};
    const SHUTDOWN: rustix::ioctl::Opcode = opcode::read::<u32>(b'X', 125);
    // SAFETY: the kernel reads one u32 through the pointer that it is given,
    // as its definition says (`_IOR('X', 125, __u32)`), and keeps nothing.
    unsafe { ioctl(dir.as_fd(), Setter::<SHUTDOWN, u32>::new(how as u32)) }?;
    Ok(())
}

/// A memory file system of so many bytes, mounted; gone when dropped.
#[derive(Debug)]
pub struct Memory(TempDir);

impl Memory {
    pub fn new(bytes: u64) -> Result<Self, String> {
        let dir = tempfile::tempdir().unwrap();
        let size = format!("size={bytes}");
        let path = dir.path().as_os_str();
        let arguments = ["-t", "tmpfs", "-o", &size, "tmpfs"].map(AsRef::as_ref);
        command("mount", &[&arguments[..], &[path]].concat())?;
        Ok(Memory(dir))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        let _ = command("umount", &["-l".as_ref(), self.0.path().as_os_str()]);
    }
}

/// Runs a command to its end; what it complains of if it fails.
pub fn command(name: &str, arguments: &[&OsStr]) -> Result<(), String> {
    let output = Command::new(name).args(arguments).output();
    let output = output.map_err(|error| format!("{name}: {error}"))?;
    match output.status.success() {
        true => Ok(()),
        false => {
            let said = String::from_utf8_lossy(&output.stderr);
            Err(format!("{name}: {}", said.trim()))
        }
    }
}

/// The most that any file system of ours holds.
const LARGEST: u64 = 1 << 30;

/// Takes all the room that there is, but for so many bytes. Only of a small
/// file system: should ours not be mounted there, nobody else's is filled.
pub fn fill(dir: &Path, leave: u64) -> PathBuf {
    let path = dir.join("filler");
    let free = || {
        let stat = rustix::fs::statvfs(dir).unwrap();
        stat.f_bfree * stat.f_frsize
    };
    assert!(free() < LARGEST, "{} is not of ours", dir.display());
    let file = File::create(&path).unwrap();
    let mut offset = 0;
    let mut step: u64 = 64 << 20;
    while free() > leave && step >= 4096 {
        let length = step.min(free() - leave).max(4096);
        let flags = rustix::fs::FallocateFlags::empty();
        match rustix::fs::fallocate(&file, flags, offset, length) {
            Ok(()) => offset += length,
            Err(_) => step /= 2,
        }
    }
    path
}
