//! `annals import`: the events of files.

use crate::args::ImportArgs;
use crate::input::{self, Lines};
use crate::parse::{self, Claims};
use crate::people::counted;
use crate::progress::Progress;
use crate::restore::Restore;
use crate::say;
use annals::{EventStore, LogStore, Options, Pending, Position, Timestamp};
use indicatif::HumanCount;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many appends, and how many bytes of lines, are in flight at most.
const MOST_APPENDS: usize = 4096;
const MOST_BYTES: usize = 16 << 20;

pub(crate) fn run(args: &ImportArgs) -> anyhow::Result<()> {
    let total = input::total_size(&args.files)?;
    let mut import = Import::open(args, Progress::new(total))?;
    let outcome = import.files(args);
    let drained = import.drain();
    let flushed = import.store.flush();
    drop(import.progress.take());
    let kept = flushed.is_ok() && (outcome.is_err() || drained.is_err());
    import.report(if kept { ", which are kept" } else { "" });
    let closed = import.store.close();
    outcome.and(drained)?;
    flushed?;
    closed?;
    Ok(())
}

struct Import {
    store: LogStore,
    restore: Option<Restore>,
    in_flight: VecDeque<InFlight>,
    bytes_in_flight: usize,
    events: u64,
    appends: u64,
    /// Those of the events that were in the store before.
    known: u64,
    failed: bool,
    /// Those that were in flight when an earlier append failed, and did not.
    events_beyond: u64,
    /// How much of the files has been read.
    taken: Arc<AtomicU64>,
    progress: Option<Progress>,
}

struct InFlight {
    pending: Pending,
    place: String,
    bytes: usize,
    events: u64,
    /// What a restore wants the store to answer with.
    wanted: Option<(Position, Timestamp)>,
}

impl Import {
    fn open(args: &ImportArgs, progress: Progress) -> anyhow::Result<Self> {
        let mut options = Options::new()
            .durability(args.durability.into())
            .unique_ids(args.ids.unique_ids);
        if let Some(size) = args.segments.segment_size {
            options = options.segment_size(size);
        }
        let restore = args.restore.then(Restore::new);
        if let Some(restore) = &restore {
            options = options.clock(restore.clock());
        }
        let store = options.open(&args.store)?;
        if restore.is_some() && store.head() != Position::START {
            anyhow::bail!(
                "{} has events already; a restore wants an empty store",
                args.store.display()
            );
        }
        Ok(Import {
            store,
            restore,
            in_flight: VecDeque::new(),
            bytes_in_flight: 0,
            events: 0,
            appends: 0,
            known: 0,
            failed: false,
            events_beyond: 0,
            taken: Arc::default(),
            progress: Some(progress),
        })
    }

    fn files(&mut self, args: &ImportArgs) -> anyhow::Result<()> {
        let claims = match &self.restore {
            Some(_) => Claims::Needed,
            None => Claims::Ignored,
        };
        for path in &args.files {
            let mut lines = Lines::open(path, &self.taken)?;
            while let Some(text) = lines.next()? {
                let bytes = text.len();
                let parsed = parse::parse(text, claims);
                self.line(parsed, bytes, lines.place())?;
            }
        }
        Ok(())
    }

    /// Takes in what a line says, and answers that have come meanwhile.
    fn line(
        &mut self,
        parsed: Result<parse::Line, String>,
        bytes: usize,
        place: String,
    ) -> anyhow::Result<()> {
        let bad = |reason| anyhow::anyhow!("{place}: {reason}");
        let line = parsed.map_err(bad)?;
        if self.restore.as_ref().is_some_and(Restore::is_full) {
            self.drain()?;
            self.store.flush()?;
        }
        if let Some(restore) = &mut self.restore {
            if self.in_flight.is_empty() && restore.is_full() {
                restore.forget();
            }
            restore.check(&self.store, &line.claims).map_err(bad)?;
        }
        let events = line.append.entries().len() as u64;
        let wanted = line
            .claims
            .first()
            .map(|claim| (claim.position, claim.recorded));
        let pending = self.store.submit(line.append);
        // An append that can't be recorded is refused at once: then nothing
        // that stands after it is to be taken in.
        let answered = pending.is_ready();
        self.bytes_in_flight += bytes;
        self.in_flight.push_back(InFlight {
            pending,
            place,
            bytes,
            events,
            wanted,
        });
        while (answered && !self.in_flight.is_empty())
            || self.in_flight.len() > MOST_APPENDS
            || self.bytes_in_flight > MOST_BYTES
        {
            self.settle_first()?;
        }
        Ok(())
    }

    /// Waits for everything in flight; the first failure is what is said.
    fn drain(&mut self) -> anyhow::Result<()> {
        let mut outcome = Ok(());
        while !self.in_flight.is_empty() {
            outcome = outcome.and(self.settle_first());
        }
        outcome
    }

    fn settle_first(&mut self) -> anyhow::Result<()> {
        let Some(first) = self.in_flight.pop_front() else {
            return Ok(());
        };
        self.bytes_in_flight -= first.bytes;
        let appended = first.pending.wait().map_err(|error| {
            self.failed = true;
            anyhow::Error::new(error).context(first.place.clone())
        })?;
        if appended.is_repeat() {
            self.known += first.events;
        } else if self.failed {
            self.events_beyond += first.events;
        } else {
            self.events += first.events;
            self.appends += 1;
        }
        if let Some((position, recorded)) = first.wanted {
            let (given, at) = (appended.first(), appended.recorded());
            if (given, at) != (position, recorded) {
                anyhow::bail!(
                    "{}: restored to position {given} and {at}, not {position} and {recorded}",
                    first.place
                );
            }
        }
        if let Some(progress) = &mut self.progress {
            progress.at(self.events + self.known, self.taken.load(Ordering::Relaxed));
        }
        Ok(())
    }

    /// Says what is in the store now that was not before.
    fn report(&self, kept: &str) {
        let events = counted(self.events, "event");
        let appends = counted(self.appends, "append");
        let head = HumanCount(self.store.head().get());
        say(&format!(
            "imported {events} in {appends}{kept}; the head is at {head}"
        ));
        if self.known > 0 {
            let known = counted(self.known, "event");
            say(&format!("{known} had been recorded before"));
        }
        if self.events_beyond > 0 {
            let beyond = counted(self.events_beyond, "event");
            say(&format!(
                "{beyond} of later lines were in flight, and are kept, too"
            ));
        }
    }
}
