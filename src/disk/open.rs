//! Opening a store, making a new one, and closing.

use super::activity::Counters;
use super::background;
use super::claims::Claims;
use super::commit::{BeforeFirstWrite, Committer};
use super::follow::{self, Follower};
use super::ids;
use super::layout::{self, Layout};
use super::options::{Options, Reads};
use super::progress::{BOARD_BOOT, Progress};
use super::read::Rooms;
use super::rebuild::Replay;
use super::shared::{Role, Shared, Writer, freeze};
use super::spare::{Spares, next_size};
use super::{LogStore, load};
use crate::env::fs::{self, Mode};
use crate::env::sync::{AtomicBool, Mutex};
use crate::env::{Bug, Env};
use crate::error::{Error, ErrorKind, Result};
use crate::format::identity::{CloseStatement, Identity};
use crate::format::names;
use crate::format::segment::SegmentHeader;
use crate::index::{Index, TermHasher};
use crate::log::{Access, Recovered, Recovery, Segment, Segments, Spare, prepare};
use crate::types::{Durability, Position, StoreId, Timestamp};
use std::path::Path;
use std::sync::Arc;

impl Reads {
    fn access(self) -> Access {
        match self {
            Reads::Mapped => Access::Mapped,
            Reads::Plain => Access::Plain,
        }
    }
}

/// The world in which one store lives: background work is its own.
fn env_of(options: &Options) -> Env {
    let mut env = options.env.clone();
    if let Some(own) = env.tasks.for_store() {
        env.tasks = own;
    }
    env
}

pub(super) fn for_writing(options: &Options, dir: &Path) -> Result<LogStore> {
    let env = env_of(options);
    layout::make_directory(&env, dir)?;
    layout::check_may_be_store(&env, dir)?;
    let path = dir.join(names::LOCK);
    let lock = env.fs.lock(&path);
    let lock = lock.map_err(|error| Error::io(&path, "lock", error))?;
    if lock.is_none() && !env.bug(Bug::IgnoresLock) {
        return Err(ErrorKind::Locked { path }.into());
    }
    if !layout::has_identity(&env, dir)? {
        create(&env, options, dir)?;
    }
    let layout = Layout::read(&env, dir)?;
    layout.remove_temporaries(&env, dir);
    let hasher = TermHasher::new(&layout.identity.hash_key);
    let access = options.reads.access();
    let mut loaded = load::files(&env, dir, &layout, access)?;
    let first = loaded.resume.next;
    let store = layout.identity.id;
    let mut replay = Replay::new(store, &hasher, first, options.checkpoint_events);
    let recovery = Recovery {
        env: &env,
        dir,
        store,
        access: Access::Plain,
        numbers: &layout.segments,
        resume: loaded.resume,
        floor: loaded.floor,
        closed: layout.closed,
    };
    let mut end =
        recovery.find_end(&mut |segment, offset, frame| replay.add(segment, offset, frame))?;
    let spare = make_firm(&recovery, &mut end, options)?;
    // Not before: even a file that can't be used any more tells how far the
    // log was durable, and a log that falls short of that stays refused.
    loaded.remove_superseded(&env);
    loaded.add(&env, dir, (store, access), &replay.take_images())?;
    let number = end.tail.number();
    let tail = Segment::open(&env, dir, store, number, Mode::Write, access).map(Arc::new)?;
    tail.publish(end.end);
    let sealed = layout.segments.iter().copied().filter(|own| *own < number);
    let segments = Segments::new(&env, dir.to_path_buf(), store, access, sealed);
    segments.add(Arc::clone(&tail));
    let board_path = dir.join(names::BOARD);
    let board = env.fs.board(&board_path, Mode::Create);
    let board = board.map_err(|error| Error::io(&board_path, "open", error))?;
    let table = Arc::clone(replay.table());
    let claims = Claims::new(
        tail,
        end.end,
        end.head,
        end.epoch,
        end.last_recorded,
        Arc::clone(&table),
    );
    let counters = Arc::<Counters>::default();
    let start = ids::Start {
        env: &env,
        dir,
        layout: &layout,
        hasher: &hasher,
        segments: &segments,
        table: options.checkpoint_events,
        range: (loaded.first, end.head),
        newest: table.read().first(),
    };
    let ids = options.unique_ids.then(|| ids::load(&start)).transpose()?;
    let writer = Writer {
        claims: Mutex::new(claims),
        committer: Committer::new(&env, &counters, reopening(&env, dir, layout.closed)),
        spares: Spares::new(dir, store, access, (number, spare), &counters),
        write_due: AtomicBool::new(false),
        sync_due: AtomicBool::new(false),
        closing: Mutex::new(()),
        indexing: Mutex::new(()),
        ids,
        merging_ids: Mutex::new(()),
        lock: Mutex::new(lock),
    };
    let shared = Arc::new(Shared {
        dir: dir.to_path_buf(),
        id: store,
        marks: hasher.marks(),
        hasher,
        options: options.clone(),
        first: loaded.first,
        segments,
        index: Index::new(loaded.files, table),
        progress: Progress::new(end.head, Some(board), env.fs.boot()),
        counters,
        rooms: Rooms::default(),
        role: Role::Writer(Box::new(writer)),
        env,
    });
    background::merge_ids(&shared);
    Ok(LogStore::new(shared))
}

