//! Real careers: who was on which team on any date, made from the events of 256
//! baseball players. A projection, looked at on a date and as of a moment in
//! the log, and made anew; a career, kept as a snapshot. In files and in memory.
//!
//! Run it with `cargo run --example careers`. The data and its licence are
//! described in tests/data/README.md.
#![allow(clippy::print_stdout)]

use annals::projection::{Projection, Projector, as_of};
use annals::snapshot::{FileSnapshots, SnapshotPolicy};
use annals::subscription::{Delivered, HandlerError};
use annals::{
    Aggregate, Append, Event, EventStore, MemoryStore, Position, Query, Repository, Timestamp,
    Undated, View,
};
use flate2::read::GzDecoder;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::sync::Arc;
use std::time::Duration;

const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/careers.jsonl.gz");

/// Who is known to have been on which team, each player on the last one.
#[derive(Default, PartialEq)]
struct Rosters {
    team_of: BTreeMap<String, String>,
}

impl Rosters {
    fn of(&self, team: &str) -> Vec<&str> {
        let on_it = self.team_of.iter().filter(|(_, own)| *own == team);
        on_it.map(|(player, _)| player.as_str()).collect()
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
        let team = data["teamID"].as_str().ok_or("an event without a team")?;
        let player = event.stream().trim_start_matches("player/");
        self.team_of.insert(player.to_owned(), team.to_owned());
        Ok(())
    }
}

/// What one player's career was.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Career {
    all_star_games: u32,
    teams: BTreeSet<String>,
}

#[derive(Serialize, Deserialize)]
enum CareerEvent {
    AllStarSelected {
        #[serde(rename = "teamID")]
        team: String,
    },
    /// What else there is, now or later.
    #[serde(other)]
    Other,
}

impl Aggregate for Career {
    type Event = CareerEvent;
    const CATEGORY: &'static str = "player";

    fn apply(&mut self, event: &CareerEvent) {
        if let CareerEvent::AllStarSelected { team } = event {
            self.all_star_games += 1;
            self.teams.insert(team.clone());
        }
    }
}

fn main() -> Result<(), HandlerError> {
    let log = Arc::new(annals::temporary()?);
    let stores: [Arc<dyn EventStore>; 2] = [log, Arc::new(MemoryStore::new())];
    stores.iter().try_for_each(run)
}

fn run(store: &Arc<dyn EventStore>) -> Result<(), HandlerError> {
    load(&**store)?;
    println!("{} events", store.head());

    // The read model, on a thread of its own.
    let rosters = Projector::new(Arc::clone(store), Rosters::default()).start()?;
    rosters.wait_for(store.head(), Duration::from_secs(60))?;
    assert!(rosters.read(|rosters| rosters.of("BOS").contains(&"willite01")));

    // On any date: the same projection, over what had happened by then.
    for (date, team) in [
        ("1939-06-01", "NYA"),
        ("1946-12-31", "BOS"),
        ("1962-01-01", "SFN"),
    ] {
        let view = View::now(Arc::clone(store));
        let then = view.happened_by(midnight(date)?, Undated::Exclude);
        let rosters = as_of(&then, Rosters::default(), then.position())?;
        println!("{team} on {date}: {}", rosters.of(team).join(", "));
        assert_eq!(
            rosters.of("BOS").contains(&"willite01"),
            date > "1940-07-09"
        );
    }

    // As of a moment: over the log up to there, whatever it says of when.
    let middle = Position::new(store.head().get() / 2);
    let then = as_of(&**store, Rosters::default(), middle)?;
    let now = rosters.read(|own| own.team_of.len());
    println!(
        "{} players at event {middle}, {now} now",
        then.team_of.len()
    );
    assert!(then.team_of.len() < now);

    // News: readers see it as soon as they have waited for it.
    let news = Event::new("SalaryPaid", r#"{"teamID":"BOS","salary":"1"}"#);
    let done = store.append(Append::to("player/nobody01").event(news))?;
    rosters.wait_for(done.last(), Duration::from_secs(60))?;
    assert!(rosters.read(|rosters| rosters.of("BOS").contains(&"nobody01")));

    // Made anew beside the running one: it comes out the same.
    let old = rosters.rebuild(Rosters::default())?;
    assert!(rosters.read(|fresh| *fresh == old));
    println!("rebuilt: the same {} players", old.team_of.len());

    rosters.stop()?;
    snapshot(store)
}

/// One career, replayed, kept as a snapshot, and loaded from it.
fn snapshot(store: &Arc<dyn EventStore>) -> Result<(), HandlerError> {
    let dir = std::env::temp_dir().join(format!("annals-careers-{}", store.id()));
    let snapshots = Arc::new(FileSnapshots::open(&dir)?);
    let careers = Repository::<Career>::new(Arc::clone(store));
    let replayed = careers.load("willite01")?;
    let quick = careers.with_snapshots(snapshots.clone(), SnapshotPolicy::every(10));
    assert_eq!(quick.load("willite01")?.state(), replayed.state());
    assert_eq!(snapshots.len(), 1, "it was due");
    assert_eq!(quick.load("willite01")?.state(), replayed.state());
    println!("Ted Williams: {:?}", replayed.state());
    drop((quick, snapshots));
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
        let mut event = Event::new(text("type"), line["data"].to_string());
        if let Some(time) = line["time"].as_str() {
            event = event.with_happened(midnight(time)?);
        }
        pending.push(store.submit(Append::to(text("stream")).event(event)));
    }
    for append in pending {
        append.wait()?;
    }
    Ok(())
}

/// The beginning of the day that a text like "1946-07-09T00:00:00Z" tells.
fn midnight(text: &str) -> Result<Timestamp, HandlerError> {
    let date = text.get(..10).unwrap_or(text).splitn(3, '-');
    let numbers: Vec<i64> = date.map(str::parse).collect::<Result<_, _>>()?;
    let [year, month, day] = numbers[..] else {
        return Err(format!("{text:?} is no date").into());
    };
    // Years that begin in March, so that a leap day is the last of its year.
    let (year, month) = (year - i64::from(month < 3), (month + 9) % 12);
    let leap_days = year / 4 - year / 100 + year / 400;
    let days = 365 * year + leap_days + (153 * month + 2) / 5 + day - 719_469;
    Ok(Timestamp::new(days * 86_400, 0)?)
}
