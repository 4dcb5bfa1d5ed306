//! How long after an append somebody who waits for it is awake, and has read
//! the event. `append alone` is what the append itself takes of that.
//!
//! `cargo bench --bench subscribe`.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use annals::{Append, Durability, Event, EventStore, LogStore, Query};
use common::reading::scan;
use common::setting::filled;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

const BYTES: usize = 180;
/// Long enough for whoever waits to have fallen asleep.
const PAUSE: Duration = Duration::from_micros(200);
const FOREVER: Duration = Duration::from_secs(60);

fn wake_ups(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("subscribe");
    group.throughput(Throughput::ElementsAndBytes {
        elements: 1,
        bytes: BYTES as u64,
    });
    for durability in [Durability::Written, Durability::Durable] {
        let (_dir, store) = filled(1);
        let append = || {
            let event = Event::new("Happened", vec![b'x'; BYTES]);
            store
                .append(Append::to("s").event(event).durability(durability))
                .unwrap()
        };
        group.bench_function(format!("append alone, {durability:?}"), |bencher| {
            bencher.iter(append);
        });
        let (sender, receiver) = channel();
        std::thread::scope(|scope| {
            scope.spawn(|| follow(&store, &sender));
            group.bench_function(format!("append to wake-up, {durability:?}"), |bencher| {
                bencher.iter_custom(|times| (0..times).map(|_| wake_up(&append, &receiver)).sum());
            });
            store
                .append(Append::to("end").event(Event::new("End", "")))
                .unwrap();
        });
    }
}

/// From before an append to when the one who waits for it has read it.
fn wake_up<T>(append: &dyn Fn() -> T, receiver: &Receiver<Instant>) -> Duration {
    std::thread::sleep(PAUSE);
    let start = Instant::now();
    append();
    receiver.recv().unwrap().duration_since(start)
}

/// Waits for events, reads them, and says when it has; until the stream `end`
/// has one.
fn follow(store: &LogStore, sender: &Sender<Instant>) {
    let mut position = store.head();
    while store.version("end").unwrap().get() == 0 {
        let head = store.wait(position, FOREVER).unwrap();
        for _ in 0..scan(store, &Query::all().after(position).up_to(head)) {
            let _ = sender.send(Instant::now());
        }
        position = head;
    }
}

criterion_group!(benches, wake_ups);
criterion_main!(benches);
