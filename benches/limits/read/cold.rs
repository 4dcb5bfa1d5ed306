//! One stream of 1,000 events among many, none of it in memory, beside page
//! faults one after the other and a pool of 32 threads that read.

use crate::common::files::evict;
use crate::common::measure::Line;
use crate::common::reading::scan;
use crate::common::workload::{Random, Workload};
use crate::raw::{self, Address, Raw};
use annals::{Append, Durability, EventStore, Options, Query};
use std::hint::black_box;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

const COLD: &str = "cold/1";
const COLD_EVENTS: u64 = 1000;
const THREADS: usize = 32;
const PAGE: usize = 4096;

pub(crate) fn cold_stream(dir: &Path, events: u64, rounds: usize) -> annals::Result<()> {
    println!("a cold stream of {COLD_EVENTS} events among {events}");
    let options = Options::new().durability(Durability::Written);
    let store = options.open(dir)?;
    let mut workload = Workload::new(events);
    let (mut random, mut count) = (Random::new(5), 0);
    while let Some(next) = workload.next() {
        let is_cold = random.below(events) < COLD_EVENTS;
        count += u64::from(is_cold);
        let stream = if is_cold {
            COLD.to_owned()
        } else {
            next.stream_name()
        };
        let append = Append::to(stream).event(next.event());
        drop(store.submit(append.durability(Durability::Buffered)));
    }
    store.flush()?;
    store.close()?;
    drop(store);
    let places = Raw::open(dir).streams[COLD].clone();
    let mut serial = Line::new("limit: page faults, one by one");
    let mut pool = Line::new("limit: 32 threads that read");
    let mut ours = Line::new("ours, lent");
    for _ in 0..rounds {
        evict(dir);
        let maps = raw::map_all(dir);
        serial.time(|| {
            let firsts = places.iter().map(|place| raw::byte_at(&maps, *place));
            black_box(firsts.sum::<u64>());
            (count, 0)
        });
        drop(maps);
        evict(dir);
        pool.time(|| {
            read_by_threads(dir, &places);
            (count, 0)
        });
        evict(dir);
        let store = options.open(dir)?;
        ours.time(|| (scan(&store, &Query::stream(COLD)), 0));
        store.close()?;
    }
    serial.print(&[]);
    pool.print(&[]);
    ours.print(&[("page faults", &serial), ("the pool", &pool)]);
    Ok(())
}

fn read_by_threads(dir: &Path, places: &[Address]) {
    let files: Vec<_> = raw::segments(dir)
        .iter()
        .map(|path| std::fs::File::open(path).unwrap())
        .collect();
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let mut page = [0; PAGE];
                while let Some(place) = places.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let (file, offset) = place.parts();
                    let page_at = offset / PAGE as u64 * PAGE as u64;
                    files[file].read_exact_at(&mut page, page_at).unwrap();
                    black_box(page[0]);
                }
            });
        }
    });
}
