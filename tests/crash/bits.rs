//! Every bit: a store at rest is damaged in one place at a time. Never is a
//! wrong event served, and never one passed over in silence.

use crate::check::{abandon, queries, world};
use crate::model::Model;
use crate::plan::Plan;
use crate::report::{Counts, Settings, Tally, replay};
use crate::run::DIR;
use annals::testing::sim::{Bug, Rng, SectorSize, SimDisk, SimWorld, TaskMode};
use annals::{Append, Durability, Event, EventStore, LogStore, Options};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const SECTOR: usize = 512;
const KILLED: &str = "killed";

/// One piece of damage.
#[derive(Clone, Debug)]
enum Damage {
    Nothing,
    Bit(u64),
    Length(u64),
    /// The sector at the one number gets the content of another, which may be
    /// of another file.
    Sector(u64, String, u64),
    /// Two sectors of the file change places.
    Swap(u64, u64),
    /// A sector turns to zeros.
    Zeros(u64),
    Gone,
}

/// A store, and all that is known of it.
struct Subject {
    name: &'static str,
    disk: SimDisk,
    plan: Plan,
    model: Model,
    files: Vec<(String, u64)>,
    /// Of the tail of a killed store: the position of each frame's event, and
    /// where the frame ends.
    frames: Vec<(u64, u64)>,
}

pub fn run(settings: &Settings) -> bool {
    let tally = Tally::new();
    for closed in [true, false] {
        let subject = Subject::new(settings.seed, closed, 256 << 10);
        match subject.check("", &Damage::Nothing, None) {
            Ok(Seen::Unharmed) => {}
            other => tally.violation(format!("without damage: {other:?}")),
        }
        let list = damages(&subject, settings);
        let before = tally.with(|counts| counts.states);
        let depth = match settings.all {
            true => Depth::MostlyShallow,
            false => Depth::Full,
        };
        let time = settings.time / 2;
        explore(
            &subject,
            &list,
            (settings.threads, time),
            (depth, None),
            &tally,
        );
        tally.with(|counts| {
            counts.workloads += 1;
            let (tried, all) = (counts.states - before, list.len());
            let note = format!("{}: {tried} of {all} pieces of damage", subject.name);
            counts.notes.push(note);
        });
    }
    tally.print("bits", (settings.seed, settings.seed + 1))
}

/// Whether damage is noticed to be served by a store with a mistake in it.
pub fn catches(seed: u64, bug: Bug) -> Option<String> {
    let tally = Tally::new();
    let settings = Settings {
        seed,
        ..Settings::from_env()
    };
    for closed in [true, false] {
        let subject = Subject::new(seed, closed, 32 << 10);
        let list = damages(&subject, &settings);
        explore(
            &subject,
            &list,
            (1, Duration::from_secs(10)),
            (Depth::Full, Some(bug)),
            &tally,
        );
    }
    tally.with(|counts| counts.violations.first().cloned())
}

