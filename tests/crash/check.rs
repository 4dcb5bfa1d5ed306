//! Holds a store on a disk that a fault left to what it had promised.

use crate::model::{Expectation, Model};
use crate::plan::{Plan, STREAMS, TAGS, TYPES};
use crate::run::DIR;
use annals::testing::sim::{Bug, SimDisk, SimWorld, TaskMode};
use annals::{Append, Durability, ErrorKind, Event, EventStore, LogStore, Query, QueryItem};

/// How thoroughly a store is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Opened and read from one end to the other.
    Read,
    /// Also queried, verified, written to, and opened again.
    Full,
}

/// A world around a disk, with work inline.
pub fn world(disk: &SimDisk, planted: Option<Bug>) -> SimWorld {
    let mut world = SimWorld::on(disk.clone(), TaskMode::Inline, 7);
    world.planted = planted;
    world
}

/// Opens the store on a disk and checks it; says where it ended.
pub fn check(
    disk: &SimDisk,
    plan: &Plan,
    planted: Option<Bug>,
    model: &Model,
    depth: Depth,
) -> Result<u64, String> {
    let head = first_open(disk, plan, planted, model, depth)?;
    if depth == Depth::Full {
        let lost = model.appends(head, model.head());
        let mut model = model.clone();
        model.settle(head);
        let head = write_on(disk, plan, planted, &mut model, &lost)?;
        if head != model.head() {
            return Err(format!("reopened at {head}, was {}", model.head()));
        }
    }
    Ok(head)
}

fn first_open(
    disk: &SimDisk,
    plan: &Plan,
    planted: Option<Bug>,
    model: &Model,
    depth: Depth,
) -> Result<u64, String> {
    let world = world(disk, planted);
    if depth == Depth::Full {
        read_before_recovery(&world, plan, model)?;
    }
    let store = open(&world, plan)?;
    let head = agree(&store, model)?;
    if depth == Depth::Full {
        queries(&store, model, head)?;
        let report = world.verify(DIR, &mut |_| {}).map_err(say("verify"))?;
        if let Some(fault) = report.faults.first() {
            return Err(format!("verify finds {fault:?}"));
        }
        if report.events != head {
            return Err(format!("verify reads {} of {head}", report.events));
        }
        let reader = plan.options(&world.options());
        let reader = reader.open_read_only(DIR).map_err(say("read-only open"))?;
        let seen = agree(&reader, model)?;
        if seen != head {
            return Err(format!("a reader sees {seen} of {head}"));
        }
    }
    abandon(&world, store);
    Ok(head)
}

/// Who only reads finds all that was promised, too, before any writer comes.
fn read_before_recovery(world: &SimWorld, plan: &Plan, model: &Model) -> Result<(), String> {
    let reader = plan.options(&world.options()).open_read_only(DIR);
    let reader = match reader {
        Err(error) if matches!(error.kind(), ErrorKind::NotAStore { .. }) => {
            return model.may_end_at(0);
        }
        reader => reader.map_err(say("read-only open before recovery"))?,
    };
    let seen = agree(&reader, model).map_err(|reason| format!("a reader: {reason}"))?;
    queries(&reader, model, seen)
}

/// Forgets a handle as a kill does: nothing more is written.
pub fn abandon(world: &SimWorld, store: LogStore) {
    world.tasks.kill();
    world.disk.no_hook();
    world.disk.power_off_at(0);
    drop(store);
}

pub fn open(world: &SimWorld, plan: &Plan) -> Result<LogStore, String> {
    let options = plan.options(&world.options());
    options.open(DIR).map_err(say("open"))
}

/// The store's events against the model's, and whether it may end where it
/// does.
pub fn agree(store: &LogStore, model: &Model) -> Result<u64, String> {
    let head = store.head().get();
    model.may_end_at(head)?;
    match model.compare_all(store)? {
        (read, None) if read == head => Ok(head),
        (read, None) => Err(format!("read to {read}, the head is {head}")),
        (read, Some(error)) => Err(format!("after {read}: {error}")),
    }
}

