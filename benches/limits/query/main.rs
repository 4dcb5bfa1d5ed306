//! Queries and conditions over many events, beside scans and appends without
//! conditions, in one run.
//!
//! `cargo bench --all-features --bench limits_query -- [events] [rounds]
//! [part...]` (1 million, 9 and all parts unless said: border, appends,
//! selective, intersections, sizes). Each event has three tags out of a million.
//! Ten million events take about 4 GB in the directory for temporary files.
#![allow(
    missing_docs,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::cast_precision_loss
)]

#[path = "../../common/mod.rs"]
mod common;

use annals::testing::ways::{Way, scan_by};
use annals::{
    Append, Durability, Event, EventStore, LogStore, Options, Position, Query, QueryItem,
};
use common::measure::{Line, anonymous_memory, mapped_memory};
use common::workload::{Given, Random, Workload};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

const TAGS: u64 = 1_000_000;
const RARE: u64 = 100;
const BATCH: u64 = 5000;
const PARTS: [&str; 5] = ["border", "appends", "selective", "intersections", "sizes"];

fn main() -> annals::Result<()> {
    let numbers: Vec<u64> = std::env::args()
        .filter_map(|word| word.parse().ok())
        .collect();
    let events = numbers.first().copied().unwrap_or(1_000_000);
    let rounds = numbers.get(1).copied().unwrap_or(9);
    let parts: Vec<String> = std::env::args().skip(1).collect();
    let parts: Vec<_> = parts
        .iter()
        .filter(|word| PARTS.contains(&word.as_str()))
        .collect();
    let runs = |part: &str| parts.is_empty() || parts.iter().any(|own| *own == part);
    if runs("border") {
        border(rounds)?;
    }
    if !PARTS[1..].iter().any(|part| runs(part)) {
        return Ok(());
    }
    let dir = tempfile::tempdir().unwrap();
    let start = Instant::now();
    let store = filled(dir.path(), events, true)?;
    println!("{events} events in {:.1} s", start.elapsed().as_secs_f64());
    if runs("appends") {
        appends(&store, events, rounds)?;
    }
    if runs("selective") {
        selective(&store, events, rounds)?;
    }
    if runs("intersections") {
        intersections(&store, rounds)?;
    }
    let after = memory();
    store.close()?;
    drop(store);
    match runs("sizes") {
        true => sizes(dir.path(), events, after),
        false => Ok(()),
    }
}

/// Fills a store, leaves the index time to settle, and opens it again.
fn filled(dir: &Path, events: u64, tagged: bool) -> annals::Result<LogStore> {
    let options = Options::new().durability(Durability::Written);
    let store = options.open(dir)?;
    let mut random = Random::new(7);
    let mut workload = Workload::new(events);
    let mut number = 0;
    while let Some(given) = workload.next() {
        let mut event = given.event();
        if tagged {
            event = event.with_tags(tags(&mut random, number, events));
        }
        number += 1;
        let append = Append::to(given.stream_name()).event(event);
        drop(store.submit(append.durability(Durability::Buffered)));
    }
    store.flush()?;
    store.close()?;
    drop(store);
    options.open(dir)
}

/// Three tags out of a million; one event in a hundred is `one:a`, another one
/// `one:b`, and a hundred of all are `rare`.
fn tags(random: &mut Random, number: u64, events: u64) -> Vec<String> {
    let mut tags: Vec<String> = (0..3).map(|_| entity(random)).collect();
    if random.below(100) == 0 {
        tags.push("one:a".to_owned());
    }
    if random.below(100) == 0 {
        tags.push("one:b".to_owned());
    }
    if number.is_multiple_of(events.div_ceil(RARE)) {
        tags.push("rare".to_owned());
    }
    tags
}

fn entity(random: &mut Random) -> String {
    format!("entity:{}", random.below(TAGS))
}

fn new_event(given: &Given<'_>, random: &mut Random) -> (String, Event) {
    let tags: Vec<String> = (0..3).map(|_| entity(random)).collect();
    (given.stream_name(), given.event().with_tags(tags))
}

/// Which events a condition is about.
#[derive(Clone, Copy)]
enum About {
    /// Those after the head: what a decision has that nobody was faster than.
    Head,
    /// The last thousand, and the rest of the log was read.
    Thousand,
    /// All events, of tags that no event has: a name that must be new.
    Everything,
}

fn appends(store: &LogStore, events: u64, rounds: u64) -> annals::Result<()> {
    println!("appends, one thread, Written, each awaited:");
    let mut lines: Vec<Line> = [
        "without a condition",
        "two tags, after the head",
        "two tags, after the head less 1000",
        "two new tags, after 0",
    ]
    .map(Line::new)
    .into();
    let abouts = [
        None,
        Some(About::Head),
        Some(About::Thousand),
        Some(About::Everything),
    ];
    let mut random = Random::new(11);
    let streams = common::workload::Choice::Zipf((events / 10).max(1));
    let batches = rounds * 4 * BATCH;
    let mut workload = Workload::with_choice(batches, streams, 3);
    let (mut refused, mut failed) = (0, Ok(()));
    for round in 0..rounds {
        for turn in 0..abouts.len() {
            let which = (turn + round as usize) % abouts.len();
            let mut made = Vec::new();
            for _ in 0..BATCH {
                let given = workload.next().unwrap();
                let (stream, event) = new_event(&given, &mut random);
                let of_tags = match abouts[which] {
                    Some(About::Everything) => ["new:a", "new:b"]
                        .map(|kind| QueryItem::all().with_tag(format!("{kind}{}", random.next()))),
                    _ => [(); 2].map(|()| QueryItem::all().with_tag(entity(&mut random))),
                };
                made.push((Append::to(stream).event(event), Query::any_of(of_tags)));
            }
            lines[which].time(|| {
                for (append, condition) in made {
                    let head = store.head();
                    let append = match abouts[which] {
                        None => append,
                        Some(About::Head) => append.unless(condition, head),
                        Some(About::Thousand) => {
                            let after = head.get().saturating_sub(1000);
                            append.unless(condition, Position::new(after))
                        }
                        Some(About::Everything) => append.unless(condition, Position::START),
                    };
                    match store.append(append) {
                        Err(error) if error.is_conflict() => refused += 1,
                        Err(error) => failed = Err(error),
                        Ok(_) => {}
                    }
                }
                (BATCH, 0)
            });
            std::mem::replace(&mut failed, Ok(()))?;
        }
    }
    let (plain, rest) = lines.split_first().unwrap();
    plain.print(&[]);
    for line in rest {
        line.print(&[("plain", plain)]);
    }
    println!("  ({refused} conditions met an event that was just written)");
    Ok(())
}

