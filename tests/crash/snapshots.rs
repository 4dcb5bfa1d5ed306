//! A state from a snapshot is the state from replay: for random histories and
//! policies, whatever crashes and damage leave of the log and the snapshots.

use crate::report::{Counts, Settings, Tally, for_seeds, replay};
use crate::run::DIR;
use annals::snapshot::{
    BackgroundSnapshots, FileSnapshots, SnapshotKey, SnapshotPolicy, SnapshotStore,
};
use annals::testing::sim::{CrashPlan, Rng, SectorSize, SimDisk, SimWorld, TaskMode};
use annals::{Aggregate, Durability, EventStore, LogStore, Position, Repository, Version};
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Where the snapshots are.
const SNAPSHOTS: &str = "/data/snapshots";
/// Small, so that packs end, and old snapshots go.
const LIMIT: u64 = 64 << 10;
/// How many aggregates there are.
const IDS: u64 = 3;
/// How many states of a crash are looked at, beside the one that goes on.
const STATES: usize = 6;

/// Depends on every event, and on their order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Notes {
    digest: u64,
    last: Vec<u8>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Noted {
    Written(Vec<u8>),
    Wiped,
}

impl Aggregate for Notes {
    type Event = Noted;
    const CATEGORY: &'static str = "notes";

    fn apply(&mut self, event: &Noted) {
        let number = match event {
            Noted::Written(text) => {
                self.last.clone_from(text);
                1 + text.iter().map(|own| u64::from(*own)).sum::<u64>()
            }
            Noted::Wiped => {
                self.last.clear();
                0
            }
        };
        self.digest = self.digest.wrapping_mul(1_000_003).wrapping_add(number);
    }
}

pub fn run(settings: &Settings) -> bool {
    let tally = Tally::new();
    let seeds = for_seeds(settings, &tally, |seed, _| {
        let mut history = History::new(seed);
        let outcome = history.all();
        let mut counts = history.counts;
        counts.workloads = 1;
        if let Err(reason) = outcome {
            counts.violations.push(format!(
                "seed {seed}: {reason}\n     {}",
                replay("snapshots", seed)
            ));
        }
        counts
    });
    // A run in which no snapshot outlived a crash has shown nothing.
    let found = tally.with(|counts| counts.fired.get(FOUND).copied().unwrap_or(0));
    if found == 0 {
        tally.violation("no snapshot was found after a crash".into());
    }
    tally.print("snapshots", seeds)
}

/// How it is counted that a snapshot served after a crash.
const FOUND: &str = "snapshot that outlived a crash";

/// What happens to some aggregates, their store and their snapshots.
struct History {
    rng: Rng,
    disk: SimDisk,
    durability: Durability,
    policy: SnapshotPolicy,
    in_background: bool,
    lives: u64,
    counts: Counts,
    /// The snapshot files as they were at an earlier time.
    aside: Vec<(String, Vec<u8>)>,
}

/// A process: what it has open.
struct Life {
    world: SimWorld,
    store: Arc<LogStore>,
    plain: Repository<Notes>,
    quick: Repository<Notes>,
}