pub(super) fn for_reading(options: &Options, dir: &Path) -> Result<LogStore> {
    let env = env_of(options);
    layout::check_is_store(&env, dir)?;
    let access = options.reads.access();
    let (layout, loaded) = load::beside_a_writer(&env, dir, access)?;
    if env.bug(Bug::ReaderMends) {
        layout.remove_temporaries(&env, dir);
    }
    let store = layout.identity.id;
    let hasher = TermHasher::new(&layout.identity.hash_key);
    let first = loaded.resume.next;
    let replay = Replay::new(store, &hasher, first, options.checkpoint_events);
    let number = loaded.resume.segment;
    let segment = Segment::open(&env, dir, store, number, Mode::Read, access).map(Arc::new)?;
    segment.publish(loaded.resume.offset);
    let sealed = layout.segments.iter().copied().filter(|own| *own < number);
    let segments = Segments::new(&env, dir.to_path_buf(), store, access, sealed);
    segments.add(Arc::clone(&segment));
    let table = Arc::clone(replay.table());
    let board = follow::open_board(&env, dir)?;
    let follower = Follower {
        boot: match (&board, env.bug(Bug::BelievesOldBoard)) {
            (Some(board), true) => Some(board.get(BOARD_BOOT)),
            _ => env.fs.boot(),
        },
        board,
        segment,
        resume: loaded.resume,
        replay,
    };
    let shared = Shared {
        dir: dir.to_path_buf(),
        id: store,
        marks: hasher.marks(),
        hasher,
        options: options.clone(),
        first: loaded.first,
        segments,
        index: Index::new(loaded.files, table),
        progress: Progress::new(loaded.resume.next.previous(), None, None),
        counters: Arc::default(),
        rooms: Rooms::default(),
        role: Role::Follower(Box::new(Mutex::new(follower))),
        env,
    };
    follow::begin(&shared, loaded.floor)?;
    Ok(LogStore::new(Arc::new(shared)))
}

/// Makes a new store in an empty directory. The identity comes last: until it
/// is there, the next open makes the store anew.
fn create(env: &Env, options: &Options, dir: &Path) -> Result<()> {
    let identity = Identity {
        id: StoreId::from_bytes(env.random.bytes()),
        hash_key: env.random.bytes(),
    };
    let state_identity = || fs::replace(&*env.fs, dir, names::IDENTITY, &identity.encode());
    if env.bug(Bug::IdentityFirst) {
        let _ = state_identity();
    }
    make_first_segment(env, dir, identity.id, next_size(0, options.segment_size))?;
    state_identity().map_err(|error| not_made(dir, error))
}

/// Makes the segment that a log begins with.
pub(super) fn make_first_segment(env: &Env, dir: &Path, store: StoreId, size: u64) -> Result<()> {
    let spare = prepare(env, dir, 1, size, Access::Plain)?;
    let header = SegmentHeader {
        store,
        number: 1,
        epoch: 1,
        base: Position::new(1),
        // A store may be given events of any time: its clock is the user's.
        base_time: Timestamp::MIN.micros(),
        previous_end: 0,
        durable: Position::START,
        size: spare.file.size(),
    };
    let file = spare.file.file();
    fs::write_all_at(file, &header.encode(), 0)
        .and_then(|()| file.sync())
        .map_err(|error| not_made(dir, error))
}

