//! Paths that are no store, and stores that somebody else has.

use crate::support::{Place, assert_usable, content, event, everything, options, put};
use annals::{Append, Error, ErrorKind, EventStore};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

#[track_caller]
fn assert_no_store(error: &Error, place: &Place, reason: &str) {
    assert!(matches!(error.kind(), ErrorKind::NotAStore { path, .. } if *path == place.path()));
    let said = format!("{} is not a store: {reason}", place.path().display());
    assert_eq!(error.to_string(), said);
}

#[test]
fn a_file_is_no_store() {
    let place = Place::new();
    fs::write(place.path(), "precious").unwrap();
    for error in [
        options().open(place.path()).unwrap_err(),
        options().open_read_only(place.path()).unwrap_err(),
        annals::verify(place.path(), &mut |_| {}).unwrap_err(),
    ] {
        assert_no_store(&error, &place, "it is not a directory");
    }
    assert_eq!(fs::read(place.path()).unwrap(), b"precious");
}

#[test]
fn a_directory_of_other_things_is_no_store() {
    let place = Place::new();
    fs::create_dir(place.path()).unwrap();
    fs::write(place.file("letter.txt"), "precious").unwrap();
    let before = content(&place.path());
    let writing = options().open(place.path()).unwrap_err();
    assert_no_store(
        &writing,
        &place,
        "the directory holds other files, and no store",
    );
    let reading = options().open_read_only(place.path()).unwrap_err();
    assert_no_store(&reading, &place, "the directory holds no store");
    assert_eq!(content(&place.path()), before);
    assert!(!place.file("lock").exists());
}

#[test]
fn nothing_is_no_store_to_read_and_a_new_one_to_write() {
    let place = Place::new();
    let reading = options().open_read_only(place.path()).unwrap_err();
    assert_no_store(&reading, &place, "nothing is there");
    let verifying = annals::verify(place.path(), &mut |_| {}).unwrap_err();
    assert_no_store(&verifying, &place, "nothing is there");
    assert!(!place.path().exists());
    place.assert_usable(0);
}

#[test]
fn a_store_whose_identity_is_gone_is_not_made_anew() {
    let place = Place::with_segments();
    let aside = place.path().with_extension("aside");
    fs::rename(place.file("store"), &aside).unwrap();
    let before = content(&place.path());
    let writing = options().open(place.path()).unwrap_err();
    assert!(
        matches!(writing.kind(), ErrorKind::NotAStore { .. }),
        "{writing}"
    );
    let reading = options().open_read_only(place.path()).unwrap_err();
    assert!(
        matches!(reading.kind(), ErrorKind::NotAStore { .. }),
        "{reading}"
    );
    assert!(content(&place.path()) == before);
    fs::rename(&aside, place.file("store")).unwrap();
    place.assert_usable(40);
}

#[track_caller]
fn assert_locked(place: &Place) {
    let error = options().open(place.path()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Locked { path } if *path == place.file("lock")));
    assert!(error.is_retryable());
    let said = format!(
        "another writer holds {}; close it, or open the store for reading only",
        place.file("lock").display()
    );
    assert_eq!(error.to_string(), said);
}

#[test]
fn one_writer_at_a_time_in_a_process() {
    let place = Place::with_one_event();
    let writer = place.open();
    assert_locked(&place);
    put(&writer, "s", "second");
    let reader = options().open_read_only(place.path()).unwrap();
    assert_eq!(everything(&reader).len(), 2);
    drop(reader);
    assert_locked(&place);
    assert_usable(&writer);
    // Closed, it is free, also while the handle still stands.
    writer.close().unwrap();
    place.assert_usable(3);
}

/// Not a test but the other process of the next one.
#[test]
#[ignore = "started by one_writer_at_a_time_among_processes"]
fn holds_a_store() {
    let Ok(path) = std::env::var("ANNALS_TEST_HOLDS") else {
        return;
    };
    let store = annals::open(path).unwrap();
    put(&store, "s", "from elsewhere");
    println!("\nheld");
    std::io::stdin().read_line(&mut String::new()).unwrap();
    put(&store, "s", "still usable");
    store.close().unwrap();
}

#[test]
fn one_writer_at_a_time_among_processes() {
    let place = Place::with_one_event();
    let mut other = Command::new(std::env::current_exe().unwrap())
        .args([
            "--ignored",
            "--exact",
            "--nocapture",
            "paths::holds_a_store",
        ])
        .env("ANNALS_TEST_HOLDS", place.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(other.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "held"));
    assert_locked(&place);
    let reader = options().open_read_only(place.path()).unwrap();
    assert_eq!(everything(&reader).len(), 2);
    other.stdin.take().unwrap().write_all(b"go on\n").unwrap();
    assert!(lines.all(|line| line.is_ok()));
    assert!(other.wait().unwrap().success());
    place.assert_usable(3);
}

#[test]
fn a_closed_store_takes_nothing_more_but_is_read() {
    let place = Place::with_one_event();
    let store = place.open();
    store.close().unwrap();
    let error = store.append(Append::to("s").event(event(""))).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Closed));
    assert_eq!(error.to_string(), "the store is closed");
    assert_eq!(everything(&store).len(), 1);
    place.assert_usable(1);
}
