//! The command line of annals: real event logs go in, the same events come
//! out. Data goes to stdout, talk to stderr.

mod append;
mod args;
mod explain;
mod export;
mod import;
mod input;
mod json;
mod line;
mod parse;
mod people;
mod progress;
mod query;
mod read;
mod reading;
mod repair;
mod restore;
mod stat;
mod streams;
mod tail;
mod time;
mod trace;
mod verify;

use args::{Args, Command};
use clap::Parser;
use std::io::{self, BufWriter, StdoutLock, Write};
use std::process::ExitCode;

/// Where data goes. Whoever holds it flushes it before the end.
pub(crate) type Out = BufWriter<StdoutLock<'static>>;

/// The store or the data is at fault.
const AT_FAULT: u8 = 1;
/// The command line is.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(message) => {
            let asked_for = !message.use_stderr();
            drop(message.print());
            return ExitCode::from(if asked_for { 0 } else { USAGE });
        }
    };
    match run(&args.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            say(&described(&error));
            ExitCode::from(AT_FAULT)
        }
    }
}

fn run(command: &Command) -> anyhow::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    match command {
        Command::Import(args) => import::run(args)?,
        Command::Append(args) => append::run(args, &mut out)?,
        Command::Export(args) => export::run(args, &mut out)?,
        Command::Explain(args) => explain::run(args, &mut out)?,
        Command::Read(args) => read::run(args, &mut out)?,
        Command::Streams(args) => streams::run(args, &mut out)?,
        Command::Stat(args) => stat::run(args, &mut out)?,
        Command::Tail(args) => tail::run(args, &mut out)?,
        Command::Trace(args) => trace::run(args, &mut out)?,
        Command::Verify(args) => verify::run(args, &mut out)?,
        Command::Repair(args) => repair::run(args, &mut out)?,
    }
    out.flush()?;
    Ok(())
}

/// Says something to the person, on stderr. Where nobody listens, nothing is
/// to be done about it.
pub(crate) fn say(text: &str) {
    drop(writeln!(io::stderr(), "annals: {}", people::shown(text)));
}

/// Whether whoever read our output went away: `annals export | head` is no
/// error. Errors of the store are not looked into.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// What went wrong, from the outside in. The library's errors name their own
/// causes, so the chain ends at one.
fn described(error: &anyhow::Error) -> String {
    let mut parts = Vec::new();
    for part in error.chain() {
        parts.push(part.to_string());
        if part.is::<annals::Error>() {
            break;
        }
    }
    parts.join(": ")
}
