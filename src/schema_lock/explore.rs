//! Finding the shape of one variant: run its `Deserialize` again and again,
//! each time with other made-up values, until all has been seen.

use super::shape::Shape;
use super::tracer::{Failure, TraceVariant};
use crate::typed::OnlyEnum;
use serde::de::DeserializeOwned;
use std::cell::{Cell, RefCell};

/// The most runs; an event that needs more is beyond reason.
const MAX_RUNS: usize = 10_000;
/// The most places in one shape.
const MAX_NODES: usize = 20_000;
/// The deepest that values are made up within values.
pub(super) const MAX_DEPTH: usize = 100;

/// A place in the data.
#[derive(Debug, Default)]
pub(super) struct Node {
    pub(super) kind: Kind,
    /// Fields, variants, elements: those met so far.
    pub(super) children: Vec<(String, usize)>,
    /// Which of the values that can be made up is the next to be tried.
    pub(super) attempt: usize,
    /// Whether it was met with a value that its type took.
    pub(super) seen: bool,
    /// For what may be empty: leave it so, because what is in it is what it
    /// is in.
    pub(super) empty: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    #[default]
    Unknown,
    Simple(&'static str),
    Optional,
    List,
    Map,
    Tuple,
    Struct,
    Enum,
    /// The same type as one that this is in.
    Again,
}

/// What is known so far.
#[derive(Debug)]
pub(super) struct Exploration<'a> {
    pub(super) nodes: RefCell<Vec<Node>>,
    /// The last place for which a value was made up.
    pub(super) last: Cell<usize>,
    /// The place that is to be left empty in the next run.
    pub(super) escape: Cell<Option<usize>>,
    pub(super) texts: &'a [String],
}

/// The shape of the content of the variant with this name.
pub(super) fn shape_of<E: DeserializeOwned>(
    variant: &str,
    texts: &[String],
) -> Result<String, String> {
    let exploration = Exploration {
        nodes: RefCell::new(vec![Node::default()]),
        last: Cell::new(0),
        escape: Cell::new(None),
        texts,
    };
    for _ in 0..MAX_RUNS {
        match E::deserialize(OnlyEnum(TraceVariant::new(variant, &exploration))) {
            Ok(_) => {
                exploration.settle();
                if exploration.is_done(0) {
                    return Ok(exploration.shape(0).to_string());
                }
            }
            Err(failure) => exploration.learn(&failure)?,
        }
        if exploration.nodes.borrow().len() > MAX_NODES {
            break;
        }
    }
    Err("it is too large".to_owned())
}

impl Exploration<'_> {
    /// The child of a place by its name; made if it was not met before.
    pub(super) fn child(&self, of: usize, name: &str) -> usize {
        let mut nodes = self.nodes.borrow_mut();
        if let Some((_, known)) = nodes[of].children.iter().find(|(own, _)| own == name) {
            return *known;
        }
        let new = nodes.len();
        nodes.push(Node::default());
        nodes[of].children.push((name.to_owned(), new));
        new
    }

    /// Notes what a place is.
    pub(super) fn note(&self, node: usize, kind: Kind) {
        self.nodes.borrow_mut()[node].kind = kind;
    }

    /// The variant of an enum to be tried next: the first that is not known
    /// in all its parts.
    pub(super) fn next_variant(&self, node: usize, variants: &[&str]) -> usize {
        let places: Vec<usize> = variants.iter().map(|name| self.child(node, name)).collect();
        let is_open = |place: &usize| !self.nodes.borrow()[*place].seen || !self.is_done(*place);
        places.iter().position(is_open).unwrap_or(0)
    }

    /// After a run that went well: every place that has a kind was seen.
    fn settle(&self) {
        for node in self.nodes.borrow_mut().iter_mut() {
            node.seen |= node.kind != Kind::Unknown;
        }
    }

    /// After a run that failed: what to do otherwise in the next.
    fn learn(&self, failure: &Failure) -> Result<(), String> {
        if let Some(node) = self.escape.take() {
            self.nodes.borrow_mut()[node].empty = true;
            return Ok(());
        }
        if failure.is_final {
            return Err(failure.reason.clone());
        }
        let last = self.last.get();
        self.nodes.borrow_mut()[last].attempt += 1;
        Ok(())
    }

    /// Whether all variants of all enums in a place were seen.
    fn is_done(&self, node: usize) -> bool {
        let nodes = self.nodes.borrow();
        let Node { kind, children, .. } = &nodes[node];
        *kind == Kind::Again
            || children.iter().all(|(_, child)| {
                (*kind != Kind::Enum || nodes[*child].seen) && self.is_done(*child)
            })
    }

    fn shape(&self, node: usize) -> Shape {
        let nodes = self.nodes.borrow();
        let Node { kind, children, .. } = &nodes[node];
        let part = |index: usize| {
            let child = children.get(index);
            Box::new(child.map_or(Shape::Simple("unknown"), |(_, child)| self.shape(*child)))
        };
        let named = || {
            let children = children.iter();
            children
                .map(|(name, child)| (name.clone(), self.shape(*child)))
                .collect()
        };
        match kind {
            Kind::Unknown => Shape::Simple("unknown"),
            Kind::Again => Shape::Simple("the same again"),
            Kind::Simple(name) => Shape::Simple(name),
            Kind::Optional => Shape::Optional(part(0)),
            Kind::List => Shape::List(part(0)),
            Kind::Map => Shape::Map(part(0), part(1)),
            Kind::Tuple => Shape::Tuple(children.iter().map(|(_, own)| self.shape(*own)).collect()),
            Kind::Struct => Shape::Struct(named()),
            Kind::Enum => Shape::Enum(named()),
        }
    }
}
