//! The crash programme on real kernels: processes killed, file systems shut
//! down under load, disks that fill up or fail, system calls watched.
//! `docs/testing.md` says how to run it, short and long.
//!
//! This program starts itself again as writer and as reader; see `roles`.

#![cfg_attr(not(target_os = "linux"), allow(unused))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::exit,
    clippy::cast_precision_loss,
    unreachable_pub,
    missing_docs
)]

mod audit;
mod child;
mod event;
mod load;
#[path = "../support/parts.rs"]
mod parts;
mod planted;
mod random;
mod report;
mod roles;
mod writers;

#[cfg(unix)]
mod kill;
#[cfg(target_os = "linux")]
mod mount;
#[cfg(target_os = "linux")]
mod readonly;
#[cfg(target_os = "linux")]
mod shutdown;
#[cfg(target_os = "linux")]
mod space;
#[cfg(target_os = "linux")]
mod sync;
#[cfg(target_os = "linux")]
mod watch;

use report::Settings;
use std::process::ExitCode;

const PARTS: &[parts::Part<Settings>] = &[
    ("writers", writers::run),
    #[cfg(unix)]
    ("kill", kill::run),
    #[cfg(target_os = "linux")]
    ("readonly", readonly::run),
    #[cfg(target_os = "linux")]
    ("ext4-ordered", shutdown::ext4_ordered),
    #[cfg(target_os = "linux")]
    ("ext4-writeback", shutdown::ext4_writeback),
    #[cfg(target_os = "linux")]
    ("xfs", shutdown::xfs),
    #[cfg(target_os = "linux")]
    ("space", space::run),
    #[cfg(target_os = "linux")]
    ("sync", sync::run),
    #[cfg(target_os = "linux")]
    ("planted", planted::run),
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let Some(at) = args.iter().position(|arg| arg == roles::FLAG) {
        roles::play(&args[at + 1..]);
        return ExitCode::SUCCESS;
    }
    if cfg!(not(target_os = "linux")) && !args.iter().any(|arg| arg == "--list") {
        println!("skipped: all but a few parts need Linux");
    }
    parts::run(&args, PARTS, Settings::from_env)
}
