//! `annals import --restore`: the same store again.

use crate::support::{Place, SAMPLE, line};

/// Appends of one and of several events, with everything that events have, on
/// two days' imports.
fn original() -> Place {
    let place = Place::with(concat!(
        r#"[{"stream":"a","type":"T","data":{"n": 1.0e5},"tags":["x","y"],"schema":2},{"stream":"b","type":"T","data64":"AP8="},{"stream":"a","type":"U","data":null,"metadata64":"ew=="}]"#,
        "\n",
        r#"{"stream":"\u001b é","type":"T","data":"\ud83d\ude00","time":"1820-04-17T00:00:00.000000001Z"}"#,
        "\n",
    ));
    std::thread::sleep(std::time::Duration::from_millis(5));
    place
        .import(&["-"], line("b", "T", r#"{"a":1,"a":2}"#))
        .succeeds();
    place.import(&[SAMPLE], "").succeeds();
    place
}

#[test]
fn the_export_of_a_restored_store_is_the_same_text() {
    let original = original();
    for flags in [&["--appends"][..], &[]] {
        let export = original.export(flags);
        let copy = Place::new();
        copy.import(&["-", "--restore", "--segment-size", "64KiB"], &export)
            .succeeds();
        assert!(copy.export(flags) == export, "{flags:?}");
        copy.run("verify", &[]).succeeds();
    }
}

#[test]
fn boundaries_of_appends_are_kept() {
    let original = original();
    let export = original.export(&["--appends"]);
    assert_eq!(
        export
            .lines()
            .next()
            .unwrap()
            .matches("\"position\"")
            .count(),
        3
    );
    let copy = Place::new();
    copy.import(&["-", "--restore"], &export).succeeds();
    assert!(copy.export(&["--appends"]) == export);
}

#[test]
fn a_restored_store_takes_more() {
    let original = original();
    let copy = Place::new();
    copy.import(&["-", "--restore"], original.export(&[]))
        .succeeds();
    copy.import(&["-"], line("b", "T", "1")).succeeds();
    let last = copy.events().pop().unwrap();
    assert_eq!(last["version"], 3);
}

#[test]
fn a_store_that_has_events_is_not_restored_into() {
    let place = Place::with(&line("s", "T", "1"));
    let export = place.export(&[]);
    place
        .import(&["-", "--restore"], &export)
        .fails(1, &["a restore wants an empty store"]);
    assert_eq!(place.export(&[]), export);
}

#[test]
fn claims_that_do_not_hold_are_refused() {
    let original = Place::with(
        &[
            line("a", "T", "1"),
            line("b", "T", "2"),
            line("a", "T", "3"),
        ]
        .concat(),
    );
    let export = original.export(&[]);
    let refused = |text: String, line: u32, said: &str| {
        let place = Place::new();
        let place_said = format!("stdin: line {line}: ");
        place
            .import(&["-", "--restore"], &text)
            .fails(1, &[&place_said, said]);
        assert_eq!(place.events().len(), line as usize - 1, "{said}");
    };
    let third = original.export(&["--stream", "a"]);
    refused(
        third,
        2,
        "`position` is 3, but the event comes to stand at 2",
    );
    let version = export.replace(r#""stream":"b","version":1"#, r#""stream":"b","version":2"#);
    refused(
        version,
        2,
        "`version` is 2, but the event becomes version 1 of \"b\"",
    );
    let lines: Vec<&str> = export.lines().collect();
    let missing = format!("{}\n{}", lines[0], line("b", "T", "2"));
    refused(
        missing,
        2,
        "missing field `recorded`, which a restore needs",
    );
    let (before, after) = lines[1].split_once(r#""recorded":""#).unwrap();
    let (_, after) = after.split_once('"').unwrap();
    let earlier = format!(
        "{}\n{before}\"recorded\":\"1999-01-01T00:00:00Z\"{after}",
        lines[0]
    );
    refused(earlier, 2, "is earlier than that of the event before it");
    let finer = format!(
        "{}\n{before}\"recorded\":\"2999-01-01T00:00:00.0000001Z\"{after}",
        lines[0]
    );
    refused(finer, 2, "finer than a microsecond");
}
