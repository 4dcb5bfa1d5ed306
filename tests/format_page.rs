//! The hex dumps of `docs/format.md` are a store, and it holds what the page
//! says.

#![allow(clippy::unwrap_used)]

use annals::{Event, EventStore, Options, Query, Timestamp, Uuid, Version};
use std::fs;
use std::path::Path;

/// The size of the page's only segment.
const SEGMENT_BYTES: usize = 1024;

/// The files that the page shows: the name and the bytes of each.
fn dumps() -> Vec<(String, Vec<u8>)> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/format.md");
    let page = fs::read_to_string(page).unwrap();
    let blocks = page.split("```hex ").skip(1);
    blocks
        .map(|block| {
            let (name, rest) = block.split_once('\n').unwrap();
            let lines = rest.split("```").next().unwrap().lines();
            let mut bytes = Vec::new();
            for line in lines {
                let (offset, hex) = line.split_once(": ").unwrap();
                assert_eq!(usize::from_str_radix(offset, 16).unwrap(), bytes.len());
                let byte = |text| u8::from_str_radix(text, 16).unwrap();
                bytes.extend(hex.split(' ').map(byte));
            }
            (name.to_owned(), bytes)
        })
        .collect()
}

#[test]
fn the_dumps_are_the_store_that_the_page_describes() {
    let dir = tempfile::tempdir().unwrap();
    for (name, mut bytes) in dumps() {
        if name.strip_suffix(".seg").is_some() {
            bytes.resize(SEGMENT_BYTES, 0);
        }
        fs::write(dir.path().join(name), bytes).unwrap();
    }
    let report = annals::verify(dir.path(), &mut |_| {}).unwrap();
    assert!(report.faults.is_empty(), "{:?}", report.faults);
    assert_eq!((report.events, report.index_files), (1, 1));

    let store = Options::new().open_read_only(dir.path()).unwrap();
    let id = store.id().to_string();
    assert_eq!(id, "747a3744-945f-4148-936d-4ba40de0ec0c");
    let query = Query::stream("orders/42");
    let read = store.read(&query).next().unwrap().unwrap();
    let event = Event::with_id(
        Uuid::parse_str("01a20605-5e00-7000-8000-000000000001").unwrap(),
        "OrderPlaced",
        r#"{"total":12}"#,
    )
    .with_tag("customer:7")
    .with_happened(Timestamp::new(1_795_391_990, 500_000_000).unwrap());
    assert_eq!(read.id(), event.id());
    assert_eq!(read.event_type(), event.event_type());
    assert_eq!(read.data(), event.data());
    assert_eq!(read.tags(), event.tags());
    assert_eq!(read.happened(), event.happened());
    assert_eq!(read.version(), Version::new(1));
    assert_eq!(read.recorded().to_string(), "2026-11-23T00:00:00Z");
}
