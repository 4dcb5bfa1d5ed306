//! Paths that are no store, and stores that something happened to.

use crate::support::{Place, SAMPLE, annals, line};
use std::fs;
use std::path::PathBuf;

/// Every command says the same of it; nothing is made and nothing lost.
#[track_caller]
fn every_command_fails(place: &Place, said: &[&str]) {
    place.import(&["-"], line("s", "T", "1")).fails(1, said);
    place
        .run_with("append", &[], line("s", "T", "1"))
        .fails(1, said);
    for command in ["export", "streams", "stat", "tail", "verify"] {
        let ran = place.run(command, &[]).fails(1, said);
        assert!(command == "verify" || ran.stdout.is_empty());
    }
    place.run("read", &["s"]).fails(1, said);
}

/// The segments of a store of many, oldest first.
fn segments(place: &Place) -> Vec<PathBuf> {
    let mut found: Vec<_> = fs::read_dir(place.store())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "seg"))
        .collect();
    found.sort();
    found
}

fn many_segments() -> Place {
    let place = Place::new();
    place
        .import(&[SAMPLE, "--segment-size", "64KiB"], "")
        .succeeds();
    assert!(segments(&place).len() > 5);
    place
}

#[test]
fn a_path_that_is_a_file_is_no_store() {
    let place = Place::new();
    place.file("store", "precious");
    every_command_fails(&place, &["is not a store"]);
    assert_eq!(fs::read(place.store()).unwrap(), b"precious");
}

#[test]
fn a_directory_of_other_things_is_no_store() {
    let place = Place::new();
    fs::create_dir(place.store()).unwrap();
    fs::write(place.store().join("letter.txt"), "precious").unwrap();
    every_command_fails(&place, &["is not a store"]);
    assert_eq!(fs::read_dir(place.store()).unwrap().count(), 1);
}

#[test]
fn one_writer_at_a_time_and_readers_beside_it() {
    let place = Place::new();
    let mut writer = place.start("append", &[]);
    writer.write(&line("s", "T", "1"));
    writer.line();
    place
        .import(&["-"], line("s", "T", "2"))
        .fails(1, &["another writer holds"]);
    place
        .run_with("append", &[], line("s", "T", "2"))
        .fails(1, &["another writer holds"]);
    assert_eq!(place.events().len(), 1);
    place.run("read", &["s"]).succeeds();
    place.run("stat", &[]).succeeds();
    place.run("verify", &[]).succeeds();
    writer.write(&line("s", "T", "3"));
    assert_eq!(writer.line(), r#"{"first":2,"last":2}"#);
    writer.end().succeeds();
    place.import(&["-"], line("s", "T", "4")).succeeds();
}

#[test]
fn a_byte_that_changed_is_a_fault_with_its_place() {
    let place = many_segments();
    let segment = &segments(&place)[2];
    let mut bytes = fs::read(segment).unwrap();
    let at = bytes.windows(6).position(|six| six == b"player").unwrap();
    bytes[at] ^= 1;
    fs::write(segment, &bytes).unwrap();
    let ran = place.run("verify", &[]).fails(1, &[" fault"]);
    let name = segment.file_name().unwrap().to_str().unwrap();
    assert!(
        ran.stdout.contains(&format!("{name}: byte ")),
        "{}",
        ran.stdout
    );

    // Reading stops there, and says so, too.
    let export = place
        .run("export", &[])
        .fails(1, &[name, "corrupt at byte"]);
    assert!(export.stdout.lines().count() > 100, "{export:?}");
    // Mended, it is as it was.
    bytes[at] ^= 1;
    fs::write(segment, &bytes).unwrap();
    place.run("verify", &[]).succeeds();
    assert_eq!(place.events().len(), 6_769);
}

#[test]
fn a_segment_that_is_missing_in_the_middle_is_a_fault() {
    let place = many_segments();
    let segment = &segments(&place)[2];
    let aside = place.path("aside");
    fs::rename(segment, &aside).unwrap();
    let name = segment.file_name().unwrap().to_str().unwrap().to_owned();
    let verified = place.run("verify", &[]);
    assert_eq!(verified.status, 1);
    let said = verified.stdout + &verified.stderr;
    assert!(said.contains(&name), "{said}");
    place.run("export", &[]).fails(1, &[&name]);
    place.import(&["-"], line("s", "T", "1")).fails(1, &[&name]);
    fs::rename(&aside, segment).unwrap();
    assert_eq!(place.events().len(), 6_769);
}

#[test]
fn index_files_may_be_thrown_away() {
    let place = many_segments();
    let export = place.export(&["--stream", "player/ruthba01"]);
    let mut removed = 0;
    for entry in fs::read_dir(place.store()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "idx") {
            fs::remove_file(path).unwrap();
            removed += 1;
        }
    }
    assert!(removed > 0);
    assert!(place.export(&["--stream", "player/ruthba01"]) == export);
    place.run("verify", &[]).succeeds();
    place
        .import(&["-"], line("player/ruthba01", "T", "1"))
        .succeeds();
    assert_eq!(place.events().pop().unwrap()["version"], 41);
}

/// A full disk, as far as one can be had without being root: the process may
/// not make files larger than this.
#[cfg(unix)]
#[test]
fn a_full_disk_refuses_and_breaks_nothing() {
    let place = Place::with(&line("s", "T", "1"));
    let data = format!("\"{}\"", "x".repeat(4_000_000));
    // What stands after it would find room, and must not get in before it.
    let lines = line("s", "T", &data) + &line("s", "T", "2");
    let file = place.file("large", lines);
    let output = std::process::Command::new("sh")
        .arg("-c")
        .arg("trap '' XFSZ; ulimit -f 1000; exec \"$0\" import \"$1\" \"$2\" --segment-size 64KiB")
        .arg(annals().get_program())
        .arg(place.store())
        .arg(&file)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("no room for"), "{said}");
    assert!(said.contains("large: line 1: "), "{said}");
    assert!(said.contains("nothing was written"), "{said}");
    assert_eq!(place.events().len(), 1);
    place.run("verify", &[]).succeeds();
    place.import(&[&file], "").succeeds();
    assert_eq!(place.events().len(), 3);
}

/// Not as root, whom no permission stops.
#[cfg(unix)]
#[test]
fn a_directory_that_may_not_be_written_says_so() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::with(&line("s", "T", "1"));
    let allow =
        |mode| fs::set_permissions(place.store(), fs::Permissions::from_mode(mode)).unwrap();
    allow(0o555);
    if fs::write(place.store().join("probe"), "").is_ok() {
        fs::remove_file(place.store().join("probe")).unwrap();
        allow(0o755);
        println!("skipped: this user may write anywhere");
        return;
    }
    assert_eq!(place.events().len(), 1);
    let ran = place.import(&["-"], line("s", "T", "2"));
    allow(0o755);
    ran.fails(1, &["denied"]);
    assert_eq!(place.events().len(), 1);
}

#[test]
fn a_store_of_a_newer_format_says_so() {
    let place = Place::with(&line("s", "T", "1"));
    let identity = place.store().join("store");
    let kept = fs::read(&identity).unwrap();
    let mut newer = kept.clone();
    newer[8] += 1;
    let body = newer.len() - 4;
    let checksum = crc32fast::hash(&newer[..body]).to_le_bytes();
    newer[body..].copy_from_slice(&checksum);
    fs::write(&identity, &newer).unwrap();
    every_command_fails(&place, &["this version of annals does not know"]);
    assert_eq!(fs::read(&identity).unwrap(), newer);
    fs::write(&identity, &kept).unwrap();
    assert_eq!(place.events().len(), 1);
}
