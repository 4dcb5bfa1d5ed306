//! What going over to the next segment costs the append that meets it.

use super::feed::Feed;
use annals::{Durability, EventStore, LogStore, Options};
use std::path::Path;
use std::time::{Duration, Instant};

/// What a segment begins with, and the size of the first one.
const HEADER: u64 = 128;
const FIRST: u64 = 256 << 10;
/// Appends this near to one that rolls count as at the roll.
const BEFORE: usize = 2;
const AFTER: usize = 8;

/// Appends of one event that are written.
pub(crate) fn written(dir: &Path, is_bench: bool) {
    run(
        dir,
        "rolls, written, 1 event",
        Durability::Written,
        1,
        is_bench,
    );
}

/// Batches of a hundred events that are durable.
pub(crate) fn durable(dir: &Path, is_bench: bool) {
    let title = "rolls, durable, batches of 100";
    run(dir, title, Durability::Durable, 100, is_bench);
}

fn run(dir: &Path, title: &str, durability: Durability, batch: usize, is_bench: bool) {
    let (size, rolls) = match is_bench {
        true => (16 << 20, 100),
        false => (64 << 10, 5),
    };
    let path = dir.join("rolls");
    let _ = std::fs::remove_dir_all(&path);
    let options = Options::new().durability(durability).segment_size(size);
    let store = options.open(&path).unwrap();
    let (times, at) = measure(&store, batch, size, rolls);
    drop(store);
    let _ = std::fs::remove_dir_all(&path);
    let near = |index: usize| {
        let next = at.partition_point(|roll| *roll + AFTER < index);
        at.get(next).is_some_and(|roll| *roll <= index + BEFORE)
    };
    let away = sorted(
        (0..times.len())
            .filter(|own| !near(*own))
            .map(|own| times[own]),
    );
    let around = |roll: &usize| roll.saturating_sub(BEFORE)..(roll + AFTER + 1).min(times.len());
    let slowest = |roll: &usize| times[around(roll)].iter().max().copied();
    let slowest = sorted(at.iter().filter_map(slowest));
    let (p99, median) = (part(&away, 0.99), part(&slowest, 0.5));
    println!(
        "\n{title}   (goal: the slowest at a roll <= 3 times the p99 of others)\n  \
         {} rolls, slowest append at each: {median:?} (median), {:?} (p90); \
         others: {:?} (median), {p99:?} (p99)\n  median over p99: {:.2}",
        at.len(),
        part(&slowest, 0.9),
        part(&away, 0.5),
        median.as_secs_f64() / p99.as_secs_f64(),
    );
}

/// Appends until so many segments of the full size have been begun; how long
/// each append took, and which ones rolled.
fn measure(store: &LogStore, batch: usize, size: u64, rolls: usize) -> (Vec<Duration>, Vec<usize>) {
    let mut feed = Feed::new(3, 100_000, batch);
    let (mut times, mut at) = (Vec::new(), Vec::new());
    let (mut segment, mut offset) = (FIRST.min(size), HEADER);
    let mut before = store.activity().log_bytes;
    while at.len() < rolls {
        let append = feed.next();
        let start = Instant::now();
        store.append(append).unwrap();
        times.push(start.elapsed());
        let bytes = store.activity().log_bytes;
        // A roll writes the header of a segment as well.
        let written = bytes - before;
        before = bytes;
        if offset + written.saturating_sub(HEADER) <= segment {
            offset += written;
            continue;
        }
        offset = written;
        if segment == size {
            at.push(times.len() - 1);
        }
        segment = (segment * 2).min(size);
    }
    (times, at)
}

fn sorted(times: impl Iterator<Item = Duration>) -> Vec<Duration> {
    let mut times: Vec<_> = times.collect();
    times.sort_unstable();
    times
}

/// What this part of sorted times is not above.
fn part(times: &[Duration], part: f64) -> Duration {
    let index = (times.len() as f64 * part) as usize;
    times
        .get(index.min(times.len().saturating_sub(1)))
        .copied()
        .unwrap_or_default()
}
