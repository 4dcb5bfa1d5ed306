//! Real careers: who was on which team in which year, made from the events of
//! 256 baseball players. A projection, looked at as of a moment in the log,
//! made anew, and kept as a snapshot.
//!
//! Run it with `cargo run --example careers`. The data and its licence are
//! described in tests/data/README.md.
#![allow(clippy::print_stdout)]

use annals::projection::{Projection, Projector, as_of};
use annals::snapshot::{FileSnapshots, Snapshot, SnapshotKey, SnapshotStore};
use annals::subscription::{Delivered, HandlerError};
use annals::{Append, Event, EventStore, Position, Query, Timestamp, Version};
use flate2::read::GzDecoder;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::sync::Arc;
use std::time::Duration;

const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/careers.jsonl.gz");

/// For each team, for each year, the players that are known to have been on it.
type Years = BTreeMap<String, BTreeSet<String>>;

#[derive(Default, PartialEq)]
struct Rosters {
    teams: BTreeMap<String, Years>,
}

impl Rosters {
    fn of(&self, team: &str, year: &str) -> String {
        let players = self.teams.get(team).and_then(|years| years.get(year));
        let names = players.into_iter().flatten().map(String::as_str);
        names.collect::<Vec<_>>().join(", ")
    }
}

impl Projection for Rosters {
    fn query(&self) -> Query {
        Query::category("player")
            .with_type("SalaryPaid")
            .with_type("AllStarSelected")
    }

    fn handle(&mut self, event: &Delivered) -> Result<(), HandlerError> {
        let data: Value = serde_json::from_slice(event.data())?;
        let text = |field| data[field].as_str().unwrap_or_default().to_owned();
        let player = event.stream().trim_start_matches("player/");
        let years = self.teams.entry(text("teamID")).or_default();
        years
            .entry(text("yearID"))
            .or_default()
            .insert(player.to_owned());
        Ok(())
    }
}

fn main() -> Result<(), HandlerError> {
    let store: Arc<dyn EventStore> = Arc::new(annals::temporary()?);
    load(&*store)?;
    println!("{} events", store.head());

    // The read model, on a thread of its own.
    let rosters = Projector::new(Arc::clone(&store), Rosters::default()).start()?;
    rosters.wait_for(store.head(), Duration::from_secs(60))?;
    let boston = rosters.read(|rosters| rosters.of("BOS", "1946"));
    println!("Boston, 1946: {boston}");
    assert!(boston.contains("willite01"), "Ted Williams was there");

    // As of a moment: the same projection, over the log up to there.
    let middle = Position::new(store.head().get() / 2);
    let then = as_of(&*store, Rosters::default(), middle)?;
    println!(
        "{} teams at event {middle}, {} now",
        then.teams.len(),
        rosters.read(|own| own.teams.len())
    );

    // News: readers see it as soon as they have waited for it.
    let news = Event::new(
        "SalaryPaid",
        r#"{"yearID":"1946","teamID":"BOS","salary":"1"}"#,
    );
    let done = store.append(Append::to("player/nobody01").event(news))?;
    rosters.wait_for(done.last(), Duration::from_secs(60))?;
    assert!(rosters.read(|rosters| rosters.of("BOS", "1946").contains("nobody01")));

    // Made anew beside the running one: it comes out the same.
    let old = rosters.rebuild(Rosters::default())?;
    assert!(rosters.read(|fresh| *fresh == old));
    println!("rebuilt: the same {} teams", old.teams.len());

    snapshot(&*store)?;
    rosters.stop()?;
    Ok(())
}

/// How many events a career has, saved as a snapshot and loaded again.
fn snapshot(store: &dyn EventStore) -> Result<(), HandlerError> {
    let dir = std::env::temp_dir().join(format!("annals-careers-{}", store.id()));
    let snapshots = FileSnapshots::open(&dir)?;
    let stream = "player/willite01";
    let key = SnapshotKey {
        store: store.id(),
        stream,
        kind: "CareerLength",
        schema: 1,
    };
    let (mut count, mut last) = (0_u64, Position::START);
    for event in store.read(&Query::stream(stream)) {
        count += 1;
        last = event?.position();
    }
    let state = Snapshot::new(
        key,
        Version::new(count),
        last,
        Timestamp::UNIX_EPOCH,
        count.to_string(),
    );
    snapshots.save(state, store.durable())?;
    let found = snapshots
        .load(key, store.version(stream)?)?
        .ok_or("it was saved")?;
    println!(
        "Ted Williams: {} events by snapshot",
        String::from_utf8_lossy(found.state())
    );
    drop(snapshots);
    std::fs::remove_dir_all(dir)?;
    Ok(())
}

/// Records the sample, one append for each line. All are on their way at once,
/// so that they share the waits for the disk.
fn load(store: &dyn EventStore) -> Result<(), HandlerError> {
    let mut pending = Vec::new();
    for line in BufReader::new(GzDecoder::new(File::open(SAMPLE)?)).lines() {
        let line: Value = serde_json::from_str(&line?)?;
        let text = |field: &str| line[field].as_str().unwrap_or_default().to_owned();
        let event = Event::new(text("type"), line["data"].to_string());
        pending.push(store.submit(Append::to(text("stream")).event(event)));
    }
    for append in pending {
        append.wait()?;
    }
    Ok(())
}
