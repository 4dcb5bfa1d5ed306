//! Damage: changes to a disk at rest that no call made.

use super::content::Content;
use super::disk::SimDisk;
use super::inode::Inode;
use super::names::Ino;
use super::state::{Node, State};
use std::io;
use std::path::Path;
use std::sync::Arc;

/// What all of these have in common: they pass by the faults, the hook and the
/// counts, and whatever was pending becomes durable first.
impl SimDisk {
    /// The paths of all files with their sizes, in order.
    pub fn files(&self) -> Vec<(String, u64)> {
        self.with(|inner| {
            let nodes = inner.state.walk().into_iter();
            let size = |(path, node)| match node {
                Node::File(ino) => Some((path, inner.state.content(ino).ok()?.size())),
                Node::Directory(_) | Node::Other(_) => None,
            };
            nodes.filter_map(size).collect()
        })
    }

    /// The bytes of a file as a reader sees them. Leaves what is pending.
    pub fn bytes(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.with(|inner| {
            let ino = inner.state.file(path)?;
            Ok(inner.state.content(ino)?.bytes())
        })
    }

    /// Turns a bit over: bit 0 is the lowest of the first byte.
    ///
    /// # Errors
    /// `UnexpectedEof` if the file ends before.
    pub fn flip_bit(&self, path: &Path, bit: u64) -> io::Result<()> {
        self.damage(path, |content| {
            let mut byte = [0];
            if content.read(&mut byte, bit / 8) == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            content.write(&[byte[0] ^ (1 << (bit % 8))], bit / 8);
            Ok(())
        })
    }

    /// Writes bytes at an offset, growing the file where it must.
    pub fn overwrite(&self, path: &Path, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.damage(path, |content| {
            content.write(bytes, offset);
            Ok(())
        })
    }

    /// Cuts a file off at a length, or lets it end in zeros.
    pub fn truncate(&self, path: &Path, length: u64) -> io::Result<()> {
        self.damage(path, |content| {
            content.set_size(length);
            Ok(())
        })
    }

    /// Puts a file there with these bytes, and the directories above it.
    pub fn put(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.with(|inner| {
            if let Some(above) = path.parent() {
                inner.state.create_dir(above)?;
            }
            let ino = inner.state.create(path)?;
            inner.state.settle();
            let mut content = Content::default();
            content.write(bytes, 0);
            inner.state.replace(ino, content);
            Ok(())
        })
    }

    /// Puts a copy of a file there, with the directories above it.
    pub fn copy(&self, from: &Path, to: &Path) -> io::Result<()> {
        let bytes = self.bytes(from)?;
        self.put(to, &bytes)
    }

    /// Deletes a file.
    pub fn delete(&self, path: &Path) -> io::Result<()> {
        self.with(|inner| {
            inner.state.remove(path)?;
            inner.state.settle();
            Ok(())
        })
    }

    /// Makes everything durable, as a clean stop of the machine does.
    pub fn settle(&self) {
        self.with(|inner| inner.state.settle());
    }

    fn damage(
        &self,
        path: &Path,
        change: impl FnOnce(&mut Content) -> io::Result<()>,
    ) -> io::Result<()> {
        self.with(|inner| {
            let ino = inner.state.file(path)?;
            inner.state.settle();
            let mut content = inner.state.content(ino)?.clone();
            change(&mut content)?;
            inner.state.replace(ino, content);
            Ok(())
        })
    }
}

impl State {
    /// Makes everything durable.
    fn settle(&mut self) {
        for dir in self.dirs.values_mut() {
            dir.durable = Arc::clone(&dir.cached);
        }
        self.changes = Arc::default();
        let pending = |(ino, file): (&Ino, &Arc<Inode>)| (!file.is_settled()).then_some(*ino);
        let files: Vec<Ino> = self.files.iter().filter_map(pending).collect();
        for ino in files {
            self.on_file(ino, |file, _| file.settle());
        }
    }

    /// Puts a durable content in the place of what a file holds.
    fn replace(&mut self, ino: Ino, content: Content) {
        self.on_file(ino, |file, _| file.replace(content));
    }
}