impl Subject {
    fn new(seed: u64, closed: bool, bytes: u64) -> Self {
        let mut plan = Plan::new(seed, 1);
        plan.segment_size = bytes / 8;
        plan.checkpoint_events = 64;
        let disk = SimDisk::new(SectorSize::Bytes512);
        let world = SimWorld::on(disk.clone(), TaskMode::Inline, seed);
        let mut world = world;
        let mut store = plan.options(&world.options()).open(DIR).unwrap();
        let mut reopened = false;
        let mut model = Model::default();
        let mut rng = Rng::new(seed);
        let mut last_but_one = 0;
        let mut frames = Vec::new();
        for number in 0.. {
            let size = disk.files().iter().map(|(_, size)| size).sum::<u64>();
            // The last events come after a clean close, but for some.
            let late = size + plan.segment_size / 2;
            if !closed && !reopened && late >= bytes {
                store.close().unwrap();
                world = SimWorld::on(disk.clone(), TaskMode::Inline, seed);
                store = plan.options(&world.options()).open(DIR).unwrap();
                reopened = true;
            }
            if size >= bytes && (closed || number % 8 == 7) {
                break;
            }
            let stream = crate::plan::STREAMS[number % 4];
            let data: Vec<u8> = (0..20 + rng.below(400))
                .map(|_| rng.next_u64() as u8)
                .collect();
            let event = Event::new(crate::plan::TYPES[number % 3], data).with_tag("x");
            let append = Append::to(stream)
                .event(event)
                .durability(Durability::Durable);
            last_but_one = model.head();
            model.submit(&append, Durability::Durable);
            store.append(append).unwrap();
            if !closed {
                frames.push((model.head(), end_of_log(&disk)));
            }
        }
        model.promise(model.head());
        if closed {
            store.close().unwrap();
        } else {
            // What the last frame's watermark does not cover may be cut off.
            model.required = last_but_one;
        }
        abandon(&world, store);
        let disk = disk.crash_point().crash(&[]);
        let files = disk.files();
        let tail = frames.last().map(|(_, (segment, _))| segment.clone());
        let in_tail = frames.partition_point(|(_, (segment, _))| Some(segment) != tail.as_ref());
        let frames = frames.split_off(in_tail).into_iter();
        Subject {
            frames: frames.map(|(position, (_, end))| (position, end)).collect(),
            name: if closed { "closed cleanly" } else { KILLED },
            disk,
            plan,
            model,
            files,
        }
    }

    fn options(&self, world: &SimWorld) -> Options {
        self.plan.options(&world.options())
    }

    /// Damages a copy of the disk and reads what is there: in order, and where
    /// it isn't the log that was damaged as queries find it.
    fn glance(&self, path: &str, damage: &Damage) -> Result<Seen, String> {
        let disk = self.disk.kill_clone();
        apply(&disk, Path::new(path), damage);
        let asks = !path.contains(".seg");
        self.look(path, damage, (&disk, None), asks, "reading", |options| {
            options.open_read_only(DIR)
        })
    }

    /// Damages a copy of the disk and looks at it from all sides.
    fn check(&self, path: &str, damage: &Damage, planted: Option<Bug>) -> Result<Seen, String> {
        let disk = self.disk.kill_clone();
        apply(&disk, Path::new(path), damage);
        let look = disk.kill_clone();
        let copy = disk.kill_clone();
        let read = self.look(path, damage, (&copy, planted), true, "reading", |options| {
            options.open_read_only(DIR)
        })?;
        let reported = match world(&disk, planted).verify(DIR, &mut |_| {}) {
            Ok(report) => !report.faults.is_empty(),
            Err(_) => true,
        };
        let written = self.look(path, damage, (&disk, planted), true, "writing", |options| {
            options.open(DIR)
        })?;
        if reported && !path.ends_with("/store") {
            self.repair(&look)?;
        }
        let harmed = read == Seen::Reported || written == Seen::Reported;
        match harmed && !reported {
            true => Err("verify reports nothing".into()),
            false if reported => Ok(Seen::Reported),
            false => Ok(read),
        }
    }

    /// A repaired store opens, and has what was recorded up to some event.
    fn repair(&self, disk: &SimDisk) -> Result<(), String> {
        let mender = world(disk, None);
        let report = mender.repair(DIR);
        let report = report.map_err(|error| format!("repair: {error}"))?;
        let report_again = mender.verify(DIR, &mut |_| {});
        let again = report_again.map_err(|error| format!("repaired, then verify: {error}"))?;
        if let Some(fault) = again.faults.first() {
            return Err(format!("{report:?}, and still {fault:?}"));
        }
        let store = self.options(&mender).open(DIR);
        let store = store.map_err(|error| format!("{report:?}, then open: {error}"))?;
        let head = store.head().get();
        let found = match self.model.compare_all(&store)? {
            (read, None) if read == head && head == report.head.get() => {
                queries(&store, &self.model, head)
            }
            other => Err(format!("{report:?}, then {other:?}, the head is {head}")),
        };
        abandon(&mender, store);
        found
    }

