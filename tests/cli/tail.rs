//! `annals tail`, also while another process writes.

use crate::support::{Place, line, objects};

#[test]
fn the_last_events_are_shown_in_order() {
    let place = Place::with(
        &(1..=25)
            .map(|n| line("s", "T", &n.to_string()))
            .collect::<String>(),
    );
    let tail = |args: &[&str]| -> Vec<u64> {
        let mut all = vec!["--json"];
        all.extend(args);
        let text = place.run("tail", &all).succeeds().stdout;
        objects(&text)
            .iter()
            .map(|event| event["data"].as_u64().unwrap())
            .collect()
    };
    assert_eq!(tail(&[]), (16..=25).collect::<Vec<_>>());
    assert_eq!(tail(&["-n", "2"]), [24, 25]);
    assert_eq!(tail(&["-n", "0"]), [0; 0]);
    assert_eq!(tail(&["-n", "99"]).len(), 25);
    let text = place.run("tail", &["-n", "1"]).succeeds().stdout;
    assert!(
        text.starts_with("25  (") && text.ends_with("Z)  T  s 25\n    25\n"),
        "{text}"
    );
}

#[test]
fn what_another_process_writes_is_followed_up_to_its_last_event() {
    let place = Place::with(&line("s", "T", "0"));
    let follower = place.start("tail", &["-f", "--json", "-n", "1"]);
    let data = |text: String| objects(&text)[0]["data"].as_u64().unwrap();
    assert_eq!(data(follower.line()), 0);
    // A writer that falls idle, with its store open.
    let mut writer = place.start("append", &[]);
    for number in 1..=50 {
        writer.write(&line("s", "T", &number.to_string()));
        assert_eq!(
            writer.line(),
            format!(r#"{{"first":{0},"last":{0}}}"#, number + 1)
        );
        assert_eq!(data(follower.line()), number);
    }
    // And when the writer has gone, one that comes after it.
    writer.end().succeeds();
    place
        .import(&["-"], line("s", "T", "51") + &line("s", "T", "52"))
        .succeeds();
    assert_eq!(data(follower.line()), 51);
    assert_eq!(data(follower.line()), 52);
}

#[test]
fn followers_of_a_store_of_small_segments_miss_nothing() {
    let place = Place::with("");
    let followers = [
        place.start("tail", &["-f", "--json", "-n", "0"]),
        place.start("tail", &["-f", "--json"]),
    ];
    // Both stand at the beginning of an empty store, whenever they open it:
    // the second shows what it finds.
    let data = format!("\"{}\"", "x".repeat(1000));
    let lines = line("s", "T", &data).repeat(1_000);
    std::thread::sleep(std::time::Duration::from_millis(500));
    place
        .import(&["-", "--segment-size", "64KiB"], lines)
        .succeeds();
    let mut first_seen = Vec::new();
    for follower in &followers {
        let mut last = None;
        while last != Some(1_000) {
            let position = objects(&follower.line())[0]["position"].as_u64().unwrap();
            match last {
                None => first_seen.push(position),
                Some(last) => assert_eq!(position, last + 1),
            }
            last = Some(position);
        }
    }
    assert_eq!(first_seen.len(), 2);
}
