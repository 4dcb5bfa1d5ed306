//! There is one writer, in this process and over all processes; and the lock
//! of one that was killed is free at once.

use crate::child::{Child, Said};
use crate::report::{Report, Settings};
use crate::roles;
use annals::{ErrorKind, LogStore};
use std::path::Path;
use std::process::Command;

pub fn run(settings: &Settings) -> bool {
    let mut report = Report::new("writers", settings.seed);
    let place = tempfile::tempdir().unwrap();
    let outcomes = [
        ("in this process", in_this_process(&place.path().join("a"))),
        ("in another process", in_another(&place.path().join("b"))),
        ("after a kill", after_a_kill(&place.path().join("c"))),
    ];
    for (name, outcome) in outcomes {
        match outcome {
            Ok(()) => report.strike(&[name]),
            Err(reason) => report.violation(settings.seed, &format!("{name}: {reason}"), None),
        }
    }
    report.print(&[])
}

fn is_locked<T>(outcome: &annals::Result<T>) -> bool {
    let locked = |error: &annals::Error| matches!(error.kind(), ErrorKind::Locked { .. });
    outcome.as_ref().is_err_and(locked)
}

fn open(dir: &Path) -> Result<LogStore, String> {
    let opened = roles::options(0).open(dir);
    opened.map_err(|error| error.to_string())
}

/// The same store by every name that it has.
fn in_this_process(dir: &Path) -> Result<(), String> {
    let store = open(dir)?;
    let roundabout = dir.join("..").join(dir.file_name().unwrap());
    let mut names = vec![dir.to_path_buf(), roundabout];
    #[cfg(unix)]
    {
        let link = dir.with_extension("link");
        std::os::unix::fs::symlink(dir.parent().unwrap(), &link).unwrap();
        names.push(link.join(dir.file_name().unwrap()));
    }
    for name in names {
        if !is_locked(&roles::options(0).open(&name)) {
            return Err(format!("a second writer by the name {}", name.display()));
        }
        if !is_locked(&annals::repair(&name)) {
            return Err(format!("a repair beside the writer of {}", name.display()));
        }
    }
    drop(store);
    open(dir).map(drop)
}

/// What another process meets that opens the store for writing.
fn elsewhere(dir: &Path) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args([roles::FLAG, "open", dir.to_str().unwrap()])
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn in_another(dir: &Path) -> Result<(), String> {
    let store = open(dir)?;
    for _ in 0..3 {
        let met = elsewhere(dir);
        if met != "locked" {
            return Err(format!("a second writer in another process: {met}"));
        }
    }
    drop(store);
    match elsewhere(dir).as_str() {
        "opened" => Ok(()),
        met => Err(format!("once the first is closed: {met}")),
    }
}

/// A writer is killed while it has children of its own, which must not have
/// inherited its lock.
fn after_a_kill(dir: &Path) -> Result<(), String> {
    for seed in ["1", "2", "3"] {
        let log = dir.with_extension("log");
        let args = ["parent", dir.to_str().unwrap(), seed];
        let child = Child::start(&args, &log);
        if !child.wait_for(|record| record.said == Said::Closing) {
            return Err("the child did not start".into());
        }
        if !is_locked(&roles::options(0).open(dir)) {
            return Err("the store of a living writer was opened".into());
        }
        child.kill();
        open(dir).map_err(|error| format!("after a kill: {error}"))?;
        if elsewhere(dir) != "opened" {
            return Err("after a kill, elsewhere: it did not open".into());
        }
    }
    Ok(())
}
