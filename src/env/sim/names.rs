//! Names: directories, and the changes of names that no sync has made durable.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Component, Path};
use std::sync::Arc;

/// What a name stands for.
pub(super) type Ino = u64;

/// A name in a directory.
pub(super) type Place = (Ino, Arc<str>);

pub(super) type Names = BTreeMap<Arc<str>, Ino>;

/// A directory: the names that everybody sees, and those that are durable.
#[derive(Clone, Debug, Default)]
pub(super) struct Directory {
    pub(super) cached: Arc<Names>,
    pub(super) durable: Arc<Names>,
}

/// Which names of a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Cached,
    Durable,
}

impl Directory {
    fn names_mut(&mut self, side: Side) -> &mut Names {
        Arc::make_mut(match side {
            Side::Cached => &mut self.cached,
            Side::Durable => &mut self.durable,
        })
    }
}

/// A change of names, atomic.
#[derive(Clone, Debug)]
pub(super) enum Change {
    Link(Place, Ino),
    Unlink(Place),
    Rename { from: Place, to: Place, ino: Ino },
}

impl Change {
    fn places(&self) -> impl Iterator<Item = &Place> {
        let (one, two) = match self {
            Change::Link(place, _) | Change::Unlink(place) => (place, None),
            Change::Rename { from, to, .. } => (from, Some(to)),
        };
        std::iter::once(one).chain(two)
    }

    /// What it may give a name to.
    pub(super) fn named(&self) -> Option<Ino> {
        match self {
            Change::Link(_, ino) | Change::Rename { ino, .. } => Some(*ino),
            Change::Unlink(_) => None,
        }
    }

    fn touches(&self, dir: Ino) -> bool {
        self.places().any(|place| place.0 == dir)
    }

    /// Does it, to the seen or the durable names of the directories.
    pub(super) fn apply(&self, dirs: &mut BTreeMap<Ino, Directory>, side: Side) {
        match self {
            Change::Link(place, ino) => insert(dirs, side, place, *ino),
            Change::Unlink(place) => remove(dirs, side, place, None),
            Change::Rename { from, to, ino } => {
                remove(dirs, side, from, Some(*ino));
                insert(dirs, side, to, *ino);
            }
        }
    }
}

fn insert(dirs: &mut BTreeMap<Ino, Directory>, side: Side, place: &Place, ino: Ino) {
    if let Some(dir) = dirs.get_mut(&place.0) {
        dir.names_mut(side).insert(Arc::clone(&place.1), ino);
    }
}

/// Removes a name, if it stands for `only` where that is given.
fn remove(dirs: &mut BTreeMap<Ino, Directory>, side: Side, place: &Place, only: Option<Ino>) {
    if let Some(dir) = dirs.get_mut(&place.0) {
        let names = dir.names_mut(side);
        if only.is_none() || names.get(&place.1).copied() == only {
            names.remove(&place.1);
        }
    }
}

/// The changes that a sync of a directory makes durable: those in it, and the
/// earlier ones elsewhere on which they build.
pub(super) fn synced_by(changes: &[Change], dir: Ino) -> Vec<bool> {
    let mut needed: BTreeSet<&Place> = BTreeSet::new();
    let mut synced = vec![false; changes.len()];
    for (index, change) in changes.iter().enumerate().rev() {
        if change.touches(dir) || change.places().any(|place| needed.contains(place)) {
            needed.extend(change.places());
            synced[index] = true;
        }
    }
    synced
}

/// The changes that survive: those that are chosen and whose forerunners on
/// the same names survive.
pub(super) fn surviving<'a>(changes: &'a [Change], chosen: &[bool]) -> Vec<&'a Change> {
    let mut broken: BTreeSet<&Place> = BTreeSet::new();
    let mut kept = Vec::new();
    for (change, chosen) in changes.iter().zip(chosen) {
        if *chosen && !change.places().any(|place| broken.contains(place)) {
            kept.push(change);
        } else {
            broken.extend(change.places());
        }
    }
    kept
}

/// The names of which a path is made. Where it starts doesn't matter: there is
/// one root, and it is also where relative paths start.
pub(super) fn parts(path: &Path) -> io::Result<Vec<&str>> {
    let mut parts = Vec::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => match name.to_str() {
                Some(name) => parts.push(name),
                None => return Err(io::ErrorKind::InvalidInput.into()),
            },
            Component::ParentDir => {
                parts.pop();
            }
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    Ok(parts)
}
