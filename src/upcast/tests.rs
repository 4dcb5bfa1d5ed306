use super::*;
use crate::error::{ErrorKind, Result};
use crate::typed::Schema;
use crate::types::{Event, EventRef, Position, Timestamp, Version};
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Today {
    A { n: u32 },
    B(String),
}

fn read(upcasters: Upcasters, event: &Event) -> Result<Vec<Today>> {
    let recorded = EventRef::recording(
        event,
        "s",
        Version::new(1),
        Position::new(1),
        Timestamp::UNIX_EPOCH,
    );
    Schema::upcasting(upcasters)?.decode(&recorded.to_owned())
}

fn problems(upcasters: Upcasters) -> Vec<String> {
    match Schema::<Today>::upcasting(upcasters) {
        Ok(_) => Vec::new(),
        Err(error) => match error.kind() {
            ErrorKind::InvalidUpcasters { problems } => problems.clone(),
            other => panic!("{other:?}"),
        },
    }
}

/// Three generations: `Old` was renamed to A, A counted from one, A was text.
fn three() -> Upcasters {
    Upcasters::new()
        .rename(("Old", 1), ("A", 1))
        .change("A", 1, |old: String| json!({ "m": old }))
        .try_change("A", 2, |mut old: Value| {
            let number: u32 = old["m"].as_str().unwrap_or_default().parse()?;
            old["n"] = json!(number + 1);
            Ok::<_, std::num::ParseIntError>(old)
        })
}

#[test]
fn steps_chain_and_keep_order() {
    for (name, schema, data) in [
        ("Old", 1, r#""6""#),
        ("A", 1, r#""6""#),
        ("A", 2, r#"{"m":"6"}"#),
        ("A", 3, r#"{"n":7}"#),
    ] {
        let event = Event::new(name, data).with_schema(schema);
        assert_eq!(read(three(), &event).unwrap(), [Today::A { n: 7 }]);
    }
    let schema = Schema::<Today>::upcasting(three()).unwrap();
    assert_eq!(schema.encode(&Today::A { n: 1 }).unwrap().schema(), 3);
    assert_eq!(schema.encode(&Today::B(String::new())).unwrap().schema(), 1);
    assert_eq!(schema.newest("Old"), Some(1));
    assert!(schema.upcasts("A", 2) && !schema.upcasts("A", 3));
}

#[test]
fn bad_old_data_names_the_event_as_it_is_stored() {
    let event = Event::new("Old", r#""six""#);
    let said = read(three(), &event).unwrap_err().to_string();
    assert!(
        said.contains(r#"a "Old" of schema 1: invalid digit"#),
        "{said}"
    );
}

#[test]
fn one_event_becomes_several_or_none() {
    let upcasters = || {
        three()
            .split(
                ("Both", 1),
                [("B", 1), ("A", 2)],
                |(a, b): (u32, String), parts| {
                    parts.push("B", &b);
                    parts.push("A", &json!({ "m": a.to_string() }));
                    parts.push("B", "again");
                },
            )
            .drop("Noise", 1)
            .drop("Noise", 2)
    };
    let both = Event::new("Both", r#"[4,"b"]"#);
    let expected = [
        Today::B("b".into()),
        Today::A { n: 5 },
        Today::B("again".into()),
    ];
    assert_eq!(read(upcasters(), &both).unwrap(), expected);
    let noise = Event::new("Noise", "not even JSON").with_schema(2);
    assert_eq!(read(upcasters(), &noise).unwrap(), []);
    let unlisted = Upcasters::new().split(("Both", 1), [("B", 1)], |(): (), parts| {
        parts.push("A", &1);
    });
    let said = read(unlisted, &Event::new("Both", "null")).unwrap_err();
    assert!(said.to_string().contains("had not listed"), "{said}");
}

#[test]
fn gaps_are_found() {
    let keep = |schemas: &[u32]| {
        schemas
            .iter()
            .fold(Upcasters::new(), |all, schema| all.keep("A", *schema))
    };
    assert_eq!(problems(keep(&[1, 2, 3])), Vec::<String>::new());
    assert_eq!(
        problems(keep(&[1, 3])),
        [r#""A" has schemas up to 4, but no upcaster from schema 2"#]
    );
    assert_eq!(
        problems(keep(&[4_000_000_000])),
        [r#""A" has schemas up to 4000000001, but no upcaster from schemas 1 to 3999999999"#]
    );
    assert_eq!(
        problems(keep(&[3]).since("A", 3)),
        Vec::<String>::new(),
        "nothing is missing below the first schema"
    );
    assert_eq!(
        problems(Upcasters::new().rename(("Old", 1), ("A", 2))),
        [r#""A" has schemas up to 2, but no upcaster from schema 1"#]
    );
}

#[test]
fn ends_that_lead_nowhere_are_found() {
    let nowhere = Upcasters::new().rename(("Old", 1), ("C", 1));
    assert!(problems(nowhere)[0].contains(r#"lead to "C" of schema 1"#));
    let away = Upcasters::new().rename(("A", 1), ("B", 1));
    assert!(problems(away)[0].contains(r#""A" is a variant"#));
    let twice = three().keep("A", 1);
    assert_eq!(problems(twice), [r#""A" of schema 1 has two upcasters"#]);
}

#[test]
fn circles_are_found_once() {
    let circle = Upcasters::new()
        .rename(("X", 1), ("Y", 1))
        .rename(("Y", 1), ("Z", 1))
        .rename(("Z", 1), ("X", 1))
        .rename(("In", 1), ("Y", 1));
    let found: Vec<_> = problems(circle);
    assert_eq!(
        found,
        [r#"upcasters run in a circle: "Y" 1 to "Z" 1 to "X" 1 to "Y" 1"#]
    );
}

#[derive(Clone, Debug)]
struct RandomStep {
    from: (usize, u32),
    to: Vec<(usize, u32)>,
}

const NAMES: [&str; 4] = ["A", "B", "C", "D"];

fn random_steps() -> impl Strategy<Value = Vec<RandomStep>> {
    let kind = || (0..NAMES.len(), 1u32..4);
    let step = (kind(), proptest::collection::vec(kind(), 0..3))
        .prop_map(|(from, to)| RandomStep { from, to });
    proptest::collection::vec(step, 0..6)
}

proptest! {
    /// What the check lets pass ends for every kind up to the newest, and ends
    /// in kinds that the enum has.
    #[test]
    fn checked_upcasters_lead_to_today(steps in random_steps()) {
        let kind = |(name, schema): (usize, u32)| (NAMES[name], schema);
        let mut upcasters = Upcasters::new();
        for step in &steps {
            let to: Vec<_> = step.to.iter().map(|to| kind(*to)).collect();
            let made = to.clone();
            upcasters = upcasters.split(kind(step.from), to, move |_: Value, parts| {
                for (name, _) in &made {
                    parts.push(name, &Value::Null);
                }
            });
        }
        let Ok(newest) = upcasters.check(&["A", "B"]) else {
            return Ok(());
        };
        for (name, last) in &newest {
            for schema in 1..=*last {
                let mut each = |name: &str, schema: u32, _: &[u8]| {
                    assert!(["A", "B"].contains(&name));
                    assert_eq!(schema, newest[name]);
                    Ok::<(), CodecError>(())
                };
                upcasters.upcast(name, schema, b"null", &mut each).unwrap();
            }
        }
    }
}
