//! `annals export`: which events, in which form.

use crate::support::{Place, SAMPLE, annals, line, objects};
use std::io::Read;
use std::process::Stdio;

fn positions(text: &str) -> Vec<u64> {
    objects(text)
        .iter()
        .map(|event| event["position"].as_u64().unwrap())
        .collect()
}

fn tagged(stream: &str, event_type: &str, tags: &str) -> String {
    format!("{{\"stream\":\"{stream}\",\"type\":\"{event_type}\",\"data\":1,\"tags\":{tags}}}\n")
}

#[test]
fn filters_narrow_together() {
    let place = Place::with(
        &[
            tagged("a/1", "T", r#"["x"]"#),
            tagged("a/2", "U", r#"["x","y"]"#),
            tagged("b/1", "T", r#"["y"]"#),
            tagged("a/1", "U", r#"["y","x"]"#),
            tagged("a", "V", "[]"),
        ]
        .concat(),
    );
    for (args, expected) in [
        (&[][..], &[1, 2, 3, 4, 5][..]),
        (&["--stream", "a/1"], &[1, 4]),
        (&["--stream", "a"], &[5]),
        (&["--stream", "none"], &[]),
        (&["--category", "a"], &[1, 2, 4, 5]),
        (&["--type", "T", "--type", "V"], &[1, 3, 5]),
        (&["--tag", "x"], &[1, 2, 4]),
        (&["--tag", "x", "--tag", "y"], &[2, 4]),
        (
            &[
                "--category",
                "a",
                "--type",
                "U",
                "--tag",
                "y",
                "--stream",
                "a/1",
            ],
            &[4],
        ),
        (&["--after", "2"], &[3, 4, 5]),
        (&["--to", "2"], &[1, 2]),
        (&["--after", "1", "--to", "4", "--category", "a"], &[2, 4]),
        (&["--after", "4", "--to", "1"], &[]),
        (&["--after", "99"], &[]),
        (&["--stream", "a/1", "--from-version", "2"], &[4]),
        (&["--to-version", "1"], &[1, 2, 3, 5]),
        (&["--type", "V", "--or", "--type", "T"], &[1, 3, 5]),
        (
            &[
                "--tag", "x", "--type", "T", "--or", "--stream", "a", "--or", "--tag", "y",
                "--type", "T",
            ],
            &[1, 3, 5],
        ),
        // An alternative without words is everything.
        (&["--type", "V", "--or"], &[1, 2, 3, 4, 5]),
        (&["--category", "a", "--backward"], &[5, 4, 2, 1]),
        (&["--backward", "--limit", "2"], &[5, 4]),
        (&["--tag", "y", "--limit", "1", "--after", "2"], &[3]),
        (&["--limit", "0"], &[]),
    ] {
        assert_eq!(positions(&place.export(args)), expected, "{args:?}");
    }
}

#[test]
fn what_no_event_can_match_is_bad_usage() {
    let place = Place::with(&line("s", "T", "1"));
    for (args, said) in [
        (
            &["--stream", "a", "--stream", "b"][..],
            "--or begins another",
        ),
        (
            &[
                "--category",
                "a",
                "--or",
                "--category",
                "b",
                "--category",
                "c",
            ],
            "two --category",
        ),
        (
            &["--to-version", "1", "--to-version", "2"],
            "two --to-version",
        ),
        (&["--from-version", "x"], "invalid value"),
        (&["--limit", "x"], "limit"),
        (&["--appends", "--backward"], "cannot be used with"),
    ] {
        for command in ["export", "explain"] {
            if args[0] != "--appends" || command == "export" {
                place.run(command, args).fails(2, &[said]);
            }
        }
    }
}

#[test]
fn an_array_holds_those_of_an_append_that_match() {
    let array = |lines: &[String]| format!("[{}]\n", lines.join(",").replace('\n', ""));
    let place = Place::with(
        &[
            array(&[
                tagged("a", "T", "[]"),
                tagged("b", "T", "[]"),
                tagged("a", "U", "[]"),
            ]),
            array(&[tagged("b", "T", "[]")]),
            array(&[tagged("a", "T", "[]"), tagged("a", "U", "[]")]),
        ]
        .concat(),
    );
    let arrays = |args: &[&str]| -> Vec<Vec<u64>> {
        let mut all = vec!["--appends"];
        all.extend(args);
        objects(&place.export(&all))
            .iter()
            .map(|array| array.as_array().unwrap())
            .map(|array| {
                array
                    .iter()
                    .map(|event| event["position"].as_u64().unwrap())
                    .collect()
            })
            .collect()
    };
    assert_eq!(arrays(&[]), [vec![1, 2, 3], vec![4], vec![5, 6]]);
    assert_eq!(arrays(&["--stream", "a"]), [vec![1, 3], vec![5, 6]]);
    assert_eq!(
        arrays(&["--after", "2", "--to", "5"]),
        [vec![3], vec![4], vec![5]]
    );
    assert_eq!(arrays(&["--type", "none"]), Vec::<Vec<u64>>::new());
}

#[test]
fn bytes_that_are_no_line_of_json_are_base64() {
    let data = |text: &str| {
        let line = format!("{{\"stream\":\"s\",\"type\":\"T\",\"data64\":\"{text}\"}}");
        objects(&Place::with(&line).export(&[])).remove(0)
    };
    // "", "hi", "{\n}", " 1", and "{}", which is JSON.
    for text in ["", "aGk=", "ewp9", "IDE="] {
        let event = data(text);
        assert_eq!(event["data64"], text);
        assert!(event.get("data").is_none());
    }
    assert!(data("e30=")["data"].is_object());
}

#[test]
fn the_time_is_utc_or_null() {
    let place = Place::with(concat!(
        r#"{"stream":"s","type":"T","time":"2011-10-01T00:38:44.546+02:00","data":1}"#,
        "\n",
        r#"{"stream":"s","type":"T","time":null,"data":1}"#,
    ));
    let events = place.events();
    assert_eq!(events[0]["time"], "2011-09-30T22:38:44.546Z");
    assert!(events[1]["time"].is_null());
    assert!(events[0]["recorded"].as_str().unwrap().ends_with('Z'));
}

#[test]
fn a_closed_pipe_is_no_error() {
    let place = Place::new();
    place.import(&[SAMPLE], "").succeeds();
    for command in [
        &["export"][..],
        &["streams"],
        &["tail", "-n", "100000"],
        &["read", "player/ruthba01"],
    ] {
        let mut child = annals()
            .arg(command[0])
            .arg(place.store())
            .args(&command[1..])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = [0; 1];
        child.stdout.take().unwrap().read_exact(&mut first).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{command:?}");
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "", "{command:?}");
    }
}

#[test]
fn reading_makes_no_store() {
    let place = Place::new();
    for command in ["export", "stat", "streams", "tail", "verify"] {
        place.run(command, &[]).fails(1, &["store"]);
    }
    place.run("read", &["s"]).fails(1, &["store"]);
    assert!(!place.store().exists());
    // And what there is stays as it is, even its files.
    let place = Place::with(&line("s", "T", "1"));
    let files = |place: &Place| {
        let mut found: Vec<_> = std::fs::read_dir(place.store())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| (path.clone(), std::fs::read(path).unwrap_or_default()))
            .collect();
        found.sort();
        found
    };
    let before = files(&place);
    place.export(&[]);
    place.run("verify", &[]).succeeds();
    assert!(files(&place) == before);
}
