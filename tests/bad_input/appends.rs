//! Appends that can't be recorded.

use crate::support::{Place, assert_usable, event, everything, options, put};
use annals::{
    Append, Error, ErrorKind, Event, EventStore, Limits, LogStore, Options, Query, Timestamp,
};

const LONGEST: usize = annals::MAX_NAME_BYTES;

/// The error that refuses an append; the store is as it was, and usable.
#[track_caller]
fn refused(store: &LogStore, append: Append) -> Error {
    let before = (store.head(), everything(store));
    let error = store.append(append).unwrap_err();
    assert!(!error.is_retryable() && !error.is_outcome_unknown());
    assert_eq!((store.head(), everything(store)), before);
    assert_usable(store);
    error
}

#[test]
fn names_are_neither_empty_nor_too_long() {
    let store = annals::temporary().unwrap();
    put(&store, "s", "");
    let named = |stream: &str, event_type: &str, tag: &str| {
        let event = Event::new(event_type.to_owned(), "").with_tag(tag.to_owned());
        Append::to(stream.to_owned()).event(event)
    };
    let long = "x".repeat(LONGEST + 1);
    for (what, empty, too_long) in [
        ("stream", named("", "T", "t"), named(&long, "T", "t")),
        ("event type", named("s", "", "t"), named("s", &long, "t")),
        ("tag", named("s", "T", ""), named("s", "T", &long)),
    ] {
        let error = refused(&store, empty);
        assert!(
            matches!(error.kind(), ErrorKind::InvalidName { what: own, length: 0, .. } if *own == what)
        );
        assert_eq!(
            error.to_string(),
            format!("the name of the {what} is empty")
        );
        let error = refused(&store, too_long);
        assert!(matches!(error.kind(), ErrorKind::InvalidName { what: own, .. } if *own == what));
        assert_eq!(
            error.to_string(),
            format!("the name of the {what} is 1025 bytes long; the limit is 1024")
        );
    }
    // A check is a name, too.
    let checked = named("s", "T", "t").check("", annals::Expected::Any);
    assert!(
        refused(&store, checked)
            .to_string()
            .contains("the stream is empty")
    );
}

#[test]
fn any_other_name_is_itself() {
    let store = annals::temporary().unwrap();
    // Bytes count, not characters; and nothing is folded.
    let names = [
        "x".repeat(LONGEST),
        "ü".repeat(LONGEST / 2),
        "a\0b\n\u{1b}[2J".to_owned(),
        "ﬀ".to_owned(),
        "ff".to_owned(),
        "FF".to_owned(),
        "\u{e9}".to_owned(),
        "e\u{301}".to_owned(),
        " ".to_owned(),
        "/".to_owned(),
        "../../etc/passwd".to_owned(),
    ];
    for name in &names {
        let event = Event::new(name.clone(), "").with_tag(name.clone());
        store.append(Append::to(name.clone()).event(event)).unwrap();
    }
    for (index, name) in names.iter().enumerate() {
        for query in [
            Query::stream(name.clone()),
            Query::all().with_type(name.clone()),
            Query::all().with_tag(name.clone()),
        ] {
            let found: Vec<_> = store.read(&query).map(Result::unwrap).collect();
            assert_eq!(found.len(), 1, "{name:?}");
            assert_eq!(found[0].position().get(), index as u64 + 1);
        }
    }
}

#[test]
fn there_are_events_in_an_append() {
    let store = annals::temporary().unwrap();
    put(&store, "s", "");
    let error = refused(&store, Append::to("s"));
    assert!(matches!(error.kind(), ErrorKind::EmptyAppend));
    assert_eq!(error.to_string(), "the append has no events");
    let only_checks = Append::to("s").check("t", annals::Expected::NoStream);
    assert!(matches!(
        refused(&store, only_checks).kind(),
        ErrorKind::EmptyAppend
    ));
}

