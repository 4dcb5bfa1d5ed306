//! Real event logs go through the store and come out as they went in.
//!
//! They stand beside the checkout, in `../shared/data`; where they don't, this
//! says that it skips. It takes a while, so it is run by asking for it:
//!
//! ```text
//! cargo test --release --features cli --test real_logs -- --ignored --nocapture
//! ```

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

#[path = "support/real_log.rs"]
mod real_log;

use flate2::read::MultiGzDecoder;
use jiff::Timestamp;
use real_log::log;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

/// How long a follower may lag behind a writer that has ended.
const LONG: Duration = Duration::from_secs(120);

const LOGS: [(&str, u64); 4] = [
    ("baseball-careers", 111_994),
    ("bpic2012-loans", 262_200),
    ("bpic2013-incidents", 65_533),
    ("git-history", 219_865),
];

fn annals(command: &str, store: &Path) -> Command {
    let mut annals = Command::new(env!("CARGO_BIN_EXE_annals"));
    annals.arg(command).arg(store);
    annals
}

#[track_caller]
fn succeeds(command: &mut Command) {
    let status = command.status().unwrap();
    assert!(status.success(), "{command:?} ended with {status}");
}

/// An event of a log, and of an export.
#[derive(Deserialize)]
struct Line<'a> {
    stream: String,
    #[serde(rename = "type")]
    event_type: String,
    time: Option<String>,
    #[serde(borrow)]
    data: &'a RawValue,
    #[serde(default)]
    position: u64,
    #[serde(default)]
    version: u64,
}

type Text = Lines<BufReader<Box<dyn std::io::Read + Send>>>;

fn text(source: impl std::io::Read + Send + 'static) -> Text {
    let source: Box<dyn std::io::Read + Send> = Box::new(source);
    BufReader::with_capacity(1 << 18, source).lines()
}

fn lines_of(path: &Path) -> Text {
    text(MultiGzDecoder::new(File::open(path).unwrap()))
}

/// The output of a run, line by line.
struct Output {
    child: Child,
    lines: Text,
}

impl Output {
    fn of(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = text(child.stdout.take().unwrap());
        Output { child, lines }
    }

