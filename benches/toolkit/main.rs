//! What the toolkit costs, each thing beside what it can't be quicker than, in
//! one run: a replay beside the bare decoding of the same events, a load from
//! a snapshot beside the replay; how long after an append its subscriber is
//! awake, beside a thread that waits on a futex; and a million snapshots.
//!
//! `cargo bench --all-features --bench toolkit -- [part...]`, where the parts
//! are `states`, `wakes` and `snapshots`. Without `--bench` (as `cargo test`
//! runs it) it tries only whether it runs.
#![allow(
    missing_docs,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::cast_precision_loss
)]

mod snapshots;
mod states;
mod wakes;

use std::time::Duration;

fn main() -> annals::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [word, path] = arguments.as_slice()
        && word == snapshots::OPENED
    {
        return snapshots::open(path.as_ref());
    }
    let is_bench = arguments.iter().any(|argument| argument == "--bench");
    let parts: Vec<_> = arguments
        .iter()
        .filter(|own| !own.starts_with('-'))
        .collect();
    let wants = |part: &str| parts.is_empty() || parts.iter().any(|own| *own == part);
    let size = |long, short| if is_bench { long } else { short };
    if wants("states") {
        states::run(size(100_000, 1000), size(9, 2))?;
    }
    if wants("wakes") {
        wakes::run(size(3000, 10) as usize)?;
    }
    if wants("snapshots") {
        snapshots::run(size(1_000_000, 1000))?;
    }
    Ok(())
}

fn median(times: &mut [Duration]) -> Duration {
    percentile(times, 50)
}

fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    times[(times.len() - 1) * percent / 100]
}

fn times_of(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64()
}