impl History {
    fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed ^ 0x736e_6170);
        let sector = match rng.below(3) {
            0 => SectorSize::Bytes4096,
            _ => SectorSize::Bytes512,
        };
        History {
            disk: SimDisk::new(sector),
            durability: match rng.below(4) {
                0 => Durability::Buffered,
                1 => Durability::Written,
                _ => Durability::Durable,
            },
            policy: match rng.below(5) {
                0 => SnapshotPolicy::age(Duration::ZERO),
                1 => SnapshotPolicy::cost(Duration::ZERO),
                2 => SnapshotPolicy::by_hand(),
                _ => SnapshotPolicy::every(1 + rng.below(8)),
            },
            in_background: rng.below(4) == 0,
            lives: 0,
            counts: Counts::default(),
            aside: Vec::new(),
            rng,
        }
    }

    fn all(&mut self) -> Result<(), String> {
        for _ in 0..2 + self.rng.below(5) {
            self.lives += 1;
            if self.rng.below(4) == 0 {
                self.open_without_power();
            }
            let mut life = self.open(&self.disk.clone())?;
            self.agrees(&life)?;
            if self.rng.below(3) == 0 {
                let off = self.disk.boundaries() + 1 + self.rng.below(60);
                self.disk.power_off_at(off);
            }
            for _ in 0..self.rng.below(25) {
                match self.step(&mut life) {
                    Err(_) if self.disk.is_off() => break,
                    done => done?,
                }
            }
            self.end(life)?;
        }
        let life = self.open(&self.disk.clone())?;
        self.agrees(&life)
    }

    fn open(&self, disk: &SimDisk) -> Result<Life, String> {
        let seed = self.lives ^ disk.content_hash();
        let world = SimWorld::on(disk.clone(), TaskMode::Inline, seed);
        let options = world.options().durability(self.durability);
        let store = options.segment_size(4096).checkpoint_events(8).open(DIR);
        let store = Arc::new(store.map_err(|error| format!("open: {error}"))?);
        let files = world.snapshots(SNAPSHOTS, LIMIT);
        let files = Arc::new(files.map_err(|error| format!("open the snapshots: {error}"))?);
        let snapshots: Arc<dyn SnapshotStore> = if self.in_background {
            let started = BackgroundSnapshots::over(files);
            Arc::new(started.map_err(|error| error.to_string())?)
        } else {
            files
        };
        let plain = Repository::<Notes>::new(store.clone());
        let quick = plain.clone().with_snapshots(snapshots, self.policy);
        Ok(Life {
            world,
            store,
            plain,
            quick,
        })
    }

    /// The power goes while a process is still opening what is there.
    fn open_without_power(&mut self) {
        let off = self.disk.boundaries() + 1 + self.rng.below(12);
        self.disk.power_off_at(off);
        if let Ok(life) = self.open(&self.disk.clone()) {
            self.abandon(life);
        }
        let plan = CrashPlan::new(self.rng.next_u64());
        self.disk = self.disk.crash_point().crash_by(&plan);
        *self
            .counts
            .fired
            .entry("power cut at open".into())
            .or_default() += 1;
    }

    fn step(&mut self, life: &mut Life) -> Result<(), String> {
        let id = self.rng.below(IDS);
        match self.rng.below(10) {
            0 => drop(life.store.flush()),
            1 => life.world.advance(Duration::from_millis(60)),
            2 | 3 => {
                if let Ok(loaded) = life.quick.load(id)
                    && loaded.exists()
                {
                    // Not durable, or no power: then there is none.
                    let _ = life.quick.snapshot(&loaded);
                }
            }
            _ => {
                let events: Vec<_> = (0..=self.rng.below(5)).map(|_| self.noted()).collect();
                let decide = |_: &Notes| Ok::<_, Infallible>(events.clone());
                let durability = match self.rng.below(3) {
                    0 => Durability::Durable,
                    _ => self.durability,
                };
                let quick = life.quick.clone().with_durability(durability);
                let done = quick.execute(id, decide);
                done.map_err(|error| format!("execute: {error}"))?;
            }
        }
        self.agrees(life)
    }

    fn noted(&mut self) -> Noted {
        match self.rng.below(8) {
            0 => Noted::Wiped,
            _ => {
                let length = self.rng.below(60);
                Noted::Written((0..length).map(|_| self.rng.next_u64() as u8).collect())
            }
        }
    }

    /// The process ends, in one way or another, and leaves a disk.
    fn end(&mut self, life: Life) -> Result<(), String> {
        let way = match (self.disk.is_off(), self.rng.below(4)) {
            (true, _) => "power cut within a call",
            (_, 0) => "close",
            (_, 1) => "kill",
            _ => "power cut",
        };
        *self.counts.fired.entry(way.into()).or_default() += 1;
        let left = match way {
            "close" => {
                let closed = life.store.close();
                drop(life);
                match closed {
                    Err(_) if self.disk.is_off() => {
                        let plan = CrashPlan::new(self.rng.next_u64());
                        self.disk.crash_point().crash_by(&plan)
                    }
                    Err(error) => return Err(format!("close: {error}")),
                    Ok(()) => self.disk.kill_clone(),
                }
            }
            "kill" => {
                let left = self.disk.kill_clone();
                self.abandon(life);
                left
            }
            _ => {
                let point = self.disk.crash_point();
                self.abandon(life);
                let seed = self.rng.next_u64();
                for choices in point.explore(STATES, seed) {
                    self.counts.states += 1;
                    let life = self.open(&point.crash(&choices))?;
                    self.agrees(&life)?;
                    self.count_found(&life)?;
                }
                point.crash_by(&CrashPlan::new(seed))
            }
        };
        self.disk = left;
        if self.rng.below(3) == 0 {
            self.damage();
        }
        Ok(())
    }

    /// Forgets a process as a kill does: nothing more reaches the disk.
    fn abandon(&self, life: Life) {
        life.world.tasks.kill();
        self.disk.power_off_at(0);
        drop(life);
    }

    /// Changes, takes away or puts back what is in the snapshot files.
    fn damage(&mut self) {
        let files = self.files();
        let Some((path, length)) = pick(&mut self.rng, &files) else {
            return;
        };
        let path = Path::new(path);
        let at = self.rng.below((*length).max(1));
        let (what, done) = match self.rng.below(7) {
            0 => ("cut", self.disk.truncate(path, at)),
            1 => ("zeros", self.disk.overwrite(path, at, &[0; 600])),
            2 => ("deleted", self.disk.delete(path)),
            3 => {
                let to = pick(&mut self.rng, &files).map_or("", |own| &own.0);
                ("copied", self.disk.copy(path, Path::new(to)))
            }
            4 => {
                let bytes = |path: &str| self.disk.bytes(Path::new(path)).unwrap_or_default();
                let all = files.iter().map(|(own, _)| (own.clone(), bytes(own)));
                self.aside = all.collect();
                ("put aside", Ok(()))
            }
            5 => {
                let put = |(path, bytes): &(String, Vec<u8>)| {
                    let _ = self.disk.put(Path::new(path), bytes);
                };
                self.aside.iter().for_each(put);
                ("put back", Ok(()))
            }
            _ => ("a bit", self.disk.flip_bit(path, at * 8 + at % 8)),
        };
        if done.is_ok() {
            *self
                .counts
                .fired
                .entry(format!("files: {what}"))
                .or_default() += 1;
        }
    }

    /// The packs, with their lengths.
    fn files(&self) -> Vec<(String, u64)> {
        let files = self.disk.files().into_iter();
        let is_pack = |own: &(String, u64)| own.0.starts_with(SNAPSHOTS) && own.1 > 0;
        files.filter(is_pack).collect()
    }

    /// Now, at a version, and as of a moment.
    fn agrees(&mut self, life: &Life) -> Result<(), String> {
        let head = life.store.head().get();
        let moment = Position::new(self.rng.below(head + 1));
        let then = [&life.plain, &life.quick].map(|own| own.as_of(moment));
        let [Ok(plain_then), Ok(quick_then)] = then else {
            return Err(format!("no view as of {moment}"));
        };
        for id in 0..IDS {
            same(&life.plain, &life.quick, id, Version::MAX)?;
            same(&plain_then, &quick_then, id, Version::MAX)?;
            let version = life.store.version(&Notes::stream(id));
            let version = version.map_err(|error| error.to_string())?.get();
            let version = Version::new(self.rng.below(version + 1));
            same(&life.plain, &life.quick, id, version)?;
        }
        Ok(())
    }

    /// Counts the snapshots that are there; none may be ahead of the log.
    fn count_found(&mut self, life: &Life) -> Result<(), String> {
        if self.in_background {
            return Ok(());
        }
        let (head, id) = (life.store.head(), life.store.id());
        // The directory belongs to the repository: it goes first.
        let disk = life.world.disk.kill_clone();
        let world = SimWorld::on(disk, TaskMode::Inline, 7);
        let files: FileSnapshots = world
            .snapshots(SNAPSHOTS, LIMIT)
            .map_err(|error| error.to_string())?;
        for number in 0..IDS {
            let stream = Notes::stream(number);
            let key = SnapshotKey {
                store: id,
                stream: &stream,
                kind: Notes::CATEGORY,
                schema: Notes::SNAPSHOT_SCHEMA,
            };
            let found = files.load(key, Version::MAX);
            if let Some(found) = found.map_err(|error| error.to_string())? {
                if found.position() > head {
                    let at = found.position();
                    return Err(format!("a snapshot at {at}, the log ends at {head}"));
                }
                *self.counts.fired.entry(FOUND.into()).or_default() += 1;
            }
        }
        Ok(())
    }
}

fn pick<'a, T>(rng: &mut Rng, all: &'a [T]) -> Option<&'a T> {
    match all.len() as u64 {
        0 => None,
        count => all.get(rng.below(count) as usize),
    }
}

/// Both have the same of an aggregate, at a version or now.
fn same(
    plain: &Repository<Notes>,
    quick: &Repository<Notes>,
    id: u64,
    version: Version,
) -> Result<(), String> {
    let load = |own: &Repository<Notes>| match version {
        Version::MAX => own.load(id),
        version => own.load_version(id, version),
    };
    let (plain, quick) = (load(plain), load(quick));
    let (Ok(plain), Ok(quick)) = (&plain, &quick) else {
        return Err(format!("load {id}: {:?}, {:?}", plain.err(), quick.err()));
    };
    let both = [plain, quick].map(|own| (own.version(), own.position(), own.state().clone()));
    match both[0] == both[1] {
        true => Ok(()),
        false => Err(format!(
            "{id}: replayed {:?}, from a snapshot {:?}",
            both[0], both[1]
        )),
    }
}
