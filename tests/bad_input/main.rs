//! Bad input, each kind with an error of its own that says what, where and
//! what to do; the store stays as it was, and usable.
//!
//! What the command line makes of it is seen in `tests/cli`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::print_stdout)]
#![allow(clippy::case_sensitive_file_extension_comparisons)]

mod appends;
mod formats;
mod medium;
mod paths;
mod support;