#[test]
fn an_event_is_at_most_as_large_as_the_limit() {
    let store = annals::temporary().unwrap();
    put(&store, "s", "");
    // Stream and type count: "s" and "Happened".
    let most = (16 << 20) - 9;
    let error = refused(&store, Append::to("s").event(event(vec![0; most + 1])));
    assert!(matches!(
        error.kind(),
        ErrorKind::TooLarge {
            what: "event",
            size: 16_777_217,
            limit: 16_777_216
        }
    ));
    assert_eq!(
        error.to_string(),
        "the event is 16777217 bytes large; the limit of this store is 16777216"
    );
    put(&store, "s", vec![0; most]);
}

#[test]
fn an_append_is_at_most_as_large_as_the_limit() {
    let limits = Limits {
        event_bytes: 1000,
        append_bytes: 2018,
    };
    let store = Options::new().limits(limits).temporary().unwrap();
    put(&store, "s", "");
    let append = |last: usize| {
        let events = [991, 991, last].map(|size| event(vec![0; size]));
        Append::to("s").events(events)
    };
    let error = refused(&store, append(10));
    assert_eq!(
        error.to_string(),
        "the append is 2019 bytes large; the limit of this store is 2018"
    );
    store.append(append(9)).unwrap();
    // Unless set, it is 64 MiB.
    assert_eq!(Limits::default().append_bytes, 64 << 20);
}

#[test]
fn a_frame_larger_than_a_segment_gets_one_of_its_own_size() {
    for (segment_size, frame) in [(64 << 10, 278_000), (1 << 10, 278_000), (1 << 10, 1 << 10)] {
        let place = Place::new();
        let own = Options::new().segment_size(segment_size);
        let store = own.open(place.path()).unwrap();
        let file = vec![b'f'; 100];
        let events = || (0..frame / 100).map(|_| event(file.clone()));
        for _ in 0..3 {
            put(&store, "small", "one");
            store
                .append(Append::to("commits").events(events()))
                .unwrap();
        }
        let before = everything(&store);
        assert_eq!(before.len(), 3 * (1 + frame / 100));
        store.close().unwrap();
        let store = own.open(place.path()).unwrap();
        assert_eq!(everything(&store), before);
        // What follows is of the usual size again.
        for _ in 0..50 {
            put(&store, "small", vec![0; 1000]);
        }
        store.close().unwrap();
        let sizes: Vec<_> = place
            .segments()
            .iter()
            .map(|path| path.metadata().unwrap().len())
            .collect();
        assert!(sizes.iter().any(|size| *size > frame as u64));
        assert_eq!(sizes.last(), Some(&segment_size), "{sizes:?}");
        place.assert_usable(before.len() + 50);
    }
}

#[test]
fn a_time_lies_in_the_years_0000_to_9999() {
    let at = |seconds, nanos| Timestamp::new(seconds, nanos).map_err(Error::from);
    for (seconds, nanos) in [
        (i64::MAX, 0),
        (253_402_300_800, 0),
        (-62_167_219_201, 0),
        (0, 1_000_000_000),
    ] {
        let error = at(seconds, nanos).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::TimeOutOfRange));
        assert_eq!(
            error.to_string(),
            "the time is outside the years 0000 to 9999"
        );
    }
    let store = annals::temporary().unwrap();
    for happened in [Timestamp::MIN, Timestamp::MAX] {
        let event = event("").with_happened(happened);
        store.append(Append::to("s").event(event)).unwrap();
    }
    let found: Vec<_> = everything(&store)
        .iter()
        .map(annals::RecordedEvent::happened)
        .collect();
    assert_eq!(found, [Some(Timestamp::MIN), Some(Timestamp::MAX)]);
}

#[test]
fn a_store_that_is_open_for_reading_takes_nothing() {
    let place = Place::with_one_event();
    let store = options().open_read_only(place.path()).unwrap();
    let error = store.append(Append::to("s").event(event(""))).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::ReadOnly));
    assert_eq!(error.to_string(), "the store is open for reading only");
    assert_eq!(everything(&store).len(), 1);
    place.assert_usable(1);
}
