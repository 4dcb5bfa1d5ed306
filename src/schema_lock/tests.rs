use super::*;
use crate::upcast::Upcasters;
use serde::Deserialize;
use std::collections::HashMap;
use std::num::NonZeroU8;

#[derive(Serialize, Deserialize)]
enum Rich {
    Unit,
    Newtype(Option<u8>),
    Tuple(String, Vec<i64>),
    #[serde(rename = "all of it")]
    Struct {
        id: uuid::Uuid,
        count: NonZeroU8,
        map: HashMap<String, [f32; 2]>,
        color: Color,
        tree: Tree,
        expression: Box<Expression>,
        any: serde_json::Value,
        wrapped: Wrapped,
        #[serde(default)]
        left_out: (),
    },
}

#[derive(Serialize, Deserialize)]
struct Wrapped(u128);

#[derive(Serialize, Deserialize)]
enum Color {
    Red,
    Mixed { with: Vec<Shade>, of: Shade },
}

#[derive(Serialize, Deserialize)]
enum Shade {
    Light,
    Dark(bool),
}

#[derive(Serialize, Deserialize)]
struct Tree {
    children: Vec<Tree>,
    parent: Option<Box<Tree>>,
    end: char,
}

#[derive(Serialize, Deserialize)]
enum Expression {
    Sum(Box<Expression>, Box<Expression>),
    Not(Box<Expression>),
    Number(f64),
}

fn shape<E: DeserializeOwned>(variant: &str) -> Result<String, String> {
    explore::shape_of::<E>(variant, &[])
}

#[test]
fn every_kind_of_data_is_found() {
    assert_eq!(shape::<Rich>("Unit").unwrap(), "nothing");
    assert_eq!(shape::<Rich>("Newtype").unwrap(), "optional u8");
    assert_eq!(shape::<Rich>("Tuple").unwrap(), "(text, list of i64)");
    assert_eq!(
        shape::<Rich>("all of it").unwrap(),
        "{ id: text, count: u8, map: map of text to (f32, f32), \
         color: one of < Red: nothing, Mixed: \
         { with: list of one of < Light: nothing, Dark: bool >, \
         of: one of < Light: nothing, Dark: bool > } >, \
         tree: { children: list of the same again, parent: optional the same again, end: char }, \
         expression: one of < Sum: (the same again, the same again), Not: (the same again), \
         Number: f64 >, \
         any: anything, wrapped: u128, left_out: nothing }"
            .replace("Not: (the same again)", "Not: the same again")
    );
}

#[derive(Serialize, Deserialize)]
enum Picky {
    Mailed {
        to: Address,
    },
    Flat {
        #[serde(flatten)]
        inside: Inside,
    },
}

#[derive(Serialize, Deserialize)]
struct Inside {
    n: u8,
}

#[derive(Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[derive(Clone)]
struct Address(String);

impl TryFrom<String> for Address {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        if text.ends_with("@annals.test") {
            Ok(Address(text))
        } else {
            Err("not one of ours")
        }
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.0
    }
}

#[test]
fn what_is_picky_wants_a_text_or_a_sample() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("picky.lock");
    let lock = || SchemaLock::new(&path, Schema::<Picky>::new());
    let said = lock().check().unwrap_err().to_string();
    assert!(
        said.contains("the shape of Mailed can't be found"),
        "{said}"
    );
    assert!(said.contains("the shape of Flat can't be found"), "{said}");
    assert!(!path.exists());
    let flat = Picky::Flat {
        inside: Inside { n: 1 },
    };
    let lock = lock().text("a@annals.test").sample(&flat);
    assert!(lock.check().unwrap_err().to_string().contains("added"));
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("\"Flat\" 1 { n: integer }\n"), "{text}");
    assert!(text.contains("\"Mailed\" 1 { to: text }\n"), "{text}");
    lock.check().unwrap();
}

#[derive(Serialize, Deserialize)]
enum First {
    Placed { total: u32 },
    Paid,
}

#[derive(Serialize, Deserialize)]
enum Second {
    Placed { total: u64 },
    Paid,
}

#[derive(Serialize, Deserialize)]
enum Third {
    Placed { total: u64 },
}

#[test]
fn a_changed_shape_wants_a_new_version_and_a_lost_type_an_upcaster() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("orders.lock");
    let said = |outcome: Result<(), SchemaLockError>| outcome.unwrap_err().to_string();
    let first = SchemaLock::new(&path, Schema::<First>::new());
    assert!(said(first.check()).contains("\"Paid\" 1, \"Placed\" 1"));
    first.check().unwrap();

    let changed = said(SchemaLock::new(&path, Schema::<Second>::new()).check());
    assert!(
        changed.contains("from { total: u32 }\n    to { total: u64 }"),
        "{changed}"
    );
    assert!(changed.contains("make it schema 2"), "{changed}");
    first.check().unwrap();

    let keep = || Upcasters::new().keep("Placed", 1);
    let second = SchemaLock::new(&path, Schema::<Second>::upcasting(keep()).unwrap());
    assert!(said(second.check()).contains("added: \"Placed\" 2."));
    second.check().unwrap();

    let lost = SchemaLock::new(&path, Schema::<Third>::upcasting(keep()).unwrap());
    assert!(said(lost.check()).contains("\"Paid\" 1 is stored, and can no longer be read"));
    let dropped = Schema::<Third>::upcasting(keep().drop("Paid", 1)).unwrap();
    SchemaLock::new(&path, dropped).check().unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(
        text.lines().filter(|line| !line.starts_with('#')).count(),
        3
    );
}

#[test]
fn a_damaged_file_is_not_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("orders.lock");
    std::fs::write(&path, "# fine\n\n<<<<<<< HEAD\n").unwrap();
    let said = SchemaLock::new(&path, Schema::<First>::new()).check();
    let said = said.unwrap_err().to_string();
    assert!(said.contains("line 3 is damaged: <<<<<<< HEAD"), "{said}");
}

#[test]
fn any_name_can_be_written_down() {
    for name in ["a", "with space 1", "quote \" = @ { 7", "\n\u{1F600}"] {
        let line = format!("{} {{ a: text }}", shown(name, 7));
        let parsed = parse(&line).unwrap();
        assert_eq!(parsed, (name.to_owned(), 7, "{ a: text }".to_owned()));
    }
}
