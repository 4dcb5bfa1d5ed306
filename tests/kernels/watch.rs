//! What a program does to the files of a directory, as strace sees it.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};

/// Calls that change nothing of the files that they are given. Whatever is not
/// here, and not looked at below, is taken for a change.
const HARMLESS: &[&str] = &[
    "_llseek",
    "access",
    "close",
    "execve",
    "faccessat",
    "faccessat2",
    "fadvise64",
    "fadvise64_64",
    "fstat",
    "fstat64",
    "fstatat64",
    "fstatfs",
    "fstatfs64",
    "getdents64",
    "lseek",
    "lstat",
    "lstat64",
    "newfstatat",
    "pread64",
    "preadv",
    "read",
    "readahead",
    "readlink",
    "readlinkat",
    "readv",
    "stat",
    "stat64",
    "statfs",
    "statfs64",
    "statx",
];

/// What was seen.
#[derive(Debug, Default)]
pub struct Seen {
    /// Calls that concern the directory.
    pub calls: u64,
    /// Those that change something, as strace shows them.
    pub changes: Vec<String>,
}

/// Whether strace is here and may trace, or why not.
pub fn can_watch() -> Result<(), String> {
    let tried = Command::new("strace")
        .args(["-o", "/dev/null", "true"])
        .output()
        .map_err(|error| format!("strace: {error}"))?;
    match tried.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&tried.stderr).trim().to_owned()),
    }
}

/// Runs a program, for a moment only if it goes on for ever, and watches what
/// it does to a directory.
pub fn watch(dir: &Path, program: &[OsString], for_ever: bool) -> Result<Seen, String> {
    let trace = tempfile::NamedTempFile::new().unwrap();
    let mut command = Command::new("strace");
    command.args(["-f", "-y", "-o"]).arg(trace.path());
    if for_ever {
        command.args(["timeout", "-s", "KILL", "1"]);
    }
    let output = command
        .args(program)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| error.to_string())?;
    if !output.status.success() && !for_ever {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{program:?} fails: {said}"));
    }
    let text = std::fs::read(trace.path()).unwrap();
    let dir = dir.canonicalize().unwrap();
    let dir = dir.to_str().unwrap();
    let mut seen = Seen::default();
    for line in String::from_utf8_lossy(&text).lines() {
        match changes(line, dir) {
            None => {}
            Some(false) => seen.calls += 1,
            Some(true) => {
                seen.calls += 1;
                seen.changes.push(line.to_owned());
            }
        }
    }
    Ok(seen)
}

/// Whether a call changes something of a directory; nothing if it does not
/// concern it.
fn changes(line: &str, dir: &str) -> Option<bool> {
    // The process comes first. What was interrupted is shown where it began.
    let (_, call) = line.split_once(' ')?;
    let (name, arguments) = call.trim_start().split_once('(')?;
    if name.contains(' ') || !arguments.contains(dir) {
        return None;
    }
    let has = |flag: &str| arguments.contains(flag);
    match name {
        "open" | "openat" => {
            let writing = ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_APPEND"];
            Some(writing.into_iter().any(has) || has("O_TMPFILE"))
        }
        // Names that end with a number: where addresses have 32 bits.
        "mmap" | "mmap2" => Some(has("PROT_WRITE") && has("MAP_SHARED")),
        "mprotect" => Some(has("PROT_WRITE")),
        "fcntl" | "fcntl64" => Some(!has("F_GETFD") && !has("F_GETFL") && !has("F_DUPFD")),
        // What is written elsewhere may well speak of the directory.
        "write" | "writev" | "sendto" => {
            let file = arguments.split(',').next()?;
            file.contains(dir).then_some(true)
        }
        _ => Some(!HARMLESS.contains(&name)),
    }
}
