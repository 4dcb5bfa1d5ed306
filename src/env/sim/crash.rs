//! The disk at one moment, and what may be left of it.

use super::disk::SimDisk;
use super::inode::Inode;
use super::names::{Change, Directory, Ino, Side, surviving};
use super::plan::{Choice, CrashPlan, Exhaust, Unit, UnitKind};
use super::random::Rng;
use super::state::{ROOT, State};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A disk at one moment, to make of it the disks that may be found after a
/// loss of power or a kill at that moment. Cheap to make and to copy, and
/// apart from the disk that it was made of.
#[derive(Clone, Debug)]
pub struct CrashPoint {
    state: Arc<State>,
    /// What has a name, or may get one.
    reachable: Arc<Reachable>,
    units: Arc<[Unit]>,
}

/// What has a name, or may get one: in order, each once.
#[derive(Debug)]
struct Reachable(Vec<Ino>);

impl Reachable {
    fn has(&self, ino: Ino) -> bool {
        self.0.binary_search(&ino).is_ok()
    }
}

impl CrashPoint {
    pub(super) fn new(state: State) -> Self {
        let reachable = reachable(&state, &state.changes);
        CrashPoint {
            units: units(&state, &reachable).into(),
            reachable: Arc::new(reachable),
            state: Arc::new(state),
        }
    }

    /// What a loss of power at this moment decides about: names in the order
    /// in which they were changed, then each file's size and sectors, then the
    /// boards.
    pub fn units(&self) -> &[Unit] {
        &self.units
    }

    /// The disk after a loss of power, with a choice for each unit in turn.
    /// A unit without a choice is lost.
    pub fn crash(&self, choices: &[Choice]) -> SimDisk {
        SimDisk::from_state(self.crashed(choices))
    }

    /// The disk after a loss of power that goes by a plan.
    pub fn crash_by(&self, plan: &CrashPlan) -> SimDisk {
        self.crash(&plan.choices(&self.units))
    }

    /// The disk after a kill: all that was written is there, and may still be
    /// lost later.
    pub fn kill(&self) -> SimDisk {
        let mut state = State::clone(&self.state);
        keep(&mut state, &self.reachable);
        SimDisk::from_state(state)
    }

    /// The choices to try, `limit` at most: every combination of what is lost
    /// and what is kept where there are at most ten units and `limit` allows,
    /// and a sample else, which begins with nothing kept and everything kept.
    /// The rest of the limit goes to sampled choices, with torn units.
    pub fn explore(&self, limit: usize, seed: u64) -> impl Iterator<Item = Vec<Choice>> {
        let units = Arc::clone(&self.units);
        let all = Exhaust::new(&units);
        let whole = units.len() <= 10 && all.total() <= limit as u64;
        let first = whole.then_some(all);
        let ends = (!whole)
            .then(|| [Choice::Lost, Choice::Kept(0)].map(|choice| vec![choice; units.len()]));
        let mut rng = Rng::new(seed);
        let samples =
            std::iter::repeat_with(move || CrashPlan::new(rng.next_u64()).choices(&units));
        let samples = samples.take(if self.units.is_empty() { 0 } else { limit });
        first
            .into_iter()
            .flatten()
            .chain(ends.into_iter().flatten())
            .chain(samples)
            .take(limit)
    }

    fn crashed(&self, choices: &[Choice]) -> State {
        let mut choices = choices.iter().copied();
        let changes = &self.state.changes;
        let chosen: Vec<bool> = changes
            .iter()
            .map(|_| choices.next().unwrap_or(Choice::Lost) != Choice::Lost)
            .collect();
        let mut state = State::bare(&self.state);
        state.dirs = crashed_dirs(&self.state, &chosen);
        state.others.clone_from(&self.state.others);
        for (ino, file) in named(&self.state, &self.reachable) {
            let file = if file.is_settled() && file.linked {
                Arc::clone(file)
            } else {
                Arc::new(file.crash(state.sector, &mut choices))
            };
            state.files.insert(ino, file);
        }
        for (ino, words) in named_boards(&self.state, &self.reachable) {
            let words = words_after(words, choices.next().unwrap_or(Choice::Lost));
            state.boards.insert(ino, words);
        }
        let after = reachable(&state, &[]);
        keep(&mut state, &after);
        state
    }
}

