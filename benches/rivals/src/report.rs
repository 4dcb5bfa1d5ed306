//! The tables, for the terminal and for the page.

use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result};

use crate::measure::{Measure, TABLES};
use crate::plan::{LIMITS, Outcome};
use crate::plot;
use crate::store::Rival;

const LOCK: &str = include_str!("../Cargo.lock");
const BEGIN: &str = "<!-- rivals: written by benches/rivals, do not edit -->";
const END: &str = "<!-- rivals: end -->";

/// The version that the lock file has of a package.
fn version(package: &str) -> &'static str {
    let found = LOCK.split("[[package]]").find_map(|entry| {
        let rest = entry
            .trim_start()
            .strip_prefix(&format!("name = \"{package}\"\n"))?;
        rest.lines()
            .next()?
            .strip_prefix("version = \"")?
            .strip_suffix('"')
    });
    found.unwrap_or("?")
}

fn names(outcome: &Outcome) -> Vec<&str> {
    let rivals = outcome.rivals.iter().map(|rival| rival.name);
    std::iter::once(LIMITS).chain(rivals).collect()
}

fn cell(outcome: &Outcome, name: &str, measure: Measure) -> String {
    let Some(spread) = outcome.figures.get(name, measure) else {
        return "–".into();
    };
    let show = |value| measure.show(value);
    let (least, most) = (show(spread.least), show(spread.most));
    if least == most {
        return show(spread.median);
    }
    format!("{} ({least}–{most})", show(spread.median))
}

/// How annals compares with the best of the stores that check what a writer
/// expects; above 1 it is ahead.
fn ahead(outcome: &Outcome, measure: Measure) -> Option<(f64, &'static str)> {
    // Below a mebibyte the difference is noise.
    let floor = match measure {
        Measure::MemoryOpen | Measure::MemoryRead => 1.0,
        _ => f64::MIN_POSITIVE,
    };
    let ours = outcome.figures.get("annals", measure)?.median.max(floor);
    let others = outcome
        .rivals
        .iter()
        .filter(|rival| rival.name != "annals" && rival.can.check);
    let ratios = others.filter_map(|rival| {
        let theirs = outcome.figures.get(rival.name, measure)?.median.max(floor);
        let ratio = if measure.more_is_better() {
            ours / theirs
        } else {
            theirs / ours
        };
        Some((ratio, rival.name))
    });
    ratios.min_by(|a, b| a.0.total_cmp(&b.0))
}

fn table(outcome: &Outcome, title: &str, measures: &[Measure]) -> String {
    let mut out = format!("\n### {title}\n\n| store |");
    for measure in measures {
        let _ = write!(out, " {} |", measure.title());
    }
    out += "\n|---|";
    out += &"---|".repeat(measures.len());
    out.push('\n');
    for name in names(outcome) {
        let cells: Vec<_> = measures.iter().map(|&at| cell(outcome, name, at)).collect();
        if cells.iter().any(|cell| cell != "–") {
            let name = if name == "annals" { "**annals**" } else { name };
            let _ = writeln!(out, "| {name} | {} |", cells.join(" | "));
        }
    }
    out += "| *annals over the best that checks* |";
    for &measure in measures {
        match ahead(outcome, measure) {
            Some((ratio, name)) => drop(write!(out, " *{ratio:.2}* ({name}) |")),
            None => out += " – |",
        }
    }
    out.push('\n');
    out
}

fn settings(rivals: &[Rival]) -> String {
    let mut out = String::from(
        "\n### Versions and settings\n\n| store | version | settings | from |\n|---|---|---|---|\n",
    );
    for (number, rival) in rivals.iter().enumerate() {
        // Two layouts of one store have one row.
        if number > 0 && rivals[number - 1].settings == rival.settings {
            continue;
        }
        let _ = writeln!(
            out,
            "| {} | {} {} | {} | {} |",
            rival.name.split(',').next().unwrap_or(rival.name),
            rival.package,
            version(rival.package),
            rival.settings,
            rival.source
        );
    }
    out
}

fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = info.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kibibytes = memory
        .lines()
        .next()
        .and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok())
        .unwrap_or(0);
    format!(
        "{} ({cores} cores), {} GiB of memory, Linux {}",
        field("model name").unwrap_or_else(|| "a processor".into()),
        kibibytes >> 20,
        kernel.trim()
    )
}

/// All tables.
pub fn text(outcome: &Outcome) -> String {
    let mut out = format!(
        "{}, {:.0} MiB given; {} rounds, durable ones of {} s, the run took {:.0} min.\n\
         Machine: {}.\nRaw fdatasync of 300 bytes in place: p50 {:.0?}, p99 {:.0?}.\n",
        outcome.workload,
        outcome.given as f64 / f64::from(1 << 20),
        outcome.rounds,
        outcome.seconds,
        (outcome.took.as_secs_f64() / 60.0).ceil(),
        machine(),
        outcome.sync_p50,
        outcome.sync_p99,
    );
    if let Some(reason) = &outcome.refused {
        let _ = writeln!(out, "\nDurable figures are refused: {reason}.");
    }
    for (name, reason) in &outcome.failed {
        let _ = writeln!(
            out,
            "\n**{name} failed**, so its later figures are missing: {reason}."
        );
    }
    for (title, measures) in TABLES {
        let measured = |&measure: &Measure| {
            names(outcome)
                .iter()
                .any(|name| outcome.figures.get(name, measure).is_some())
        };
        if measures.iter().any(measured) {
            out += &table(outcome, title, measures);
        }
    }
    out + &settings(&outcome.rivals)
}

/// Puts the tables between the marks of the page, whose other text is kept, and
/// the plots beside it.
pub fn write(outcome: &Outcome, docs: &Path) -> Result<()> {
    let page = docs.join("rivals.md");
    let old = std::fs::read_to_string(&page).with_context(|| format!("read {}", page.display()))?;
    let (before, rest) = old
        .split_once(BEGIN)
        .context("docs/rivals.md has lost its mark")?;
    let (_, after) = rest
        .split_once(END)
        .context("docs/rivals.md has lost its second mark")?;
    let plots = docs.join("plots");
    std::fs::create_dir_all(&plots)?;
    let mut shown = String::new();
    for (number, (title, measures)) in TABLES.iter().enumerate() {
        let file = format!("rivals-{}.svg", number + 1);
        std::fs::write(
            plots.join(&file),
            plot::bars(outcome, &names(outcome), title, measures),
        )?;
        let _ = writeln!(shown, "\n![{title}](plots/{file})");
    }
    let text = text(outcome);
    std::fs::write(
        &page,
        format!("{before}{BEGIN}\n\n{text}{shown}\n{END}{after}"),
    )?;
    Ok(())
}
