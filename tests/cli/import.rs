//! `annals import`: what goes in comes out.

use crate::support::{Place, SAMPLE, data_text, line, objects, unpacked};
use serde_json::Value;
use std::collections::HashMap;

/// Asserts that an export holds these lines, event by event.
fn assert_same_events(lines: &str, export: &str) {
    let mut versions: HashMap<String, u64> = HashMap::new();
    let mut count = 0;
    let mut exported = export.lines();
    for (index, given) in lines.lines().enumerate() {
        let found = exported.next().unwrap();
        assert!(found.ends_with('}') && given.ends_with('}'));
        assert_eq!(data_text(found), data_text(given));
        let given: Value = serde_json::from_str(given).unwrap();
        let found: Value = serde_json::from_str(found).unwrap();
        for key in ["stream", "type", "time"] {
            assert_eq!(found[key], given[key], "{key} of line {}", index + 1);
        }
        assert_eq!(found["position"], index as u64 + 1);
        let version = versions.entry(given["stream"].to_string()).or_default();
        *version += 1;
        assert_eq!(found["version"], *version);
        count += 1;
    }
    assert!(exported.next().is_none() && count > 0);
}

#[test]
fn a_real_log_goes_in_and_comes_out() {
    let place = Place::new();
    let said = place.import(&[SAMPLE], "").succeeds();
    assert_eq!(said.stdout, "");
    assert!(
        said.stderr.contains("imported 6,769 events"),
        "{}",
        said.stderr
    );
    assert_same_events(&unpacked(SAMPLE), &place.export(&[]));
    place.run("verify", &[]).succeeds();
}

#[test]
fn segments_may_be_small_and_durability_any() {
    for durability in ["buffered", "written", "durable"] {
        let place = Place::new();
        let lines: String =
            unpacked(SAMPLE)
                .lines()
                .take(600)
                .fold(String::new(), |mut all, line| {
                    all.push_str(line);
                    all.push('\n');
                    all
                });
        let args = ["-", "--segment-size", "64KiB", "--durability", durability];
        place.import(&args, &lines).succeeds();
        assert_same_events(&lines, &place.export(&[]));
        let stat = place.run("stat", &["--json"]).succeeds().stdout;
        assert!(
            objects(&stat)[0]["segments"].as_u64().unwrap() > 1,
            "{stat}"
        );
    }
}

#[test]
fn files_and_stdin_plain_and_packed_follow_each_other() {
    let place = Place::new();
    let plain = place.file("plain", line("a", "T", "1"));
    let packed = std::fs::read(SAMPLE).unwrap();
    place.import(&[&plain, "-", &plain], packed).succeeds();
    let events = place.events();
    assert_eq!(events.len(), 6_771);
    assert_eq!(events[6_770]["stream"], "a");
    assert_eq!(events[6_770]["version"], 2);
}

#[test]
fn json_is_kept_as_it_is_written() {
    for data in [
        "1.0e5",
        "-0.0",
        "123456789012345678901234567890.10",
        "1E400",
        r#"{"b":1,"a":2,"b":3}"#,
        r#"{ "a" :	[1,  2]}"#,
        r#""\u00e9\/\ud800\n é 😀 \u0000""#,
        "null",
        "{}",
        "\"\"",
        "\"\u{7f}\u{2028}\"",
    ] {
        let place = Place::with(&line("s", "T", data));
        assert_eq!(data_text(&place.export(&[])), data);
    }
}

#[test]
fn names_are_any_text_and_never_folded() {
    let names = [
        "é",
        "e\u{301}",
        "E",
        "e",
        " ",
        "a b/c",
        "\u{fffd}",
        "\u{1b}[1m",
        "a\nb",
        "\0",
    ];
    let lines: String = names.iter().map(|name| line(name, name, "1")).collect();
    let place = Place::with(&lines);
    for (event, name) in place.events().iter().zip(names) {
        assert_eq!(event["stream"], name);
        assert_eq!(event["type"], name);
        assert_eq!(event["version"], 1, "{name:?}");
    }
    let longest = "x".repeat(1024);
    place
        .import(&["-"], line(&longest, &longest, "1"))
        .succeeds();
    assert_eq!(place.events()[names.len()]["type"], longest);
}