fn units(state: &State, reachable: &Reachable) -> Vec<Unit> {
    let name = |_| Unit::new(UnitKind::Name, 1, 1);
    let mut units: Vec<Unit> = state.changes.iter().map(name).collect();
    for (_, file) in named(state, reachable) {
        units.extend(file.units(state.sector));
    }
    for _ in named_boards(state, reachable) {
        units.push(Unit::new(UnitKind::Board, 1, u64::from(u32::MAX)));
    }
    units
}

/// The files that a name may stand for, in order.
fn named<'a>(
    state: &'a State,
    reachable: &'a Reachable,
) -> impl Iterator<Item = (Ino, &'a Arc<Inode>)> {
    let files = state.files.iter().map(|(ino, file)| (*ino, file));
    files.filter(|(ino, _)| reachable.has(*ino))
}

fn named_boards<'a>(
    state: &'a State,
    reachable: &'a Reachable,
) -> impl Iterator<Item = (Ino, &'a Arc<[u64]>)> {
    let boards = state.boards.iter().map(|(ino, words)| (*ino, words));
    boards.filter(|(ino, _)| reachable.has(*ino))
}

/// The directories with the names that survive.
fn crashed_dirs(state: &State, chosen: &[bool]) -> BTreeMap<Ino, Directory> {
    let mut dirs = state.dirs.clone();
    for change in surviving(&state.changes, chosen) {
        change.apply(&mut dirs, Side::Durable);
    }
    for dir in dirs.values_mut() {
        dir.cached = Arc::clone(&dir.durable);
    }
    dirs
}

/// What a name stands for, durably or for everybody to see, or may come to
/// stand for by a change that is not durable.
fn reachable(state: &State, changes: &[Change]) -> Reachable {
    let mut found = vec![ROOT];
    found.extend(changes.iter().filter_map(Change::named));
    let mut at = 0;
    while let Some(ino) = found.get(at) {
        at += 1;
        let Some(dir) = state.dirs.get(ino) else {
            continue;
        };
        let shared = Arc::ptr_eq(&dir.cached, &dir.durable);
        let more = (!shared).then_some(&dir.cached);
        for names in [&dir.durable].into_iter().chain(more) {
            found.extend(names.values());
        }
    }
    found.sort_unstable();
    found.dedup();
    Reachable(found)
}

/// Forgets what no name stands for, and counts the blocks of the rest.
fn keep(state: &mut State, reachable: &Reachable) {
    state.dirs.retain(|ino, _| reachable.has(*ino));
    state.files.retain(|ino, _| reachable.has(*ino));
    state.others.retain(|ino| reachable.has(*ino));
    state.boards.retain(|ino, _| reachable.has(*ino));
    let linked = state.files.values().filter(|file| file.linked);
    state.used = linked.map(|file| file.content().allocated()).sum();
}

/// The words of a board after a loss of power.
fn words_after(words: &Arc<[u64]>, choice: Choice) -> Arc<[u64]> {
    match choice {
        Choice::Lost => Arc::default(),
        Choice::Kept(_) => Arc::clone(words),
        Choice::Torn(_, seed) => {
            let mut rng = Rng::new(u64::from(seed));
            let garbage = words.iter().map(|word| match rng.below(3) {
                0 => *word,
                // Small numbers look like offsets and positions.
                1 => rng.next_u64() >> rng.below(64),
                _ => word.wrapping_add(rng.below(1 << 14)),
            });
            garbage.collect()
        }
    }
}
