//! annals beside what a user could pick instead: the same events, the same
//! checks, each store in the settings that its documentation recommends.
//!
//! ```text
//! cargo run --release --manifest-path benches/rivals/Cargo.toml --features all -- --write
//! ```
//!
//! prints the tables and writes them, with plots, into `docs/`. Without
//! `--features all` RocksDB and raft-engine, which take long to compile, are left
//! out. `--quick` is a look at whether it works, not a measurement.

mod bench;
mod child;
mod limits;
mod measure;
mod plan;
mod plot;
mod report;
mod room;
mod store;
mod stores;
mod workload;

use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;

use crate::plan::Plan;

#[derive(Parser)]
#[command(about = "annals beside what a user could pick instead")]
struct Args {
    /// How many events are loaded.
    #[arg(long, default_value_t = 1_000_000)]
    events: usize,
    /// A real log instead of made-up events: gzip, one JSON object a line
    /// (stream, type, time, data). Of it, --events at most.
    #[arg(long)]
    log: Option<PathBuf>,
    /// Rounds of each measurement; the tables show medians, least and most.
    #[arg(long, default_value_t = 5)]
    rounds: u64,
    /// How long one round of durable appends is, in seconds. Others are a
    /// part of that.
    #[arg(long, default_value_t = 1.2)]
    seconds: f64,
    /// A look at whether it works: 100,000 events, 2 rounds, short ones.
    #[arg(long)]
    quick: bool,
    /// Only stores whose name holds this (several: any of them).
    #[arg(long)]
    only: Vec<String>,
    /// Where the stores are put, and taken away again: on the disk to be measured.
    #[arg(long)]
    directory: Option<PathBuf>,
    /// Write the tables into docs/rivals.md and the plots into docs/plots/.
    #[arg(long)]
    write: bool,
    /// With --write: the folder that is written to instead of docs/.
    #[arg(long)]
    docs: Option<PathBuf>,

    /// With --child STORE and --directory DIR: makes so many durable appends of
    /// one event there, and nothing else, so that strace can count the syncs.
    #[arg(long)]
    appends: Option<u32>,
    #[arg(long, hide = true)]
    child: Option<String>,
    #[arg(long, hide = true)]
    child_reads: bool,
    #[arg(long, hide = true)]
    child_dies: Option<u32>,
}

fn main() -> Result<()> {
    let args = Args::parse();
    if let (Some(name), Some(path)) = (&args.child, &args.directory) {
        return match (args.appends, args.child_dies) {
            (Some(appends), _) => child::append(name, path, appends),
            (None, Some(events)) => child::kill(name, path, events),
            (None, None) => child::open(name, path, args.child_reads),
        };
    }
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let plan = Plan {
        events: if args.quick {
            args.events.min(100_000)
        } else {
            args.events
        },
        log: args.log,
        rounds: if args.quick { 2 } else { args.rounds.max(1) },
        seconds: if args.quick { 0.2 } else { args.seconds },
        only: args.only,
        directory: args.directory.unwrap_or_else(|| here.join("target/stores")),
    };
    let outcome = plan.run()?;
    println!("{}", report::text(&outcome));
    if args.write {
        let docs = args.docs.unwrap_or_else(|| here.join("../../docs"));
        report::write(&outcome, &docs)?;
    }
    anyhow::ensure!(outcome.failed.is_empty(), "not all stores got through");
    Ok(())
}
