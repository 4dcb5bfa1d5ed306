use super::*;
use crate::memory::MemoryStore;
use crate::store::Append;
use crate::types::{Position, Timestamp, Version};
use proptest::prelude::*;
use serde::Deserialize;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Sample {
    Unit,
    Newtype(Inner),
    Tuple(u8, Option<String>),
    #[serde(rename = "struct_one")]
    Struct {
        a: i64,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        b: Vec<Inner>,
    },
    #[serde(alias = "Former")]
    Empty {},
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Inner {
    Leaf,
    Text(String),
    Map(std::collections::BTreeMap<String, f32>),
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Wrapped(Sample);

fn recorded(event: &Event) -> RecordedEvent {
    EventRef::recording(
        event,
        "s/1",
        Version::new(2),
        Position::new(7),
        Timestamp::UNIX_EPOCH,
    )
    .to_owned()
}

fn stored<E: Serialize + DeserializeOwned + 'static>(value: &E) -> (String, String) {
    let event = Schema::<E>::new().encode(value).unwrap();
    let data = String::from_utf8(event.data().to_vec()).unwrap();
    (event.event_type().to_owned(), data)
}

fn decoded(event: &Event) -> Result<Vec<Sample>> {
    Schema::new().decode(&recorded(event))
}

#[test]
fn the_name_is_the_type_and_the_content_the_data() {
    let pair = |name: &str, data: &str| (name.to_owned(), data.to_owned());
    assert_eq!(stored(&Sample::Unit), pair("Unit", "null"));
    assert_eq!(
        stored(&Sample::Newtype(Inner::Text("x".into()))),
        pair("Newtype", r#"{"Text":"x"}"#)
    );
    assert_eq!(stored(&Sample::Tuple(1, None)), pair("Tuple", "[1,null]"));
    let both = Sample::Struct {
        a: -1,
        b: vec![Inner::Leaf],
    };
    assert_eq!(
        stored(&both),
        pair("struct_one", r#"{"a":-1,"b":["Leaf"]}"#)
    );
    let skipped = Sample::Struct { a: 0, b: vec![] };
    assert_eq!(stored(&skipped), pair("struct_one", r#"{"a":0}"#));
    assert_eq!(stored(&Sample::Empty {}), pair("Empty", "{}"));
    assert_eq!(stored(&Wrapped(Sample::Unit)), pair("Unit", "null"));
}

#[test]
fn aliases_and_newtypes_are_read() {
    let former = Event::new("Former", "{}");
    assert_eq!(decoded(&former).unwrap(), [Sample::Empty {}]);
    let wrapped = Schema::<Wrapped>::new().decode(&recorded(&former)).unwrap();
    assert_eq!(wrapped, [Wrapped(Sample::Empty {})]);
    for data in ["", "null", "{}", r#"{"left": "over"}"#] {
        assert_eq!(decoded(&Event::new("Unit", data)).unwrap(), [Sample::Unit]);
    }
    assert_eq!(
        Schema::<Wrapped>::types(),
        ["Unit", "Newtype", "Tuple", "struct_one", "Empty", "Former"]
    );
}

#[test]
fn an_unknown_type_is_named_or_skipped() {
    let unknown = Event::new("Struct", "{}");
    let said = decoded(&unknown).unwrap_err();
    assert!(matches!(
        said.kind(),
        ErrorKind::UnknownType { event_type, .. } if event_type == "Struct"
    ));
    let said = said.to_string();
    assert!(
        said.starts_with(r#"version 2 of stream "s/1" (position 7) is of type "Struct""#),
        "{said}"
    );
    assert!(said.contains("struct_one"), "{said}");
    let skipping = Schema::<Sample>::new().skip_unknown();
    assert_eq!(skipping.decode(&recorded(&unknown)).unwrap(), []);
    // An unknown variant within the content is not an unknown type.
    let inner = Event::new("Newtype", r#"{"Nothing":1}"#);
    let said = skipping.decode(&recorded(&inner)).unwrap_err();
    assert!(matches!(said.kind(), ErrorKind::Undecodable { .. }));
    assert!(said.to_string().contains("Nothing"), "{said}");
}

#[test]
fn a_catch_all_variant_takes_the_unknown() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Some {
        Known,
        #[serde(other)]
        Other,
    }
    let unknown = Event::new("Whatever", "\u{1}").with_schema(9);
    let read = Schema::<Some>::new().decode(&recorded(&unknown)).unwrap();
    assert_eq!(read, [Some::Other]);
}

#[test]
fn a_newer_schema_and_bad_data_are_told_apart() {
    let newer = Event::new("Unit", "").with_schema(2);
    let said = decoded(&newer).unwrap_err().to_string();
    assert!(said.contains("knows schemas up to 1"), "{said}");
    let older = Event::new("Unit", "").with_schema(0);
    let said = decoded(&older).unwrap_err().to_string();
    assert!(said.contains("no upcaster from schema 0"), "{said}");
    let bad = Event::new("struct_one", r#"{"a":"text"}"#);
    let said = decoded(&bad).unwrap_err().to_string();
    assert!(
        said.contains(r#"a "struct_one" of schema 1: invalid type"#),
        "{said}"
    );
}

#[test]
fn what_is_no_enum_with_named_variants_is_refused() {
    #[derive(Serialize, Deserialize)]
    #[serde(tag = "type")]
    enum Tagged {
        A { x: u8 },
    }
    #[derive(Serialize, Deserialize)]
    enum Crooked {
        #[serde(rename(serialize = "Out", deserialize = "In"))]
        A,
    }
    let said = Schema::<Tagged>::new().encode(&Tagged::A { x: 1 });
    let said = said.unwrap_err().to_string();
    assert!(said.contains("this is a struct"), "{said}");
    let said = Schema::<Crooked>::new().encode(&Crooked::A).unwrap_err();
    assert!(said.to_string().contains(r#"written as "Out""#), "{said}");
    assert!(Schema::<Vec<u8>>::new().encode(&vec![1]).is_err());
    assert_eq!(Schema::<Vec<u8>>::types().len(), 0);
}

#[test]
fn a_read_ends_after_an_error() {
    let store = MemoryStore::new();
    let events = [
        Event::new("Unit", ""),
        Event::new("What", ""),
        Event::new("Unit", ""),
    ];
    store.append(Append::to("s").events(events)).unwrap();
    let mut read = Schema::<Sample>::new().read(&store, &Query::all());
    assert_eq!(
        read.next().unwrap().unwrap().record.position(),
        Position::new(1)
    );
    assert!(read.next().unwrap().is_err());
    assert!(read.next().is_none());
    let all = Schema::<Sample>::new().skip_unknown();
    assert_eq!(all.read(&store, &Query::all()).count(), 2);
}

fn inner() -> impl Strategy<Value = Inner> {
    prop_oneof![
        Just(Inner::Leaf),
        ".*".prop_map(Inner::Text),
        proptest::collection::btree_map(".*", -1e6f32..1e6, 0..4).prop_map(Inner::Map),
    ]
}

fn sample() -> impl Strategy<Value = Sample> {
    prop_oneof![
        Just(Sample::Unit),
        inner().prop_map(Sample::Newtype),
        (any::<u8>(), any::<Option<String>>()).prop_map(|(a, b)| Sample::Tuple(a, b)),
        (any::<i64>(), proptest::collection::vec(inner(), 0..4))
            .prop_map(|(a, b)| Sample::Struct { a, b }),
        Just(Sample::Empty {}),
    ]
}

fn round_trip(schema: &Schema<Sample>, value: &Sample) {
    let event = schema.encode(value).unwrap();
    let back = schema.decode(&recorded(&event)).unwrap();
    assert_eq!(back.as_slice(), std::slice::from_ref(value));
}

proptest! {
    #[test]
    fn every_value_comes_back(value in sample()) {
        round_trip(&Schema::new(), &value);
        #[cfg(feature = "msgpack")]
        round_trip(&Schema::with_codec(crate::codec::MessagePack), &value);
    }

    #[test]
    fn no_data_makes_it_panic(name in 0usize..5, data in any::<Vec<u8>>()) {
        let event = Event::new(Schema::<Sample>::types()[name], data);
        let _ = Schema::<Sample>::new().decode(&recorded(&event));
        #[cfg(feature = "msgpack")]
        let _ = Schema::<Sample>::with_codec(crate::codec::MessagePack).decode(&recorded(&event));
    }
}
