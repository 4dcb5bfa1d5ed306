//! What is known of a store, and whether it is true of what is found.

use crate::child::{Record, Said};
use crate::event::{self, Mark};
use annals::{Durability, EventStore, LogStore, Options, Query};
use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::path::Path;

/// What a fault may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A process: what the operating system was given stays.
    Process,
    /// The machine: what was not synced may go.
    Machine,
}

/// What is known of one store.
#[derive(Debug, Default)]
pub struct Ledger {
    /// What was found at each position.
    marks: Vec<Mark>,
    /// The hash over everything up to each position.
    chain: Vec<u64>,
    acked: Vec<(Mark, Durability, u64)>,
    refused: HashSet<(u32, u8, u32)>,
    /// What readers saw: everything up to a position, by its hash.
    seen: Vec<(u64, u64)>,
    /// The last opening for writing: where the log ended, and the run that
    /// began there.
    opened: (u64, u32),
    /// What was acknowledged as less than durable and is not there.
    pub unsynced_gone: u64,
    pub acknowledged: u64,
}

impl Ledger {
    /// Takes in what a writer said. True if it said what must not be.
    pub fn heard(&mut self, records: &[Record]) -> bool {
        let mut strange = false;
        for record in records {
            let mark = Mark {
                run: record.run,
                thread: record.thread,
                number: record.number,
                index: 0,
                count: 0,
            };
            match record.said {
                Said::Opened(head) => self.opened = (head, record.run),
                Said::Acked(level, last) => self.acked.push((mark, level, last)),
                Said::Refused => {
                    self.refused.insert(mark.append());
                }
                Said::Closed => {
                    for (_, level, _) in &mut self.acked {
                        *level = Durability::Durable;
                    }
                }
                Said::Strange => strange = true,
                Said::Saw(head, hash) => self.seen.push((head, hash)),
                Said::Opening | Said::Closing | Said::Unknown | Said::Failed => {}
            }
        }
        strange
    }

    /// How many events were found last.
    pub fn len(&self) -> u64 {
        self.marks.len() as u64
    }

    /// Opens the store, for writing or for reading only, and holds it against
    /// what is known. `next_run` is that of the next writer.
    pub fn audit(
        &mut self,
        dir: &Path,
        options: &Options,
        writing: bool,
        fault: Fault,
        next_run: u32,
    ) -> Result<(), String> {
        // Killed before the store was made: only a writer can go on there.
        let writing = writing || !dir.join("store").exists();
        let opened = match writing {
            true => options.open(dir),
            false => options.open_read_only(dir),
        };
        let store = opened.map_err(|error| format!("it does not open: {error}"))?;
        self.hold_against(&store, fault)?;
        if writing {
            self.opened = (self.len(), next_run);
        }
        store.close().map_err(|error| format!("closing: {error}"))
    }

    /// Opens the store for reading only after the machine has failed. The page
    /// of watermarks may be an old one, and bounds what a reader sees until a
    /// writer comes; what it does see is as it was.
    pub fn look(&self, dir: &Path, options: &Options) -> Result<(), String> {
        if !dir.join("store").exists() {
            return Ok(());
        }
        let opened = options.open_read_only(dir);
        let store = opened.map_err(|error| format!("for reading: {error}"))?;
        let found = Found::read(&store)?;
        self.check_order(&found)?;
        check_index(&store, &found)?;
        let both = self.chain.len().min(found.chain.len());
        match self.chain[..both] == found.chain[..both] {
            true => Ok(()),
            false => Err("for reading: the events are others".into()),
        }
    }

    /// Holds what a store shows against what is known.
    pub fn hold_against(&mut self, store: &LogStore, fault: Fault) -> Result<(), String> {
        let found = Found::read(store)?;
        self.check_order(&found)?;
        self.check_past(&found)?;
        self.check_acknowledged(&found, fault)?;
        check_index(store, &found)?;
        self.marks = found.marks;
        self.chain = found.chain;
        Ok(())
    }

    /// Nothing rises from the dead: what was refused, and what was not there
    /// when the store was opened.
    fn check_order(&self, found: &Found) -> Result<(), String> {
        for (at, mark) in found.marks.iter().enumerate() {
            if self.refused.contains(&mark.append()) {
                return Err(format!("risen: {mark:?} was refused"));
            }
            let (head, run) = self.opened;
            let before = (at as u64) < head;
            if before && mark.run >= run || !before && mark.run < run {
                return Err(format!(
                    "risen: {mark:?} at position {}, but run {run} opened the log at {head}",
                    at + 1
                ));
            }
        }
        Ok(())
    }