fn count(store: &LogStore, way: Option<Way>, query: &Query) -> (u64, u64) {
    let (mut events, mut bytes) = (0, 0);
    let visit = &mut |event: annals::EventRef<'_>| {
        events += 1;
        bytes += event.data().len() as u64;
        ControlFlow::Continue(())
    };
    match way {
        Some(way) => scan_by(store, way, query, visit).unwrap(),
        None => store.scan(query, visit).unwrap(),
    }
    (events, bytes)
}

fn selective(store: &LogStore, events: u64, rounds: u64) -> annals::Result<()> {
    let rare = Query::all().with_tag("rare");
    let explanation = store.explain(&rare)?;
    count(store, None, &rare);
    let mut line = Line::new("rare");
    for _ in 0..rounds.max(9) * 10 {
        line.time(|| count(store, None, &rare));
    }
    let (middle, least, most) = line.spread();
    println!(
        "a selective query: {} matches of {events}, {} candidates; {middle:?} warm ({least:?}..{most:?})",
        line.events, explanation.candidates,
    );
    Ok(())
}

fn intersections(store: &LogStore, rounds: u64) -> annals::Result<()> {
    println!("two tags of 1% each:");
    let both = Query::all().with_tag("one:a").with_tag("one:b");
    let mut lines = ["by postings", "by a scan"].map(Line::new);
    for _ in 0..rounds {
        lines[0].time(|| count(store, None, &both));
        lines[1].time(|| count(store, Some(Way::Walk), &both));
    }
    let [postings, scan] = &lines;
    println!(
        "  {} matches; {:?} by postings, {:?} by a scan: {:.0} times faster",
        postings.events,
        postings.median(),
        scan.median(),
        scan.median().as_secs_f64() / postings.median().as_secs_f64(),
    );
    println!("{}", store.explain(&both)?);
    Ok(())
}

fn memory() -> (u64, u64) {
    (anonymous_memory(), mapped_memory())
}

/// What the tags cost: the index with them, less the index without.
fn sizes(dir: &Path, events: u64, before: (u64, u64)) -> annals::Result<()> {
    let stat = Options::new().open_read_only(dir)?.stat()?;
    let plain = tempfile::tempdir().unwrap();
    let without = filled(plain.path(), events, false)?;
    let postings = 3 * events + events / 50 + RARE;
    let bytes = stat.index_bytes.saturating_sub(without.stat()?.index_bytes);
    println!(
        "index: {} bytes with tags; {:.2} bytes on disk for each of {postings} tag postings",
        stat.index_bytes,
        bytes as f64 / postings as f64,
    );
    println!(
        "memory after all of it: {} bytes of its own, {} bytes of mapped pages",
        before.0, before.1,
    );
    without.close()
}

/// Where following postings and walking all events cost the same.
fn border(rounds: u64) -> annals::Result<()> {
    const EVENTS: u64 = 200_000;
    const PERCENTS: [u64; 9] = [30, 50, 60, 70, 80, 90, 95, 99, 100];
    let dir = tempfile::tempdir().unwrap();
    let options = Options::new().durability(Durability::Written);
    let store = options.open(dir.path())?;
    let mut random = Random::new(5);
    let mut workload = Workload::new(EVENTS);
    while let Some(given) = workload.next() {
        let tags = PERCENTS
            .iter()
            .filter(|percent| random.below(100) < **percent);
        let tags: Vec<String> = tags.map(|percent| format!("tag:{percent}")).collect();
        let event = given.event().with_tags(tags);
        let append = Append::to(given.stream_name()).event(event);
        drop(store.submit(append.durability(Durability::Buffered)));
    }
    store.close()?;
    drop(store);
    let store = options.open(dir.path())?;
    println!("following postings beside walking, {EVENTS} events, by share:");
    for percent in PERCENTS {
        let one = Query::all().with_tag(format!("tag:{percent}"));
        let two = one.clone().with_tag("tag:100");
        let mut lines = ["", "", "", ""].map(Line::new);
        for _ in 0..rounds {
            lines[0].time(|| count(&store, Some(Way::Postings), &one));
            lines[1].time(|| count(&store, Some(Way::Walk), &one));
            lines[2].time(|| count(&store, Some(Way::Postings), &two));
            lines[3].time(|| count(&store, Some(Way::Walk), &two));
        }
        let times = lines.map(|line| line.median().as_secs_f64());
        println!(
            "  {percent:>3}%: {:.2} of a walk by one term, {:.2} by two; a walk takes {:.1} ms",
            times[0] / times[1],
            times[2] / times[3],
            times[1] * 1e3,
        );
    }
    store.close()
}