/// What every index has to say against what the log has.
pub fn queries(store: &LogStore, model: &Model, head: u64) -> Result<(), String> {
    let mut items = Vec::new();
    items.extend(STREAMS.map(|name| QueryItem::all().in_stream(name)));
    items.extend(TYPES.map(|name| QueryItem::all().with_type(name)));
    items.extend(TAGS.map(|name| QueryItem::all().with_tag(name)));
    items.push(QueryItem::all().in_category("orders"));
    for item in items {
        let expected = model.positions(&item, head);
        let found: Result<Vec<u64>, _> = store
            .read(&Query::of(item.clone()))
            .map(|event| event.map(|event| event.position().get()))
            .collect();
        match found {
            Ok(found) if found == expected => {}
            found => return Err(format!("{item:?}: {found:?}, not {expected:?}")),
        }
    }
    for name in STREAMS {
        let known = model.events.iter().take(head as usize);
        let expected = known.filter(|known| known.stream == name).count() as u64;
        let version = store.version(name).map_err(say("version"))?.get();
        if version != expected {
            return Err(format!("{name} is at {version}, not {expected}"));
        }
    }
    Ok(())
}

/// Opens again, appends, closes, and opens once more.
fn write_on(
    disk: &SimDisk,
    plan: &Plan,
    planted: Option<Bug>,
    model: &mut Model,
    lost: &[Append],
) -> Result<u64, String> {
    // The first handle was abandoned with its disk switched off.
    let disk = disk.kill_clone();
    let first = world(&disk, planted);
    let store = open(&first, plan)?;
    agree(&store, model)?;
    if plan.unique_ids {
        retries(&store, model, lost)?;
    }
    let head = model.head();
    for number in 0..3_u8 {
        let stream = STREAMS[usize::from(number)];
        let version = annals::Version::new(model.version(stream));
        let event = Event::with_id(annals::Uuid::from_bytes([number; 16]), "Placed", "again");
        let append = Append::to(stream).expect(version).event(event);
        let append = append.durability(Durability::Durable);
        let expected = model.submit(&append, Durability::Durable);
        let appended = store.append(append).map_err(say("append"))?;
        if expected != Expectation::Taken(appended.last().get()) {
            return Err(format!("{appended:?}, not {expected:?}"));
        }
    }
    if head + 3 != store.head().get() {
        return Err("an append does not show".into());
    }
    model.promise(model.head());
    store.close().map_err(say("close"))?;
    drop(store);
    let second = world(&disk, planted);
    let store = open(&second, plan)?;
    let head = agree(&store, model)?;
    queries(&store, model, head)?;
    abandon(&second, store);
    Ok(head)
}

/// What is there is a repeat, whatever it expects; what is gone is recorded as
/// if it had never been.
fn retries(store: &LogStore, model: &mut Model, lost: &[Append]) -> Result<(), String> {
    let head = model.head();
    for append in model.appends(0, head) {
        let id = append.entries()[0].1.id();
        let own = model.events.iter().find(|known| known.event.id() == id);
        let span = own.map(|known| known.span);
        let again = store.append(append).map_err(say("retry"))?;
        let answer = (again.first().get(), again.last().get());
        if !again.is_repeat() || Some(answer) != span {
            return Err(format!("{again:?} repeats {span:?}"));
        }
    }
    for append in lost {
        let expected = model.submit(append, Durability::Durable);
        let again = store.append(append.clone()).map_err(say("retry"))?;
        let taken = Expectation::Taken(again.last().get());
        if again.is_repeat() || expected != taken {
            return Err(format!("{again:?} was lost, and {expected:?} now"));
        }
        model.promise(model.head());
    }
    Ok(())
}

pub fn say(what: &'static str) -> impl Fn(annals::Error) -> String {
    move |error| format!("{what}: {error}")
}
