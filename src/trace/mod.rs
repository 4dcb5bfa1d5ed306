//! Floor 8: what an event was caused by, and what it has caused.

#[cfg(test)]
mod tests;

use crate::context::Context;
use crate::error::{ErrorKind, Result};
use crate::store::{EventStore, Query};
use crate::types::{EventRef, RecordedEvent};
use std::collections::HashMap;
use std::fmt;
use std::ops::ControlFlow;
use uuid::Uuid;

/// The causation tree that an event belongs to: from the first cause that the
/// store knows, everything that followed from it. Shown as one line for each
/// event, effects under their cause, with who and why.
///
/// ```
/// use annals::{Append, CausationTree, Context, Event, EventStore, MemoryStore, Query};
/// # use annals::RecordedEvent;
/// let store = MemoryStore::new();
/// # fn last(store: &MemoryStore) -> RecordedEvent {
/// #     store.read(&Query::all().backward().limit(1)).next().unwrap().unwrap()
/// # }
/// let ann = Context::new().by("ann");
/// store.append(Append::to("orders/1").event(ann.stamp(Event::new("Placed", ""))))?;
/// let placed = last(&store);
/// let next = Context::caused_by(&placed).by("billing");
/// store.append(Append::to("bills/1").event(next.stamp(Event::new("Billed", ""))))?;
///
/// let tree = CausationTree::of(&store, last(&store).id())?;
/// assert_eq!(tree.root().event_type(), "Placed");
/// assert_eq!(
///     tree.to_string(),
///     "Placed, version 1 of orders/1, by ann\n\
///      \u{20} Billed, version 1 of bills/1, by billing <- here\n",
/// );
/// # Ok::<(), annals::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct CausationTree {
    /// The root comes first, and a cause before its effects.
    nodes: Vec<Node>,
    places: HashMap<Uuid, usize>,
    asked: Uuid,
}

#[derive(Clone, Debug)]
struct Node {
    event: RecordedEvent,
    effects: Vec<usize>,
}

impl CausationTree {
    /// The tree that the event with this id belongs to.
    ///
    /// It reads the store backward to the first cause, then forward to the
    /// end; in memory it keeps the tree only.
    ///
    /// # Errors
    /// `NoSuchEvent`; what reading met.
    pub fn of(store: &(impl EventStore + ?Sized), event: Uuid) -> Result<Self> {
        let Some(root) = first_cause(store, event)? else {
            let what = format!("event {event}");
            return Err(ErrorKind::NoSuchEvent { what }.into());
        };
        let mut tree = CausationTree {
            nodes: Vec::new(),
            places: HashMap::new(),
            asked: event,
        };
        let later = Query::all().after(root.position());
        tree.add(root, None);
        store.scan(&later, &mut |event| {
            if let Some(cause) = event
                .causation()
                .and_then(|id| tree.places.get(&id).copied())
            {
                tree.add(event.to_owned(), Some(cause));
            }
            ControlFlow::Continue(())
        })?;
        Ok(tree)
    }

    fn add(&mut self, event: RecordedEvent, cause: Option<usize>) {
        let place = self.nodes.len();
        if let Some(cause) = cause {
            self.nodes[cause].effects.push(place);
        }
        self.places.entry(event.id()).or_insert(place);
        let effects = Vec::new();
        self.nodes.push(Node { event, effects });
    }

    /// The first cause of all that the store knows. Where it names a cause
    /// itself, that is no event of this store: a command, say.
    pub fn root(&self) -> &RecordedEvent {
        &self.nodes[0].event
    }

    /// The event that was asked for.
    pub fn asked(&self) -> &RecordedEvent {
        match self.places.get(&self.asked) {
            Some(place) => &self.nodes[*place].event,
            None => self.root(),
        }
    }

    /// The event that caused this one, if that is in the tree.
    pub fn cause_of(&self, event: &RecordedEvent) -> Option<&RecordedEvent> {
        let place = self.places.get(&event.causation()?)?;
        Some(&self.nodes[*place].event)
    }

    /// What this event caused directly, in the order of the log; nothing if it
    /// is not in the tree.
    pub fn effects_of(&self, event: &RecordedEvent) -> impl Iterator<Item = &RecordedEvent> {
        let place = self.places.get(&event.id());
        let effects = place.map_or(&[][..], |place| &self.nodes[*place].effects[..]);
        effects.iter().map(|effect| &self.nodes[*effect].event)
    }

    /// How many events there are in the tree.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// All events, each with its depth (0 for the root), effects right after
    /// their cause.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &RecordedEvent)> {
        let mut rest = vec![(0, 0)];
        std::iter::from_fn(move || {
            let (depth, place) = rest.pop()?;
            let node = &self.nodes[place];
            rest.extend(node.effects.iter().rev().map(|effect| (depth + 1, *effect)));
            Some((depth, &node.event))
        })
    }
}

/// The event with this id, or the first cause of it that is in the store.
fn first_cause(store: &(impl EventStore + ?Sized), event: Uuid) -> Result<Option<RecordedEvent>> {
    let mut wanted = event;
    let mut found = None;
    store.scan(&Query::all().backward(), &mut |event: EventRef<'_>| {
        if event.id() != wanted {
            return ControlFlow::Continue(());
        }
        found = Some(event.to_owned());
        match event.causation() {
            Some(cause) => {
                wanted = cause;
                ControlFlow::Continue(())
            }
            None => ControlFlow::Break(()),
        }
    })?;
    Ok(found)
}

impl fmt::Display for CausationTree {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (depth, event) in self.iter() {
            let (indent, context) = (2 * depth, Context::of(event));
            write!(
                out,
                "{:indent$}{}, version {} of {}",
                "",
                event.event_type(),
                event.version(),
                event.stream()
            )?;
            if let Some(who) = context.who() {
                write!(out, ", by {who}")?;
            }
            if let Some(why) = context.why() {
                write!(out, ", because {why}")?;
            }
            let here = if event.id() == self.asked {
                " <- here"
            } else {
                ""
            };
            writeln!(out, "{here}")?;
        }
        Ok(())
    }
}
