//! Stores that a newer annals wrote, stores that something is missing of or
//! damaged in, and numbers that have run out.

use crate::support::{Place, assert_usable, event, everything, options, put, seal};
use annals::{Append, ErrorKind, EventStore, Position, Query};
use std::fs;
use std::path::Path;

/// Where the frames of a segment begin.
const FRAMES: usize = 128;

#[track_caller]
fn assert_newer(place: &Place, file: &Path, what: &str) {
    let error = place.refused();
    assert!(matches!(error.kind(), ErrorKind::NewerFormat { path, .. } if path == file));
    let said = format!(
        "{} asks for {what}, which this version of annals does not know; use a newer one",
        file.display()
    );
    assert_eq!(error.to_string(), said);
}

/// Changes a file, looks, and puts back what was there.
fn with_change(file: &Path, change: impl FnOnce(&mut Vec<u8>), look: impl FnOnce()) {
    let kept = fs::read(file).unwrap();
    let mut changed = kept.clone();
    change(&mut changed);
    fs::write(file, changed).unwrap();
    look();
    fs::write(file, kept).unwrap();
}

#[test]
fn a_newer_layout_is_told_from_damage() {
    let place = Place::with_one_event();
    let file = place.file("store");
    let newer = |bytes: &mut Vec<u8>| {
        bytes[8] += 1;
        seal(bytes);
    };
    with_change(&file, newer, || {
        assert_newer(&place, &file, "another version of the store's layout");
    });
    with_change(
        &file,
        |bytes| bytes[8] += 1,
        || {
            let error = place.refused();
            assert!(matches!(error.kind(), ErrorKind::Corrupt { path, .. } if *path == file));
            assert!(error.to_string().contains("the checksum does not match"));
        },
    );
    with_change(
        &file,
        |bytes| bytes.truncate(30),
        || {
            assert!(place.refused().to_string().contains("the file is cut off"));
        },
    );
    place.assert_usable(1);
}

#[test]
fn a_newer_segment_is_never_cut_off_or_passed_over() {
    let place = Place::with_segments();
    let files = place.segments();
    let newer = |bytes: &mut Vec<u8>| {
        bytes[8] += 1;
        seal(&mut bytes[..FRAMES]);
    };
    let first = &files[0];
    with_change(first, newer, || {
        assert_newer(&place, first, "another version of the segment format");
    });
    let critical = |bytes: &mut Vec<u8>| {
        bytes[88..93].copy_from_slice(&[1, 0x80, 1, 0, 7]);
        seal(&mut bytes[..FRAMES]);
    };
    with_change(first, critical, || {
        assert_newer(&place, first, "an extension that must be known");
    });
    place.assert_usable(40);
}

/// Makes the checksum of the first frame right.
fn seal_first_frame(place: &Place, segment: &mut [u8]) {
    let identity = fs::read(place.file("store")).unwrap();
    let frame = &mut segment[FRAMES..];
    // The length of the head is below 128 here, so it is one byte.
    let head = usize::from(frame[9]);
    let mut sum = crc32fast::Hasher::new();
    sum.update(&identity[16..32]);
    sum.update(&1u64.to_le_bytes());
    sum.update(&(FRAMES as u64).to_le_bytes());
    sum.update(&frame[..4]);
    sum.update(&frame[8..head]);
    frame[4..8].copy_from_slice(&sum.finalize().to_le_bytes());
}

#[test]
fn a_newer_frame_is_never_cut_off_as_torn() {
    let place = Place::with_one_event();
    // Only the log speaks of the event: nothing else says that it was durable.
    for file in place.files_ending_in(".idx") {
        fs::remove_file(file).unwrap();
    }
    fs::remove_file(place.file("closed")).unwrap();
    let segment = &place.segments()[0];
    let newer = |bytes: &mut Vec<u8>| {
        bytes[FRAMES + 8] |= 0x80;
        seal_first_frame(&place, bytes);
    };
    with_change(segment, newer, || {
        assert_newer(&place, segment, "a kind of frame that must be known");
    });
    place.assert_usable(1);
}

