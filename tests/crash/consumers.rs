//! Cursors and parked events over crashes: never ahead of the log, never lost
//! once they were stored, and told where they are damaged; so that a handler
//! under eight writers misses nothing, however often its process dies.

use crate::report::{Counts, Settings, Tally, for_seeds, replay};
use crate::run::DIR;
use annals::cursor::{Cursor, CursorStore, FileCursors};
use annals::parked::{FileParked, Parked, ParkedEvents};
use annals::publisher::{Handler, Publisher, Publishing};
use annals::subscription::{HandlerError, Retry};
use annals::testing::sim::{CrashPlan, Rng, SectorSize, SimDisk, SimWorld, TaskMode};
use annals::{
    Append, Durability, Event, EventStore, LogStore, Position, Query, RecordedEvent, Uuid,
};
use std::collections::{BTreeSet, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

const CURSORS: &str = "/data/cursors";
const PARKED: &str = "/data/parked";
const HANDLER: &str = "mailer";
/// An event that the handler fails on.
const POISON: &str = "Poison";
const WRITERS: u64 = 8;
const LONG: Duration = Duration::from_secs(60);

pub fn run(settings: &Settings) -> bool {
    let tally = Tally::new();
    let seeds = for_seeds(settings, &tally, |seed, _| {
        let mut story = Story::new(seed);
        let outcome = story.all();
        let mut counts = story.counts;
        counts.workloads = 1;
        if let Err(reason) = outcome {
            counts.violations.push(format!(
                "seed {seed}: {reason}\n     {}",
                replay("consumers", seed)
            ));
        }
        counts
    });
    tally.print("consumers", seeds)
}

/// What was stored, as those know who were told so.
#[derive(Debug, Default)]
struct Told {
    cursor: Option<Cursor>,
    /// What may stand there instead: a saving that ended in an error, or what
    /// was there before one that did and was found all the same.
    perhaps: Vec<Option<Cursor>>,
    parked: BTreeSet<Position>,
    /// Of which it is not known whether they are parked.
    unsure: BTreeSet<Position>,
    /// What the handler was given, over all lives.
    given: HashSet<Uuid>,
    /// The last position that was given in this life.
    last: Option<Position>,
    violations: Vec<String>,
}

type SharedTold = Arc<Mutex<Told>>;

fn lock(told: &SharedTold) -> MutexGuard<'_, Told> {
    told.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Stores cursors and parked events in files, and notes what is answered. A
/// crash finds each call either answered and noted, or neither.
struct Noting {
    store: Arc<LogStore>,
    cursors: FileCursors,
    parked: FileParked,
    told: SharedTold,
}

impl CursorStore for Noting {
    fn load(&self, name: &str) -> annals::Result<Option<Cursor>> {
        self.cursors.load(name)
    }

    fn save(&self, name: &str, cursor: Cursor) -> annals::Result<()> {
        let mut told = lock(&self.told);
        if cursor.position > self.store.durable() {
            let text = format!("a cursor at {}, not durable", cursor.position);
            told.violations.push(text);
        }
        let saved = self.cursors.save(name, cursor);
        match &saved {
            Ok(()) => {
                told.cursor = Some(cursor);
                told.perhaps.clear();
            }
            Err(_) => told.perhaps.push(Some(cursor)),
        }
        saved
    }

    fn remove(&self, name: &str) -> annals::Result<()> {
        self.cursors.remove(name)
    }

    fn list(&self) -> annals::Result<Vec<(String, Cursor)>> {
        self.cursors.list()
    }
}

impl ParkedEvents for Noting {
    fn park(&self, parked: &Parked) -> annals::Result<()> {
        let mut told = lock(&self.told);
        if parked.position > self.store.durable() {
            let text = format!("parked at {}, not durable", parked.position);
            told.violations.push(text);
        }
        let done = self.parked.park(parked);
        told.unsure.remove(&parked.position);
        match &done {
            Ok(()) => drop(told.parked.insert(parked.position)),
            Err(_) if told.parked.contains(&parked.position) => {}
            Err(_) => drop(told.unsure.insert(parked.position)),
        }
        done
    }

    fn list(&self, handler: &str) -> annals::Result<Vec<Parked>> {
        self.parked.list(handler)
    }

    fn remove(&self, handler: &str, position: Position) -> annals::Result<()> {
        let mut told = lock(&self.told);
        let done = self.parked.remove(handler, position);
        told.parked.remove(&position);
        match &done {
            Ok(()) => drop(told.unsure.remove(&position)),
            Err(_) => drop(told.unsure.insert(position)),
        }
        done
    }
}

/// A store, its handler, and the crashes that they go through.
struct Story {
    rng: Rng,
    disk: SimDisk,
    durability: Durability,
    lives: u64,
    told: SharedTold,
    counts: Counts,
    /// Whether the power stayed on: what is found may only be in memory.
    is_cached: bool,
}

struct Life {
    world: SimWorld,
    store: Arc<LogStore>,

    publishing: Publishing,
}

impl Story {
    fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed ^ 0x6375_7273);
        Story {
            disk: SimDisk::new(match rng.below(3) {
                0 => SectorSize::Bytes4096,
                _ => SectorSize::Bytes512,
            }),
            durability: match rng.below(3) {
                0 => Durability::Buffered,
                1 => Durability::Written,
                _ => Durability::Durable,
            },
            lives: 0,
            told: SharedTold::default(),
            counts: Counts::default(),
            is_cached: false,
            rng,
        }
    }

    fn all(&mut self) -> Result<(), String> {
        for _ in 0..2 + self.rng.below(4) {
            let mut life = self.open()?;
            if self.rng.below(2) == 0 {
                let off = self.disk.boundaries() + 1 + self.rng.below(150);
                self.disk.power_off_at(off);
            }
            self.write(&life);
            for _ in 0..self.rng.below(4) {
                self.look_after(&mut life);
            }
            self.end(life)?;
            self.is_kept()?;
        }
        let life = self.open()?;
        self.misses_nothing(&life)?;
        drop(life);
        self.damage()
    }

    fn open(&mut self) -> Result<Life, String> {
        self.lives += 1;
        let seed = self.lives ^ self.disk.content_hash();
        let world = SimWorld::on(self.disk.clone(), TaskMode::Inline, seed);
        let options = world.options().durability(self.durability);
        let store = options.segment_size(8192).checkpoint_events(16).open(DIR);
        let store = Arc::new(store.map_err(|error| format!("open: {error}"))?);
        let cursors = world.cursors(CURSORS, store.id());
        let parked = world.parked(PARKED, store.id());
        let noting = Arc::new(Noting {
            store: store.clone(),
            cursors: cursors.map_err(|error| format!("open the cursors: {error}"))?,
            parked: parked.map_err(|error| format!("open what is parked: {error}"))?,
            told: Arc::clone(&self.told),
        });
        let from = noting.cursors.load(HANDLER);
        let from = from.map_err(|error| format!("load the cursor: {error}"))?;
        lock(&self.told).last = Some(from.unwrap_or_default().position);
        let told = Arc::clone(&self.told);
        let handler = Handler::new(HANDLER, Query::all(), move |event| handle(&told, event))
            .retry(Retry {
                tries: 2,
                first: Duration::ZERO,
                longest: Duration::from_millis(1),
                jitter: 0,
            })
            .cursor_interval(match self.rng.below(2) {
                0 => Duration::ZERO,
                _ => Duration::from_millis(1),
            });
        let publishing = Publisher::new(store.clone(), noting.clone(), noting.clone())
            .handler(handler)
            .start()
            .map_err(|error| format!("start the handler: {error}"))?;
        Ok(Life {
            world,
            store,

            publishing,
        })
    }

    /// Eight threads append.
    fn write(&mut self, life: &Life) {
        let seeds: Vec<u64> = (0..WRITERS).map(|_| self.rng.next_u64()).collect();
        std::thread::scope(|scope| {
            for (writer, seed) in seeds.into_iter().enumerate() {
                let (store, durability) = (&life.store, self.durability);
                scope.spawn(move || write(store, writer, seed, durability));
            }
        });
    }

    /// What people do meanwhile.
    fn look_after(&mut self, life: &mut Life) {
        match self.rng.below(4) {
            0 => drop(life.store.flush()),
            1 => life.world.advance(Duration::from_millis(60)),
            2 => {
                let head = life.store.head();
                let _ = life
                    .publishing
                    .wait_for(HANDLER, head, Duration::from_millis(20));
            }
            _ => {
                let parked = life.publishing.parked(HANDLER).unwrap_or_default();
                let chosen = self.rng.below(parked.len().max(1) as u64) as usize;
                if let Some(parked) = parked.get(chosen) {
                    let _ = life.publishing.drop_parked(HANDLER, parked.position);
                    // Dealt with, as far as its owner is concerned.
                    *self
                        .counts
                        .fired
                        .entry("dropped by hand".into())
                        .or_default() += 1;
                }
            }
        }
    }

    /// The process ends, in one way or another, and leaves a disk.
    fn end(&mut self, life: Life) -> Result<(), String> {
        let way = match (self.disk.is_off(), self.rng.below(4)) {
            (true, _) => "power cut within a call",
            (_, 0) => "stop",
            (_, 1) => "kill",
            _ => "power cut",
        };
        *self.counts.fired.entry(way.into()).or_default() += 1;
        self.is_cached = way == "kill" || way == "stop";
        let plan = CrashPlan::new(self.rng.next_u64());
        if way == "stop" {
            return match stop(life) {
                Err(_) if self.disk.is_off() => {
                    self.is_cached = false;
                    self.disk = self.disk.crash_point().crash_by(&plan);
                    Ok(())
                }
                stopped => {
                    // Another process, for which the power stays on.
                    self.disk = self.disk.kill_clone();
                    stopped
                }
            };
        }
        let (left, told) = {
            // Nothing is being stored at this moment, so all of it was told.
            // What happens from here on happens to a disk that is gone.
            let mut told = lock(&self.told);
            let left = match way {
                "kill" => self.disk.kill_clone(),
                _ => self.disk.crash_point().crash_by(&plan),
            };
            (left, std::mem::take(&mut *told))
        };
        life.world.tasks.kill();
        self.disk.power_off_at(0);
        drop(life);
        self.disk = left;
        *lock(&self.told) = told;
        Ok(())
    }

    /// What was stored is there, and is not ahead of the log.
    fn is_kept(&mut self) -> Result<(), String> {
        let disk = self.disk.kill_clone();
        let world = SimWorld::on(disk, TaskMode::Inline, 7);
        let (store, cursors, parked) = open_all(&world)?;
        let mut told = lock(&self.told);
        if let Some(violation) = told.violations.first() {
            return Err(violation.clone());
        }
        let found = cursors.load(HANDLER);
        let found = found.map_err(|error| format!("load the cursor: {error}"))?;
        let may_be = found == told.cursor || told.perhaps.contains(&found);
        if !may_be {
            return Err(format!(
                "the cursor is {found:?}; saved was {:?}, perhaps {:?}",
                told.cursor, told.perhaps
            ));
        }
        let head = store.head();
        if found.is_some_and(|own| own.position > head) {
            return Err(format!("the cursor is {found:?}, the log ends at {head}"));
        }
        let before = std::mem::replace(&mut told.cursor, found);
        match self.is_cached && found != before {
            true => told.perhaps.push(before),
            false => told.perhaps.clear(),
        }
        let listed = parked.list(HANDLER);
        let listed = listed.map_err(|error| format!("list what is parked: {error}"))?;
        let listed: BTreeSet<_> = listed.iter().map(|own| own.position).collect();
        let doubtful: Vec<_> = listed.symmetric_difference(&told.parked).collect();
        if let Some(position) = doubtful.iter().find(|own| !told.unsure.contains(**own)) {
            let state = if listed.contains(position) {
                "parked"
            } else {
                "not parked"
            };
            return Err(format!("the event at {position} is {state}"));
        }
        if listed.last().is_some_and(|last| *last > head) {
            return Err(format!(
                "parked is {:?}, the log ends at {head}",
                listed.last()
            ));
        }
        told.parked = listed;
        if !self.is_cached {
            told.unsure.clear();
        }
        Ok(())
    }

    /// The handler was given each event of the log, in some life, and what is
    /// parked is what it failed on.
    fn misses_nothing(&mut self, life: &Life) -> Result<(), String> {
        let head = life.store.head();
        let done = life.publishing.wait_for(HANDLER, head, LONG);
        done.map_err(|error| format!("the handler never gets to {head}: {error}"))?;
        let parked = life.publishing.parked(HANDLER);
        let parked = parked.map_err(|error| error.to_string())?;
        let events = life.store.read(&Query::all());
        let events: Result<Vec<RecordedEvent>, _> = events.collect();
        let events = events.map_err(|error| format!("read: {error}"))?;
        let told = lock(&self.told);
        if let Some(violation) = told.violations.first() {
            return Err(violation.clone());
        }
        let missed = events
            .iter()
            .find(|event| !told.given.contains(&event.id()));
        if let Some(event) = missed {
            return Err(format!("the event at {} was never given", event.position()));
        }
        let is_poison = |position: Position| {
            let event = events.get(position.get() as usize - 1);
            event.is_some_and(|own| own.event_type() == POISON)
        };
        match parked.iter().find(|own| !is_poison(own.position)) {
            Some(own) => Err(format!("the event at {} is parked", own.position)),
            None => Ok(()),
        }
    }

    /// Damaged files are told: a cursor is no other cursor and not absent, a
    /// parked event is still listed.
    fn damage(&mut self) -> Result<(), String> {
        let world = SimWorld::on(self.disk.kill_clone(), TaskMode::Inline, 7);
        let (_store, cursors, parked) = open_all(&world)?;
        let before = parked.list(HANDLER).map_err(|error| error.to_string())?;
        for (path, length) in world.disk.files() {
            let is_cursor = path.ends_with(".cursor");
            if !is_cursor && !path.ends_with(".parked") {
                continue;
            }
            let bit = self.rng.below(length * 8);
            let damaged = world.disk.flip_bit(Path::new(&path), bit);
            damaged.map_err(|error| format!("damage: {error}"))?;
            let is_told = match is_cursor {
                true => cursors.load(HANDLER).is_err(),
                false => {
                    let now = parked.list(HANDLER).map_err(|error| error.to_string())?;
                    let places =
                        |all: &[Parked]| -> Vec<_> { all.iter().map(|own| own.position).collect() };
                    places(&now) == places(&before) && now != before
                }
            };
            if !is_told {
                return Err(format!("bit {bit} of {path} is not told"));
            }
            let mended = world.disk.flip_bit(Path::new(&path), bit);
            mended.map_err(|error| format!("mend: {error}"))?;
            *self.counts.fired.entry("damaged file".into()).or_default() += 1;
        }
        Ok(())
    }
}