fn not_made(dir: &Path, error: std::io::Error) -> Error {
    match fs::is_full(&error) {
        true => ErrorKind::DiskFull { path: dir.into() }.into(),
        false => Error::io(dir, "make a store in", error),
    }
}

/// Makes the end firm that was found, and takes over the spare behind it.
fn make_firm(
    recovery: &Recovery<'_>,
    end: &mut Recovered,
    options: &Options,
) -> Result<Option<Spare>> {
    if recovery.closed.is_none() && end.head == Position::START {
        sync_names(recovery.env, recovery.dir)?;
    }
    let size = next_size(end.tail.size(), options.segment_size);
    let spare = end.keep_spare(recovery, size, options.reads.access())?;
    match end.is_clean(recovery) {
        // A loss of power can leave more than one spare. Were the first of them
        // given up, one would be missing between the log and the next.
        true => end.remove_later(recovery)?,
        false => end.settle(recovery)?,
    }
    Ok(spare)
}

/// Makes the names durable that lead to a store, and those in it. A store that
/// has no events and was never closed may have been made by a process that was
/// killed before it came to that; whoever wrote an event had done it before.
fn sync_names(env: &Env, dir: &Path) -> Result<()> {
    let io = |at: &Path, error| Error::io(at, "sync", error);
    env.fs.sync_dir(dir).map_err(|error| io(dir, error))?;
    if env.bug(Bug::NoParentSync) {
        return Ok(());
    }
    for above in dir.ancestors().skip(1) {
        let above = match above.as_os_str().is_empty() {
            true => Path::new("."),
            false => above,
        };
        match env.fs.sync_dir(above) {
            // What may not be opened was not made by us.
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => break,
            synced => synced.map_err(|error| io(above, error))?,
        }
    }
    Ok(())
}

/// Makes everything durable, writes the newest index and says that the log
/// ends here.
pub(super) fn close(shared: &Arc<Shared>, writer: &Writer) -> Result<()> {
    let stopped = {
        let mut claims = writer.claims.lock();
        let before = claims.stopped.take();
        claims.stopped = Some(before.clone().unwrap_or(ErrorKind::Closed.into()));
        before
    };
    let claimed = writer.claims.lock().next.previous();
    let settled = match shared.env.bug(Bug::ClosesBeforeSync) {
        true => shared.settle(claimed, Durability::Written),
        false => shared.settle(claimed, Durability::Durable),
    };
    shared.env.tasks.stop();
    let outcome = match stopped {
        Some(poison) => Err(poison),
        None => settled.and_then(|()| state_end(shared, writer, claimed)),
    };
    drop(writer.lock.lock().take());
    outcome
}

fn state_end(shared: &Arc<Shared>, writer: &Writer, head: Position) -> Result<()> {
    let (segment, end) = {
        let mut claims = writer.claims.lock();
        freeze(&mut claims, shared, writer, 1);
        (claims.tail.number(), claims.offset)
    };
    // The index is derived: without it the next open takes longer.
    if !shared.env.bug(Bug::ClosesBeforeSync) {
        let _ = background::write_last_tables(shared, writer);
    }
    writer.spares.put_away();
    let statement = CloseStatement {
        store: shared.id,
        head,
        segment,
        end,
        reopened: false,
    };
    state(&shared.env, &shared.dir, &statement)
}

/// Puts a statement about the log's end in place.
fn state(env: &Env, dir: &Path, statement: &CloseStatement) -> Result<()> {
    fs::replace(&*env.fs, dir, names::CLOSED, &statement.encode())
        .map_err(|error| Error::io(&dir.join(names::CLOSED), "write", error))
}

/// What the first write after a clean close has to do before: say that the log
/// no longer ends where it was closed.
fn reopening(env: &Env, dir: &Path, closed: Option<CloseStatement>) -> Option<BeforeFirstWrite> {
    let closed = closed.filter(|closed| !closed.reopened)?;
    let (env, dir) = (env.clone(), dir.to_path_buf());
    let reopened = CloseStatement {
        reopened: true,
        ..closed
    };
    Some(Box::new(move || state(&env, &dir, &reopened)))
}
