//! The crash programme: nothing acknowledged is ever lost, shown on a
//! simulated disk. `docs/testing.md` says how to run it, short and long.

#![allow(
    clippy::case_sensitive_file_extension_comparisons,
    clippy::match_same_arms
)]
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

mod bits;
mod boundaries;
mod bugs;
mod calls;
mod check;
mod consumers;
mod full;
mod model;
#[path = "../support/parts.rs"]
mod parts;
mod plan;
mod quiet;
mod report;
mod run;
mod snapshots;

use report::Settings;
use std::process::ExitCode;

const PARTS: &[parts::Part<Settings>] = &[
    ("boundaries", boundaries::run),
    ("calls", calls::run),
    ("full", full::run),
    ("bits", bits::run),
    ("quiet", quiet::run),
    ("snapshots", snapshots::run),
    ("consumers", consumers::run),
    ("bugs", bugs::run),
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    parts::run(&args, PARTS, Settings::from_env)
}
