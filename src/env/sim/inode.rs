//! A file: what a reader sees, what is durable, and what lies between.

use super::content::{BLOCK, Block, Content};
use super::plan::{Choice, Unit, UnitKind};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, LazyLock};

/// How many versions of a sector, or of a size, are remembered between syncs.
const VERSIONS: usize = 4;

static EMPTY: LazyLock<Content> = LazyLock::new(Content::default);

/// A file without its name.
#[derive(Clone, Debug, Default)]
pub(super) struct Inode {
    /// What a reader sees: always what is durable and the newest versions.
    cached: Arc<Content>,
    durable: Arc<Content>,
    /// The sectors that differ, or may differ, from what is durable.
    sectors: BTreeMap<u64, Versions>,
    /// The sizes since the last sync, the newest last.
    sizes: Vec<u64>,
    /// Emptied since the last sync.
    emptied: bool,
    /// Whether it has a name, and so takes room.
    pub(super) linked: bool,
}

/// The versions of a sector since the last sync, the newest last: each the
/// block as it was then.
#[derive(Clone, Debug, Default)]
struct Versions {
    blocks: Vec<Arc<Block>>,
    /// A sync of it failed: no later one will write it.
    dropped: bool,
}

impl Inode {
    /// A file with a name, whose content is durable.
    pub(super) fn settled(content: Arc<Content>) -> Self {
        Inode {
            cached: Arc::clone(&content),
            durable: content,
            linked: true,
            ..Inode::default()
        }
    }

    /// Puts a durable content in the place of this.
    pub(super) fn replace(&mut self, content: Content) {
        let linked = self.linked;
        *self = Inode::settled(Arc::new(content));
        self.linked = linked;
    }

    pub(super) fn content(&self) -> &Arc<Content> {
        &self.cached
    }

    /// Whether nothing of it could be lost.
    pub(super) fn is_settled(&self) -> bool {
        self.sectors.is_empty() && self.sizes.is_empty() && !self.emptied
    }

    pub(super) fn write(&mut self, bytes: &[u8], offset: u64, sector: u64) {
        if bytes.is_empty() {
            return;
        }
        let size = self.cached.size();
        Arc::make_mut(&mut self.cached).write(bytes, offset);
        if self.cached.size() != size {
            remember(&mut self.sizes, self.cached.size());
        }
        let last = (offset + bytes.len() as u64 - 1) / sector;
        for number in offset / sector..=last {
            self.dirty(number, sector);
        }
    }

    /// A sector that is written again as it durably is makes no difference.
    fn dirty(&mut self, number: u64, sector: u64) {
        let (index, within) = place(number, sector);
        let same = self.cached.same(self.base(), index, within);
        if same && !self.sectors.contains_key(&number) {
            return;
        }
        let versions = self.sectors.entry(number).or_default();
        versions.dropped = false;
        remember(&mut versions.blocks, Arc::clone(self.cached.block(index)));
    }

    /// Empties the file, as opening it to create it does.
    pub(super) fn empty(&mut self) {
        if self.cached.size() == 0 && self.sizes.is_empty() {
            return;
        }
        self.emptied = self.durable.size() > 0;
        self.cached = Arc::default();
        self.sectors.clear();
        self.sizes.clear();
    }

    /// Makes all durable but the sectors that a failed sync dropped.
    pub(super) fn sync(&mut self, sector: u64) {
        if self.sectors.values().any(|versions| versions.dropped) {
            let mut durable = self.base().clone();
            for (number, versions) in &self.sectors {
                if !versions.dropped {
                    let (index, within) = place(*number, sector);
                    durable.put(index, self.cached.block(index), within);
                }
            }
            durable.set_size(self.cached.size());
            self.durable = Arc::new(durable);
            self.sectors.retain(|_, versions| versions.dropped);
            self.sizes.clear();
            self.emptied = false;
        } else {
            self.settle();
        }
    }

    /// Makes all that a reader sees durable, whatever became of it before.
    pub(super) fn settle(&mut self) {
        self.durable = Arc::clone(&self.cached);
        self.sectors.clear();
        self.sizes.clear();
        self.emptied = false;
    }

