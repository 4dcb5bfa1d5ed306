//! Calls that fail when they are told to.

use super::record::CallKind;
use std::collections::BTreeMap;
use std::io;

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// An input/output error; nothing was done. A sync drops what it should
    /// have made durable.
    Io,
    /// An input/output error from a call that did its work all the same. For
    /// calls that change something.
    IoAfter,
    /// No room left. For calls that may need some; a sync drops what it
    /// should have made durable.
    NoSpace,
    /// Interrupted by a signal, with nothing done: never lasting.
    Interrupted,
    /// Half of the bytes, rounded down. For reads and writes of two or more.
    Short,
    /// The file system turned read-only. For calls that change something.
    ReadOnly,
    /// Too many open files. For calls that open one.
    TooManyOpen,
}

impl Fault {
    /// Every fault.
    pub const ALL: [Fault; 7] = [
        Fault::Io,
        Fault::IoAfter,
        Fault::NoSpace,
        Fault::Interrupted,
        Fault::Short,
        Fault::ReadOnly,
        Fault::TooManyOpen,
    ];

    /// Whether a call of this kind can fail in this way.
    pub fn applies_to(self, kind: CallKind) -> bool {
        use CallKind::{
            Board, Create, CreateDir, List, Lock, Open, OpenWrite, Read, Rename, Sync, SyncDir,
            Write,
        };
        match self {
            Fault::Io => true,
            Fault::IoAfter => kind.is_boundary(),
            Fault::NoSpace => {
                matches!(
                    kind,
                    CreateDir | Create | Write | Sync | Rename | SyncDir | Board
                )
            }
            Fault::Interrupted => {
                matches!(kind, Open | OpenWrite | Create | Read | Write | Sync | Lock)
            }
            Fault::Short => matches!(kind, Read | Write),
            Fault::ReadOnly => kind.is_mutating() || kind == Lock,
            Fault::TooManyOpen => {
                matches!(
                    kind,
                    Open | OpenWrite | Create | Lock | Board | List | SyncDir
                )
            }
        }
    }

    /// Whether a sync that fails in this way forgets what was dirty.
    pub(super) fn drops(self) -> bool {
        matches!(self, Fault::Io | Fault::NoSpace)
    }

    pub(super) fn error(self) -> io::Error {
        let (kind, text) = match self {
            Fault::Io | Fault::IoAfter | Fault::Short => {
                (io::ErrorKind::Other, "input/output error")
            }
            Fault::NoSpace => (io::ErrorKind::StorageFull, "no space left"),
            Fault::Interrupted => (io::ErrorKind::Interrupted, "interrupted"),
            Fault::ReadOnly => (
                io::ErrorKind::ReadOnlyFilesystem,
                "the file system is read-only",
            ),
            Fault::TooManyOpen => (io::ErrorKind::Other, "too many open files"),
        };
        io::Error::new(kind, format!("simulated: {text}"))
    }
}

/// Which call fails, and how.
#[derive(Clone, Debug)]
pub struct FaultRule {
    fault: Fault,
    kind: Option<CallKind>,
    path: Option<String>,
    nth: u64,
    lasting: bool,
    seen: u64,
}

impl FaultRule {
    /// The `nth` call from now on fails, counted from 1. If it is one that
    /// can't fail in this way, nothing happens.
    pub fn new(fault: Fault, nth: u64) -> Self {
        FaultRule {
            fault,
            kind: None,
            path: None,
            nth,
            lasting: false,
            seen: 0,
        }
    }

    /// Counts calls of this kind only.
    #[must_use]
    pub fn of_kind(mut self, kind: CallKind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Counts calls only on paths that contain this text.
    #[must_use]
    pub fn on_path(mut self, part: &str) -> Self {
        self.path = Some(part.to_owned());
        self
    }

    /// All calls from the nth on fail, as far as they can in this way.
    #[must_use]
    pub fn lasting(mut self) -> Self {
        self.lasting = self.fault != Fault::Interrupted;
        self
    }

    /// Counts a call, and says whether it fails.
    fn strikes(&mut self, kind: CallKind, path: &str, len: u64) -> bool {
        let counted = self.kind.is_none_or(|only| only == kind)
            && self.path.as_ref().is_none_or(|part| path.contains(part));
        if !counted {
            return false;
        }
        self.seen += 1;
        let now = self.seen == self.nth || self.lasting && self.seen > self.nth;
        now && self.fault.applies_to(kind) && (self.fault != Fault::Short || len > 1)
    }
}

/// The rules of a disk, and what came of them.
#[derive(Debug, Default)]
pub(super) struct Faults {
    rules: Vec<FaultRule>,
    fired: BTreeMap<(Fault, CallKind), u64>,
}

impl Faults {
    pub(super) fn add(&mut self, rule: FaultRule) {
        self.rules.push(rule);
    }

    pub(super) fn clear(&mut self) {
        self.rules.clear();
    }

    pub(super) fn fired(&self) -> BTreeMap<(Fault, CallKind), u64> {
        self.fired.clone()
    }

    /// Counts a call with every rule; the first that strikes decides.
    pub(super) fn strike(&mut self, kind: CallKind, path: &str, len: u64) -> Option<Fault> {
        let mut struck = None;
        for rule in &mut self.rules {
            if rule.strikes(kind, path, len) {
                struck = struck.or(Some(rule.fault));
            }
        }
        if let Some(fault) = struck {
            self.note(fault, kind);
        }
        struck
    }

    pub(super) fn note(&mut self, fault: Fault, kind: CallKind) {
        *self.fired.entry((fault, kind)).or_default() += 1;
    }
}
