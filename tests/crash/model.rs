//! What a store was told, what it promised, and so what it may be found to
//! hold after a fault.

use annals::{Append, Durability, Event, EventRef, EventStore, QueryItem, Timestamp};
use std::collections::HashMap;
use std::ops::ControlFlow;

/// An event that may be in the store.
#[derive(Clone, Debug)]
pub struct Known {
    pub stream: String,
    pub version: u64,
    pub event: Event,
    /// The first and the last position of its append.
    pub span: (u64, u64),
    /// Whether it is to be shown only once it is durable.
    pub durable: bool,
}

/// The events in the order of their positions, and what is promised of them.
#[derive(Clone, Debug, Default)]
pub struct Model {
    pub events: Vec<Known>,
    versions: HashMap<String, u64>,
    /// The last position that must be found.
    pub required: u64,
    /// The last position that must be found after a kill of the process.
    pub written: u64,
}

/// How an append should fare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// It is recorded, up to this position.
    Taken(u64),
    Conflict,
}

impl Model {
    pub fn head(&self) -> u64 {
        self.events.len() as u64
    }

    pub fn version(&self, stream: &str) -> u64 {
        self.versions.get(stream).copied().unwrap_or(0)
    }

    /// Takes an append in that is about to be submitted.
    pub fn submit(&mut self, append: &Append, default: Durability) -> Expectation {
        let holds = append.streams().iter().all(|part| {
            let actual = annals::Version::new(self.version(part.name()));
            part.expected().holds(actual)
        });
        if !holds {
            return Expectation::Conflict;
        }
        let first = self.head() + 1;
        let last = self.head() + append.entries().len() as u64;
        let durable = append.wanted_durability().unwrap_or(default) == Durability::Durable;
        for (stream, event) in append.entries() {
            let stream = append.streams()[*stream].name().to_owned();
            let version = self.versions.entry(stream.clone()).or_default();
            *version += 1;
            self.events.push(Known {
                version: *version,
                stream,
                event: event.clone(),
                span: (first, last),
                durable,
            });
        }
        Expectation::Taken(last)
    }

    /// The appends after a position and up to another, as somebody retries them
    /// who expects nothing.
    pub fn appends(&self, after: u64, up_to: u64) -> Vec<Append> {
        let events = &self.events[after as usize..up_to as usize];
        let appends = events.chunk_by(|one, next| one.span == next.span);
        let append = |events: &[Known]| {
            let mut append = Append::to(events[0].stream.clone());
            for known in events {
                append = append.and_to(known.stream.clone());
                append = append.event(known.event.clone());
            }
            append.durability(Durability::Durable)
        };
        appends.map(append).collect()
    }

    /// Everything up to this position was said to be durable.
    pub fn promise(&mut self, position: u64) {
        self.required = self.required.max(position);
    }

    /// Readers were shown everything up to this position.
    pub fn shown(&mut self, head: u64) {
        self.written = self.written.max(head);
        let mut seen = self.events.iter().take(head as usize);
        let last = seen.rposition(|known| known.durable);
        if let Some(last) = last {
            // What a reader saw of an append of which it saw a part.
            self.promise(self.events[last].span.1.min(head));
        }
    }

    /// The store was opened, and ends here: what was submitted beyond is gone
    /// for good, and all the rest is durable.
    pub fn settle(&mut self, head: u64) {
        self.cut(head);
        (self.required, self.written) = (head, head);
    }

    /// Forgets what was submitted and is known not to be there.
    pub fn cut(&mut self, head: u64) {
        self.events.truncate(head as usize);
        self.versions.clear();
        for known in &self.events {
            self.versions.insert(known.stream.clone(), known.version);
        }
    }

    /// Whether a store may end here.
    pub fn may_end_at(&self, head: u64) -> Result<(), String> {
        if head < self.required {
            let required = self.required;
            return Err(format!("lost: ends at {head}, promised {required}"));
        }
        if head > self.head() {
            let own = self.head();
            return Err(format!("risen: ends at {head}, submitted {own}"));
        }
        match self.events.get(head as usize) {
            Some(next) if next.span.0 <= head => Err(format!("half an append at {head}")),
            _ => Ok(()),
        }
    }

    /// Compares an event with what was submitted.
    pub fn compare(&self, event: &EventRef<'_>) -> Result<(), String> {
        let position = event.position().get();
        let known = self.events.get((position - 1) as usize);
        let known = known.ok_or_else(|| format!("an event nobody submitted at {position}"))?;
        let own = &known.event;
        let same = event.stream() == known.stream
            && event.version().get() == known.version
            && event.id() == own.id()
            && event.event_type() == own.event_type()
            && event.schema() == own.schema()
            && event.data() == &own.data()[..]
            && event.metadata() == &own.metadata()[..]
            && event.tags().iter().eq(own.tags().iter())
            && event.happened() == own.happened()
            && (event.append_first().get(), event.append_last().get()) == known.span;
        match same {
            true => Ok(()),
            false => Err(format!("wrong event at {position}: {event:?}")),
        }
    }

    /// Reads everything and compares. Says up to where it was read, and what
    /// error ended that, if one did.
    pub fn compare_all(
        &self,
        store: &dyn EventStore,
    ) -> Result<(u64, Option<annals::Error>), String> {
        let mut next = 1;
        let mut time = Timestamp::MIN;
        let mut wrong = None;
        let all = annals::Query::all();
        let scanned = store.scan(&all, &mut |event| {
            let compared = match event.position().get() == next && event.recorded() >= time {
                true => self.compare(&event),
                false => Err(format!("{} where {next} should be", event.position())),
            };
            next += 1;
            time = event.recorded();
            match compared {
                Ok(()) => ControlFlow::Continue(()),
                Err(reason) => {
                    wrong = Some(reason);
                    ControlFlow::Break(())
                }
            }
        });
        match wrong {
            Some(wrong) => Err(wrong),
            None => Ok((next - 1, scanned.err())),
        }
    }

    /// The positions up to `head` that an item asks for.
    pub fn positions(&self, item: &QueryItem, head: u64) -> Vec<u64> {
        let events = self.events.iter().take(head as usize).enumerate();
        let wanted = |known: &Known| {
            item.stream().is_none_or(|own| own == known.stream)
                && item
                    .category()
                    .is_none_or(|own| own == annals::category_of(&known.stream))
                && (item.types().is_empty()
                    || item
                        .types()
                        .iter()
                        .any(|own| own == known.event.event_type()))
                && item
                    .tags()
                    .iter()
                    .all(|own| known.event.tags().contains(own))
        };
        events
            .filter(|(_, known)| wanted(known))
            .map(|(index, _)| index as u64 + 1)
            .collect()
    }
}
