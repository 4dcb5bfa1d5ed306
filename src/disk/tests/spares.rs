//! The spare segment over a stop: kept where it is known to be blank, and only
//! there.

use super::{DIR, counted};
use crate::disk::{LogStore, Options};
use crate::env::Bug;
use crate::env::sim::{
    CallKind, Choice, Outcome, SectorSize, SimDisk, SimWorld, TaskMode, Unit, UnitKind,
};
use crate::store::{Append, EventStore, Query};
use crate::types::{Durability, Event};
use std::path::Path;
use std::sync::Arc;

const SEGMENT: u64 = 64 << 10;
const SPARE: &str = "/store/0000000002.seg";

fn options() -> Options {
    Options::new()
        .segment_size(SEGMENT)
        .durability(Durability::Written)
}

/// Appends so many events of about a kilobyte.
fn append(store: &LogStore, count: usize) {
    for _ in 0..count {
        let event = Event::new("Happened", vec![b'x'; 1000]);
        store.append(Append::to("orders/1").event(event)).unwrap();
    }
}

/// The disk of a store with a log of so many kilobytes that is stopped.
fn stopped(kilobytes: usize, closed: bool) -> SimDisk {
    let world = SimWorld::new(3);
    let store = options().env(world.env()).open(DIR).unwrap();
    append(&store, kilobytes);
    store.flush().unwrap();
    if closed {
        store.close().unwrap();
    }
    world.disk.kill_clone()
}

fn bytes(disk: &SimDisk, path: &str) -> Vec<u8> {
    disk.bytes(Path::new(path)).unwrap()
}

/// Opens the store and says what was asked of the spare until then: how many
/// bytes were read, and whether the file is still the same.
fn opened(disk: &SimDisk) -> (LogStore, u64, bool) {
    let (fs, env) = counted(Arc::new(disk.clone()));
    let store = options().env(env).open(DIR).unwrap();
    let (mut read, mut kept) = (0, true);
    for call in fs.take_trace() {
        if &*fs.path_of(call.path) != SPARE {
            continue;
        }
        match (call.kind, call.outcome) {
            (CallKind::Read, Outcome::Done(count)) => read += count,
            (CallKind::Remove | CallKind::Create, _) => kept = false,
            _ => {}
        }
    }
    (store, read, kept)
}

#[test]
fn a_spare_that_says_that_it_is_blank_is_kept_and_not_read() {
    for closed in [false, true] {
        let disk = stopped(40, closed);
        let (store, read, kept) = opened(&disk);
        assert!(kept, "closed: {closed}");
        assert!(read <= 1024, "closed: {closed}: {read} bytes were read");
        // It becomes the tail, and nothing is made anew for that.
        let made = store.activity().prepared_bytes;
        append(&store, 30);
        assert_eq!(store.activity().prepared_bytes, made);
        assert_eq!(&bytes(&disk, SPARE)[..8], b"ANNALSEG");
        assert_eq!(store.read(&Query::all()).count(), 70);
    }
}

#[test]
fn a_spare_that_is_needed_soon_is_read_and_kept_if_it_is_blank() {
    let disk = stopped(60, false);
    assert_eq!(bytes(&disk, SPARE)[..128], [0; 128]);
    let (store, read, kept) = opened(&disk);
    assert!(kept && read >= SEGMENT, "{read} bytes were read");
    append(&store, 30);
    assert_eq!(store.read(&Query::all()).count(), 90);
}

#[test]
fn closing_has_a_spare_that_was_needed_soon_say_again_that_it_is_blank() {
    let (_, read, kept) = opened(&stopped(60, true));
    assert!(kept && read <= 1024, "{read} bytes were read");
}

#[test]
fn a_spare_with_anything_in_it_is_not_used_again() {
    for at in [1, 200, SEGMENT / 2, SEGMENT - 1] {
        let disk = stopped(60, false);
        disk.overwrite(Path::new(SPARE), at, b"!").unwrap();
        let (store, _, kept) = opened(&disk);
        assert!(!kept, "with a byte at {at}");
        append(&store, 1);
        let again = disk.bytes(Path::new(SPARE));
        assert!(again.is_ok_and(|bytes| bytes.iter().all(|byte| *byte != b'!')));
    }
}

#[test]
fn a_spare_of_another_size_or_another_store_is_not_used() {
    let disk = stopped(40, false);
    disk.truncate(Path::new(SPARE), SEGMENT - 512).unwrap();
    assert!(!opened(&disk).2);

    // Its mark is no longer the one that would be there.
    let disk = stopped(40, false);
    disk.flip_bit(Path::new(SPARE), 20 * 8).unwrap();
    let (_, read, kept) = opened(&disk);
    assert!(!kept && read >= SEGMENT, "{read} bytes were read");
}

#[test]
fn frames_behind_a_header_that_is_gone_tell_what_was_durable() {
    let world = SimWorld::new(3);
    let store = options().env(world.env()).open(DIR).unwrap();
    append(&store, 80);
    store.flush().unwrap();
    // These say that those before them were durable.
    append(&store, 2);
    let disk = world.disk.kill_clone();
    assert_eq!(&bytes(&disk, SPARE)[..8], b"ANNALSEG");
    disk.overwrite(Path::new(SPARE), 0, &[0; 512]).unwrap();
    let world = SimWorld::on(disk, TaskMode::Inline, 3);
    let error = options().env(world.env()).open(DIR).unwrap_err();
    assert!(error.is_corrupt(), "{error}");
}

/// How many events are found after one was appended where two others, lost with
/// the power in part, had been: the header of their segment was not kept, and
/// what was behind it was.
fn found_after_half_a_roll_was_lost(planted: Option<Bug>) -> usize {
    let open = |disk: SimDisk| {
        let mut world = SimWorld::on(disk, TaskMode::Inline, 3);
        world.planted = planted;
        options().env(world.env()).open(DIR).unwrap()
    };
    let disk = SimDisk::new(SectorSize::Bytes512);
    let store = open(disk.clone());
    // The next event goes over to the spare.
    append(&store, 61);
    store.flush().unwrap();
    assert_eq!(count(&bytes(&disk, SPARE), b"Happened"), 0);
    append(&store, 2);
    assert_eq!(count(&bytes(&disk, SPARE), b"Happened"), 2);
    let point = disk.crash_point();
    let mut choices = vec![Choice::Kept(0); point.units().len()];
    let sectors = |unit: &Unit| unit.kind == UnitKind::Sector;
    let header = point.units().iter().position(sectors);
    choices[header.unwrap()] = Choice::Lost;
    let after = point.crash(&choices);
    let store = open(after.clone());
    append(&store, 1);
    open(after.kill_clone()).read(&Query::all()).count()
}

fn count(bytes: &[u8], part: &[u8]) -> usize {
    let windows = bytes.windows(part.len());
    windows.filter(|window| *window == part).count()
}

#[test]
fn the_mark_is_gone_from_the_medium_before_anything_is_written_behind_it() {
    assert_eq!(found_after_half_a_roll_was_lost(None), 62);
    let planted = Some(Bug::LeavesBlankMark);
    assert_eq!(found_after_half_a_roll_was_lost(planted), 63);
}
