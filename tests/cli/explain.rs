//! `annals explain`: the same queries as `export`, explained.

use crate::support::{Place, objects};
use serde_json::Value;

fn place() -> Place {
    let lines = (1..=200).map(|number| {
        let tags = format!(r#"["n:{number}","all"]"#);
        format!(
            "{{\"stream\":\"s/{}\",\"type\":\"T\",\"data\":1,\"tags\":{tags}}}\n",
            number % 4
        )
    });
    Place::with(&lines.collect::<String>())
}

fn explained(place: &Place, args: &[&str]) -> Value {
    let mut all = vec!["--json"];
    all.extend(args);
    let text = place.run("explain", &all).succeeds().stdout;
    objects(&text).remove(0)
}

#[test]
fn the_rarest_term_leads() {
    let place = place();
    let own = explained(&place, &["--stream", "s/1", "--tag", "n:5"]);
    assert_eq!(
        (&own["way"], &own["candidates"]),
        (&"index".into(), &1.into())
    );
    assert_eq!(own["events"], 200);
    let item = &own["items"][0];
    assert_eq!(item["leads"], 1);
    assert_eq!(item["groups"][0][0]["term"], "stream \"s/1\"");
    assert_eq!(item["groups"][0][0]["postings"], 50);
    assert_eq!(item["groups"][1][0]["postings"], 1);
}

#[test]
fn a_term_of_every_event_is_scanned_for_and_one_of_none_is_not_looked_for() {
    let place = place();
    let own = explained(&place, &["--tag", "all", "--after", "10", "--to", "20"]);
    assert_eq!(
        (&own["way"], &own["candidates"]),
        (&"scan".into(), &10.into())
    );
    assert_eq!(explained(&place, &[])["way"], "scan");
    assert_eq!(explained(&place, &["--tag", "none"])["way"], "nothing");
    assert_eq!(explained(&place, &["--after", "200"])["way"], "nothing");
    // Backward, what follows in the file is of no help.
    assert_eq!(
        explained(&place, &["--tag", "all", "--backward"])["way"],
        "index"
    );
    let own = explained(
        &place,
        &["--tag", "none", "--or", "--tag", "n:7", "--tag", "all"],
    );
    assert_eq!(
        (&own["way"], &own["candidates"]),
        (&"index".into(), &1.into())
    );
    assert_eq!(own["items"][0]["candidates"], 0);
}

#[test]
fn people_are_told_in_lines() {
    let place = place();
    let args = ["--type", "T", "--type", "U", "--tag", "n:3"];
    let told = place.run("explain", &args).succeeds().stdout;
    assert_eq!(
        told,
        "index: postings lead to few enough events\n\
         positions 1 to 200: 200 events, 1 parts of the index, 0 walked\n\
         about 1 events to read\n\
         item 1: about 1\n  \
           and type \"T\": 200 postings\n   \
            or type \"U\": 0 postings\n  \
           and tag \"n:3\": 1 postings (leads)\n"
    );
}
