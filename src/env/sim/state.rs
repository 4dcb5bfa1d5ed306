//! The whole disk as plain data: cheap to copy, and with no idea of time.

use super::content::{BLOCK, Content, hash_bytes, mix};
use super::inode::Inode;
use super::names::{Change, Directory, Ino, Place, Side, parts, synced_by};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::Arc;

/// The root directory.
pub(super) const ROOT: Ino = 1;

/// No file grows beyond this, so that offsets can be added without care.
const LARGEST_FILE: u64 = 1 << 42;

/// What is on a disk and in its cache.
#[derive(Clone, Debug)]
pub(super) struct State {
    /// The size of a sector in bytes.
    pub(super) sector: u64,
    pub(super) dirs: BTreeMap<Ino, Directory>,
    pub(super) files: BTreeMap<Ino, Arc<Inode>>,
    /// Links, pipes, devices: there, and not to be opened.
    pub(super) others: BTreeSet<Ino>,
    /// The changes of names that are not durable, in their order.
    pub(super) changes: Arc<Vec<Change>>,
    /// The words of boards that nobody has open.
    pub(super) boards: BTreeMap<Ino, Arc<[u64]>>,
    /// How many blocks there are, and how many are taken.
    pub(super) capacity: Option<u64>,
    pub(super) used: u64,
    next: Ino,
    /// How often the machine has started.
    pub(super) boot: u64,
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Node {
    File(Ino),
    Directory(Ino),
    Other(Ino),
}

impl State {
    pub(super) fn new(sector: u64) -> Self {
        State {
            sector,
            dirs: BTreeMap::from([(ROOT, Directory::default())]),
            files: BTreeMap::new(),
            others: BTreeSet::new(),
            changes: Arc::default(),
            boards: BTreeMap::new(),
            capacity: None,
            used: 0,
            next: ROOT + 1,
            boot: 1,
        }
    }

    /// An empty disk of the same kind, on which new files get new numbers.
    pub(super) fn bare(other: &State) -> Self {
        State {
            capacity: other.capacity,
            next: other.next,
            boot: other.boot + 1,
            ..State::new(other.sector)
        }
    }

    /// What stands at a path, if anything does.
    pub(super) fn find(&self, path: &Path) -> io::Result<Option<Node>> {
        let mut node = Node::Directory(ROOT);
        for part in parts(path)? {
            let Node::Directory(dir) = node else {
                return Err(io::ErrorKind::NotADirectory.into());
            };
            match self.dirs[&dir].cached.get(part) {
                Some(ino) => node = self.node(*ino),
                None => return Ok(None),
            }
        }
        Ok(Some(node))
    }

