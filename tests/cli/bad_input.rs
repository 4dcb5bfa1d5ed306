//! Lines that can't be recorded: where, why, and that nothing else is lost.

use crate::support::{Place, line, run};

/// Imports a good line, a bad one and a good one.
#[track_caller]
fn refused(bad: impl AsRef<[u8]>, said: &[&str]) {
    let place = Place::new();
    let mut text = line("s", "T", "1").into_bytes();
    text.extend(bad.as_ref());
    text.extend(b"\n");
    text.extend(line("s", "T", "3").bytes());
    let file = place.file("in.jsonl", text);
    let ran = place.import(&[&file], "").fails(1, said);
    assert!(ran.stderr.contains("in.jsonl: line 2: "), "{}", ran.stderr);
    assert!(
        ran.stderr
            .contains("imported 1 event in 1 append, which are kept"),
        "{}",
        ran.stderr
    );
    // What came before is kept, and the store is as good as ever.
    assert_eq!(place.events().len(), 1);
    place.import(&["-"], line("s", "T", "2")).succeeds();
    assert_eq!(place.events()[1]["version"], 2);
    place.run("verify", &[]).succeeds();
}

#[test]
fn a_line_that_is_no_event_says_where_and_why() {
    refused("{", &["EOF while parsing"]);
    refused("nonsense", &["neither a JSON object nor an array of them"]);
    refused(
        r#"{"stream":"s","type":"T","data":1}{}"#,
        &["trailing characters", "column 35"],
    );
    refused(r#"{"type":"T","data":1}"#, &["missing field `stream`"]);
    refused(r#"{"stream":"s","type":"T"}"#, &["missing field `data`"]);
    refused(
        r#"{"stream":"s","type":"T","data":1,"tag":["x"]}"#,
        &["unknown field `tag`"],
    );
    refused(
        b"{\"stream\":\"s\",\"type\":\"T\",\"data\":\"\xff\"}",
        &["invalid UTF-8 at column 34"],
    );
    refused("[]", &["an array without events"]);
}

#[test]
fn a_name_is_neither_empty_nor_too_long() {
    let long = "x".repeat(1025);
    refused(
        line("", "T", "1").trim(),
        &["the name of the stream is empty"],
    );
    refused(
        line("s", "", "1").trim(),
        &["the name of the event type is empty"],
    );
    refused(
        line(&long, "T", "1").trim(),
        &["stream is 1025 bytes long; the limit is 1024"],
    );
    refused(
        line("s", &long, "1").trim(),
        &["event type is 1025 bytes long"],
    );
    refused(
        r#"{"stream":"s","type":"T","data":1,"tags":[""]}"#,
        &["the name of the tag is empty"],
    );
}

#[test]
fn a_time_is_rfc_3339_in_range() {
    let with = |time: &str| format!(r#"{{"stream":"s","type":"T","time":{time},"data":1}}"#);
    refused(with(r#""yesterday""#), &["yesterday", "RFC 3339"]);
    refused(with(r#""2024-02-30T00:00:00Z""#), &["2024-02-30T00:00:00Z"]);
    refused(
        with(r#""0000-01-01T00:00:00+01:00""#),
        &["outside the years 0000 to 9999"],
    );
    refused(with("7"), &["invalid type"]);
}

#[test]
fn a_part_of_an_append_is_never_recorded() {
    refused(
        r#"[{"stream":"s","type":"T","data":1},{"stream":"s","type":"","data":1}]"#,
        &["event type is empty"],
    );
    refused(
        r#"[{"stream":"s","type":"T","data":1},{"stream":"s","type":"T","data":1,"id":"x"}]"#,
        &["event 2 of the array: `id` is no UUID"],
    );
}

#[test]
fn an_event_has_a_largest_size() {
    let data = format!("\"{}\"", "x".repeat(17 << 20));
    refused(
        line("s", "T", &data).trim(),
        &["the event is 178", "the limit of this store is 16777216"],
    );
}

#[test]
fn an_append_has_a_largest_size() {
    let data = format!("\"{}\"", "x".repeat(15 << 20));
    let event = line("s", "T", &data);
    let append = format!("[{}]", [event.trim(); 5].join(","));
    refused(
        append,
        &["the append is ", "the limit of this store is 67108864"],
    );
}

#[test]
fn a_file_that_is_not_there_is_found_out_before_anything_is_made() {
    let place = Place::new();
    let good = place.file("good", line("s", "T", "1"));
    let missing = place.path("missing");
    place
        .import(&[&good, missing.to_str().unwrap()], "")
        .fails(1, &["missing: ", "cannot open"]);
    assert!(!place.store().exists());
}

#[test]
fn a_gzip_file_that_is_cut_off_is_a_fault() {
    let place = Place::new();
    let bytes = std::fs::read(crate::support::SAMPLE).unwrap();
    let file = place.file("cut.gz", &bytes[..bytes.len() / 2]);
    place
        .import(&[&file], "")
        .fails(1, &["cut.gz after line ", "which are kept"]);
    assert!(place.events().len() > 100);
}

#[test]
fn what_is_said_about_bad_input_is_safe_to_look_at() {
    let place = Place::new();
    let ran = place.import(
        &["-"],
        line("s", "T", "1").replace("data", "\u{9b}2J\\u001b"),
    );
    let raw = ran.stderr.chars().filter(|c| c.is_control() && *c != '\n');
    assert_eq!(raw.count(), 0, "{}", ran.stderr);
    ran.fails(1, &["unknown field"]);
}

#[test]
fn a_wrong_command_line_is_usage() {
    for args in [
        &[][..],
        &["frobnicate"],
        &["import"],
        &["import", "store"],
        &["export"],
        &["export", "store", "--after", "x"],
        &["read", "store"],
        &["import", "store", "-", "--segment-size", "7 parsecs"],
        &["import", "store", "-", "--durability", "maybe"],
        &["stat", "store", "--nonsense"],
    ] {
        let ran = run(args, b"");
        assert_eq!(ran.status, 2, "{args:?}: {}", ran.stderr);
        assert_eq!(ran.stdout, "");
    }
    for args in [&["--help"][..], &["import", "--help"], &["--version"]] {
        let ran = run(args, b"").succeeds();
        assert!(ran.stdout.contains("annals") && ran.stderr.is_empty());
    }
}
