//! `annals repair`: makes a damaged store one that opens again.

use crate::Out;
use crate::args::VerifyArgs;
use crate::people::shown;
use std::io::Write;

pub(crate) fn run(args: &VerifyArgs, out: &mut Out) -> anyhow::Result<()> {
    let report = annals::repair(&args.store)?;
    let Some(kept_in) = &report.kept_in else {
        writeln!(out, "nothing to repair; the log ends at {}", report.head)?;
        return Ok(());
    };
    if let Some((path, offset)) = &report.cut {
        let path = path.display().to_string();
        writeln!(out, "{}: cut off at byte {offset}", shown(&path))?;
    }
    for name in &report.kept {
        writeln!(out, "kept {}", shown(name))?;
    }
    let kept_in = kept_in.display().to_string();
    writeln!(
        out,
        "the log ends at {}; what was removed is in {}",
        report.head,
        shown(&kept_in)
    )?;
    Ok(())
}
