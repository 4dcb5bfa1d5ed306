//! Whoever opens for reading changes nothing: no system call is made that
//! could, as strace sees them, on stores in every state.

use crate::child::{Child, Said};
use crate::random::Random;
use crate::report::{Report, Settings, skipped};
use crate::roles;
use crate::watch::{can_watch, watch};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::time::{Duration, SystemTime};

const PART: &str = "readonly";

pub fn run(settings: &Settings) -> bool {
    if let Err(reason) = can_watch() {
        return skipped(PART, &reason);
    }
    let mut report = Report::new(PART, settings.seed);
    let place = tempfile::tempdir().unwrap();
    // What a writer does must be noticed, or the watching is worth nothing.
    let dir = place.path().join("written");
    std::fs::create_dir(&dir).unwrap();
    let mut writer = program(&["open"]);
    writer.push(dir.clone().into());
    match watch(&dir, &writer, false) {
        Ok(seen) if !seen.changes.is_empty() => {
            report.note(
                "changes by a writer that were noticed",
                seen.changes.len() as u64,
            );
        }
        Ok(_) => report.violation(settings.seed, "a writer was not noticed", None),
        Err(reason) => report.violation(settings.seed, &reason, None),
    }
    if commands().is_empty() {
        println!("   {PART}: the commands are not watched: they need the feature cli");
    }
    for state in ["closed", "killed", "live"] {
        if let Err(reason) = one_state(place.path(), state, settings.seed, &mut report) {
            report.violation(settings.seed, &format!("a {state} store: {reason}"), None);
        }
    }
    report.print(&["closed", "killed", "live"])
}

/// A program with its arguments; the store's directory follows the first.
type Program = Vec<OsString>;

fn program(role: &[&str]) -> Program {
    let mut all = vec![std::env::current_exe().unwrap().into_os_string()];
    all.push(roles::FLAG.into());
    all.extend(role.iter().map(Into::into));
    all
}

/// What the command line offers to those who only read.
fn commands() -> Vec<Program> {
    let Some(annals) = option_env!("CARGO_BIN_EXE_annals") else {
        return Vec::new();
    };
    ["stat", "export", "tail", "verify", "streams"]
        .iter()
        .map(|command| vec![annals.into(), (*command).into()])
        .collect()
}

fn one_state(
    place: &Path,
    state: &'static str,
    seed: u64,
    report: &mut Report,
) -> Result<(), String> {
    let dir = place.join(state);
    let log = place.join("log");
    let writer = Child::start(&["writer", dir.to_str().unwrap(), "5", "1", "mixed"], &log);
    let mut closed = 0;
    writer.wait_for(|record| {
        closed += u32::from(record.said == Said::Closed);
        closed == 4
    });
    let mut random = Random::new(seed);
    std::thread::sleep(Duration::from_micros(random.below(5000)));
    let live = match state {
        "live" => Some(writer),
        _ => {
            writer.kill();
            None
        }
    };
    if state == "closed" {
        let store = roles::options(1).open(&dir);
        drop(store.map_err(|error| error.to_string())?);
    }
    if state == "killed" {
        // Left by a writer that stopped in the middle: not a reader's to mend.
        std::fs::write(dir.join("closed.tmp"), "half").unwrap();
    }
    // A living writer may remove a file between its name and its bytes.
    let before = live.is_none().then(|| contents(&dir));
    // Mapped and plain, through the library.
    for seed in [3, 4, 5, 6] {
        let role = program(&["look"]);
        examine(&dir, role, &[&seed.to_string()], state, report)?;
    }
    for command in commands() {
        examine(&dir, command, &[], state, report)?;
    }
    match before {
        Some(before) if contents(&dir) != before => Err("its files have changed".into()),
        _ => Ok(()),
    }
}

fn examine(
    dir: &Path,
    mut program: Program,
    more: &[&str],
    state: &'static str,
    report: &mut Report,
) -> Result<(), String> {
    let name = program.last().unwrap().display().to_string();
    let follows = name.contains("tail");
    if follows {
        program.push("--follow".into());
    }
    program.push(dir.into());
    program.extend(more.iter().map(Into::into));
    let seen = watch(dir, &program, follows)?;
    report.strike(&[state]);
    report.note("calls on the store's files", seen.calls);
    match seen.changes.first() {
        None if seen.calls > 5 => Ok(()),
        None => Err(format!("{name}: only {} calls were seen", seen.calls)),
        Some(call) => Err(format!("{name}: {call}")),
    }
}

/// Every file with its bytes and the time of its last change.
fn contents(dir: &Path) -> BTreeMap<OsString, (Vec<u8>, SystemTime)> {
    let entries = std::fs::read_dir(dir).unwrap().map(Result::unwrap);
    entries
        .map(|entry| {
            let changed = entry.metadata().unwrap().modified().unwrap();
            let bytes = std::fs::read(entry.path()).unwrap();
            (entry.file_name(), (bytes, changed))
        })
        .collect()
}