    /// What was found before, or seen by a reader, is there unchanged.
    fn check_past(&mut self, found: &Found) -> Result<(), String> {
        let now = found.chain.len();
        if now < self.chain.len() {
            return Err(format!("lost: {now} events, {} before", self.chain.len()));
        }
        if !found.chain.starts_with(&self.chain) {
            let at = self.chain.iter().zip(&found.chain);
            let at = at.take_while(|(before, now)| before == now).count();
            return Err(format!("changed: the event at position {}", at + 1));
        }
        for (head, hash) in std::mem::take(&mut self.seen) {
            let same = head == 0 || found.chain.get(head as usize - 1) == Some(&hash);
            if !same {
                return Err(format!("a reader saw {head} events, or others; now {now}"));
            }
        }
        Ok(())
    }

    fn check_acknowledged(&mut self, found: &Found, fault: Fault) -> Result<(), String> {
        for (mark, level, last) in std::mem::take(&mut self.acked) {
            self.acknowledged += 1;
            let there = found.marks.get(last as usize - 1);
            let whole = there
                .is_some_and(|own| own.append() == mark.append() && own.index + 1 == own.count);
            let must_stay = match fault {
                Fault::Process => level > Durability::Buffered,
                Fault::Machine => level == Durability::Durable,
            };
            if whole {
                continue;
            }
            // Below the end of the log there is no other place for it.
            if must_stay || last <= found.marks.len() as u64 && level > Durability::Buffered {
                return Err(format!(
                    "lost: {mark:?} was acknowledged as {level:?} at position {last}; \
                     there is {there:?}, the log ends at {}",
                    found.marks.len()
                ));
            }
            self.unsynced_gone += 1;
        }
        Ok(())
    }
}

/// Everything that is in a store.
#[derive(Debug, Default)]
struct Found {
    marks: Vec<Mark>,
    chain: Vec<u64>,
    versions: HashMap<String, u64>,
}

impl Found {
    fn read(store: &LogStore) -> Result<Self, String> {
        let mut found = Found::default();
        let mut wrong = None;
        let read = store.scan(&Query::all(), &mut |event| match found.add(&event) {
            Ok(()) => ControlFlow::Continue(()),
            Err(reason) => {
                wrong = Some(reason);
                ControlFlow::Break(())
            }
        });
        read.map_err(|error| format!("reading: {error}"))?;
        match (wrong, found.marks.last()) {
            (Some(reason), _) => Err(reason),
            (None, Some(last)) if last.index + 1 != last.count => {
                Err(format!("torn: the log ends within an append, {last:?}"))
            }
            _ if found.marks.len() as u64 != store.head().get() => Err(format!(
                "{} events up to the head {}",
                found.marks.len(),
                store.head()
            )),
            _ => Ok(found),
        }
    }

    fn add(&mut self, event: &annals::EventRef<'_>) -> Result<(), String> {
        let mark = Mark::of(event)?;
        let place = self.marks.len() as u64 + 1;
        if event.position().get() != place {
            return Err(format!("position {} is the {place}th", event.position()));
        }
        let version = self.versions.entry(event.stream().to_owned()).or_default();
        *version += 1;
        if event.version().get() != *version {
            return Err(format!("position {place}: version {}", event.version()));
        }
        let follows = match self.marks.last() {
            Some(last) if last.index + 1 < last.count => {
                mark.append() == last.append() && mark.index == last.index + 1
            }
            _ => mark.index == 0,
        };
        if !follows {
            return Err(format!("torn: {mark:?} at position {place}"));
        }
        let before = self.marks.last();
        if before.is_some_and(|before| before.run > mark.run) {
            return Err(format!("position {place} is of an earlier run: {mark:?}"));
        }
        let hash = event::chain(self.chain.last().copied().unwrap_or(0), event);
        self.chain.push(hash);
        self.marks.push(mark);
        Ok(())
    }
}

/// The index says the same as the scan did.
fn check_index(store: &LogStore, found: &Found) -> Result<(), String> {
    for (stream, version) in &found.versions {
        let error = |error| format!("looking up {stream}: {error}");
        let indexed = store.version(stream).map_err(error)?.get();
        if indexed != *version {
            return Err(format!("{stream}: version {indexed}, found {version}"));
        }
        let mut count = 0;
        let query = Query::stream(stream.clone());
        let counted = store.scan(&query, &mut |event| {
            count += u64::from(event.version().get() == count + 1);
            ControlFlow::Continue(())
        });
        counted.map_err(error)?;
        if count != *version {
            return Err(format!("{stream}: {count} by the index, found {version}"));
        }
    }
    let mut count = 0;
    let query = Query::all().with_type("Counted");
    let counted = store.scan(&query, &mut |_| {
        count += 1;
        ControlFlow::Continue(())
    });
    counted.map_err(|error| format!("reading by type: {error}"))?;
    match count == found.marks.len() {
        true => Ok(()),
        false => Err(format!(
            "{count} events by their type, {}",
            found.marks.len()
        )),
    }
}
