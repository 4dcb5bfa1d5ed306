//! Real event logs, imported with their natural tags, answer queries as a plain
//! filter of the file does.
//!
//! They stand beside the checkout, in `../shared/data`; where they don't, this
//! says that it skips. It takes a while, so it is run by asking for it:
//!
//! ```text
//! cargo test --release --features cli --test real_queries -- --ignored --nocapture
//! ```

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout
)]

#[path = "support/real_log.rs"]
mod real_log;

use annals::{Access, EventStore, LogStore, Options, Position, Query, QueryItem};
use flate2::read::MultiGzDecoder;
use real_log::log;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};

/// How many queries are drawn for each log.
const QUERIES: u64 = 400;

/// An event of the file: all that a query can ask for.
struct Plain {
    stream: String,
    version: u64,
    event_type: String,
    tags: Vec<String>,
}

/// What a query asks for, told apart from the library's own words for it.
#[derive(Clone, Debug, Default)]
struct Wanted {
    stream: Option<String>,
    category: Option<String>,
    types: Vec<String>,
    tags: Vec<String>,
    from: u64,
}

impl Wanted {
    fn matches(&self, event: &Plain) -> bool {
        let category = || event.stream.split('/').next().unwrap().to_owned();
        self.stream.as_ref().is_none_or(|own| *own == event.stream)
            && self.category.as_ref().is_none_or(|own| *own == category())
            && (self.types.is_empty() || self.types.contains(&event.event_type))
            && self.tags.iter().all(|own| event.tags.contains(own))
            && self.from <= event.version
    }

    fn item(&self) -> QueryItem {
        let mut item = QueryItem::all().from_version(self.from.into());
        if let Some(stream) = &self.stream {
            item = item.in_stream(stream.clone());
        }
        if let Some(category) = &self.category {
            item = item.in_category(category.clone());
        }
        let item = self.types.iter().cloned().fold(item, QueryItem::with_type);
        self.tags.iter().cloned().fold(item, QueryItem::with_tag)
    }
}

/// Random numbers (`SplitMix64`), the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound) as usize
    }

    fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// What some event of the log has, and perhaps others.
    fn wanted(&mut self, events: &[Plain]) -> Wanted {
        let event = &events[self.below(events.len() as u64)];
        let mut wanted = Wanted::default();
        for _ in 0..self.below(4) {
            if !event.tags.is_empty() {
                let tag = &event.tags[self.below(event.tags.len() as u64)];
                wanted.tags.push(tag.clone());
            }
        }
        if self.percent(40) {
            wanted.types.push(event.event_type.clone());
            if self.percent(50) {
                let other = &events[self.below(events.len() as u64)];
                wanted.types.push(other.event_type.clone());
            }
        }
        if self.percent(15) {
            wanted.stream = Some(event.stream.clone());
            wanted.from = self.below(event.version) as u64;
        } else if self.percent(20) {
            wanted.category = event.stream.split('/').next().map(str::to_owned);
        }
        wanted
    }
}

/// Imports a log with the tags that `tags` finds in the data of an event.
fn imported(log: &Path, store: &Path, tags: impl Fn(&Value) -> Vec<String>) -> Vec<Plain> {
    let mut import = Command::new(env!("CARGO_BIN_EXE_annals"))
        .args(["import".as_ref(), store.as_os_str(), "-".as_ref()])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufWriter::new(import.stdin.take().unwrap());
    let (mut events, mut versions) = (Vec::new(), HashMap::new());
    let source = BufReader::new(MultiGzDecoder::new(File::open(log).unwrap()));
    for line in source.lines() {
        let mut event: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let text = |name: &str| event[name].as_str().unwrap().to_owned();
        let (stream, event_type) = (text("stream"), text("type"));
        let tags = tags(&event["data"]);
        event["tags"] = json!(tags);
        writeln!(lines, "{event}").unwrap();
        let version = versions.entry(stream.clone()).or_insert(0);
        *version += 1;
        events.push(Plain {
            version: *version,
            stream,
            event_type,
            tags,
        });
    }
    drop(lines.into_inner().unwrap());
    assert!(import.wait().unwrap().success());
    events
}