    fn ends(mut self) {
        assert!(self.lines.next().is_none());
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Compares a log with what comes out of a store, event by event.
#[derive(Default)]
struct Comparison {
    versions: HashMap<String, u64>,
    events: u64,
}

impl Comparison {
    fn next(&mut self, given: &str, found: &str) {
        let given: Line<'_> = serde_json::from_str(given).unwrap();
        let found: Line<'_> = serde_json::from_str(found).unwrap();
        self.events += 1;
        assert_eq!(found.position, self.events);
        assert_eq!(found.stream, given.stream, "event {}", self.events);
        assert_eq!(found.event_type, given.event_type, "event {}", self.events);
        assert_eq!(found.data.get(), given.data.get(), "event {}", self.events);
        let instant = |time: Option<String>| time.map(|time| time.parse::<Timestamp>().unwrap());
        assert_eq!(
            instant(found.time),
            instant(given.time),
            "event {}",
            self.events
        );
        let version = self.versions.entry(given.stream).or_default();
        *version += 1;
        assert_eq!(found.version, *version, "event {}", self.events);
    }

    /// All lines of the log against as many of an output.
    fn all(log: &Path, output: &mut Text) -> u64 {
        let mut comparison = Comparison::default();
        for given in lines_of(log) {
            let found = output.next().expect("events are missing").unwrap();
            comparison.next(&given.unwrap(), &found);
        }
        comparison.events
    }
}

fn assert_exports(store: &Path, log: &Path, events: u64) {
    let mut export = Output::of(&mut annals("export", store));
    assert_eq!(Comparison::all(log, &mut export.lines), events);
    export.ends();
}

/// Each log in and out again; once with many segments.
fn round_trip(segment_size: &str) {
    for (name, events) in LOGS {
        let Some(log) = log(name) else { continue };
        let dir = tempfile::tempdir().unwrap();
        let store = dir.path().join("store");
        let mut import = annals("import", &store);
        succeeds(import.arg(&log).args(["--segment-size", segment_size]));
        assert_exports(&store, &log, events);
        succeeds(annals("verify", &store).stdout(Stdio::null()));
        println!("{name}: {events} events came out as they went in ({segment_size} segments)");
    }
}

#[test]
#[ignore = "takes a while; needs ../shared/data"]
fn every_log_comes_out_as_it_went_in() {
    round_trip("64MiB");
}

#[test]
#[ignore = "takes a while; needs ../shared/data"]
fn every_log_comes_out_as_it_went_in_with_small_segments() {
    round_trip("64KiB");
}

/// A commit, and the files that it changed, are one atomic append.
#[test]
#[ignore = "takes a while; needs ../shared/data"]
fn each_commit_may_be_one_append() {
    let Some(log) = log("git-history") else {
        return;
    };
    for segment_size in ["64MiB", "64KiB"] {
        let dir = tempfile::tempdir().unwrap();
        let store = dir.path().join("store");
        let mut import = annals("import", &store);
        let mut import = import
            .args(["-", "--segment-size", segment_size])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = std::io::BufWriter::new(import.stdin.take().unwrap());
        let commits = write_commits(&log, &mut stdin);
        stdin.flush().unwrap();
        drop(stdin);
        assert!(import.wait().unwrap().success());
        assert_eq!(commits, 81_966);
        assert_exports(&store, &log, 219_865);
        // The boundaries are those of the commits.
        let mut arrays = Vec::new();
        write_commits(&log, &mut arrays);
        let mut given = text(std::io::Cursor::new(arrays));
        let mut export = Output::of(annals("export", &store).arg("--appends"));
        for _ in 0..commits {
            let given = given.next().unwrap().unwrap();
            let found = export.lines.next().unwrap().unwrap();
            let count = |line: &str| serde_json::from_str::<Vec<&RawValue>>(line).unwrap().len();
            assert_eq!(count(&found), count(&given));
        }
        export.ends();
        println!("git-history: {commits} commits, each one append ({segment_size} segments)");
    }
}

/// Writes each commit of the log as an array; returns how many there are.
fn write_commits(log: &Path, out: &mut impl Write) -> u64 {
    let mut commits = 0;
    for line in lines_of(log) {
        let line = line.unwrap();
        if line.starts_with(r#"{"stream":"author/"#) {
            let before: &[u8] = if commits > 0 { b"]\n[" } else { b"[" };
            out.write_all(before).unwrap();
            commits += 1;
        } else {
            out.write_all(b",").unwrap();
        }
        out.write_all(line.as_bytes()).unwrap();
    }
    out.write_all(b"]\n").unwrap();
    commits
}

/// A second process follows while a log is being written, in small segments,
/// and sees every event once and in order.
#[test]
#[ignore = "takes a while; needs ../shared/data"]
fn every_log_may_be_read_while_it_is_written() {
    for (name, events) in LOGS {
        let Some(log) = log(name) else { continue };
        let dir = tempfile::tempdir().unwrap();
        let store = dir.path().join("store");
        let mut nothing = annals("import", &store);
        succeeds(nothing.arg("-").stdin(Stdio::null()));
        // More than there are: the follower misses none, however late it is.
        let mut tail = annals("tail", &store);
        let mut follower = Output::of(tail.args(["-f", "--json", "-n", "1000000"]));
        let mut import = annals("import", &store);
        import.arg(&log).args(["--segment-size", "64KiB"]);
        let mut import = import.spawn().unwrap();
        let (sender, receiver) = channel();
        let reader = thread::spawn(move || {
            let seen = Comparison::all(&log, &mut follower.lines);
            sender.send(seen).unwrap();
            follower
        });
        assert!(import.wait().unwrap().success());
        // A follower that misses the last event waits for it for ever.
        let seen = receiver.recv_timeout(LONG).expect("the follower stopped");
        assert_eq!(seen, events);
        drop(reader.join().unwrap());
        println!("{name}: {events} events were followed while they were written");
    }
}
