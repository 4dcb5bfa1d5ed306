//! Names are any UTF-8, compared byte by byte.

use super::tools::{Make, everything, put, read};
use crate::store::{Append, Query};
use crate::types::{Event, MAX_NAME_BYTES, RecordedEvent, Version, category_of};

/// Names that are easily taken for one another, or for something else.
fn odd_names() -> Vec<String> {
    let mut names: Vec<String> = [
        " ",
        "  ",
        " a",
        "a ",
        "a",
        "A",
        "/",
        "//",
        "a/",
        "/a",
        "a//b",
        "a/b/c",
        "\0",
        "a\0",
        "\0a",
        "a\0b",
        "\n",
        "a\r\nb",
        "\t",
        "\u{7f}",
        "\u{1b}[31m",
        ".",
        "..",
        "../a",
        "a\\b",
        "CON",
        "nul.txt",
        "$category",
        "*",
        "%",
        "%2F",
        "a%2fb",
        "'",
        "\"",
        "{}",
        "--",
        "0",
        "00",
        "é",
        "e\u{301}",
        "É",
        "ß",
        "ss",
        "ẞ",
        "ı",
        "i",
        "I",
        "İ",
        "ﬁ",
        "fi",
        "Å",
        "\u{212b}",
        "日本語",
        "שלום",
        "مرحبا",
        "👩‍👩‍👧",
        "👩",
        "\u{200b}",
        "a\u{200b}",
        "\u{feff}a",
        "\u{202e}abc",
        "\u{fffd}",
        "\u{ffff}",
        "\u{10ffff}",
    ]
    .map(str::to_owned)
    .to_vec();
    let long = "x".repeat(MAX_NAME_BYTES - 1);
    names.extend(["y", "z", ""].map(|end| format!("{long}{end}")));
    names.push("/".repeat(MAX_NAME_BYTES));
    names.push("é".repeat(MAX_NAME_BYTES / 2));
    names
}

pub(super) fn each_name_is_a_stream_of_its_own(make: Make<'_>) {
    let store = make();
    let names = odd_names();
    for name in &names {
        let event = Event::new("T", name.clone());
        let done = put(&*store, Append::to(name.clone()).event(event));
        assert_eq!(done.version(), Version::new(1), "{name:?}");
    }
    for name in &names {
        let found = read(&*store, &Query::stream(name.clone()));
        assert_eq!(found.len(), 1, "{name:?}");
        assert_eq!(found[0].stream(), name);
        assert_eq!(found[0].data(), name.as_bytes());
        assert_eq!(store.version(name).unwrap(), Version::new(1));
    }
}

pub(super) fn each_name_is_a_category_of_its_own(make: Make<'_>) {
    let store = make();
    let names = odd_names();
    for name in &names {
        put(&*store, Append::to(name.clone()).event(Event::new("T", "")));
    }
    for category in names.iter().map(|name| category_of(name)) {
        let found = read(&*store, &Query::category(category.to_owned()));
        let mut streams: Vec<_> = found.iter().map(RecordedEvent::stream).collect();
        streams.sort_unstable();
        let mut due: Vec<_> = names
            .iter()
            .map(String::as_str)
            .filter(|name| category_of(name) == category)
            .collect();
        due.sort_unstable();
        assert_eq!(streams, due, "{category:?}");
    }
}

pub(super) fn each_name_is_a_type_and_a_tag_of_its_own(make: Make<'_>) {
    let store = make();
    let names = odd_names();
    for name in &names {
        let event = Event::new(name.clone(), "").with_tag(name.clone());
        put(&*store, Append::to("a").event(event));
    }
    let all = everything(&*store);
    for (name, due) in names.iter().zip(&all) {
        let due = std::slice::from_ref(due);
        assert_eq!(due[0].event_type(), name);
        assert_eq!(due[0].tags().iter().collect::<Vec<_>>(), [name]);
        assert_eq!(read(&*store, &Query::all().with_type(name.clone())), due);
        assert_eq!(read(&*store, &Query::all().with_tag(name.clone())), due);
    }
}

pub(super) fn a_stream_a_category_a_type_and_a_tag_are_not_mixed_up(make: Make<'_>) {
    let store = make();
    let name = "the name";
    let event = |event_type: &'static str| Event::new(event_type, "");
    put(&*store, Append::to(name).event(event("T")));
    put(&*store, Append::to("the name/2").event(event("T")));
    put(&*store, Append::to("other").event(event(name)));
    put(
        &*store,
        Append::to("other").event(event("T").with_tag(name)),
    );
    let all = everything(&*store);
    assert_eq!(read(&*store, &Query::stream(name)), all[..1]);
    assert_eq!(read(&*store, &Query::category(name)), all[..2]);
    assert_eq!(read(&*store, &Query::all().with_type(name)), all[2..3]);
    assert_eq!(read(&*store, &Query::all().with_tag(name)), all[3..]);
}

pub(super) fn many_tags_keep_their_order_and_their_repetitions(make: Make<'_>) {
    let store = make();
    let tags: Vec<_> = (0..300)
        .map(|index| format!("tag {}", index % 250))
        .collect();
    let event = Event::new("T", "").with_tags(tags.clone());
    put(&*store, Append::to("a").event(event));
    let all = everything(&*store);
    assert_eq!(all[0].tags().iter().collect::<Vec<_>>(), tags);
    for tag in tags {
        assert_eq!(read(&*store, &Query::all().with_tag(tag)), all);
    }
}