/// Compares what a query gives with what a filter of the file gives.
fn check(store: &LogStore, events: &[Plain], wanted: &[Wanted], random: &mut Random) -> u64 {
    let last = events.len() as u64;
    let (mut after, mut up_to) = (0, last);
    if random.percent(40) {
        after = random.below(last) as u64;
    }
    if random.percent(30) {
        up_to = random.below(last) as u64;
    }
    let backward = random.percent(40);
    let limit = if random.percent(30) {
        random.below(50)
    } else {
        usize::MAX
    };
    let mut expected: Vec<u64> = (after + 1..=up_to)
        .filter(|position| {
            let event = &events[*position as usize - 1];
            wanted.iter().any(|own| own.matches(event))
        })
        .collect();
    let matches = expected.len() as u64;
    if backward {
        expected.reverse();
    }
    expected.truncate(limit);

    let mut query = Query::any_of(wanted.iter().map(Wanted::item))
        .after(Position::new(after))
        .up_to(Position::new(up_to))
        .limit(limit as u64);
    if backward {
        query = query.backward();
    }
    let found = store
        .read(&query)
        .map(|event| event.unwrap().position().get());
    assert_eq!(found.collect::<Vec<_>>(), expected, "{query:?}");

    let explanation = store.explain(&query).unwrap();
    assert!(
        explanation.way != Access::Nothing || matches == 0,
        "{query:?}"
    );
    for (item, own) in explanation.items.iter().zip(wanted) {
        if let ([group], true) = (&item.groups[..], own.from == 0) {
            let inside = after as usize..up_to.max(after) as usize;
            let plain = events[inside].iter().filter(|event| own.matches(event));
            let postings: u64 = group.iter().map(|term| term.postings).sum();
            // A type that is named twice has its postings counted twice.
            assert!(
                own.types.len() > 1 || postings == plain.count() as u64,
                "{query:?}"
            );
        }
    }
    matches
}

fn check_log(name: &str, tags: impl Fn(&Value) -> Vec<String>, exported: &[&str]) {
    let Some(path) = log(name) else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let store_dir = dir.path().join("store");
    let events = imported(&path, &store_dir, tags);
    let store = Options::new().open_read_only(&store_dir).unwrap();
    assert_eq!(store.head().get(), events.len() as u64);
    let mut random = Random(1);
    let (mut matches, mut empty) = (0, 0);
    for _ in 0..QUERIES {
        let items = 1 + random.below(4) / 2;
        let wanted: Vec<_> = (0..items).map(|_| random.wanted(&events)).collect();
        let found = check(&store, &events, &wanted, &mut random);
        matches += found;
        empty += u64::from(found == 0);
    }
    println!(
        "{name}: {} events, {} tags; {QUERIES} queries found {matches}, {empty} nothing",
        events.len(),
        events.iter().map(|event| event.tags.len()).sum::<usize>(),
    );
    check_export(&store_dir, &events, exported);
}

/// The same by the command line: events with one tag, or else with all others.
fn check_export(store: &Path, events: &[Plain], tags: &[&str]) {
    let (first, others) = tags.split_first().unwrap();
    let mut export = Command::new(env!("CARGO_BIN_EXE_annals"));
    export
        .arg("export")
        .arg(store)
        .args(["--tag", *first, "--or"]);
    for tag in others {
        export.args(["--tag", *tag]);
    }
    let output = export.output().unwrap();
    assert!(output.status.success());
    let lines = output.stdout.lines().map(|line| {
        let event: Value = serde_json::from_str(&line.unwrap()).unwrap();
        event["position"].as_u64().unwrap()
    });
    let has = |event: &Plain, tag: &str| event.tags.iter().any(|own| own == tag);
    let expected: Vec<u64> = (1..)
        .zip(events)
        .filter(|(_, event)| has(event, first) || others.iter().all(|tag| has(event, tag)))
        .map(|(position, _)| position)
        .collect();
    assert!(!expected.is_empty());
    assert_eq!(lines.collect::<Vec<_>>(), expected);
}

/// A tag for each of these members that the data has.
fn members(data: &Value, names: &[(&str, &str)], out: &mut Vec<String>) {
    for (name, kind) in names {
        if let Some(text) = data[*name].as_str().filter(|text| !text.is_empty()) {
            out.push(format!("{kind}:{text}"));
        }
    }
}

#[test]
#[ignore = "needs ../shared/data, and a while"]
fn the_history_of_git_by_commit_author_path_and_trailer() {
    let tags = |data: &Value| {
        let mut tags = Vec::new();
        members(
            data,
            &[("commit", "commit"), ("author", "author")],
            &mut tags,
        );
        let paths = data["paths"].as_array().into_iter().flatten();
        tags.extend(paths.map(|path| format!("path:{}", path.as_str().unwrap())));
        let trailers = data["trailers"].as_array().into_iter().flatten();
        for trailer in trailers {
            let name = trailer["name"].as_str().or(trailer[0].as_str());
            let tag = format!("trailer:{}", name.unwrap_or_else(|| panic!("{trailer}")));
            if !tags.contains(&tag) {
                tags.push(tag);
            }
        }
        tags
    };
    let exported = [
        "commit:e83c516331",
        "path:Makefile",
        "trailer:Signed-off-by",
    ];
    check_log("git-history", tags, &exported);
}

#[test]
#[ignore = "needs ../shared/data, and a while"]
fn incidents_by_product_group_country_and_role() {
    let names = [
        ("product", "product"),
        ("org:group", "group"),
        ("resource country", "country"),
        ("org:role", "role"),
    ];
    let tags = |data: &Value| {
        let mut tags = Vec::new();
        members(data, &names, &mut tags);
        tags
    };
    let exported = ["product:PROD582", "country:Sweden", "role:A2_4"];
    check_log("bpic2013-incidents", tags, &exported);
}
