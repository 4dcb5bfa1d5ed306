//! Directories that an enemy made: each is opened or refused quickly and in
//! bounded memory, whatever its files are and say. `docs/testing.md` says how
//! to run it, short and long.

#![allow(
    clippy::case_sensitive_file_extension_comparisons,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    unreachable_pub,
    missing_docs
)]

use std::process::ExitCode;

#[cfg(target_os = "linux")]
mod alloc;
#[cfg(target_os = "linux")]
mod beside;
#[cfg(target_os = "linux")]
mod files;
#[cfg(target_os = "linux")]
mod look;
#[cfg(target_os = "linux")]
mod mend;
#[cfg(target_os = "linux")]
mod mutations;
#[path = "../support/parts.rs"]
#[cfg(target_os = "linux")]
mod parts;
#[cfg(target_os = "linux")]
mod sample;
#[cfg(target_os = "linux")]
mod table;

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let parts: &[parts::Part<look::Settings>] = &[
        ("table", table::run),
        ("beside", beside::run),
        ("mutations", mutations::run),
    ];
    parts::run(&args, parts, look::Settings::from_env)
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    println!("skipped: pipes, devices and holes are made as on Linux");
    ExitCode::SUCCESS
}
