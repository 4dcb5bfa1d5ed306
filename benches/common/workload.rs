//! The events that all benches work with: made up from a seed, so that every
//! run and every store is given the same ones.
//!
//! A tenth as many streams as events, chosen with Zipf's law (skew 1.0: the
//! n-th stream is chosen 1/n times as often as the first); payloads whose size
//! is log-normal with a median of 180 bytes (sigma 0.6), cut to 32..=4096; 32
//! bytes of metadata; 40 types, each as likely; 8 categories.

use annals::{Append, Durability, Event, EventStore, Pending};
use std::collections::VecDeque;
use std::sync::Arc;
use uuid::Uuid;

/// How many types there are.
pub(crate) const TYPES: usize = 40;
/// The bytes of metadata of each event.
pub(crate) const METADATA: usize = 32;
const CATEGORIES: [&str; 8] = [
    "orders", "accounts", "carts", "users", "invoices", "parcels", "tickets", "offers",
];
const MEDIAN: f64 = 180.0;
const SIGMA: f64 = 0.6;

/// A source of random numbers (SplitMix64): the same ones for the same seed.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Random(seed)
    }

    /// Any number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is not 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    /// A number from 0 up to, but not 1.
    #[allow(clippy::cast_precision_loss)]
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }
}

/// Chooses streams.
#[derive(Clone, Debug)]
pub(crate) enum Choice {
    /// The first stream most often, the n-th 1/n times as often.
    Zipf(u64),
    /// Each as likely.
    Uniform(u64),
}

impl Choice {
    /// The number of a stream, from 0 on.
    pub(crate) fn next(&self, random: &mut Random) -> u64 {
        match *self {
            Choice::Uniform(streams) => random.below(streams),
            Choice::Zipf(streams) => zipf(streams, random),
        }
    }

    pub(crate) fn streams(&self) -> u64 {
        match *self {
            Choice::Zipf(streams) | Choice::Uniform(streams) => streams,
        }
    }
}

/// Zipf's law with skew 1 by rejection: the integral of 1/x is easily
/// inverted, and lies close to the steps of the law.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::many_single_char_names
)]
fn zipf(streams: u64, random: &mut Random) -> u64 {
    let low = 1.5f64.ln() - 1.0;
    let high = (streams as f64 + 0.5).ln();
    loop {
        let drawn = low + random.unit() * (high - low);
        let rank = drawn.exp().round().clamp(1.0, streams as f64);
        if drawn >= (rank + 0.5).ln() - 1.0 / rank {
            return rank as u64 - 1;
        }
    }
}

/// Makes the events, one after the other.
#[derive(Clone, Debug)]
pub(crate) struct Workload {
    random: Random,
    choice: Choice,
    /// Random bytes that payloads are cut from.
    bytes: Arc<[u8]>,
    left: u64,
}

/// An event of the workload, lent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Given<'a> {
    /// The number of its stream, from 0 on.
    pub(crate) stream: u64,
    pub(crate) event_type: &'static str,
    pub(crate) id: u128,
    pub(crate) data: &'a [u8],
    pub(crate) metadata: &'a [u8],
}

impl Workload {
    /// So many events, of a tenth as many streams by Zipf's law.
    pub(crate) fn new(events: u64) -> Self {
        Self::with_choice(events, Choice::Zipf((events / 10).max(1)), 1)
    }

    /// So many events, of streams chosen in this way.
    pub(crate) fn with_choice(events: u64, choice: Choice, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let words = (0..1 << 17).flat_map(|_| random.next().to_le_bytes());
        let bytes = words.collect();
        Workload {
            random,
            choice,
            bytes,
            left: events,
        }
    }

    /// The next event.
    pub(crate) fn next(&mut self) -> Option<Given<'_>> {
        self.left = self.left.checked_sub(1)?;
        let stream = self.choice.next(&mut self.random);
        let size = size(&mut self.random);
        let random = &mut self.random;
        let last = (self.bytes.len() - size - METADATA) as u64;
        let start = random.below(last) as usize;
        let (data, rest) = self.bytes[start..].split_at(size);
        let id = u128::from(random.next()) << 64 | u128::from(random.next());
        Some(Given {
            stream,
            event_type: type_name(random.below(TYPES as u64) as usize),
            // As version 7, so that whoever looks at ids sees one.
            id: id & !(0xf << 76) & !(0b11 << 62) | 0x7 << 76 | 0b10 << 62,
            data,
            metadata: &rest[..METADATA],
        })
    }
}

#[allow(clippy::cast_sign_loss)]
fn size(random: &mut Random) -> usize {
    let size = MEDIAN * (SIGMA * random.normal()).exp();
    (size.round() as usize).clamp(32, 4096)
}

impl Given<'_> {
    pub(crate) fn stream_name(&self) -> String {
        stream_name(self.stream)
    }

    pub(crate) fn event(&self) -> Event {
        Event::with_id(
            Uuid::from_u128(self.id),
            self.event_type,
            self.data.to_vec(),
        )
        .with_metadata(self.metadata.to_vec())
    }

    /// The bytes that a user gives: id, name, type, data and metadata.
    pub(crate) fn bytes(&self) -> u64 {
        let names = name_len(self.stream) + self.event_type.len();
        (16 + names + self.data.len() + self.metadata.len()) as u64
    }
}

/// The name of a stream.
pub(crate) fn stream_name(stream: u64) -> String {
    let category = CATEGORIES[(stream % 8) as usize];
    format!("{category}/{}", stream / 8)
}

fn name_len(stream: u64) -> usize {
    let digits = (stream / 8).checked_ilog10().unwrap_or(0) as usize + 1;
    CATEGORIES[(stream % 8) as usize].len() + 1 + digits
}

fn type_name(number: usize) -> &'static str {
    const NAMES: [&str; TYPES] = [
        "Placed",
        "Paid",
        "Shipped",
        "Returned",
        "Cancelled",
        "Opened",
        "Closed",
        "Deposited",
        "Withdrawn",
        "Renamed",
        "Registered",
        "Confirmed",
        "Rejected",
        "ItemAdded",
        "ItemRemoved",
        "Emptied",
        "CheckedOut",
        "Invoiced",
        "Reminded",
        "Refunded",
        "Packed",
        "Labelled",
        "HandedOver",
        "Delivered",
        "Lost",
        "Found",
        "Assigned",
        "Escalated",
        "Solved",
        "Reopened",
        "Offered",
        "Accepted",
        "Declined",
        "Expired",
        "Extended",
        "Priced",
        "Discounted",
        "Locked",
        "Unlocked",
        "Archived",
    ];
    NAMES[number]
}

/// Appends a workload to a store, each event by itself, and makes it durable;
/// says how many bytes were given.
pub(crate) fn fill(store: &dyn EventStore, mut workload: Workload) -> annals::Result<u64> {
    let mut given = 0;
    let mut pending: VecDeque<Pending> = VecDeque::new();
    while let Some(next) = workload.next() {
        given += next.bytes();
        let append = Append::to(next.stream_name())
            .event(next.event())
            .durability(Durability::Buffered);
        pending.push_back(store.submit(append));
        // An append that was refused says so; the oldest is settled long since.
        if pending.len() > 1024
            && let Some(oldest) = pending.pop_front()
        {
            oldest.wait()?;
        }
    }
    for last in pending {
        last.wait()?;
    }
    store.flush()?;
    Ok(given)
}
