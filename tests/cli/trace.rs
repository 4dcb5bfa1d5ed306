//! `annals trace`: causes and effects.

use crate::support::{Place, objects};

fn id(number: u32) -> String {
    format!("00000000-0000-0000-0000-{number:012}")
}

/// An event with this number as its id and in its stream's name; 0 causes
/// nothing.
fn event(number: u32, cause: u32, metadata: &str) -> String {
    let cause = match cause {
        0 => String::new(),
        cause => format!(r#","causation":"{}""#, id(cause)),
    };
    format!(
        "{{\"stream\":\"s/{number}\",\"type\":\"T{number}\",\"data\":1,\"id\":\"{}\",\
         \"time\":\"2001-01-01T00:00:00Z\",\"metadata\":{metadata}{cause}}}\n",
        id(number)
    )
}

/// 1 caused 2 and 4, 2 caused 5; 3 has nothing to do with them.
fn place() -> Place {
    let lines = [
        event(1, 0, r#"{"by":"ann","because":"she may"}"#),
        event(2, 1, "{}"),
        event(3, 0, "{}"),
        event(4, 1, r#"{"by":"\u001b[31m\n<- here"}"#),
        event(5, 2, "{}"),
    ];
    Place::with(&lines.concat())
}

#[test]
fn effects_stand_under_their_cause_whichever_event_is_asked_for() {
    let place = place();
    let trace = |number| place.run("trace", &[&id(number)]).succeeds().stdout;
    let lines = [
        "1  T1  s/1 1  2001-01-01T00:00:00Z   by ann  because she may",
        "2    T2  s/2 1  2001-01-01T00:00:00Z ",
        "5      T5  s/5 1  2001-01-01T00:00:00Z ",
        r"4    T4  s/4 1  2001-01-01T00:00:00Z   by \u001b[31m\u000a<- here",
    ];
    for (row, number) in [1, 2, 5, 4].into_iter().enumerate() {
        let mut expected = lines.map(|line| format!("{line}\n"));
        expected[row] = format!("{}  <- here\n", lines[row]);
        assert_eq!(trace(number), expected.concat());
    }
    assert!(trace(3).starts_with("3  T3  s/3 1"));
    assert_eq!(trace(3).lines().count(), 1);
}

#[test]
fn as_lines_they_are_those_of_export() {
    let place = place();
    let text = place.run("trace", &[&id(5), "--json"]).succeeds().stdout;
    let positions: Vec<_> = objects(&text)
        .iter()
        .map(|event| event["position"].as_u64().unwrap())
        .collect();
    assert_eq!(positions, [1, 2, 5, 4]);
    let exported = place.export(&[]);
    assert!(
        text.lines()
            .all(|line| exported.lines().any(|own| own == line))
    );
}

#[test]
fn a_cause_outside_of_the_store_is_named() {
    let place = Place::with(&event(7, 99, "{}"));
    let text = place.run("trace", &[&id(7)]).succeeds().stdout;
    let first = format!("caused by {}, which is no event of this store", id(99));
    assert_eq!(text.lines().next(), Some(&*first));
    assert_eq!(text.lines().count(), 2);
}

#[test]
fn what_is_not_there_is_a_fault_and_what_is_no_id_is_usage() {
    let place = place();
    let missing = id(6);
    place
        .run("trace", &[&missing])
        .fails(1, &["there is no event", &missing]);
    place.run("trace", &["six"]).fails(2, &["six", "<ID>"]);
}
