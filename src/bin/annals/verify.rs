//! `annals verify`: reads everything and checks it.

use crate::Out;
use crate::args::VerifyArgs;
use crate::people::{counted, shown};
use crate::progress::Progress;
use annals::VerifyReport;
use indicatif::BinaryBytes;
use std::io::{self, Write};

pub(crate) fn run(args: &VerifyArgs, out: &mut Out) -> anyhow::Result<()> {
    let mut progress = None;
    let report = annals::verify(&args.store, &mut |so_far| {
        progress
            .get_or_insert_with(|| Progress::new(Some(so_far.total_bytes)))
            .at(so_far.events, so_far.bytes);
    })?;
    drop(progress);
    write(out, &report)?;
    out.flush()?;
    match report.faults.len() {
        0 => Ok(()),
        count => anyhow::bail!(
            "{} has {}",
            args.store.display(),
            counted(count as u64, "fault")
        ),
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
        "read {} of {} in {} ({}) and {}{}: {}",
        counted(report.events, "event"),
        counted(report.streams, "stream"),
        counted(report.segments, "segment"),
        BinaryBytes(report.bytes),
        counted(report.index_files, "index file"),
        match report.id_files {
            0 => String::new(),
            count => format!(" and {}", counted(count, "id file")),
        },
        match report.faults.len() {
            0 => "all as it was written".into(),
            count => counted(count as u64, "fault"),
        }
    )
}
