//! A programme in parts, run as a test without the usual harness.

use std::process::ExitCode;

/// A part: its name, and what runs it and says whether all was well.
pub(crate) type Part<S> = (&'static str, fn(&S) -> bool);

/// Runs the parts whose names have one of the words of the command line in
/// them, or all; with `--list`, says which there are.
pub(crate) fn run<S>(args: &[String], parts: &[Part<S>], settings: impl FnOnce() -> S) -> ExitCode {
    if args.iter().any(|arg| arg == "--list") {
        for (name, _) in parts {
            println!("{name}: test");
        }
        return ExitCode::SUCCESS;
    }
    let names: Vec<&String> = args.iter().filter(|arg| !arg.starts_with('-')).collect();
    let settings = settings();
    let mut good = true;
    for (name, part) in parts {
        if names.is_empty() || names.iter().any(|own| name.contains(own.as_str())) {
            good &= part(&settings);
        }
    }
    match good {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}
