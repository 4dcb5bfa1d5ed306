//! `annals verify`: reads everything and checks it.

use crate::Out;
use crate::api::{self, VerifyReport};
use crate::args::VerifyArgs;
use crate::people::shown;
use crate::progress::Progress;
use indicatif::{BinaryBytes, HumanCount};
use std::io::{self, Write};

pub(crate) fn run(args: &VerifyArgs, out: &mut Out) -> anyhow::Result<()> {
    let mut progress = None;
    let report = api::verify(&args.store, &mut |so_far| {
        progress
            .get_or_insert_with(|| Progress::new(Some(so_far.total_bytes)))
            .at(so_far.events, so_far.bytes);
    })?;
    drop(progress);
    write(out, &report)?;
    out.flush()?;
    match report.faults.len() {
        0 => Ok(()),
        1 => anyhow::bail!("{} has a fault", args.store.display()),
        count => anyhow::bail!("{} has {count} faults", args.store.display()),
    }
}

fn write(out: &mut Out, report: &VerifyReport) -> io::Result<()> {
    for fault in &report.faults {
        let path = fault.path.display().to_string();
        let (path, reason) = (shown(&path), shown(&fault.reason));
        writeln!(out, "{path}: byte {}: {reason}", fault.offset)?;
    }
    writeln!(
        out,
        "read {} events of {} streams in {} segments ({}) and {} index files: {}",
        HumanCount(report.events),
        HumanCount(report.streams),
        HumanCount(report.segments),
        BinaryBytes(report.bytes),
        HumanCount(report.index_files),
        match report.faults.len() {
            0 => "all as it was written".into(),
            1 => "1 fault".into(),
            count => format!("{count} faults"),
        }
    )
}
