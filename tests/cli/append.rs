//! `annals append`: one durable append a line, acknowledged in order.

use crate::support::{Place, annals, line};
use std::io::Write;
use std::process::Stdio;

#[test]
fn each_line_is_acknowledged_while_stdin_stays_open() {
    let place = Place::new();
    let mut running = place.start("append", &[]);
    for position in 1..=3 {
        running.write(&line("s", "T", "1"));
        let acknowledged = format!(r#"{{"first":{position},"last":{position}}}"#);
        assert_eq!(running.line(), acknowledged);
        // Whoever reads now sees it.
        assert_eq!(place.events().len(), position);
    }
    running.write(r#"[{"stream":"s","type":"T","data":1},{"stream":"t","type":"T","data":1}]"#);
    running.write("\n");
    assert_eq!(running.line(), r#"{"first":4,"last":5}"#);
    let ran = running.end().succeeds();
    assert_eq!((ran.stdout, ran.stderr), (String::new(), String::new()));
}

#[test]
fn many_lines_are_acknowledged_in_order() {
    let place = Place::new();
    let lines = line("s", "T", "1").repeat(5_000);
    let ran = place.run_with("append", &[], lines).succeeds();
    let expected: String = (1..=5_000)
        .map(|position| format!("{{\"first\":{position},\"last\":{position}}}\n"))
        .collect();
    assert!(ran.stdout == expected);
    assert_eq!(place.events().len(), 5_000);
}

#[test]
fn a_bad_line_stops_it_once_what_came_before_is_acknowledged() {
    for (bad, said) in [
        ("{", "EOF while parsing"),
        (&*line("s", "", "1"), "the name of the event type is empty"),
        (
            &line("s", "T", &format!("\"{}\"", "x".repeat(17 << 20))),
            "the event is ",
        ),
    ] {
        let place = Place::new();
        let mut text = line("s", "T", "1").repeat(100);
        text.push_str(bad.trim());
        text.push('\n');
        text.push_str(&line("s", "T", "never").repeat(2_000));
        let ran = place
            .run_with("append", &[], text)
            .fails(1, &["stdin: line 101: ", said]);
        assert_eq!(ran.stdout.lines().count(), 100);
        assert_eq!(
            ran.stdout.lines().last(),
            Some(r#"{"first":100,"last":100}"#)
        );
        assert_eq!(place.events().len(), 100);
    }
}

#[test]
fn a_bad_line_stops_it_while_stdin_stays_open() {
    let place = Place::new();
    let mut running = place.start("append", &[]);
    running.write(&line("s", "T", "1"));
    running.write("nonsense\n");
    let ran = running.wait().fails(1, &["stdin: line 2: "]);
    assert_eq!(ran.stdout, "{\"first\":1,\"last\":1}\n");
}

#[test]
fn a_last_line_without_its_end_counts() {
    let place = Place::new();
    let ran = place
        .run_with("append", &[], line("s", "T", "1").trim())
        .succeeds();
    assert_eq!(ran.stdout, "{\"first\":1,\"last\":1}\n");
}

#[test]
fn nothing_is_acknowledged_of_nothing() {
    let place = Place::new();
    assert_eq!(place.run("append", &[]).succeeds().stdout, "");
    place.run("verify", &[]).succeeds();
}

#[test]
fn a_closed_pipe_is_no_error_and_loses_nothing() {
    let place = Place::new();
    let mut child = annals()
        .arg("append")
        .arg(place.store())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(line("s", "T", "1").as_bytes()).unwrap();
    // It ends by itself, though stdin is still open.
    let output = child.wait_with_output().unwrap();
    drop(stdin);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    assert_eq!(place.events().len(), 1);
}

#[test]
fn a_repeat_is_acknowledged_as_one() {
    let place = Place::new();
    let line = |data| {
        let id = "00000000-0000-4000-8000-000000000001";
        format!("{{\"stream\":\"s\",\"type\":\"T\",\"data\":{data},\"id\":\"{id}\"}}\n")
    };
    let args = ["--unique-ids"];
    let ran = place
        .run_with("append", &args, line(1).repeat(3))
        .succeeds();
    let repeat = "{\"first\":1,\"last\":1,\"repeat\":true}\n";
    let first = "{\"first\":1,\"last\":1}\n";
    assert_eq!(ran.stdout, format!("{first}{repeat}{repeat}"));
    let ran = place.run_with("append", &args, line(1) + &line(2));
    let ran = ran.fails(1, &["stdin: line 2: ", "give new events ids of their own"]);
    assert_eq!(ran.stdout, repeat);
    assert_eq!(place.events().len(), 1);
}
