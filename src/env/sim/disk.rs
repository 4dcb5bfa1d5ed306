//! The simulated disk: a handle on its state, and the way of every call.

use super::board;
use super::crash::CrashPoint;
use super::faults::{Fault, FaultRule, Faults};
use super::names::Ino;
use super::record::{Call, CallKind, IoCounts, PathId, Recorder, Request};
use super::state::State;
use crate::env::Board;
use crate::env::sync::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// The size of a sector: what a disk writes whole, unless it is torn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SectorSize {
    /// 512 bytes.
    #[default]
    Bytes512,
    /// 4096 bytes.
    Bytes4096,
}

/// A simulated disk; clones are handles on the same one.
///
/// See the module for what it promises and what not.
#[derive(Clone)]
pub struct SimDisk {
    shared: Arc<Shared>,
}

struct Shared {
    inner: Mutex<Inner>,
    hook: Mutex<Option<Hook>>,
}

type Hook = Arc<dyn Fn(&SimDisk, Boundary) + Send + Sync>;

/// The disk and what a running process has of it.
pub(super) struct Inner {
    pub(super) state: State,
    pub(super) boards: BTreeMap<Ino, Board>,
    pub(super) locks: BTreeSet<Ino>,
    faults: Faults,
    recorder: Recorder,
    boundaries: u64,
    /// The boundary at which the power goes, if it does.
    power_off: Option<u64>,
}

/// A call that is about to change what is on the disk, or what is durable of
/// it. A crash before the call and one after the call before it are the same
/// to the disk, but by now the program may have promised more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Boundary {
    /// Counted from 1 since the disk was made.
    pub number: u64,
    /// What is about to happen.
    pub kind: CallKind,
    /// On which path: see [`SimDisk::path_of`].
    pub path: PathId,
}

impl SimDisk {
    /// An empty disk.
    pub fn new(sector: SectorSize) -> Self {
        Self::from_state(State::new(match sector {
            SectorSize::Bytes512 => 512,
            SectorSize::Bytes4096 => 4096,
        }))
    }

    pub(super) fn from_state(state: State) -> Self {
        let inner = Inner {
            state,
            boards: BTreeMap::new(),
            locks: BTreeSet::new(),
            faults: Faults::default(),
            recorder: Recorder::default(),
            boundaries: 0,
            power_off: None,
        };
        SimDisk {
            shared: Arc::new(Shared {
                inner: Mutex::new(inner),
                hook: Mutex::new(None),
            }),
        }
    }

    /// Calls this before every call that changes something, with no lock held:
    /// it may ask anything of the disk but make calls that change something
    /// (which would call it again). A crash point has no hook.
    pub fn on_boundary(&self, hook: impl Fn(&SimDisk, Boundary) + Send + Sync + 'static) {
        *self.shared.hook.lock() = Some(Arc::new(hook));
    }

    /// Forgets the hook.
    pub fn no_hook(&self) {
        let hook = self.shared.hook.lock().take();
        drop(hook);
    }

    /// How many boundaries there were so far.
    pub fn boundaries(&self) -> u64 {
        self.shared.inner.lock().boundaries
    }

    /// Cuts the power before the boundary of this number: that call and all
    /// after it fail and do nothing. `crash_point` is what the disk was then.
    pub fn power_off_at(&self, boundary: u64) {
        self.shared.inner.lock().power_off = Some(boundary);
    }

    /// Whether the power is off.
    pub fn is_off(&self) -> bool {
        self.shared.inner.lock().is_off()
    }

    /// The disk as it is now, to crash it as often as wanted.
    pub fn crash_point(&self) -> CrashPoint {
        let inner = self.shared.inner.lock();
        let mut state = inner.state.clone();
        for (ino, open) in &inner.boards {
            state.boards.insert(*ino, board::words(open));
        }
        drop(inner);
        CrashPoint::new(state)
    }

    /// The disk after a kill of the process now: what was written is there.
    #[must_use]
    pub fn kill_clone(&self) -> SimDisk {
        self.crash_point().kill()
    }

    /// Adds a fault.
    pub fn fail(&self, rule: FaultRule) {
        self.shared.inner.lock().faults.add(rule);
    }

    /// Forgets the faults that are to come.
    pub fn no_faults(&self) {
        self.shared.inner.lock().faults.clear();
    }

    /// The faults that struck, by their kind and that of the call. A write for
    /// which the disk was too small counts as `Fault::NoSpace`.
    pub fn fired(&self) -> BTreeMap<(Fault, CallKind), u64> {
        self.shared.inner.lock().faults.fired()
    }