    pub(super) fn directory(&self, path: &Path) -> io::Result<Ino> {
        match self.find(path)? {
            Some(Node::Directory(ino)) => Ok(ino),
            Some(_) => Err(io::ErrorKind::NotADirectory.into()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    pub(super) fn file(&self, path: &Path) -> io::Result<Ino> {
        match self.find(path)? {
            Some(Node::File(ino)) => Ok(ino),
            Some(_) => Err(io::Error::other("it is not a regular file")),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// The directory and the name that a path means.
    pub(super) fn place(&self, path: &Path) -> io::Result<Place> {
        let parts = parts(path)?;
        let name = parts.last().ok_or(io::ErrorKind::InvalidInput)?;
        let dir = self.directory(path.parent().unwrap_or(Path::new("")))?;
        Ok((dir, Arc::from(*name)))
    }

    pub(super) fn create_dir(&mut self, path: &Path) -> io::Result<()> {
        let mut dir = ROOT;
        for part in parts(path)? {
            let found = self.dirs[&dir].cached.get(part).copied();
            dir = match found.map(|ino| self.node(ino)) {
                Some(Node::Directory(ino)) => ino,
                Some(_) => return Err(io::ErrorKind::AlreadyExists.into()),
                None => {
                    let ino = self.next_ino();
                    self.dirs.insert(ino, Directory::default());
                    self.change(Change::Link((dir, Arc::from(part)), ino));
                    ino
                }
            };
        }
        Ok(())
    }

    /// Creates a file, or empties the one that is there.
    pub(super) fn create(&mut self, path: &Path) -> io::Result<Ino> {
        if self.find(path)?.is_some() {
            let ino = self.file(path)?;
            self.on_file(ino, |file, _| file.empty());
            return Ok(ino);
        }
        let place = self.place(path)?;
        let ino = self.next_ino();
        let file = Inode::settled(Arc::default());
        self.files.insert(ino, Arc::new(file));
        self.change(Change::Link(place, ino));
        Ok(ino)
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let ino = match self.find(from)? {
            Some(Node::File(ino) | Node::Other(ino)) => ino,
            Some(Node::Directory(_)) => return Err(io::ErrorKind::IsADirectory.into()),
            None => return Err(io::ErrorKind::NotFound.into()),
        };
        let replaced = self.find(to)?;
        match replaced {
            Some(Node::Directory(_)) => return Err(io::ErrorKind::IsADirectory.into()),
            Some(Node::File(other) | Node::Other(other)) if other == ino => return Ok(()),
            _ => {}
        }
        let (from, to) = (self.place(from)?, self.place(to)?);
        self.unlinked(replaced);
        self.change(Change::Rename { from, to, ino });
        Ok(())
    }

    pub(super) fn remove(&mut self, path: &Path) -> io::Result<()> {
        let node = self.find(path)?;
        match node {
            Some(Node::Directory(_)) => return Err(io::ErrorKind::IsADirectory.into()),
            Some(_) => {}
            None => return Err(io::ErrorKind::NotFound.into()),
        }
        let place = self.place(path)?;
        self.unlinked(node);
        self.change(Change::Unlink(place));
        Ok(())
    }

    /// Makes the names in a directory durable.
    pub(super) fn sync_dir(&mut self, dir: Ino) {
        let synced = synced_by(&self.changes, dir);
        let changes = std::mem::take(&mut self.changes);
        let mut pending = Vec::new();
        for (change, synced) in changes.iter().zip(synced) {
            if synced {
                change.apply(&mut self.dirs, Side::Durable);
            } else {
                pending.push(change.clone());
            }
        }
        self.changes = Arc::new(pending);
    }

    /// Writes what there is room for; the number of bytes is returned.
    pub(super) fn write(&mut self, ino: Ino, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let end = offset.saturating_add(bytes.len() as u64);
        if end > LARGEST_FILE {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let length = self.room(ino, offset, bytes.len());
        if length == 0 && !bytes.is_empty() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.on_file(ino, |file, sector| {
            file.write(&bytes[..length], offset, sector);
        });
        Ok(length)
    }

    /// Changes a file, and keeps count of the blocks that are taken.
    pub(super) fn on_file(&mut self, ino: Ino, change: impl FnOnce(&mut Inode, u64)) {
        let sector = self.sector;
        if let Some(file) = self.files.get_mut(&ino) {
            let before = file.content().allocated();
            let file = Arc::make_mut(file);
            change(file, sector);
            if file.linked {
                self.used = (self.used + file.content().allocated()).saturating_sub(before);
            }
        }
    }

    pub(super) fn content(&self, ino: Ino) -> io::Result<&Content> {
        let file = self.files.get(&ino).ok_or(io::ErrorKind::NotFound)?;
        Ok(file.content())
    }

    /// Every path with what stands there, in order.
    pub(super) fn walk(&self) -> Vec<(String, Node)> {
        let mut found = Vec::new();
        let mut todo = vec![(String::new(), ROOT)];
        while let Some((prefix, dir)) = todo.pop() {
            for (name, ino) in &*self.dirs[&dir].cached {
                let path = format!("{prefix}/{name}");
                let node = self.node(*ino);
                if let Node::Directory(ino) = node {
                    todo.push((path.clone(), ino));
                }
                found.push((path, node));
            }
        }
        found.sort_by(|one, two| one.0.cmp(&two.0));
        found
    }

    /// A hash of all names and of what they stand for, without the boards.
    pub(super) fn hash(&self) -> u64 {
        self.hash_names(ROOT, 0)
    }

    fn hash_names(&self, dir: Ino, above: u64) -> u64 {
        let mut hash = 0;
        for (name, ino) in &*self.dirs[&dir].cached {
            let name = mix(above ^ hash_bytes(name.as_bytes()));
            let content = match self.node(*ino) {
                Node::File(ino) => self.files[&ino].content().hash(),
                Node::Directory(ino) => mix(1 ^ self.hash_names(ino, name)),
                Node::Other(_) => 2,
            };
            hash ^= mix(name ^ content);
        }
        hash
    }

    pub(super) fn node(&self, ino: Ino) -> Node {
        if self.dirs.contains_key(&ino) {
            Node::Directory(ino)
        } else if self.files.contains_key(&ino) {
            Node::File(ino)
        } else {
            Node::Other(ino)
        }
    }

    pub(super) fn next_ino(&mut self) -> Ino {
        self.next += 1;
        self.next - 1
    }

    /// Makes a change that everybody sees and that is not durable.
    pub(super) fn change(&mut self, change: Change) {
        change.apply(&mut self.dirs, Side::Cached);
        Arc::make_mut(&mut self.changes).push(change);
    }

    /// The blocks of a file that lost its name are free.
    fn unlinked(&mut self, node: Option<Node>) {
        if let Some(Node::File(ino)) = node
            && let Some(file) = self.files.get_mut(&ino)
        {
            self.used = self.used.saturating_sub(file.content().allocated());
            Arc::make_mut(file).linked = false;
        }
    }

    /// How much of a write there is room for: what fits into blocks that the
    /// file has, or that are free.
    fn room(&self, ino: Ino, offset: u64, length: usize) -> usize {
        let (Some(capacity), Some(file)) = (self.capacity, self.files.get(&ino)) else {
            return length;
        };
        let mut free = capacity.saturating_sub(self.used);
        let end = offset + length as u64;
        for index in offset / BLOCK..end.div_ceil(BLOCK) {
            if file.content().has_block(index) {
                continue;
            }
            if free == 0 {
                return (index * BLOCK).saturating_sub(offset) as usize;
            }
            free -= 1;
        }
        length
    }
}
