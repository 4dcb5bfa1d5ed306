//! kill -9 of a writer process on the real system: what it had acknowledged is
//! there afterwards, whole and in order, and nothing else is.
//!
//! The test starts itself again as the writer: eight threads append and say
//! over a pipe what was acknowledged, while this process reads along. Then the
//! writer is killed, at any moment. `ANNALS_KILL_ROUNDS` says how often.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::print_stdout)]

use annals::{Append, Durability, Event, EventStore, Expected, Options, Query, Version};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const THREADS: usize = 8;
/// Set where this process is the writer: the store's directory.
const WRITER: &str = "ANNALS_KILL_WRITER";

fn options() -> Options {
    Options::new().segment_size(64 << 10).checkpoint_events(256)
}

/// The data of the event with a number in a thread's stream: it tells what it
/// is, so that a torn or a wrong one shows.
fn data(thread: usize, number: u64) -> Vec<u8> {
    let seed = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ thread as u64;
    let length = 10 + (seed >> 32) % 300;
    (0..length).map(|at| (seed >> (at % 8 * 8)) as u8).collect()
}

#[test]
fn writer() {
    let Ok(dir) = std::env::var(WRITER) else {
        return;
    };
    let store = Arc::new(options().open(&dir).unwrap());
    let threads: Vec<_> = (0..THREADS)
        .map(|thread| {
            let store = Arc::clone(&store);
            std::thread::spawn(move || append_for_ever(&*store, thread))
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
}

fn append_for_ever(store: &dyn EventStore, thread: usize) {
    let stream = format!("thread/{thread}");
    let mut version = store.version(&stream).unwrap().get();
    loop {
        let durability = match version % 4 {
            0 => Durability::Written,
            _ => Durability::Durable,
        };
        let count = 1 + version % 3;
        let events = (1..=count).map(|own| Event::new("Counted", data(thread, version + own)));
        let append = Append::to(stream.clone())
            .expect(Expected::Exact(Version::new(version)))
            .events(events)
            .durability(durability);
        let appended = store.append(append).unwrap();
        version += count;
        assert_eq!(appended.version().get(), version);
        let line = format!("{thread} {version}\n");
        let mut out = std::io::stderr().lock();
        if out.write_all(line.as_bytes()).is_err() {
            return;
        }
    }
}

fn start(dir: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "writer", "--nocapture"])
        .env(WRITER, dir)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The last version of each thread's stream that is known to be there.
type Known = Arc<Mutex<HashMap<usize, u64>>>;

#[test]
fn nothing_acknowledged_is_lost_torn_or_risen_after_a_kill() {
    if std::env::var(WRITER).is_ok() {
        return;
    }
    let rounds = std::env::var("ANNALS_KILL_ROUNDS");
    let rounds: u64 = rounds.map_or(20, |text| text.parse().unwrap());
    let started = Instant::now();
    let mut dir = tempfile::tempdir().unwrap();
    let known = Known::default();
    let mut events = 0;
    for round in 0..rounds {
        // A store does not grow for ever, nor does what has to be read.
        if round % 50 == 0 {
            dir = tempfile::tempdir().unwrap();
            known.lock().unwrap().clear();
        }
        one_round(dir.path(), round, &known);
        events = check(dir.path(), round, &known);
    }
    println!(
        "{rounds} kills in {:.1} s, {events} events in the last store: 0 lost, torn or risen",
        started.elapsed().as_secs_f64()
    );
}

fn one_round(dir: &Path, round: u64, known: &Known) {
    let mut child = start(dir);
    let pipe = BufReader::new(child.stderr.take().unwrap());
    let told = Arc::clone(known);
    let listener = std::thread::spawn(move || {
        // Whole lines only: the last may be torn by the kill.
        let mut count = 0_u64;
        for line in pipe.split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).into_owned();
            let Some((thread, version)) = line.split_once(' ') else {
                continue;
            };
            if let (Ok(thread), Ok(version)) = (thread.parse::<usize>(), version.parse()) {
                assert!(thread < THREADS, "the writer says: {line}");
                told.lock().unwrap().insert(thread, version);
                count += 1;
            }
        }
        count
    });
    let stop = Arc::new(AtomicBool::new(false));
    let reader = {
        let (dir, stop) = (dir.to_path_buf(), Arc::clone(&stop));
        std::thread::spawn(move || read_along(&dir, &stop))
    };
    // Anywhere between the start, a recovery, and well under way.
    let nanos = round.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    std::thread::sleep(Duration::from_micros(2_000 + nanos % 60_000));
    child.kill().unwrap();
    child.wait().unwrap();
    stop.store(true, Ordering::Relaxed);
    listener.join().unwrap();
    let seen = reader.join().unwrap();
    // What a reader saw is known, too: the log does not fall behind it.
    let store = options().open_read_only(dir);
    let head = store.map_or(0, |store| store.head().get());
    assert!(
        head >= seen,
        "a reader saw {seen}, now the log ends at {head}"
    );
}

/// Reads beside the writer; says how far it saw.
fn read_along(dir: &Path, stop: &AtomicBool) -> u64 {
    let store = loop {
        match options().open_read_only(dir) {
            Ok(store) => break store,
            Err(error) if error.is_corrupt() => panic!("beside the writer: {error}"),
            Err(_) if stop.load(Ordering::Relaxed) => return 0,
            Err(_) => std::thread::sleep(Duration::from_millis(1)),
        }
    };
    let mut head = annals::Position::START;
    while !stop.load(Ordering::Relaxed) {
        let now = store.wait(head, Duration::from_millis(5)).unwrap();
        for event in store.read(&Query::all().after(head)) {
            let event = event.unwrap();
            assert_eq!(event.position(), head.next());
            head = event.position();
        }
        assert!(head >= now, "{now} was visible, read {head}");
    }
    head.get()
}

/// Opens the store and reads all of it: as a reader does every other time, so
/// that the next writer finds what the killed one left.
fn check(dir: &Path, round: u64, known: &Known) -> u64 {
    let store = match round % 2 {
        0 => options().open(dir),
        _ if !dir.join("store").exists() => options().open(dir),
        _ => options().open_read_only(dir),
    };
    let store = store.unwrap();
    let mut versions: HashMap<usize, u64> = HashMap::new();
    let mut next = 1;
    store
        .scan(&Query::all(), &mut |event| {
            assert_eq!(event.position().get(), next);
            next += 1;
            let thread = event
                .stream()
                .strip_prefix("thread/")
                .unwrap()
                .parse()
                .unwrap();
            let version = versions.entry(thread).or_default();
            *version += 1;
            assert_eq!(event.version().get(), *version);
            assert_eq!(event.data(), data(thread, *version), "{event:?}");
            ControlFlow::Continue(())
        })
        .unwrap();
    for (thread, version) in known.lock().unwrap().iter() {
        let found = versions.get(thread).copied().unwrap_or(0);
        assert!(
            found >= *version,
            "thread {thread}: {version} acknowledged, {found} found"
        );
    }
    // Appends are whole: their sizes follow from the version before.
    for (thread, version) in &versions {
        let mut whole = 0;
        while whole < *version {
            whole += 1 + whole % 3;
        }
        assert_eq!(whole, *version, "thread {thread} ends within an append");
    }
    store.close().unwrap();
    next - 1
}
