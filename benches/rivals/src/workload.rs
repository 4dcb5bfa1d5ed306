//! What is written and read: the same events, in the same order, for each store.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use rand::{Rng, RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, LogNormal, Zipf};
use serde::Deserialize;

use crate::store::{Event, Sum};

const SEED: u64 = 0x0061_6e6e_616c_7321;
const TYPES: usize = 40;
const METADATA: usize = 32;

/// One event of the workload; its bytes lie in `Workload::bytes`.
struct Item {
    stream: u32,
    version: u32,
    kind: u32,
    id: [u8; 16],
    at: usize,
    metadata: u32,
    data: u32,
}

/// All events, in the order in which they are loaded: event `i` gets position `i + 1`.
pub struct Workload {
    pub name: String,
    pub streams: Vec<String>,
    types: Vec<String>,
    items: Vec<Item>,
    bytes: Vec<u8>,
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    stream: std::borrow::Cow<'a, str>,
    #[serde(rename = "type", borrow)]
    kind: std::borrow::Cow<'a, str>,
    time: Option<String>,
    #[serde(borrow)]
    data: &'a serde_json::value::RawValue,
}

impl Workload {
    /// `events` made-up ones: streams a tenth of that with Zipf skew 1.0, payloads
    /// log-normal with median 180 bytes and sigma 0.6, cut to 32..4096.
    pub fn made_up(events: usize) -> Result<Self> {
        let mut rng = ChaCha8Rng::seed_from_u64(SEED);
        let streams = (events / 10).max(1);
        let pick = Zipf::new(streams as f64, 1.0)?;
        let length = LogNormal::new(180f64.ln(), 0.6)?;
        let mut versions = vec![0u32; streams];
        let mut items = Vec::with_capacity(events);
        let mut bytes = Vec::with_capacity(events * 260);
        for _ in 0..events {
            let stream = pick.sample(&mut rng) as usize - 1;
            versions[stream] += 1;
            let data = (length.sample(&mut rng) as usize).clamp(32, 4096);
            let at = bytes.len();
            bytes.resize(at + METADATA + data, 0);
            rng.fill_bytes(&mut bytes[at..at + METADATA]);
            text(&mut rng, &mut bytes[at + METADATA..]);
            items.push(Item {
                stream: stream as u32,
                version: versions[stream],
                kind: rng.random_range(0..TYPES as u32),
                id: rng.random(),
                at,
                metadata: METADATA as u32,
                data: data as u32,
            });
        }
        Ok(Workload {
            name: format!("{events} made-up events"),
            streams: (0..streams).map(|n| format!("orders/{n:08}")).collect(),
            types: (0..TYPES)
                .map(|n| format!("type-of-event-{n:02}"))
                .collect(),
            items,
            bytes,
        })
    }

    /// A real log: gzip, one JSON object a line (`stream`, `type`, `time`, `data`).
    pub fn from_log(path: &Path, limit: usize) -> Result<Self> {
        let file = File::open(path).with_context(|| format!("open {}", path.display()))?;
        let lines = BufReader::new(flate2::read::MultiGzDecoder::new(file)).lines();
        let mut rng = ChaCha8Rng::seed_from_u64(SEED);
        let (mut streams, mut types) = (Names::default(), Names::default());
        let mut versions: Vec<u32> = Vec::new();
        let (mut items, mut bytes) = (Vec::new(), Vec::new());
        for (number, line) in lines.take(limit).enumerate() {
            let line = line?;
            let line: Line<'_> = serde_json::from_str(&line)
                .with_context(|| format!("{}, line {}", path.display(), number + 1))?;
            let stream = streams.number(&line.stream);
            versions.resize(streams.names.len(), 0);
            versions[stream as usize] += 1;
            let at = bytes.len();
            let time = line.time.unwrap_or_default();
            bytes.extend_from_slice(time.as_bytes());
            bytes.extend_from_slice(line.data.get().as_bytes());
            items.push(Item {
                stream,
                version: versions[stream as usize],
                kind: types.number(&line.kind),
                id: rng.random(),
                at,
                metadata: time.len() as u32,
                data: line.data.get().len() as u32,
            });
        }
        ensure!(!items.is_empty(), "{} holds no events", path.display());
        let file = path.file_stem().unwrap_or_default().to_string_lossy();
        Ok(Workload {
            name: format!(
                "{} events of {}",
                items.len(),
                file.trim_end_matches(".jsonl")
            ),
            streams: streams.names,
            types: types.names,
            items,
            bytes,
        })
    }