    /// Sets how many bytes the disk holds, in whole blocks of 4096 bytes; by
    /// default there is no end. Only the content of files that have a name
    /// takes room.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        let blocks = bytes.map(|bytes| bytes / super::content::BLOCK);
        self.shared.inner.lock().state.capacity = blocks;
    }

    /// How many bytes are taken.
    pub fn used(&self) -> u64 {
        self.shared.inner.lock().state.used * super::content::BLOCK
    }

    /// A hash of all names and bytes, as a reader sees them; boards are left
    /// out. Equal disks have equal hashes.
    pub fn content_hash(&self) -> u64 {
        self.shared.inner.lock().state.hash()
    }

    /// Forgets what is cached and counts as clean: readers see what the medium
    /// has, which after a failed sync is the old content. No choice is left
    /// about it then.
    pub fn evict(&self) {
        let mut inner = self.shared.inner.lock();
        let files: Vec<Ino> = inner.state.files.keys().copied().collect();
        for ino in files {
            inner.state.on_file(ino, super::inode::Inode::evict);
        }
    }

    /// What was called so far.
    pub fn counts(&self) -> IoCounts {
        self.shared.inner.lock().recorder.counts()
    }

    /// Starts to list every call.
    pub fn start_trace(&self) {
        self.shared.inner.lock().recorder.start_trace();
    }

    /// The calls since the trace was started, which ends it.
    pub fn take_trace(&self) -> Vec<Call> {
        self.shared.inner.lock().recorder.take_trace()
    }

    /// The path of a number in a trace or a boundary of this disk.
    pub fn path_of(&self, id: PathId) -> Arc<str> {
        self.shared.inner.lock().recorder.path_of(id)
    }

    pub(super) fn path_id(&self, path: &Path) -> PathId {
        self.shared.inner.lock().recorder.path_id(path)
    }

    /// Looks at the state, or changes it, beside all calls.
    pub(super) fn with<T>(&self, act: impl FnOnce(&mut Inner) -> T) -> T {
        act(&mut self.shared.inner.lock())
    }

    /// The way of every call: the hook, the power, the faults, the deed, the
    /// record. `act` gets how many bytes it may move, and answers with how
    /// many it did.
    pub(super) fn call<T>(
        &self,
        request: Request,
        file: Option<Ino>,
        act: impl FnOnce(&mut Inner, usize) -> io::Result<(T, u64)>,
    ) -> io::Result<T> {
        if request.kind.is_boundary() {
            self.boundary(request);
        }
        let mut inner = self.shared.inner.lock();
        let result = inner.perform(request, file, act);
        let count = result.as_ref().map(|(_, count)| *count);
        inner.recorder.note(request, count.map_err(io::Error::kind));
        result.map(|(value, _)| value)
    }

    fn boundary(&self, request: Request) {
        let number = {
            let mut inner = self.shared.inner.lock();
            if inner.is_off() {
                return;
            }
            inner.boundaries += 1;
            inner.boundaries
        };
        let hook = self.shared.hook.lock().clone();
        if let Some(hook) = hook {
            let boundary = Boundary {
                number,
                kind: request.kind,
                path: request.path,
            };
            hook(self, boundary);
        }
    }
}

impl Inner {
    fn is_off(&self) -> bool {
        self.power_off.is_some_and(|at| self.boundaries >= at)
    }

    fn perform<T>(
        &mut self,
        request: Request,
        file: Option<Ino>,
        act: impl FnOnce(&mut Inner, usize) -> io::Result<(T, u64)>,
    ) -> io::Result<(T, u64)> {
        if self.is_off() {
            return Err(io::Error::other("simulated: the power is off"));
        }
        let path = self.recorder.path(request.path);
        let fault = self.faults.strike(request.kind, path, request.len);
        let len = request.len as usize;
        match fault {
            None => {
                let result = act(self, len);
                self.note_full(request, &result);
                result
            }
            Some(Fault::Short) => act(self, len / 2),
            Some(Fault::IoAfter) => {
                act(self, len)?;
                Err(Fault::IoAfter.error())
            }
            Some(fault) => {
                if request.kind == CallKind::Sync
                    && fault.drops()
                    && let Some(ino) = file
                {
                    self.state.on_file(ino, |file, _| file.fail_sync());
                }
                Err(fault.error())
            }
        }
    }

    /// A disk that is full is a fault too.
    fn note_full<T>(&mut self, request: Request, result: &io::Result<T>) {
        if let Err(error) = result
            && error.kind() == io::ErrorKind::StorageFull
        {
            self.faults.note(Fault::NoSpace, request.kind);
        }
    }
}

impl fmt::Debug for SimDisk {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SimDisk").finish_non_exhaustive()
    }
}
