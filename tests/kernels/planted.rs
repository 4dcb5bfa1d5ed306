//! The tests are tested: mistakes that real stores made are planted, and the
//! part that should notice each has to fail.

use crate::report::{Report, Settings, skipped};
use annals::Options;
use annals::testing::sim::{Bug, really};
use std::process::Command;

const PART: &str = "planted";
/// Names the mistake that is planted in this process.
const VARIABLE: &str = "ANNALS_PLANTED";

/// The mistakes, the part that notices each, and how often that may try. The
/// last are slow to show, and left to the long form.
const BUGS: &[(Bug, &str, u64)] = &[
    (Bug::IgnoresLock, "writers", 1),
    (Bug::ReaderMends, "readonly", 1),
    (Bug::IgnoresFullDisk, "space", 2),
    (Bug::RetriesSync, "sync", 10),
    (Bug::AcksFailedWrite, "sync", 5),
    (Bug::AckBeforeSync, "ext4-ordered", 60),
    (Bug::AckBeforeSync, "xfs", 60),
    (Bug::NoPoison, "sync", 3),
    (Bug::ShowBeforeSync, "ext4-writeback", 200),
];
const SLOW: usize = 2;

/// Options that open a store, with the mistake in it that was planted.
pub fn options() -> Options {
    let Ok(name) = std::env::var(VARIABLE) else {
        return Options::new();
    };
    let all = BUGS.iter().map(|(bug, ..)| *bug);
    let named = all.into_iter().find(|bug| format!("{bug:?}") == name);
    really(named)
}

/// Whether a mistake is planted in this process.
pub fn is_any() -> bool {
    std::env::var_os(VARIABLE).is_some()
}

pub fn run(settings: &Settings) -> bool {
    let mut report = Report::new(PART, settings.seed);
    let short = settings.shutdowns < 1000;
    for (bug, part, most) in &BUGS[..BUGS.len() - SLOW * usize::from(short)] {
        let name = format!("{bug:?}");
        let output = Command::new(std::env::current_exe().unwrap())
            .arg(part)
            .env(VARIABLE, &name)
            .env("ANNALS_KILLS", most.to_string())
            .env("ANNALS_SHUTDOWNS", most.to_string())
            .env("ANNALS_DISKS", most.to_string())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        if said.contains("skipped:") {
            skipped(PART, &format!("{name}: {part} is skipped here"));
        } else if output.status.success() {
            let reason = format!("{name}: {part} did not notice it");
            report.violation(settings.seed, &reason, None);
        } else {
            let found = said.lines().find(|line| line.starts_with("   !"));
            println!("   {name}: {}", found.unwrap_or_default().trim());
            report.strike(&[&name]);
        }
    }
    report.print(&[])
}
