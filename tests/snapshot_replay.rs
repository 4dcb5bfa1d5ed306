//! A state from a snapshot is the state from replay: for random histories and
//! policies, on every backend, whatever happens to the snapshot files.
#![cfg(feature = "toolkit")]
#![allow(clippy::unwrap_used)]

use annals::snapshot::{
    BackgroundSnapshots, FileSnapshots, SnapshotKey, SnapshotPolicy, SnapshotStore,
};
use annals::{Aggregate, EventStore, MemoryStore, Position, Repository, Version};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Depends on every event, and on their order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Notes {
    digest: u64,
    last: Vec<u8>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Noted {
    Written(u8),
    Wiped,
}

impl Aggregate for Notes {
    type Event = Noted;
    const CATEGORY: &'static str = "notes";

    fn apply(&mut self, event: &Noted) {
        let number = match event {
            Noted::Written(number) => {
                self.last.push(*number);
                1 + u64::from(*number)
            }
            Noted::Wiped => {
                self.last.clear();
                0
            }
        };
        self.digest = self.digest.wrapping_mul(1_000_003).wrapping_add(number);
    }
}

#[derive(Clone, Debug)]
enum Step {
    /// Events of one of the aggregates.
    Record(u8, Vec<Noted>),
    /// A snapshot by hand.
    Snapshot(u8),
    /// A load, by the policy.
    Load(u8),
    /// The snapshots are closed, their files damaged, and opened again.
    Damage(Vec<Damage>),
    /// The files are put aside.
    Keep,
    /// The files are as they were when they were put aside.
    PutBack,
}

#[derive(Clone, Debug)]
enum Damage {
    /// In a file, told by a number, a bit, told by another.
    Flip(u16, u64),
    Cut(u16, u64),
    Zero(u16, u64),
    Delete(u16),
    /// The first file's bytes at the end of the second.
    Append(u16, u16),
}

fn noted() -> impl Strategy<Value = Noted> {
    prop_oneof![9 => any::<u8>().prop_map(Noted::Written), 1 => Just(Noted::Wiped)]
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        6 => (any::<u16>(), any::<u64>()).prop_map(|(file, bit)| Damage::Flip(file, bit)),
        1 => (any::<u16>(), any::<u64>()).prop_map(|(file, at)| Damage::Cut(file, at)),
        1 => (any::<u16>(), any::<u64>()).prop_map(|(file, at)| Damage::Zero(file, at)),
        1 => any::<u16>().prop_map(Damage::Delete),
        1 => (any::<u16>(), any::<u16>()).prop_map(|(from, to)| Damage::Append(from, to)),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let events = prop::collection::vec(noted(), 1..6);
    prop_oneof![
        8 => (0..3u8, events).prop_map(|(id, events)| Step::Record(id, events)),
        2 => (0..3u8).prop_map(Step::Snapshot),
        2 => (0..3u8).prop_map(Step::Load),
        2 => prop::collection::vec(damage(), 1..5).prop_map(Step::Damage),
        1 => Just(Step::Keep),
        1 => Just(Step::PutBack),
    ]
}

fn policy() -> impl Strategy<Value = SnapshotPolicy> {
    prop_oneof![
        (0..9u64).prop_map(SnapshotPolicy::every),
        Just(SnapshotPolicy::age(Duration::ZERO)),
        Just(SnapshotPolicy::cost(Duration::from_micros(50))),
        (1..9u64).prop_map(|events| {
            SnapshotPolicy::every(events).or_cost(Duration::from_micros(200))
        }),
        Just(SnapshotPolicy::by_hand()),
    ]
}

struct Scene {
    plain: Repository<Notes>,
    quick: Option<Repository<Notes>>,
    policy: SnapshotPolicy,
    in_background: bool,
    directory: tempfile::TempDir,
}

impl Scene {
    fn new(store: Arc<dyn EventStore>, policy: SnapshotPolicy, in_background: bool) -> Self {
        let mut scene = Scene {
            plain: Repository::new(store),
            quick: None,
            policy,
            in_background,
            directory: tempfile::tempdir().unwrap(),
        };
        scene.open();
        scene
    }

    fn files(&self) -> PathBuf {
        self.directory.path().join("snapshots")
    }

    /// However the files look, this works.
    fn open(&mut self) {
        let files = Arc::new(FileSnapshots::open_with_limit(self.files(), 1 << 16).unwrap());
        let snapshots: Arc<dyn SnapshotStore> = if self.in_background {
            Arc::new(BackgroundSnapshots::over(files).unwrap())
        } else {
            files
        };
        let plain = self.plain.clone();
        self.quick = Some(plain.with_snapshots(snapshots, self.policy));
    }

    fn quick(&self) -> &Repository<Notes> {
        self.quick.as_ref().unwrap()
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Record(id, events) => {
                let decide = |_: &Notes| Ok::<_, Infallible>(events.clone());
                self.quick().execute(id, decide).unwrap();
            }
            Step::Snapshot(id) => {
                let loaded = self.quick().load(id).unwrap();
                if loaded.exists() {
                    self.quick().snapshot(&loaded).unwrap();
                }
            }
            Step::Load(id) => drop(self.quick().load(id).unwrap()),
            Step::Damage(all) => {
                self.quick = None;
                for damage in all {
                    self.damage(damage);
                }
                self.open();
            }
            Step::Keep | Step::PutBack => {
                self.quick = None;
                let aside = self.directory.path().join("aside");
                match step {
                    Step::Keep => copy(&self.files(), &aside),
                    _ => copy(&aside, &self.files()),
                }
                self.open();
            }
        }
    }

    fn damage(&self, damage: &Damage) {
        let mut files = listed(&self.files());
        files.retain(|path| fs::metadata(path).unwrap().len() > 0);
        let Some(count) = files.len().checked_sub(1) else {
            return;
        };
        let pick = |number: &u16| &files[usize::from(*number) % (count + 1)];
        let within = |at: u64, bytes: &[u8]| (at % bytes.len() as u64) as usize;
        match damage {
            Damage::Flip(file, bit) => change(pick(file), |bytes| {
                let at = within(bit / 8, bytes);
                bytes[at] ^= 1 << (bit % 8);
            }),
            Damage::Cut(file, at) => {
                change(pick(file), |bytes| bytes.truncate(within(*at, bytes)));
            }
            Damage::Zero(file, at) => change(pick(file), |bytes| {
                let at = within(*at, bytes);
                bytes[at..].fill(0);
            }),
            Damage::Delete(file) => fs::remove_file(pick(file)).unwrap(),
            Damage::Append(from, to) => {
                let more = fs::read(pick(from)).unwrap();
                change(pick(to), |bytes| bytes.extend(more));
            }
        }
    }

    /// Now, and as of a moment.
    fn agrees(&self, moment: u64) -> Result<(), TestCaseError> {
        let store = self.plain.store();
        let moment = Position::new(moment % (store.head().get() + 1));
        let (plain, quick) = (
            self.plain.as_of(moment).unwrap(),
            self.quick().as_of(moment).unwrap(),
        );
        for id in 0..3 {
            for (plain, quick) in [(&self.plain, self.quick()), (&plain, &quick)] {
                let (plain, quick) = (plain.load(id).unwrap(), quick.load(id).unwrap());
                prop_assert_eq!(plain.state(), quick.state());
                prop_assert_eq!(plain.version(), quick.version());
                prop_assert_eq!(plain.position(), quick.position());
            }
        }
        Ok(())
    }
}