/// The process ends as it should.
fn stop(life: Life) -> Result<(), String> {
    let stopped = life.publishing.stop();
    stopped.map_err(|error| format!("stop the handler: {error}"))?;
    let closed = life.store.close();
    closed.map_err(|error| format!("close: {error}"))
}

fn handle(told: &SharedTold, event: &RecordedEvent) -> Result<(), HandlerError> {
    let mut told = lock(told);
    told.given.insert(event.id());
    let (position, last) = (event.position(), told.last.unwrap_or_default());
    // The next one, or one that is tried again.
    if position != last.next() && position != last {
        let text = format!("given {position} after {last}");
        told.violations.push(text);
    }
    told.last = Some(position);
    match event.event_type() {
        POISON => Err("poison".into()),
        _ => Ok(()),
    }
}

/// The store, the cursors and the parked events of a world, to be looked at.
fn open_all(world: &SimWorld) -> Result<(LogStore, FileCursors, FileParked), String> {
    let store = world.options().open(DIR);
    let store = store.map_err(|error| format!("open: {error}"))?;
    let cursors = world.cursors(CURSORS, store.id());
    let parked = world.parked(PARKED, store.id());
    match (cursors, parked) {
        (Ok(cursors), Ok(parked)) => Ok((store, cursors, parked)),
        _ => Err("the directories can't be opened".into()),
    }
}

/// One writer's appends, of one to three events.
fn write(store: &LogStore, writer: usize, seed: u64, usual: Durability) {
    let mut rng = Rng::new(seed);
    for _ in 0..rng.below(5) {
        let events = (0..=rng.below(3)).map(|_| {
            let event_type = if rng.below(12) == 0 {
                POISON
            } else {
                "Written"
            };
            let mut id = [0; 16];
            id[..8].copy_from_slice(&rng.next_u64().to_le_bytes());
            id[8..].copy_from_slice(&rng.next_u64().to_le_bytes());
            Event::with_id(
                Uuid::from_bytes(id),
                event_type,
                vec![0; rng.below(200) as usize],
            )
        });
        let append = Append::to(format!("writer/{writer}")).events(events.collect::<Vec<_>>());
        let durability = match rng.below(4) {
            0 => Durability::Durable,
            _ => usual,
        };
        // Without power, appends fail.
        let _ = store.append(append.durability(durability));
    }
}
