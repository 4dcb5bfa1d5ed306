//! Everything in memory: in order, backward, one stream, one event.

use crate::common::measure::Line;
use crate::common::reading::{read, scan};
use crate::common::workload::{Choice, Random, stream_name};
use crate::raw::{Address, Raw};
use annals::{LogStore, Query, Version};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// How many events each round of the lines about streams reads, about.
const PER_ROUND: u64 = 1_000_000;

pub(crate) fn everything(store: &LogStore, raw: &Raw, rounds: usize) {
    println!("everything, in order, every byte touched");
    let (events, bytes) = (raw.events.len() as u64, raw.bytes());
    let mut plain = Line::new("limit: sum over the mapped file");
    let mut decoding = Line::new("limit: decoding loop");
    let mut checking = Line::new("limit: checksum + touch");
    let mut lent = Line::new("ours, lent");
    let mut owned = Line::new("ours, owned");
    let mut backward = Line::new("ours, backward, lent");
    for _ in 0..rounds {
        plain.time(|| {
            black_box(raw.sum_in_order());
            (events, bytes)
        });
        decoding.time(|| {
            black_box(raw.decode_in_order());
            (events, bytes)
        });
        checking.time(|| {
            black_box(raw.check_in_order());
            (events, bytes)
        });
        lent.time(|| (scan(store, &Query::all()), bytes));
        owned.time(|| (read(store, &Query::all()), bytes));
        backward.time(|| (scan(store, &Query::all().backward()), bytes));
    }
    plain.print(&[]);
    decoding.print(&[]);
    checking.print(&[]);
    let beside = [("checksum + touch", &checking), ("decoding", &decoding)];
    for line in [&lent, &owned, &backward] {
        line.print(&beside);
    }
}

pub(crate) fn one_stream(store: &LogStore, raw: &Raw, choice: &Choice, name: &str, rounds: usize) {
    println!("one stream, {name} choice, every byte touched");
    let names = chosen(raw, choice);
    let queries: Vec<_> = names
        .iter()
        .map(|name| Query::stream(name.clone()))
        .collect();
    let lists: Vec<&[Address]> = names.iter().map(|name| &*raw.streams[name]).collect();
    let events = lists.iter().map(|list| list.len() as u64).sum();
    let of_raw = |work: &dyn Fn(&[Address]) -> u64| {
        let sums = names.iter().map(|name| work(&raw.streams[name]));
        black_box(sums.fold(0, u64::wrapping_add));
        (events, 0)
    };
    let of_ours = |work: &dyn Fn(&Query) -> u64| (queries.iter().map(work).sum::<u64>(), 0);
    let mut plain = Line::new("limit: loop over an offset index");
    let mut ahead = Line::new("limit: the same, 8 ahead");
    let mut lent = Line::new("ours, lent");
    let mut owned = Line::new("ours, owned");
    let mut backward = Line::new("ours, backward, lent");
    for _ in 0..rounds {
        plain.time(|| of_raw(&|list| raw.sum_at(list)));
        ahead.time(|| of_raw(&|list| raw.sum_at_ahead(list)));
        lent.time(|| of_ours(&|query| scan(store, query)));
        owned.time(|| of_ours(&|query| read(store, query)));
        backward.time(|| of_ours(&|query| scan(store, &query.clone().backward())));
    }
    assert_eq!(lent.events, plain.events, "all of them are read");
    let average = events / names.len() as u64;
    println!("  {} reads of {average} events on average", names.len());
    plain.print(&[]);
    ahead.print(&[("the plain loop", &plain)]);
    for line in [&lent, &owned, &backward] {
        line.print(&[("8 ahead", &ahead), ("the plain loop", &plain)]);
    }
}

/// The names of streams that together have about `PER_ROUND` events.
fn chosen(raw: &Raw, choice: &Choice) -> Vec<String> {
    let mut random = Random::new(7);
    let (mut names, mut events) = (Vec::new(), 0);
    while events < PER_ROUND.min(raw.events.len() as u64) {
        let name = stream_name(choice.next(&mut random));
        let Some(list) = raw.streams.get(&name) else {
            continue;
        };
        events += list.len() as u64;
        names.push(name);
    }
    names
}

pub(crate) fn one_event(store: &LogStore, raw: &Raw, rounds: usize) {
    println!("one event by stream and version");
    let mut random = Random::new(9);
    let streams: Vec<_> = raw.streams.iter().collect();
    let wanted: Vec<_> = (0..PER_ROUND / 5)
        .map(|_| {
            let (name, list) = streams[random.below(streams.len() as u64) as usize];
            (name, random.below(list.len() as u64))
        })
        .collect();
    let queries: Vec<_> = wanted
        .iter()
        .map(|(name, index)| {
            let version = Version::new(index + 1);
            let query = Query::stream((*name).clone());
            query.from_version(version).to_version(version)
        })
        .collect();
    let probe = |(name, index): &(&String, u64)| {
        let address = raw.streams[*name][*index as usize];
        raw.sum_at(&[address])
    };
    let mut limit = Line::new("limit: hash probe, one record");
    let mut ours = Line::new("ours, lent");
    let (mut own_times, mut raw_times) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        limit.time(|| {
            let sums = wanted.iter().map(probe);
            black_box(sums.fold(0, u64::wrapping_add));
            (wanted.len() as u64, 0)
        });
        ours.time(|| (queries.iter().map(|query| scan(store, query)).sum(), 0));
        own_times.extend(queries.iter().take(20_000).map(|query| {
            let start = Instant::now();
            black_box(scan(store, query));
            start.elapsed()
        }));
        raw_times.extend(wanted.iter().take(20_000).map(|one| {
            let start = Instant::now();
            black_box(probe(one));
            start.elapsed()
        }));
    }
    assert_eq!(ours.events, limit.events, "each is found");
    limit.print(&[]);
    ours.print(&[("the limit", &limit)]);
    let (own, raw) = (percentiles(&mut own_times), percentiles(&mut raw_times));
    let times = own.0.as_secs_f64() / raw.0.as_secs_f64();
    println!(
        "  p50 {:.0?}, p99 {:.0?}; the probe {:.0?}, {:.0?}: {times:.2} times",
        own.0, own.1, raw.0, raw.1
    );
}

fn percentiles(times: &mut [Duration]) -> (Duration, Duration) {
    times.sort_unstable();
    (times[times.len() / 2], times[times.len() * 99 / 100])
}
