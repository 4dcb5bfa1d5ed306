//! A workload: what is done to a store, all of it decided by a seed.

use annals::testing::sim::{Rng, SectorSize, TaskMode};
use annals::{Append, Durability, Event, Expected, Options, Timestamp, Uuid, Version};

/// The streams that appends go to.
pub const STREAMS: [&str; 4] = ["a", "orders/1", "orders/2", "users/7"];
/// The types that events have.
pub const TYPES: [&str; 3] = ["Placed", "Paid", "Sent"];
/// The tags that events may have.
pub const TAGS: [&str; 2] = ["x", "y"];

/// What is done to a store, and in what surroundings.
#[derive(Clone, Debug)]
pub struct Plan {
    pub seed: u64,
    pub sector: SectorSize,
    pub tasks: TaskMode,
    pub durability: Durability,
    pub segment_size: u64,
    pub checkpoint_events: usize,
    /// Whether ids are kept unique.
    pub unique_ids: bool,
    pub steps: Vec<Step>,
}

/// One thing that is done to a store.
#[derive(Clone, Debug)]
pub enum Step {
    /// Appends that are submitted one after the other, and then awaited.
    Appends(Vec<AppendPlan>),
    /// The append before last once more.
    Repeat,
    Flush,
    /// Closes, and opens again.
    Reopen,
    /// Looks on through a handle that only reads.
    ReadOnly,
    /// Lets time pass, so that what nobody waits for is written.
    Advance,
    /// Runs some of the background work that waits.
    Work(u64),
    /// The process is killed, and another one opens the store.
    Kill,
    /// The power goes, and comes back.
    PowerCut(u64),
}

/// An append to come.
#[derive(Clone, Debug)]
pub struct AppendPlan {
    pub parts: Vec<PartPlan>,
    pub durability: Option<Durability>,
}

/// The part of an append that is for one stream.
#[derive(Clone, Debug)]
pub struct PartPlan {
    pub stream: usize,
    pub expect: Expect,
    pub events: Vec<Event>,
}

/// What an append expects of a stream.
#[derive(Clone, Copy, Debug)]
pub enum Expect {
    Any,
    Right,
    Wrong,
}

impl Plan {
    /// The workload of a seed; the long ones have more steps.
    pub fn new(seed: u64, most_steps: u64) -> Self {
        let mut rng = Rng::new(seed ^ 0x0063_7261_7368);
        let steps = 4 + rng.below(most_steps);
        // Events of one size make what is stale fit where it should not.
        let same_size = (rng.below(3) == 0).then(|| match rng.below(2) {
            0 => 480,
            _ => rng.below(80),
        });
        Plan {
            seed,
            sector: match rng.below(3) {
                0 => SectorSize::Bytes4096,
                _ => SectorSize::Bytes512,
            },
            tasks: match rng.below(3) {
                0 => TaskMode::Stepped,
                _ => TaskMode::Inline,
            },
            // What is stale must have been written and not synced.
            durability: match same_size {
                Some(_) => Durability::Written,
                None => durability(&mut rng),
            },
            segment_size: 1024 << rng.below(4),
            checkpoint_events: 1 + rng.below(12) as usize,
            unique_ids: seed % 3 == 1,
            steps: (0..steps).map(|_| step(&mut rng, same_size)).collect(),
        }
    }

    /// The options that all handles of the workload have.
    pub fn options(&self, options: &Options) -> Options {
        options
            .clone()
            .durability(self.durability)
            .segment_size(self.segment_size)
            .checkpoint_events(self.checkpoint_events)
            .unique_ids(self.unique_ids)
    }
}

fn durability(rng: &mut Rng) -> Durability {
    match rng.below(5) {
        0 => Durability::Buffered,
        1 => Durability::Written,
        _ => Durability::Durable,
    }
}

fn step(rng: &mut Rng, same_size: Option<u64>) -> Step {
    match rng.below(24) {
        0 => Step::Reopen,
        1 => Step::Flush,
        2 => Step::ReadOnly,
        3 => Step::Advance,
        4 => Step::Work(1 + rng.below(3)),
        5 => Step::Kill,
        6 | 7 => Step::PowerCut(rng.next_u64()),
        8 => Step::Repeat,
        9..=12 => {
            let count = 2 + rng.below(3);
            Step::Appends((0..count).map(|_| append(rng, same_size)).collect())
        }
        _ => Step::Appends(vec![append(rng, same_size)]),
    }
}

fn append(rng: &mut Rng, same_size: Option<u64>) -> AppendPlan {
    let parts = match (rng.below(5), same_size) {
        (0, None) => 2,
        _ => 1,
    };
    let first = match same_size {
        Some(_) => 1,
        None => rng.below(STREAMS.len() as u64) as usize,
    };
    AppendPlan {
        parts: (0..parts)
            .map(|index| PartPlan {
                stream: (first + index) % STREAMS.len(),
                expect: match rng.below(12) {
                    0 => Expect::Wrong,
                    1..=4 => Expect::Any,
                    _ => Expect::Right,
                },
                events: (0..=same_size.map_or(rng.below(12) / 9, |_| 0))
                    .map(|_| event(rng, same_size))
                    .collect(),
            })
            .collect(),
        durability: (rng.below(if same_size.is_some() { 8 } else { 2 }) == 0)
            .then(|| durability(rng)),
    }
}

fn event(rng: &mut Rng, same_size: Option<u64>) -> Event {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&rng.next_u64().to_le_bytes());
    id[8..].copy_from_slice(&rng.next_u64().to_le_bytes());
    let size = same_size.unwrap_or_else(|| match rng.below(12) {
        // Larger than the smallest segment, now and then.
        0 => 900 + rng.below(600),
        1..=3 => 200 + rng.below(300),
        _ => rng.below(60),
    });
    let data: Vec<u8> = (0..size).map(|_| rng.next_u64() as u8).collect();
    let event_type = match same_size {
        Some(_) => "Paid",
        None => TYPES[rng.below(TYPES.len() as u64) as usize],
    };
    let event = Event::with_id(Uuid::from_bytes(id), event_type, data);
    if same_size.is_some() {
        return event;
    }
    match rng.below(4) {
        0 => event.with_tag(TAGS[rng.below(2) as usize]),
        1 => event.with_metadata(vec![7; rng.below(20) as usize]),
        2 => event
            .with_schema(rng.below(300) as u32)
            .with_happened(Timestamp::UNIX_EPOCH),
        _ => event,
    }
}

impl AppendPlan {
    /// The append, for streams that have these versions.
    pub fn append(&self, version: impl Fn(&str) -> u64) -> Append {
        let mut parts = self.parts.iter();
        let first = &self.parts[0];
        let mut append = Append::to(STREAMS[first.stream]);
        for part in parts.by_ref() {
            let name = STREAMS[part.stream];
            let actual = version(name);
            append = append.and_to(name);
            append = append.expect(match part.expect {
                Expect::Any => Expected::Any,
                Expect::Right if actual == 0 => Expected::NoStream,
                Expect::Right => Expected::Exact(Version::new(actual)),
                Expect::Wrong => Expected::Exact(Version::new(actual + 1)),
            });
            append = append.events(part.events.iter().cloned());
        }
        match self.durability {
            Some(durability) => append.durability(durability),
            None => append,
        }
    }
}
