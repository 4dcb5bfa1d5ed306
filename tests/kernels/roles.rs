//! What this program does when it is started as a child.

use crate::child::{LONG, Record, Said, say};
use crate::event;
use crate::planted;
use crate::random::{Random, mix};
use annals::{Durability, Error, ErrorKind, EventStore, LogStore, Options, Position, Query, Reads};
use std::fs::File;
use std::io::{Read, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Says that what follows is a role.
pub const FLAG: &str = "--role";
const THREADS: u8 = 8;

/// Small segments and checkpoints, so that all that can happen happens soon.
pub fn options(seed: u64) -> Options {
    let reads = match mix(seed) % 2 {
        0 => Reads::Mapped,
        _ => Reads::Plain,
    };
    planted::options()
        .segment_size(4 << 10 << (mix(seed ^ 1) % 5))
        .checkpoint_events(10 + (mix(seed ^ 2) % 90) as usize)
        .reads(reads)
}

pub fn play(args: &[String]) {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["writer", dir, seed, run, level] => {
            end_with_parent();
            Writer {
                dir: Path::new(dir),
                random: Random::new(seed.parse().unwrap()),
                durable_only: *level == "durable",
                out: voice(),
            }
            .play(run.parse().unwrap());
        }
        ["reader", dir, seed] => {
            end_with_parent();
            read_along(Path::new(dir), seed.parse().unwrap(), &voice());
        }
        ["parent", dir, seed] => {
            end_with_parent();
            be_parent(Path::new(dir), seed.parse().unwrap(), &voice());
        }
        ["look", dir, seed] => look(Path::new(dir), seed.parse().unwrap()),
        ["sleep"] => {
            voice().write_all(b"!").unwrap();
            std::thread::sleep(Duration::from_secs(2));
        }
        ["open", dir] => open_and_report(Path::new(dir)),
        _ => panic!("no role is called {args:?}"),
    }
}

/// The standard output without a buffer: what is said is said.
#[cfg(unix)]
fn voice() -> File {
    use std::os::fd::AsFd;
    File::from(std::io::stdout().as_fd().try_clone_to_owned().unwrap())
}

#[cfg(windows)]
fn voice() -> File {
    use std::os::windows::io::AsHandle;
    File::from(std::io::stdout().as_handle().try_clone_to_owned().unwrap())
}

/// No child stays behind when whoever started it is gone.
fn end_with_parent() {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
}

struct Writer<'a> {
    dir: &'a Path,
    random: Random,
    durable_only: bool,
    out: File,
}

impl Writer<'_> {
    /// Opens, appends with eight threads, closes, and so on until killed, or
    /// until the store takes no more.
    fn play(mut self, mut run: u32) {
        loop {
            self.tell(run, Said::Opening);
            let store = match options(self.random.next()).open(self.dir) {
                Ok(store) => store,
                Err(error) => return self.fail(run, &error),
            };
            self.tell(run, Said::Opened(store.head().get()));
            let time = Duration::from_micros(self.random.below(16_000));
            let whole = self.append_for(&store, run, time);
            // What was visible can be read, whatever has failed.
            let read = store.scan(&Query::all(), &mut |_| ControlFlow::Continue(()));
            if let Err(error) = read {
                self.fail(run, &error);
            }
            self.tell(run, Said::Closing);
            match store.close() {
                Ok(()) if whole => self.tell(run, Said::Closed),
                Ok(()) => {
                    eprintln!("run {run}: a writer that had failed was closed cleanly");
                    return self.tell(run, Said::Strange);
                }
                Err(error) => return self.fail(run, &error),
            }
            run += 1;
        }
    }

    fn tell(&self, run: u32, said: Said) {
        let (thread, number) = (0, 0);
        let record = Record {
            said,
            run,
            thread,
            number,
        };
        say(&self.out, record);
    }

    /// What the operating system refuses may be so; nothing else may.
    fn fail(&self, run: u32, error: &Error) {
        eprintln!("run {run}: {error}");
        self.tell(
            run,
            match error.kind() {
                // Closing does not know, either, what a failed sync has left.
                ErrorKind::Io { .. }
                | ErrorKind::DiskFull { .. }
                | ErrorKind::Poisoned { .. }
                | ErrorKind::OutcomeUnknown { .. } => Said::Failed,
                _ => Said::Strange,
            },
        );
    }

    /// Whether nothing failed.
    fn append_for(&mut self, store: &LogStore, run: u32, time: Duration) -> bool {
        let stop = AtomicBool::new(false);
        let failed = AtomicBool::new(false);
        let started = Instant::now();
        std::thread::scope(|scope| {
            for thread in 0..THREADS {
                let (out, stop, failed) = (&self.out, &stop, &failed);
                let durable_only = self.durable_only;
                scope.spawn(move || {
                    let mut number = 0;
                    while !stop.load(Ordering::Relaxed) {
                        let level = level(thread, number, durable_only);
                        let said = append(store, run, thread, number, level);
                        let record = Record {
                            said,
                            run,
                            thread,
                            number,
                        };
                        say(out, record);
                        if !matches!(said, Said::Acked(..)) {
                            failed.store(true, Ordering::Relaxed);
                            return;
                        }
                        if number % 8 == u32::from(thread) {
                            try_what_is_refused(store, out, record);
                        }
                        number += 1;
                    }
                });
            }
            while started.elapsed() < time && !failed.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_micros(500));
            }
            stop.store(true, Ordering::Relaxed);
        });
        !failed.load(Ordering::Relaxed)
    }
}