fn listed(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// Makes a directory what another one is, if there is that one.
fn copy(from: &Path, to: &Path) {
    if !from.exists() {
        return;
    }
    if to.exists() {
        fs::remove_dir_all(to).unwrap();
    }
    fs::create_dir(to).unwrap();
    for path in listed(from) {
        fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

fn change(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_state_from_a_snapshot_is_the_state_from_replay(
        steps in prop::collection::vec((step(), any::<u64>()), 1..25),
        policy in policy(),
        in_background in any::<bool>(),
        on_disk in any::<bool>(),
    ) {
        let store: Arc<dyn EventStore> = if on_disk {
            Arc::new(annals::temporary().unwrap())
        } else {
            Arc::new(MemoryStore::new())
        };
        let mut scene = Scene::new(store, policy, in_background);
        for (step, moment) in steps {
            scene.take(&step);
            scene.agrees(moment)?;
        }
    }
}

/// The test above would pass with snapshots that are never used.
#[test]
fn undamaged_snapshots_are_found_and_damaged_ones_are_not() {
    let store: Arc<dyn EventStore> = Arc::new(MemoryStore::new());
    let mut scene = Scene::new(Arc::clone(&store), SnapshotPolicy::every(2), false);
    scene.take(&Step::Record(0, vec![Noted::Written(1), Noted::Wiped]));
    scene.quick = None;
    let key = SnapshotKey {
        store: store.id(),
        stream: "notes/0",
        kind: Notes::CATEGORY,
        schema: Notes::SNAPSHOT_SCHEMA,
    };
    let found = |scene: &Scene| {
        let files = FileSnapshots::open(scene.files()).unwrap();
        let found = files.load(key, Version::MAX).unwrap();
        found.map(|found| found.version().get())
    };
    assert_eq!(found(&scene), Some(2));
    for file in 0..8 {
        scene.damage(&Damage::Zero(file, 0));
    }
    assert_eq!(found(&scene), None);
}
