//! How long after an append its subscriber has the event, beside a thread that
//! waits for another one on a futex, or on a channel.
//!
//! Everybody sleeps before each sample, so that each wake-up is that of a
//! thread which is parked. The lines take turns, a block of samples each, so
//! that each finds its own code and data near, as in a programme that does
//! nothing else. The appends themselves are measured on stores without
//! subscribers, too: what is left is what waking costs.

use crate::{percentile, times_of};
use annals::subscription::subscribe;
use annals::{Append, Durability, Event, EventStore, MemoryStore, Options, Query};
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Long enough for all threads to be parked again.
const PAUSE: Duration = Duration::from_micros(200);
/// How many samples a line takes in turn.
const BLOCK: usize = 100;

/// Something that is done again and again, and how long it took.
struct Line {
    name: &'static str,
    act: Box<dyn FnMut()>,
    /// Tells when the other thread was awake; nothing where there is none.
    woken: Option<Receiver<Instant>>,
    times: Vec<Duration>,
    /// Its turn comes once in so many rounds.
    rounds: usize,
}

impl Line {
    fn new(name: &'static str, act: impl FnMut() + 'static) -> Self {
        Line {
            name,
            act: Box::new(act),
            woken: None,
            times: Vec::new(),
            rounds: 1,
        }
    }

    /// One that takes its time, and a tenth of the samples.
    fn slow(mut self) -> Self {
        self.rounds = 10;
        self
    }

    fn waking(mut self, woken: Receiver<Instant>) -> Self {
        self.woken = Some(woken);
        self
    }

    fn sample(&mut self) {
        std::thread::sleep(PAUSE);
        let start = Instant::now();
        (self.act)();
        let end = match &self.woken {
            Some(woken) => woken.recv().unwrap(),
            None => Instant::now(),
        };
        self.times.push(end.saturating_duration_since(start));
    }

    fn percentile(&mut self, percent: usize) -> Duration {
        percentile(&mut self.times, percent)
    }
}

pub(crate) fn run(samples: usize) -> annals::Result<()> {
    let log = || Options::new().temporary().map(Arc::new);
    let memory = || Arc::new(MemoryStore::new());
    let (written, durable) = (Durability::Written, Durability::Durable);
    let mut lines = [
        futex(),
        a_channel(),
        subscribed("memory store", memory(), written),
        alone("  the append alone", memory(), written),
        subscribed("log, written", log()?, written),
        alone("  the append alone", log()?, written),
        subscribed("log, durable", log()?, durable).slow(),
        alone("  the append alone", log()?, durable).slow(),
    ];
    for round in 0..samples.div_ceil(BLOCK) {
        for line in lines.iter_mut().filter(|line| round % line.rounds == 0) {
            (0..samples.min(BLOCK)).for_each(|_| line.sample());
        }
    }
    println!("from the call of append until a parked subscriber has the event: {samples} samples");
    let raw = [50, 99].map(|percent| lines[0].percentile(percent));
    for line in &mut lines {
        let [half, most] = [50, 99].map(|percent| line.percentile(percent));
        let times = [times_of(half, raw[0]), times_of(most, raw[1])];
        println!(
            "  {:<20} p50 {half:>9.1?} ({:.2} times the futex)  p99 {most:>9.1?} ({:.2})",
            line.name, times[0], times[1],
        );
    }
    Ok(())
}

/// One thread parks, the other one unparks it: a futex and a flag.
fn futex() -> Line {
    let (tell, woken) = channel();
    let flag = Arc::new(AtomicBool::new(false));
    let own = Arc::clone(&flag);
    let waiter = std::thread::spawn(move || {
        loop {
            while !own.swap(false, Ordering::Acquire) {
                std::thread::park();
            }
            if tell.send(Instant::now()).is_err() {
                break;
            }
        }
    });
    let wake = move || {
        flag.store(true, Ordering::Release);
        waiter.thread().unpark();
    };
    Line::new("futex", wake).waking(woken)
}

fn a_channel() -> Line {
    let (ping, pings) = channel::<()>();
    let (tell, woken) = channel();
    std::thread::spawn(move || while pings.recv().is_ok() && tell.send(Instant::now()).is_ok() {});
    Line::new("channel", move || ping.send(()).unwrap()).waking(woken)
}

fn subscribed(name: &'static str, store: Arc<dyn EventStore>, durability: Durability) -> Line {
    let (tell, woken) = channel();
    let events = subscribe(Arc::clone(&store), Query::all(), store.head());
    std::thread::spawn(move || {
        for event in events {
            black_box(event.unwrap());
            if tell.send(Instant::now()).is_err() {
                break;
            }
        }
    });
    alone(name, store, durability).waking(woken)
}

fn alone(name: &'static str, store: Arc<dyn EventStore>, durability: Durability) -> Line {
    Line::new(name, move || {
        let event = Append::to("s").event(Event::new("T", ""));
        store.append(event.durability(durability)).unwrap();
    })
}
