//! Processes that are started, listened to and killed.

use crate::roles;
use annals::Durability;
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Longer than anything here takes, on the slowest machine.
pub const LONG: Duration = Duration::from_secs(60);

/// What a child says, each in one write, so that a kill leaves no half of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// The writer opens the store for this run.
    Opening,
    /// It has, and the log ended at this position.
    Opened(u64),
    Closing,
    Closed,
    /// An append was acknowledged: its last position.
    Acked(Durability, u64),
    /// It was refused, and must never be seen.
    Refused,
    /// It is not known whether it is there.
    Unknown,
    /// The store can't be opened, closed or read, which may be so or not.
    Failed,
    /// Something that must not be; the log of the child says what.
    Strange,
    /// A reader saw everything up to a position: the hash over all of it.
    Saw(u64, u64),
}

/// What was said, of which append.
#[derive(Clone, Copy, Debug)]
pub struct Record {
    pub said: Said,
    pub run: u32,
    pub thread: u8,
    pub number: u32,
}

const BYTES: usize = 32;

impl Record {
    fn encode(self) -> [u8; BYTES] {
        let (kind, durability, first, second) = match self.said {
            Said::Opening => (0, 0, 0, 0),
            Said::Opened(head) => (1, 0, head, 0),
            Said::Closing => (2, 0, 0, 0),
            Said::Closed => (3, 0, 0, 0),
            Said::Acked(durability, last) => (4, durability as u8, last, 0),
            Said::Refused => (5, 0, 0, 0),
            Said::Unknown => (6, 0, 0, 0),
            Said::Failed => (7, 0, 0, 0),
            Said::Strange => (8, 0, 0, 0),
            Said::Saw(head, hash) => (9, 0, head, hash),
        };
        let mut bytes = [0; BYTES];
        bytes[0] = kind;
        bytes[1] = self.thread;
        bytes[2] = durability;
        bytes[4..8].copy_from_slice(&self.run.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.number.to_le_bytes());
        bytes[16..24].copy_from_slice(&first.to_le_bytes());
        bytes[24..32].copy_from_slice(&second.to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8; BYTES]) -> Self {
        let short = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        let long = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
        let levels = [
            Durability::Buffered,
            Durability::Written,
            Durability::Durable,
        ];
        let durability = levels
            .into_iter()
            .find(|level| *level as u8 == bytes[2])
            .unwrap_or(Durability::Durable);
        let said = match bytes[0] {
            0 => Said::Opening,
            1 => Said::Opened(long(16)),
            2 => Said::Closing,
            3 => Said::Closed,
            4 => Said::Acked(durability, long(16)),
            5 => Said::Refused,
            6 => Said::Unknown,
            7 => Said::Failed,
            9 => Said::Saw(long(16), long(24)),
            _ => Said::Strange,
        };
        Record {
            said,
            run: short(4),
            thread: bytes[1],
            number: short(8),
        }
    }
}

/// How a child speaks. Silent once nobody listens.
pub fn say(out: &File, record: Record) {
    let mut out = out;
    let _ = out.write_all(&record.encode());
}

/// What a child has said so far.
#[derive(Debug, Default)]
struct Heard {
    records: Mutex<(Vec<Record>, bool)>,
    more: Condvar,
}

/// A running child.
#[derive(Debug)]
pub struct Child {
    process: std::process::Child,
    heard: Arc<Heard>,
    listener: Option<JoinHandle<()>>,
    /// Closed when this is dropped; no child outlives whoever started it.
    _leash: Option<ChildStdin>,
}

impl Child {
    /// Starts this program in a role. What it complains of is added to `log`.
    pub fn start(args: &[&str], log: &Path) -> Self {
        let log = File::options().create(true).append(true).open(log).unwrap();
        let mut process = Command::new(std::env::current_exe().unwrap())
            .arg(roles::FLAG)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let heard = Arc::new(Heard::default());
        let pipe = process.stdout.take().unwrap();
        let leash = process.stdin.take();
        let listener = {
            let heard = Arc::clone(&heard);
            std::thread::spawn(move || listen(pipe, &heard))
        };
        Child {
            process,
            heard,
            listener: Some(listener),
            _leash: leash,
        }
    }

    /// Waits until the child has said something; false if it ended instead.
    pub fn wait_for(&self, mut wanted: impl FnMut(&Record) -> bool) -> bool {
        let started = Instant::now();
        let mut heard = self.heard.records.lock().unwrap();
        let mut looked_at = 0;
        loop {
            let (records, ended) = &*heard;
            if records[looked_at..].iter().any(&mut wanted) {
                return true;
            }
            looked_at = records.len();
            if *ended || started.elapsed() > LONG {
                return false;
            }
            heard = self.heard.more.wait_timeout(heard, LONG).unwrap().0;
        }
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.process.try_wait().unwrap().is_some()
    }

    /// kill -9, and everything that was said before.
    pub fn kill(mut self) -> (ExitStatus, Vec<Record>) {
        let _ = self.process.kill();
        self.end()
    }

    /// Waits until it ends by itself; nothing if it never does.
    pub fn wait(mut self) -> Option<(ExitStatus, Vec<Record>)> {
        let started = Instant::now();
        while !self.has_ended() {
            if started.elapsed() > LONG {
                let _ = self.process.kill();
                self.end();
                return None;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Some(self.end())
    }

    fn end(&mut self) -> (ExitStatus, Vec<Record>) {
        let status = self.process.wait().unwrap();
        if let Some(listener) = self.listener.take() {
            listener.join().unwrap();
        }
        (status, self.hear())
    }

    /// What was said since the last time that somebody asked.
    pub fn hear(&self) -> Vec<Record> {
        std::mem::take(&mut self.heard.records.lock().unwrap().0)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn listen(mut pipe: impl Read, heard: &Heard) {
    let mut bytes = [0; BYTES];
    while pipe.read_exact(&mut bytes).is_ok() {
        heard.records.lock().unwrap().0.push(Record::decode(&bytes));
        heard.more.notify_all();
    }
    heard.records.lock().unwrap().1 = true;
    heard.more.notify_all();
}
