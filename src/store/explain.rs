//! How a store would serve a query, and why in that way.

use super::{Query, QueryItem};
use crate::types::{Position, Version};
use std::fmt;

/// How a store would serve a query: what `EventStore::explain` returns.
///
/// `Display` says it in a few lines, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explanation {
    /// Events after this position are looked for: the query's own bound, or
    /// what retention has left.
    pub after: Position,
    /// And up to this one: the query's own bound, or the head.
    pub up_to: Position,
    /// How many events are between these bounds.
    pub events: u64,
    /// How they are looked for.
    pub way: Access,
    /// How many events are expected to be read; limit aside. An estimate: it
    /// takes it that terms have nothing to do with each other.
    pub candidates: u64,
    /// How many parts the index has between the bounds; 0 without an index.
    pub parts: u64,
    /// In how many of them all events are walked.
    pub walked_parts: u64,
    /// The share of events, in percent, from which on they are walked.
    pub walk_percent: u64,
    /// Each item of the query.
    pub items: Vec<ExplainedItem>,
}

/// How events are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Access {
    /// Nothing is read: the bounds are empty, or some term of each item has no
    /// postings.
    Nothing,
    /// Every event between the bounds is looked at: all are asked for, or so
    /// many that looking up each would cost more; or there is no index.
    Scan,
    /// Only events to which postings lead are looked at.
    Index,
    /// The one in some parts of the index, the other in others.
    Mixed,
}

/// How an item of a query is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExplainedItem {
    /// Groups of terms: an event has to have a term of each group.
    pub groups: Vec<Vec<ExplainedTerm>>,
    /// Which group leads: the one with the fewest postings. The others are
    /// asked about what it finds. None if the item has no terms.
    pub leads: Option<usize>,
    /// How many events are expected to have a term of each group.
    pub candidates: u64,
}

/// A term and its postings between the bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExplainedTerm {
    /// The term.
    pub term: Term,
    /// How many events between the bounds have it.
    pub postings: u64,
}

/// What the index has postings for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Term {
    /// A stream.
    Stream(String),
    /// A category.
    Category(String),
    /// The first event of each stream: what an item without a stream asks for
    /// that wants versions up to 1 only.
    StreamStart,
    /// An event type.
    Type(String),
    /// A tag.
    Tag(String),
}

impl Term {
    /// The groups of an item: each must match, by any of its terms.
    pub(crate) fn groups(item: &QueryItem) -> Vec<Vec<Term>> {
        let one = |term| vec![term];
        let own = |text: &str| text.to_owned();
        let mut groups = Vec::new();
        groups.extend(item.stream().map(|name| one(Term::Stream(own(name)))));
        groups.extend(item.category().map(|name| one(Term::Category(own(name)))));
        if item.stream().is_none() && item.versions().1 == Version::new(1) {
            groups.push(one(Term::StreamStart));
        }
        if !item.types().is_empty() {
            let types = item.types().iter().map(|name| Term::Type(own(name)));
            groups.push(types.collect());
        }
        groups.extend(item.tags().iter().map(|name| one(Term::Tag(own(name)))));
        groups
    }
}

impl Explanation {
    /// For backends without an index: every event between the bounds is looked
    /// at. The bounds are those of the query within what the store has.
    ///
    /// ```
    /// use annals::{Access, Append, Event, EventStore, MemoryStore, Query};
    /// let store = MemoryStore::new();
    /// store.append(Append::to("a").event(Event::new("Happened", "")))?;
    /// assert_eq!(store.explain(&Query::stream("b"))?.way, Access::Scan);
    /// # Ok::<(), annals::Error>(())
    /// ```
    pub fn scan(query: &Query, first: Position, head: Position) -> Self {
        let mut explanation = Self::within(query, first, head);
        if explanation.events > 0 {
            explanation.way = Access::Scan;
            explanation.candidates = explanation.events;
        }
        explanation
    }

    /// Bounds alone: nothing is looked for yet.
    pub(crate) fn within(query: &Query, first: Position, head: Position) -> Self {
        let (after, up_to) = query.bounds();
        let (after, up_to) = (after.max(first.previous()), up_to.min(head));
        Explanation {
            after,
            up_to,
            events: up_to.get().saturating_sub(after.get()),
            way: Access::Nothing,
            candidates: 0,
            parts: 0,
            walked_parts: 0,
            walk_percent: 0,
            items: Vec::new(),
        }
    }

    /// Why it is done in this way: a sentence.
    pub fn why(&self) -> &'static str {
        match self.way {
            Access::Nothing => "nothing between the bounds can match",
            Access::Scan if self.parts == 0 => "there is no index",
            Access::Scan if self.items.iter().any(|item| item.groups.is_empty()) => {
                "an item has no terms, so any event may match"
            }
            Access::Scan => {
                "postings lead to most events, and walking is cheaper than looking each up"
            }
            Access::Index => "postings lead to few enough events",
            Access::Mixed => "postings lead to most events in some parts of the index",
        }
    }
}

impl fmt::Display for Term {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Term::Stream(name) => write!(out, "stream {name:?}"),
            Term::Category(name) => write!(out, "category {name:?}"),
            Term::StreamStart => out.write_str("first events of streams"),
            Term::Type(name) => write!(out, "type {name:?}"),
            Term::Tag(name) => write!(out, "tag {name:?}"),
        }
    }
}

impl fmt::Display for Access {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Access::Nothing => "nothing",
            Access::Scan => "scan",
            Access::Index => "index",
            Access::Mixed => "index and scan",
        })
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (events, parts) = (self.events, self.parts);
        write!(out, "{}: {}", self.way, self.why())?;
        let (first, last) = (self.after.next(), self.up_to);
        match events {
            0 => write!(out, "\nno events between the bounds")?,
            _ => write!(out, "\npositions {first} to {last}: {events} events")?,
        }
        if parts > 0 {
            let walked = self.walked_parts;
            write!(out, ", {parts} parts of the index, {walked} walked")?;
        }
        write!(out, "\nabout {} events to read", self.candidates)?;
        for (number, item) in self.items.iter().enumerate() {
            write!(out, "\nitem {}: about {}", number + 1, item.candidates)?;
            for (group, terms) in item.groups.iter().enumerate() {
                for (index, term) in terms.iter().enumerate() {
                    let joint = if index == 0 { "and" } else { " or" };
                    write!(out, "\n  {joint} {}: {} postings", term.term, term.postings)?;
                }
                if item.leads == Some(group) {
                    out.write_str(" (leads)")?;
                }
            }
        }
        Ok(())
    }
}
