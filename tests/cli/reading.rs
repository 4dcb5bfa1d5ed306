//! `annals read`, `streams`, `stat` and `verify`.

use crate::support::{Place, SAMPLE, line, objects};

fn sample() -> Place {
    let place = Place::new();
    place.import(&[SAMPLE], "").succeeds();
    place
}

fn versions(text: &str) -> Vec<u64> {
    objects(text)
        .iter()
        .map(|event| event["version"].as_u64().unwrap())
        .collect()
}

#[test]
fn a_career_is_readable() {
    let place = sample();
    let text = place
        .run("read", &["player/ruthba01", "--limit", "2"])
        .succeeds()
        .stdout;
    assert_eq!(
        text,
        r#" 1   1895-02-06T00:00:00Z   Born
    {
      "birthYear": "1895",
      "birthMonth": "2",
      "birthDay": "6",
      "birthCountry": "USA",
      "birthState": "MD",
      "birthCity": "Baltimore",
      "nameFirst": "Babe",
      "nameLast": "Ruth",
      "nameGiven": "George Herman"
    }
 2   1914-07-11T00:00:00Z   Debuted
    {"weight": "215", "height": "74", "bats": "L", "throws": "L"}
"#
    );
    let all = place.run("read", &["player/ruthba01"]).succeeds().stdout;
    assert!(
        all.contains("\n40   1948-08-16T00:00:00Z   Died\n"),
        "{all}"
    );
}

#[test]
fn a_stream_is_read_from_a_version_in_either_direction() {
    let place = Place::with(&line("s", "T", "1").repeat(5));
    let read = |args: &[&str]| {
        let mut all = vec!["s", "--json"];
        all.extend(args);
        versions(&place.run("read", &all).succeeds().stdout)
    };
    assert_eq!(read(&[]), [1, 2, 3, 4, 5]);
    assert_eq!(read(&["--from", "3"]), [3, 4, 5]);
    assert_eq!(read(&["--limit", "2"]), [1, 2]);
    assert_eq!(read(&["--backward"]), [5, 4, 3, 2, 1]);
    assert_eq!(read(&["--backward", "--from", "3"]), [3, 2, 1]);
    assert_eq!(read(&["--backward", "--limit", "2"]), [5, 4]);
    assert_eq!(read(&["--from", "9"]), [0; 0]);
    assert_eq!(read(&["--limit", "0"]), [0; 0]);
    let exported = place.export(&["--stream", "s"]);
    assert_eq!(
        place.run("read", &["s", "--json"]).succeeds().stdout,
        exported
    );
}

#[test]
fn a_stream_that_is_not_there_is_a_fault() {
    let place = Place::with(&line("s", "T", "1"));
    for args in [&["S"][..], &["S", "--json"]] {
        let ran = place.run("read", args).fails(1, &["has no stream \"S\""]);
        assert_eq!(ran.stdout, "");
    }
}

#[test]
fn what_is_shown_to_people_is_safe_on_a_terminal() {
    let bad = "\u{1b}]0;x\u{7}\u{9b}2J\u{202e}\r";
    let place = Place::with(&line(bad, bad, "\"\u{7f}\u{9b}2J\""));
    for (command, args) in [("read", &[bad][..]), ("streams", &[]), ("tail", &[])] {
        let text = place.run(command, args).succeeds().stdout;
        assert!(
            text.contains("\\u001b]0;x\\u0007\\u009b2J\\u202e\\u000d"),
            "{text}"
        );
        assert!(
            !text.chars().any(|c| c.is_control() && c != '\n'),
            "{text:?}"
        );
    }
}

#[test]
fn streams_are_listed_as_they_began() {
    let place = Place::with(concat!(
        r#"{"stream":"b/1","type":"T","data":1,"time":"2001-01-01T00:00:00Z"}"#,
        "\n",
        r#"{"stream":"a","type":"T","data":1}"#,
        "\n",
        r#"{"stream":"b/1","type":"T","data":1,"time":"2002-01-01T00:00:00Z"}"#,
        "\n",
    ));
    let listed = objects(&place.run("streams", &["--json"]).succeeds().stdout);
    assert_eq!(listed.len(), 2);
    assert_eq!(listed[0]["stream"], "b/1");
    assert_eq!(listed[0]["version"], 2);
    assert_eq!(listed[0]["first_time"], "2001-01-01T00:00:00Z");
    assert_eq!(listed[0]["last_time"], "2002-01-01T00:00:00Z");
    assert_eq!(listed[1]["stream"], "a");
    assert!(listed[1]["first_time"].is_null());
    assert_eq!(listed[1]["first_recorded"], place.events()[1]["recorded"]);
    let text = place.run("streams", &["--category", "b"]).succeeds().stdout;
    let rows: Vec<_> = text.lines().collect();
    assert_eq!(rows.len(), 2);
    assert_eq!(
        rows[1],
        "       2   2001-01-01T00:00:00Z    2002-01-01T00:00:00Z   b/1"
    );
    let none = place
        .run("streams", &["--category", "c", "--json"])
        .succeeds();
    assert_eq!(none.stdout, "");
}

#[test]
fn every_stream_of_the_sample_is_listed() {
    let place = sample();
    let listed = objects(
        &place
            .run("streams", &["--json", "--category", "player"])
            .succeeds()
            .stdout,
    );
    assert_eq!(listed.len(), 256);
    let events: u64 = listed
        .iter()
        .map(|stream| stream["version"].as_u64().unwrap())
        .sum();
    assert_eq!(events, 6_769);
}

#[test]
fn stat_says_how_much_there_is() {
    let place = sample();
    let stat = objects(&place.run("stat", &["--json"]).succeeds().stdout).remove(0);
    for (key, value) in [
        ("events", 6_769),
        ("streams", 256),
        ("types", 8),
        ("head", 6_769),
    ] {
        assert_eq!(stat[key], value, "{key}");
    }
    let bytes = stat["log_bytes"].as_u64().unwrap() + stat["index_bytes"].as_u64().unwrap();
    assert!(bytes > 600_000);
    let per_event = stat["bytes_per_event"].as_f64().unwrap();
    assert!((per_event - bytes as f64 / 6_769.0).abs() < 0.1);
    let events = place.events();
    assert_eq!(stat["first_recorded"], events[0]["recorded"]);
    assert_eq!(stat["last_recorded"], events[6_768]["recorded"]);
    let text = place.run("stat", &[]).succeeds().stdout;
    assert!(
        text.contains("events    6,769\nstreams   256\ntypes     8\n"),
        "{text}"
    );
}

#[test]
fn verify_says_what_it_read() {
    let place = sample();
    let text = place.run("verify", &[]).succeeds().stdout;
    assert!(
        text.starts_with("read 6,769 events of 256 streams in "),
        "{text}"
    );
    assert!(text.ends_with(": all as it was written\n"), "{text}");
}