    /// The last position that must be there, or its loss be reported.
    fn required(&self, path: &str, damage: &Damage) -> u64 {
        let base = |path: &str| {
            let header = self.disk.bytes(Path::new(path)).unwrap();
            u64::from_le_bytes(header[48..56].try_into().unwrap())
        };
        // Not a spare segment, which has no base yet.
        let is_begun = |path: &str| path.contains(".seg") && base(path) > 0;
        let last = self.files.iter().rfind(|(path, _)| is_begun(path));
        let all = matches!(damage, Damage::Gone | Damage::Length(..128));
        match last {
            // With the last segment its watermarks are gone.
            Some((tail, _)) if tail == path && self.name == KILLED => match all {
                true => base(tail) - 2,
                false => self.required_of_tail(base(tail), damage),
            },
            _ => self.model.required,
        }
    }

    /// Each frame says that what was before it is durable, as long as it is whole:
    /// a sector may have the end of the last one but one and all of the last.
    fn required_of_tail(&self, base: u64, damage: &Damage) -> u64 {
        let sectors = match damage {
            Damage::Zeros(one) | Damage::Sector(one, ..) => [*one; 2],
            Damage::Swap(one, two) => [*one, *two],
            _ => return self.model.required,
        };
        let size = SECTOR as u64;
        let mut start = 0;
        let mut told = base - 2;
        for (position, end) in &self.frames {
            let is_struck = |sector: &u64| start < (sector + 1) * size && sector * size < *end;
            if !sectors.iter().any(is_struck) {
                told = position - 1;
            }
            start = *end;
        }
        told.min(self.model.required)
    }

    fn look(
        &self,
        path: &str,
        damage: &Damage,
        (disk, planted): (&SimDisk, Option<Bug>),
        asks: bool,
        what: &str,
        open: impl FnOnce(Options) -> annals::Result<LogStore>,
    ) -> Result<Seen, String> {
        let world = world(disk, planted);
        let Ok(store) = open(self.options(&world)) else {
            return Ok(Seen::Reported);
        };
        let head = store.head().get();
        let (read, error) = self.model.compare_all(&store)?;
        let required = self.required(path, damage);
        let seen = match error {
            Some(_) => Seen::Reported,
            None if read < required => {
                return Err(format!("{what} ends at {read} in silence"));
            }
            None if read != head => return Err(format!("{what}: read {read}, the head is {head}")),
            None if asks => {
                queries(&store, &self.model, head).map_err(|reason| format!("{what}: {reason}"))?;
                Seen::Unharmed
            }
            None => Seen::Unharmed,
        };
        abandon(&world, store);
        Ok(seen)
    }
}

/// How closely a damaged store is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Depth {
    /// Each from all sides.
    Full,
    /// Each is read, and one of `SHALLOW` is looked at from all sides.
    MostlyShallow,
}

/// From all sides takes some ten times as long as reading.
const SHALLOW: usize = 64;

/// The segment that was written to last, and where its last frame ends.
fn end_of_log(disk: &SimDisk) -> (String, u64) {
    let segments = disk.files().into_iter().map(|(path, _)| path);
    let begun = segments.filter_map(|path| {
        let bytes = disk.bytes(Path::new(&path)).unwrap();
        let last = bytes.iter().rposition(|byte| *byte != 0)? as u64;
        (path.ends_with(".seg") && last >= 128).then_some((path, last + 1))
    });
    begun.max().unwrap()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    Unharmed,
    Reported,
}

fn apply(disk: &SimDisk, path: &Path, damage: &Damage) {
    let sector = |path: &Path, number: u64| {
        let bytes = disk.bytes(path).unwrap();
        let start = (number as usize * SECTOR).min(bytes.len());
        bytes[start..(start + SECTOR).min(bytes.len())].to_vec()
    };
    let at = |number: &u64| number * SECTOR as u64;
    match damage {
        Damage::Bit(bit) => disk.flip_bit(path, *bit).unwrap(),
        Damage::Length(length) => disk.truncate(path, *length).unwrap(),
        Damage::Sector(to, from, number) => {
            let bytes = sector(Path::new(from), *number);
            disk.overwrite(path, at(to), &bytes).unwrap();
        }
        Damage::Swap(one, two) => {
            let (first, second) = (sector(path, *one), sector(path, *two));
            disk.overwrite(path, at(one), &second).unwrap();
            disk.overwrite(path, at(two), &first).unwrap();
        }
        Damage::Zeros(number) => {
            let length = sector(path, *number).len();
            disk.overwrite(path, at(number), &vec![0; length]).unwrap();
        }
        Damage::Nothing => {}
        Damage::Gone => disk.delete(path).unwrap(),
    }
}