fn level(thread: u8, number: u32, durable_only: bool) -> Durability {
    let chosen = mix(u64::from(thread) << 32 ^ u64::from(number)) % 8;
    match chosen {
        _ if durable_only => Durability::Durable,
        0 => Durability::Buffered,
        1 | 2 => Durability::Written,
        _ => Durability::Durable,
    }
}

fn append(store: &LogStore, run: u32, thread: u8, number: u32, level: Durability) -> Said {
    let append = event::append(run, thread, number).durability(level);
    match store.append(append) {
        Ok(appended) => Said::Acked(level, appended.last().get()),
        Err(error) => match error.kind() {
            ErrorKind::OutcomeUnknown { .. } => Said::Unknown,
            ErrorKind::Poisoned { .. } | ErrorKind::DiskFull { .. } => Said::Refused,
            // The next segment could not be prepared.
            ErrorKind::Io { operation, .. } => {
                eprintln!("run {run}: {error} ({operation})");
                Said::Refused
            }
            _ => {
                eprintln!("run {run}: {error}");
                Said::Strange
            }
        },
    }
}

fn try_what_is_refused(store: &LogStore, out: &File, record: Record) {
    let refused = store.append(event::refused(record.thread));
    let well = match refused {
        Ok(_) => false,
        // Or the store has failed meanwhile.
        Err(error) => matches!(
            error.kind(),
            ErrorKind::Conflict { .. }
                | ErrorKind::Poisoned { .. }
                | ErrorKind::OutcomeUnknown { .. }
                | ErrorKind::Io { .. }
        ),
    };
    if !well {
        eprintln!("an append that contradicts the store was not refused");
        let said = Said::Strange;
        say(out, Record { said, ..record });
    }
}

/// Follows the store for ever, over the deaths of its writers.
fn read_along(dir: &Path, seed: u64, out: &File) {
    let tell = |said| {
        let record = Record {
            said,
            run: 0,
            thread: 0,
            number: 0,
        };
        say(out, record);
    };
    let fail = |error: &Error| {
        eprintln!("a reader: {error}");
        let may_be = matches!(error.kind(), ErrorKind::Io { .. });
        tell(if may_be { Said::Failed } else { Said::Strange });
    };
    let store = loop {
        match options(seed).open_read_only(dir) {
            Ok(store) => break store,
            Err(error) if matches!(error.kind(), ErrorKind::NotAStore { .. }) => {
                std::thread::sleep(Duration::from_millis(1));
            }
            Err(error) => return fail(&error),
        }
    };
    let (mut head, mut hash) = (Position::START, 0);
    loop {
        if let Err(error) = store.wait(head, LONG) {
            return fail(&error);
        }
        let read = store.scan(&Query::all().after(head), &mut |event| {
            if event.position() != head.next() {
                eprintln!("a reader: {} after {head}", event.position());
                tell(Said::Strange);
            }
            if let Err(reason) = event::Mark::of(&event) {
                eprintln!("a reader: {reason}");
                tell(Said::Strange);
            }
            head = event.position();
            hash = event::chain(hash, &event);
            ControlFlow::Continue(())
        });
        if let Err(error) = read {
            return fail(&error);
        }
        tell(Said::Saw(head.get(), hash));
    }
}

/// Holds the store open for writing, and has a child that lives on.
fn be_parent(dir: &Path, seed: u64, out: &File) {
    let _store = options(seed).open(dir).unwrap();
    let program = std::env::current_exe().unwrap();
    let mut child = std::process::Command::new(program);
    child
        .args([FLAG, "sleep"])
        .stdout(std::process::Stdio::piped());
    let mut child = child.spawn().unwrap();
    // Until the child is another program it has all files of its parent, the
    // lock among them; and for a moment it may outlive a parent that is killed.
    let mut said = child.stdout.take().unwrap();
    said.read_exact(&mut [0]).unwrap();
    let record = Record {
        said: Said::Closing,
        run: 0,
        thread: 0,
        number: 0,
    };
    say(out, record);
    let _ = child.wait();
}

/// Opens read-only, reads, looks up, waits a moment, reads, closes.
fn look(dir: &Path, seed: u64) {
    let store = options(seed).open_read_only(dir).unwrap();
    for _ in 0..3 {
        let mut events = 0;
        let count = &mut |event: annals::EventRef<'_>| {
            events += 1 + usize::from(event.data().is_empty());
            ControlFlow::Continue(())
        };
        store.scan(&Query::all(), count).unwrap();
        let query = Query::category("thread").with_type("Counted").backward();
        events += store.read(&query).map(Result::unwrap).count();
        assert!(events > 0);
        assert!(store.version("thread/1").unwrap().get() > 0);
        let _ = store.position_at(annals::Timestamp::MIN).unwrap();
        store.wait(store.head(), Duration::from_millis(20)).unwrap();
    }
    store.stat().unwrap();
    store.close().unwrap();
    assert!(annals::verify(dir, &mut |_| {}).unwrap().events > 0);
}

/// Opens for writing, and says in a word how that went.
fn open_and_report(dir: &Path) {
    let opened = options(0).open(dir);
    println!(
        "{}",
        match &opened {
            Ok(_) => "opened".into(),
            Err(error) => match error.kind() {
                ErrorKind::Locked { .. } => "locked".into(),
                _ => error.to_string(),
            },
        }
    );
}