#[test]
fn a_segment_that_is_missing_is_named() {
    let place = Place::with_segments();
    let files = place.segments();
    // The last ones: the one with the newest events, and the spare.
    for missing in [0, 1, files.len() / 2, files.len() - 2] {
        let file = &files[missing];
        let aside = file.with_extension("aside");
        fs::rename(file, &aside).unwrap();
        let error = options().open(place.path()).unwrap_err();
        assert!(error.is_corrupt(), "{error}");
        assert!(!error.is_retryable());
        let name = file.display();
        let said = format!("{name} is corrupt at byte 0: the segment is missing");
        assert_eq!(error.to_string(), said);
        let reading = options().open_read_only(place.path()).unwrap_err();
        assert_eq!(reading.to_string(), said);
        let report = annals::verify(place.path(), &mut |_| {}).unwrap();
        assert!(
            !report.faults.is_empty(),
            "verification says nothing of {}",
            file.display()
        );
        fs::rename(&aside, file).unwrap();
    }
    place.assert_usable(40);
}

#[test]
fn all_segments_missing_is_no_empty_store() {
    let place = Place::with_one_event();
    let files = place.segments();
    let kept: Vec<_> = files.iter().map(|file| fs::read(file).unwrap()).collect();
    for file in &files {
        fs::remove_file(file).unwrap();
    }
    assert!(
        place
            .refused()
            .to_string()
            .contains("the segment is missing")
    );
    for (file, bytes) in files.iter().zip(kept) {
        fs::write(file, bytes).unwrap();
    }
    place.assert_usable(1);
}

#[test]
fn a_byte_that_changed_is_found_where_it_is() {
    let place = Place::with_segments();
    let files = place.segments();
    let segment = &files[2];
    let flip = |bytes: &mut Vec<u8>| {
        let at = bytes.iter().rposition(|byte| *byte == b'x').unwrap();
        bytes[at] ^= 1;
    };
    with_change(segment, flip, || {
        let store = place.open();
        let error = store
            .read(&Query::all())
            .find_map(Result::err)
            .expect("the damage is met");
        let ErrorKind::Corrupt { path, offset, .. } = error.kind() else {
            panic!("{error}");
        };
        assert_eq!((path, *offset > FRAMES as u64), (segment, true));
        let reason = "the checksum of the record does not match";
        assert!(error.to_string().ends_with(reason), "{error}");
        // What is elsewhere can be read, and the store written.
        let after = Query::all().after(Position::new(20));
        assert!(store.read(&after).all(|event| event.is_ok()));
        assert_usable(&store);
        store.close().unwrap();
        let report = annals::verify(place.path(), &mut |_| {}).unwrap();
        assert_eq!(report.faults.len(), 1, "{:?}", report.faults);
        assert_eq!(report.faults[0].path, *segment);
    });
    place.assert_usable(41);
}

#[test]
fn the_newest_events_are_not_cut_off_once_they_were_durable() {
    let place = Place::with_one_event();
    let segment = &place.segments()[0];
    let flip = |bytes: &mut Vec<u8>| bytes[FRAMES + 20] ^= 1;
    let refused = || {
        let error = place.refused();
        assert!(matches!(error.kind(), ErrorKind::Corrupt { path, .. } if path == segment));
    };
    with_change(segment, flip, refused);
    // An index file alone tells it, too, however often it is tried.
    fs::remove_file(place.file("closed")).unwrap();
    with_change(segment, flip, || {
        refused();
        refused();
    });
    place.assert_usable(1);
}

#[test]
fn damaged_index_files_cost_nothing_but_time() {
    let place = Place::with_segments();
    let before = everything(&place.open());
    for file in place.files_ending_in(".idx") {
        for change in [0, 12, 40, 200, usize::MAX] {
            let mut bytes = fs::read(&file).unwrap();
            let at = change.min(bytes.len() - 1);
            bytes[at] ^= 1;
            fs::write(&file, &bytes).unwrap();
            let reader = options().open_read_only(place.path()).unwrap();
            assert_eq!(everything(&reader), before);
            let stream = Query::stream("full/of").backward();
            assert_eq!(reader.read(&stream).count(), 40);
            drop(reader);
            assert_eq!(everything(&place.open()), before);
        }
    }
    place.assert_usable(40);
}

