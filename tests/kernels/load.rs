//! Threads of this process that append until something stops them.

use crate::audit::Ledger;
use crate::child::{LONG, Record, Said};
use crate::event;
use annals::{Durability, ErrorKind, EventStore, LogStore};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc;

pub const THREADS: u8 = 8;

/// What came of the appends.
#[derive(Debug, Default)]
pub struct Load {
    pub records: Vec<Record>,
    /// The errors, by their kind and text.
    pub errors: BTreeMap<String, u64>,
    pub acked: u64,
    pub full: u64,
    pub unknown: u64,
    pub poisoned: u64,
}

/// Appends `most` times in each of eight threads, from number `first` on. A
/// thread stops after its third error. An error if one of them never returns.
pub fn append(store: &Arc<LogStore>, run: u32, first: u32, most: u32) -> Result<Load, String> {
    let (done, all) = mpsc::channel();
    for thread in 0..THREADS {
        let (store, done) = (Arc::clone(store), done.clone());
        std::thread::spawn(move || {
            let _ = done.send(append_in_thread(&store, run, thread, first, most));
        });
    }
    drop(done);
    let mut load = Load::default();
    for _ in 0..THREADS {
        let own = all.recv_timeout(LONG);
        load.add(own.map_err(|_| "somebody waits for ever, or panicked")?);
    }
    Ok(load)
}

impl Load {
    fn add(&mut self, other: Load) {
        self.records.extend(other.records);
        self.acked += other.acked;
        self.full += other.full;
        self.unknown += other.unknown;
        self.poisoned += other.poisoned;
        for (text, count) in other.errors {
            *self.errors.entry(text).or_default() += count;
        }
    }

    pub fn tell(&self, ledger: &mut Ledger) {
        ledger.heard(&self.records);
    }
}

fn append_in_thread(store: &LogStore, run: u32, thread: u8, first: u32, most: u32) -> Load {
    let mut load = Load::default();
    let mut errors = 0;
    for number in first..first + most {
        let append = event::append(run, thread, number).durability(Durability::Durable);
        let said = match store.append(append) {
            Ok(appended) => {
                load.acked += 1;
                Said::Acked(Durability::Durable, appended.last().get())
            }
            Err(error) => {
                *load.errors.entry(what(&error)).or_default() += 1;
                errors += 1;
                match error.kind() {
                    ErrorKind::OutcomeUnknown { .. } => {
                        load.unknown += 1;
                        Said::Unknown
                    }
                    ErrorKind::Poisoned { .. } => {
                        load.poisoned += 1;
                        Said::Refused
                    }
                    ErrorKind::DiskFull { .. } => {
                        load.full += 1;
                        Said::Refused
                    }
                    _ => Said::Refused,
                }
            }
        };
        load.records.push(Record {
            said,
            run,
            thread,
            number,
        });
        if errors == 3 {
            break;
        }
    }
    load
}

/// An error without the path in it.
fn what(error: &annals::Error) -> String {
    match error.kind() {
        ErrorKind::OutcomeUnknown { cause } => format!("unknown, {}", what(cause)),
        ErrorKind::Poisoned { cause } => format!("poisoned, {}", what(cause)),
        ErrorKind::DiskFull { .. } => "disk full".into(),
        ErrorKind::Io {
            operation, source, ..
        } => format!("{operation}: {source}"),
        _ => error.to_string(),
    }
}