#[test]
fn everything_that_an_event_has_comes_back() {
    let given = r#"{"stream":"s","type":"T","id":"00000000-0000-0000-0000-00000000000a","time":"2020-01-01T01:00:00.5+01:00","data64":"AP8=","metadata":{"by": 1.0},"tags":["b","a"],"schema":3,"correlation":"00000000-0000-0000-0000-00000000000b","causation":"00000000-0000-0000-0000-00000000000c","position":99,"version":"x","recorded":null}"#;
    let place = Place::with(given);
    let line = place.export(&[]);
    let (before, after) = line.split_once(r#","recorded":""#).unwrap();
    assert_eq!(
        before,
        r#"{"position":1,"stream":"s","version":1,"type":"T","id":"00000000-0000-0000-0000-00000000000a","time":"2020-01-01T00:00:00.500Z""#
    );
    let (_, after) = after.split_once('"').unwrap();
    assert_eq!(
        after,
        r#","data64":"AP8=","metadata":{"by": 1.0},"tags":["b","a"],"schema":3,"correlation":"00000000-0000-0000-0000-00000000000b","causation":"00000000-0000-0000-0000-00000000000c"}
"#
    );
}

#[test]
fn events_without_an_id_get_one_each() {
    let place = Place::with(&line("s", "T", "1").repeat(3));
    let ids: std::collections::HashSet<_> = place
        .events()
        .iter()
        .map(|event| event["id"].to_string())
        .collect();
    assert_eq!(ids.len(), 3);
}

#[test]
fn an_array_is_one_append_over_its_streams() {
    let place = Place::with(concat!(
        r#"[{"stream":"a","type":"1","data":1},{"stream":"b","type":"2","data":2},{"stream":"a","type":"3","data":3}]"#,
        "\n",
        r#"{"stream":"a","type":"4","data":4}"#,
    ));
    let arrays = objects(&place.export(&["--appends"]));
    let types: Vec<Vec<&str>> = arrays
        .iter()
        .map(|array| array.as_array().unwrap())
        .map(|array| {
            array
                .iter()
                .map(|event| event["type"].as_str().unwrap())
                .collect()
        })
        .collect();
    assert_eq!(types, [vec!["1", "2", "3"], vec!["4"]]);
    assert_eq!(arrays[1][0]["version"], 3);
}

#[test]
fn large_events_go_in() {
    let data = format!("\"{}\"", "x".repeat(1 << 20));
    let place = Place::new();
    let args = ["-", "--segment-size", "64KiB"];
    place
        .import(&args, line("s", "T", &data).repeat(3))
        .succeeds();
    let export = place.export(&[]);
    assert!(export.lines().all(|line| data_text(line) == data));
    assert_eq!(export.lines().count(), 3);
    place.run("verify", &[]).succeeds();
}

#[test]
fn an_import_of_nothing_makes_an_empty_store() {
    let place = Place::new();
    place.import(&["-"], "\n \n").succeeds();
    assert_eq!(place.export(&[]), "");
    place.run("verify", &[]).succeeds();
    let stat = objects(&place.run("stat", &["--json"]).succeeds().stdout);
    assert_eq!(
        (&stat[0]["events"], &stat[0]["head"]),
        (&Value::from(0), &Value::from(0))
    );
}

#[test]
fn an_import_that_is_run_again_adds_nothing_where_ids_are_unique() {
    let place = Place::new();
    place.import(&[SAMPLE], "").succeeds();
    let lines = place.export(&[]);
    let twin = Place::new();
    let half: String = lines.split_inclusive('\n').take(3_000).collect();
    let args = ["-", "--unique-ids"];
    let said = twin.import(&args, &half).succeeds().stderr;
    assert!(said.contains("imported 3,000 events in"), "{said}");
    assert!(!said.contains("recorded before"), "{said}");
    let said = twin.import(&args, &lines).succeeds().stderr;
    assert!(said.contains("imported 3,769 events in"), "{said}");
    assert!(said.contains("3,000 events had been recorded before"));
    let said = twin.import(&args, &lines).succeeds().stderr;
    assert!(said.contains("imported 0 events in 0 appends"), "{said}");
    assert!(said.contains("6,769 events had been recorded before"));
    let ids = |export: &str| -> Vec<Value> {
        let lines = export.lines().map(serde_json::from_str::<Value>);
        lines.map(|line| line.unwrap()["id"].clone()).collect()
    };
    assert_eq!(ids(&twin.export(&[])), ids(&lines));
    let said = twin.run("verify", &[]).succeeds().stdout;
    assert!(said.contains("id file"), "{said}");
    // The same id with something else.
    let first = lines.lines().next().unwrap();
    let other = first.replacen("\"stream\":\"", "\"stream\":\"other", 1);
    twin.import(&args, &other).fails(
        1,
        &["stdin: line 1: ", "is that of the event at position 1"],
    );
}