#[test]
fn index_files_of_a_later_version_are_told_from_damaged_ones() {
    let place = Place::with_segments();
    let before = everything(&place.open());
    let file = place.files_ending_in(".idx").remove(0);
    let mut bytes = fs::read(&file).unwrap();
    bytes[8] = 3;
    seal(&mut bytes[..192]);
    fs::write(&file, &bytes).unwrap();
    let report = annals::verify(place.path(), &mut |_| {}).unwrap();
    let [fault] = &report.faults[..] else {
        panic!("{:?}", report.faults);
    };
    assert_eq!(fault.path, file);
    let is_told = fault
        .reason
        .contains("a later version of index files than 2");
    assert!(is_told, "{}", fault.reason);
    // The log says all that the file did.
    let reader = options().open_read_only(place.path()).unwrap();
    assert_eq!(everything(&reader), before);
    assert_eq!(fs::read(&file).unwrap(), bytes);
    drop(reader);
    let store = place.open();
    assert_eq!(everything(&store), before);
    store.close().unwrap();
    let report = annals::verify(place.path(), &mut |_| {}).unwrap();
    assert_eq!(report.faults, []);
}

#[test]
fn positions_run_out_with_an_error() {
    let place = Place::new();
    place.open().close().unwrap();
    fs::remove_file(place.file("closed")).unwrap();
    // A log that begins just before the last position.
    let segment = &place.segments()[0];
    let mut bytes = fs::read(segment).unwrap();
    bytes[48..56].copy_from_slice(&(u64::MAX - 3).to_le_bytes());
    seal(&mut bytes[..FRAMES]);
    fs::write(segment, bytes).unwrap();
    let store = place.open();
    put(&store, "s", "");
    put(&store, "s", "");
    let error = store.append(Append::to("s").event(event(""))).unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Overflow { .. }),
        "{error}"
    );
    assert_eq!(
        error.to_string(),
        "the position of events has reached its last number"
    );
    assert_eq!(everything(&store).len(), 2);
    store.close().unwrap();
    assert_eq!(everything(&place.open()).len(), 2);
}

#[test]
fn versions_run_out_with_an_error() {
    let place = Place::new();
    let store = place.open();
    put(&store, "other", "");
    // A version of ten bytes, where there was one of one byte.
    let segment = &place.segments()[0];
    store.close().unwrap();
    drop(store);
    for name in place.files_ending_in(".idx") {
        fs::remove_file(name).unwrap();
    }
    fs::remove_file(place.file("closed")).unwrap();
    let mut bytes = fs::read(segment).unwrap();
    number_the_first_event(&place, &mut bytes, u64::MAX - 2);
    fs::write(segment, bytes).unwrap();
    let store = place.open();
    assert_eq!(store.version("other").unwrap().get(), u64::MAX - 2);
    let error = store
        .append(Append::to("other").event(event("")))
        .unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Overflow { .. }),
        "{error}"
    );
    let said = "the version of stream \"other\" has reached its last number";
    assert_eq!(error.to_string(), said);
    assert_usable(&store);
}

/// Gives the event in the first frame another version, in the longest form
/// that a number has.
fn number_the_first_event(place: &Place, segment: &mut [u8], version: u64) {
    let length = u32::from_le_bytes(segment[FRAMES..FRAMES + 4].try_into().unwrap()) as usize;
    let head = usize::from(segment[FRAMES + 9]);
    let mut number = Vec::new();
    let mut rest = version;
    while rest >= 0x80 {
        number.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    number.push(rest as u8);
    let mut frame = segment[FRAMES..FRAMES + length].to_vec();
    // The version is the last number of the head of a frame of one event.
    assert_eq!(frame[head - 1], 1);
    frame.splice(head - 1..head, number.iter().copied());
    let grown = frame.len() as u32;
    frame[..4].copy_from_slice(&grown.to_le_bytes());
    frame[9] = (head + number.len() - 1) as u8;
    segment[FRAMES..FRAMES + frame.len()].copy_from_slice(&frame);
    seal_first_frame(place, segment);
}