/// All the damage to try, or a sample; that which is seldom of a kind first.
fn damages(subject: &Subject, settings: &Settings) -> Vec<(String, Damage)> {
    let mut list = Vec::new();
    let mut rng = Rng::new(settings.seed);
    let files: Vec<_> = subject.files.iter().filter(|(_, size)| *size > 0).collect();
    for (path, size) in &files {
        let sectors = size.div_ceil(SECTOR as u64);
        list.push((path.clone(), Damage::Gone));
        let mut every = |step: u64, count: u64, make: &mut dyn FnMut(u64, &mut Rng) -> Damage| {
            let step = if settings.all { 1 } else { step };
            let mut at = if step > 1 { rng.below(step) } else { 0 };
            while at < count {
                list.push((path.clone(), make(at, &mut rng)));
                at += step;
            }
        };
        // The small files whole.
        let sparse = if *size < 1000 { 1 } else { 397 };
        every(sparse * 2, size * 8, &mut |bit, _| Damage::Bit(bit));
        every(sparse, *size, &mut |length, _| Damage::Length(length));
        every(3, sectors, &mut |number, _| Damage::Zeros(number));
        every(3, sectors, &mut |number, rng| {
            Damage::Swap(number, rng.below(sectors))
        });
        every(3, sectors, &mut |number, rng| {
            let (other, size) = files[rng.below(files.len() as u64) as usize];
            let from = match rng.below(2) {
                0 => number,
                _ => rng.below(size.div_ceil(SECTOR as u64)),
            };
            Damage::Sector(number, other.clone(), from)
        });
    }
    // The board may say anything: it is a hint.
    list.retain(|(path, damage)| !path.ends_with("lock") || !matches!(damage, Damage::Gone));
    for index in (1..list.len()).rev() {
        list.swap(index, rng.below(index as u64 + 1) as usize);
    }
    list
}

fn explore(
    subject: &Subject,
    list: &[(String, Damage)],
    (threads, time): (u64, Duration),
    (depth, planted): (Depth, Option<Bug>),
    tally: &Tally,
) {
    let next = AtomicU64::new(0);
    let until = Instant::now() + time;
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut counts = Counts::default();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed) as usize;
                    let Some((path, damage)) = list.get(number) else {
                        break;
                    };
                    if Instant::now() > until || counts.violations.len() > 3 {
                        break;
                    }
                    counts.states += 1;
                    let full = depth == Depth::Full || number.is_multiple_of(SHALLOW);
                    one(subject, (path, damage), (full, planted), &mut counts);
                }
                tally.add(counts);
            });
        }
    });
}

fn one(
    subject: &Subject,
    (path, damage): (&str, &Damage),
    (full, planted): (bool, Option<Bug>),
    counts: &mut Counts,
) {
    let checked = catch_unwind(AssertUnwindSafe(|| match full {
        true => subject.check(path, damage, planted),
        false => subject.glance(path, damage),
    }));
    let kind = match damage {
        Damage::Bit(_) => "bit flipped",
        Damage::Length(_) => "cut off",
        Damage::Sector(..) => "stale sector",
        Damage::Swap(..) => "sectors swapped",
        Damage::Zeros(_) => "sector zeroed",
        Damage::Gone | Damage::Nothing => "file gone",
    };
    match checked.unwrap_or_else(|_| Err("a panic".into())) {
        Ok(seen) => {
            let seen = format!("{kind}, {}", format!("{seen:?}").to_lowercase());
            *counts.fired.entry(seen).or_default() += 1;
        }
        Err(reason) => counts.violations.push(format!(
            "seed {}: {}: {damage:?} of {path}: {reason}\n     {}",
            subject.plan.seed,
            subject.name,
            replay("bits", subject.plan.seed)
        )),
    }
}