    pub fn len(&self) -> usize {
        self.items.len()
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub fn stream(&self, index: usize) -> u32 {
        self.items[index].stream
    }

    pub fn version(&self, index: usize) -> u64 {
        u64::from(self.items[index].version)
    }

    pub fn event(&self, index: usize) -> Event<'_> {
        let item = &self.items[index];
        let (metadata, data) = self.bytes[item.at..][..(item.metadata + item.data) as usize]
            .split_at(item.metadata as usize);
        Event {
            id: item.id,
            kind: &self.types[item.kind as usize],
            metadata,
            data,
        }
    }

    /// What a store was given: data, metadata, names of streams and types, ids.
    pub fn given(&self) -> u64 {
        self.items
            .iter()
            .map(|item| {
                let names =
                    self.streams[item.stream as usize].len() + self.types[item.kind as usize].len();
                16 + names as u64 + u64::from(item.metadata) + u64::from(item.data)
            })
            .sum()
    }

    /// The versions and the positions of each stream's last event, as loaded.
    pub fn heads(&self) -> Vec<(u64, u64)> {
        let mut heads = vec![(0, 0); self.streams.len()];
        for (index, item) in self.items.iter().enumerate() {
            heads[item.stream as usize] = (u64::from(item.version), index as u64 + 1);
        }
        heads
    }

    /// What reading each stream must come to.
    pub fn sums(&self) -> Vec<Sum> {
        let mut sums = vec![Sum::default(); self.streams.len()];
        for index in 0..self.len() {
            sums[self.stream(index) as usize].touch_event(self.version(index), &self.event(index));
        }
        sums
    }

    /// What reading everything must come to, every byte also checked by a CRC.
    pub fn strict(&self) -> Sum {
        let mut sum = Sum::strict();
        for index in 0..self.len() {
            sum.touch_event(self.version(index), &self.event(index));
        }
        sum
    }
}

/// Numbers for names, in order of their first appearance.
#[derive(Default)]
struct Names {
    names: Vec<String>,
    numbers: std::collections::HashMap<String, u32>,
}

impl Names {
    fn number(&mut self, name: &str) -> u32 {
        if let Some(&number) = self.numbers.get(name) {
            return number;
        }
        let number = self.names.len() as u32;
        self.names.push(name.to_owned());
        self.numbers.insert(name.to_owned(), number);
        number
    }
}

/// Bytes that compress about as JSON does, so that a store that compresses has
/// the gain and the work that it would have in practice.
fn text(rng: &mut ChaCha8Rng, to: &mut [u8]) {
    const WORDS: [&[u8]; 16] = [
        b"\"customer\":",
        b"\"amount\":",
        b"\"currency\":\"EUR\",",
        b"\"item\":",
        b"\"quantity\":",
        b"\"address\":{",
        b"\"street\":\"",
        b"\"city\":\"",
        b"},",
        b"\",",
        b"true,",
        b"null,",
        b"\"at\":\"2024-",
        b"\"reason\":\"",
        b"\"price\":",
        b"\"state\":\"open\",",
    ];
    let mut at = 0;
    while at < to.len() {
        let word = WORDS[rng.random_range(0..WORDS.len())];
        let take = word.len().min(to.len() - at);
        to[at..at + take].copy_from_slice(&word[..take]);
        at += take;
        let digits = 6.min(to.len() - at);
        let mut number: u32 = rng.random();
        for byte in &mut to[at..at + digits] {
            *byte = b'0' + (number % 10) as u8;
            number /= 10;
        }
        at += digits;
    }
}
