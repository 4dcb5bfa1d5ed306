//! Whether upcasters lead from every generation of an event to today.

use super::{Kind, Upcasters};
use crate::codec::Codec;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The newest schema version of every type that is known: those of the event
/// enum, and those that upcasters speak of.
pub(crate) type Newest = HashMap<String, u32>;

impl<C: Codec> Upcasters<C> {
    /// Checks the upcasters against the types that an event enum has.
    ///
    /// # Errors
    /// Everything that is wrong with them, one sentence each.
    pub(crate) fn check(&self, variants: &[&str]) -> Result<Newest, Vec<String>> {
        let known = self.known(variants);
        let newest: Newest = known
            .iter()
            .filter_map(|(name, schemas)| Some(((*name).to_owned(), *schemas.last()?)))
            .collect();
        let mut problems = self.doubles();
        problems.extend(self.circles());
        for (name, schemas) in &known {
            problems.extend(self.gaps(name, schemas));
            let last = schemas.last().copied().unwrap_or(1);
            problems.extend(self.ending(name, last, variants.contains(name)));
        }
        if problems.is_empty() {
            Ok(newest)
        } else {
            Err(problems)
        }
    }

    /// All types, each with the schema versions that it is known to have or
    /// have had.
    fn known<'a>(&'a self, variants: &[&'a str]) -> BTreeMap<&'a str, BTreeSet<u32>> {
        let mut known: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
        for name in variants {
            known.entry(name).or_default();
        }
        for (name, steps) in &self.steps {
            known.entry(name).or_default().extend(steps.keys());
            for (target, schema) in steps.values().flat_map(|step| &step.into) {
                known.entry(target).or_default().insert(*schema);
            }
        }
        for (name, schemas) in &mut known {
            schemas.insert(self.since.get(*name).copied().unwrap_or(1));
        }
        known
    }

    fn doubles(&self) -> Vec<String> {
        let say = |(name, schema): &Kind| format!("{name:?} of schema {schema} has two upcasters");
        self.doubles.iter().map(say).collect()
    }

    /// Every schema version below the newest has an upcaster.
    fn gaps(&self, name: &str, schemas: &BTreeSet<u32>) -> Vec<String> {
        let mut problems = Vec::new();
        let since = self.since.get(name).copied().unwrap_or(1);
        let Some(newest) = schemas.last() else {
            return problems;
        };
        let mut wanted = since;
        let covered = schemas.iter().filter(|schema| self.applies(name, **schema));
        for schema in covered.chain([newest]) {
            if wanted < *schema {
                problems.push(format!(
                    "{name:?} has schemas up to {newest}, but no upcaster from {}",
                    range(wanted, schema - 1)
                ));
            }
            wanted = wanted.max(schema.saturating_add(1));
        }
        problems
    }

    /// What has no upcaster has a variant, and the other way round.
    fn ending(&self, name: &str, newest: u32, is_variant: bool) -> Option<String> {
        match (self.applies(name, newest), is_variant) {
            (false, false) => Some(format!(
                "upcasters lead to {name:?} of schema {newest}, \
                 which the event enum does not have and no upcaster takes on"
            )),
            (true, true) => Some(format!(
                "{name:?} is a variant of the event enum, but events of its newest schema, \
                 {newest}, are turned into something else"
            )),
            _ => None,
        }
    }

    /// No way leads back to where it came from.
    fn circles(&self) -> Vec<String> {
        let mut found: BTreeSet<BTreeSet<Kind>> = BTreeSet::new();
        let mut problems = Vec::new();
        let mut starts: Vec<Kind> = Vec::new();
        for (name, steps) in &self.steps {
            starts.extend(steps.keys().map(|schema| (name.clone(), *schema)));
        }
        starts.sort();
        let mut done = BTreeSet::new();
        for start in starts {
            let Some(circle) = self.circle(&start, &mut Vec::new(), &mut done) else {
                continue;
            };
            if found.insert(circle.iter().cloned().collect()) {
                let way: Vec<String> = circle
                    .iter()
                    .map(|(name, schema)| format!("{name:?} {schema}"))
                    .collect();
                problems.push(format!("upcasters run in a circle: {}", way.join(" to ")));
            }
        }
        problems
    }

    /// The first circle met on the ways that start here, its first kind named
    /// again at its end.
    fn circle(
        &self,
        from: &Kind,
        way: &mut Vec<Kind>,
        done: &mut BTreeSet<Kind>,
    ) -> Option<Vec<Kind>> {
        if let Some(start) = way.iter().position(|kind| kind == from) {
            let mut circle = way[start..].to_vec();
            circle.push(from.clone());
            return Some(circle);
        }
        if !done.insert(from.clone()) {
            return None;
        }
        let step = self.find(&from.0, from.1)?;
        way.push(from.clone());
        let circle = step
            .into
            .iter()
            .find_map(|target| self.circle(target, way, done));
        way.pop();
        circle
    }
}

fn range(first: u32, last: u32) -> String {
    if first == last {
        format!("schema {first}")
    } else {
        format!("schemas {first} to {last}")
    }
}