    /// A sync that failed: what was dirty is taken for clean from now on.
    pub(super) fn fail_sync(&mut self) {
        for versions in self.sectors.values_mut() {
            versions.dropped = true;
        }
    }

    /// Forgets the cached sectors that count as clean: a reader sees again
    /// what the medium has, here the old content of those that were dropped.
    pub(super) fn evict(&mut self, sector: u64) {
        let mut cached = Content::clone(&self.cached);
        for (number, versions) in &self.sectors {
            if versions.dropped {
                let (index, within) = place(*number, sector);
                cached.put(index, self.base().block(index), within);
            }
        }
        cached.set_size(self.cached.size());
        self.cached = Arc::new(cached);
        self.sectors.retain(|_, versions| !versions.dropped);
    }

    /// What a loss of power decides about, in the order in which `crash`
    /// takes the choices.
    pub(super) fn units(&self, sector: u64) -> impl Iterator<Item = Unit> {
        let emptied = self.emptied.then(|| Unit::new(UnitKind::Emptied, 1, 1));
        let size = self.sizes.last().map(|newest| {
            let grown = newest.abs_diff(self.base().size());
            Unit::new(UnitKind::Size, self.sizes.len(), grown)
        });
        let sectors = self
            .sectors
            .values()
            .map(move |versions| Unit::new(UnitKind::Sector, versions.blocks.len(), sector));
        emptied.into_iter().chain(size).chain(sectors)
    }

    /// What is there after a loss of power.
    pub(super) fn crash(&self, sector: u64, choices: &mut dyn Iterator<Item = Choice>) -> Self {
        let mut next = || choices.next().unwrap_or(Choice::Lost);
        let emptied = !self.emptied || next() != Choice::Lost;
        let mut content = self.base().clone();
        let size = if self.sizes.is_empty() {
            content.size()
        } else {
            size_after(content.size(), &self.sizes, next())
        };
        for (number, versions) in &self.sectors {
            let (index, within) = place(*number, sector);
            if let Some((version, length)) = sector_after(&versions.blocks, next()) {
                let end = within.end.min(within.start + length);
                content.put(index, version, within.start..end);
            }
        }
        content.set_size(size);
        if emptied {
            Inode::settled(Arc::new(content))
        } else {
            Inode::settled(Arc::clone(&self.durable))
        }
    }

    /// What the sectors and sizes since the last sync build on.
    fn base(&self) -> &Content {
        if self.emptied { &EMPTY } else { &self.durable }
    }
}

/// The size that a choice leaves, between the old one and the new ones.
fn size_after(old: u64, sizes: &[u64], choice: Choice) -> u64 {
    match choice {
        Choice::Lost => old,
        Choice::Kept(back) => *nth_newest(sizes, back).unwrap_or(&old),
        Choice::Torn(back, length) => {
            let new = *nth_newest(sizes, back).unwrap_or(&old);
            new.min(old.saturating_add(u64::from(length)))
        }
    }
}

/// The version of a sector that a choice leaves, and how many bytes of it.
fn sector_after(blocks: &[Arc<Block>], choice: Choice) -> Option<(&Arc<Block>, usize)> {
    match choice {
        Choice::Lost => None,
        Choice::Kept(back) => Some((nth_newest(blocks, back)?, usize::MAX / 2)),
        Choice::Torn(back, length) => Some((nth_newest(blocks, back)?, length as usize)),
    }
}

/// The newest version, or the one so many before it: at most the oldest.
fn nth_newest<T>(versions: &[T], back: u8) -> Option<&T> {
    let index = versions.len().saturating_sub(usize::from(back) + 1);
    versions.get(index)
}

fn remember<T>(versions: &mut Vec<T>, newest: T) {
    if versions.len() == VERSIONS {
        versions.remove(0);
    }
    versions.push(newest);
}

/// The block of a sector, and where in it the sector lies.
fn place(number: u64, sector: u64) -> (u64, Range<usize>) {
    let start = number * sector;
    let within = (start % BLOCK) as usize;
    (start / BLOCK, within..within + sector as usize)
}
