//! The command line, from outside: the binary is run as a user runs it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::format_collect
)]

mod append;
mod bad_input;
mod bad_store;
mod explain;
mod export;
mod import;
mod reading;
mod restore;
mod support;
mod tail;
mod trace;
