//! Reads while somebody writes: what each reaches alone, and both at once.

use crate::common::measure::Line;
use crate::common::reading::scan;
use crate::common::workload::{Choice, Random, Workload, stream_name};
use crate::made;
use annals::{Append, EventStore, LogStore, Query, Version};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long each of them works in a round.
const ROUND: Duration = Duration::from_millis(1500);
/// How many events the writer appends before it looks at the clock again.
const STEP: u64 = 2000;
/// What is printed is the time for so many events.
const EVENTS: u64 = 1_000_000;

pub(crate) fn reads_while_writing(dir: &Path, events: u64, rounds: usize) -> annals::Result<()> {
    let (store, _) = made(dir, Workload::new(events))?;
    println!("one thread reads streams by Zipf's law, another one writes");
    let own = Choice::Zipf(1000);
    both(&store, &queries(&store, events), &own, rounds);
    println!("one thread reads any stream as far as it goes, another one appends to them");
    let streams = (events / 10).max(1);
    both(&store, &any(streams), &Choice::Zipf(streams), rounds);
    store.close()
}

/// Reads with these queries alone and beside a writer to streams of this choice.
fn both(store: &LogStore, queries: &[Query], choice: &Choice, rounds: usize) {
    let names = [
        "reads alone",
        "reads beside writes",
        "writes alone",
        "writes beside reads",
    ];
    let mut lines = names.map(Line::new);
    let mut add = |line: usize, time| lines[line].add(time, EVENTS, 0);
    for _ in 0..rounds {
        add(0, read(store, queries));
        add(2, write(store, choice));
        let (read, written) = std::thread::scope(|scope| {
            let writer = scope.spawn(|| write(store, choice));
            (read(store, queries), writer.join().unwrap())
        });
        add(1, read);
        add(3, written);
    }
    let [alone, beside, writes_alone, writes_beside] = &lines;
    alone.print(&[]);
    beside.print(&[("reads alone", alone)]);
    writes_alone.print(&[]);
    writes_beside.print(&[("writes alone", writes_alone)]);
}

/// Streams by Zipf's law, as they are now.
fn queries(store: &LogStore, events: u64) -> Vec<Query> {
    let (choice, mut random) = (Choice::Zipf((events / 10).max(1)), Random::new(7));
    let names = std::iter::repeat_with(|| stream_name(choice.next(&mut random)));
    let known = names.filter(|name| store.version(name).unwrap() > Version::NONE);
    let bounded = known.map(|name| Query::stream(name).up_to(store.head()));
    bounded.take(1000).collect()
}

/// Streams of which each is as likely, and whatever they have.
fn any(streams: u64) -> Vec<Query> {
    let mut random = Random::new(8);
    let names = std::iter::repeat_with(|| stream_name(random.below(streams)));
    names.map(Query::stream).take(100_000).collect()
}

fn read(store: &LogStore, queries: &[Query]) -> Duration {
    let mut next = queries.iter().cycle();
    for_a_round(|| next.next().map_or(0, |query| scan(store, query)))
}

/// Appends, each handed to the operating system before the next one.
fn write(store: &LogStore, choice: &Choice) -> Duration {
    let mut workload = Workload::with_choice(u64::MAX, choice.clone(), 3);
    for_a_round(|| {
        for _ in 0..STEP {
            let given = workload.next().unwrap();
            let append = Append::to(given.stream_name()).event(given.event());
            store.append(append).unwrap();
        }
        STEP
    })
}

/// Does something, which says how many events it dealt with, for as long as a
/// round is; says how long it takes for `EVENTS`.
#[allow(clippy::cast_precision_loss)]
fn for_a_round(mut work: impl FnMut() -> u64) -> Duration {
    let (start, mut count) = (Instant::now(), 0);
    while start.elapsed() < ROUND {
        count += work();
    }
    start.elapsed().mul_f64(EVENTS as f64 / count as f64)
}
