//! Says how a query would be searched.

use super::list::List;
use super::parts::{Part, Parts};
use super::search::{Search, WALK_PERCENT, Way};
use super::terms::TermHasher;
use crate::error::Result;
use crate::format::index::TermKey;
use crate::store::{Access, ExplainedItem, ExplainedTerm, Explanation, Query, Term};
use crate::types::Position;

/// What the index would do for a query between two positions.
pub(crate) fn explain(
    parts: &Parts,
    hasher: &TermHasher,
    query: &Query,
    mut explanation: Explanation,
) -> Result<Explanation> {
    let bounds = (explanation.after, explanation.up_to);
    explanation.walk_percent = WALK_PERCENT;
    explanation.items = query
        .items()
        .iter()
        .map(|item| ExplainedItem {
            groups: Term::groups(item)
                .into_iter()
                .map(|group| group.into_iter().map(explained).collect())
                .collect(),
            leads: None,
            candidates: 0,
        })
        .collect();
    if bounds.0 >= bounds.1 {
        return Ok(explanation);
    }
    let (mut searched, mut read) = (0, 0);
    for search in Search::new(parts, hasher, query, bounds, Way::Cheaper).into_parts() {
        let search = search?;
        let (first, last) = search.part().range();
        let place = |position: Position| (position.get() - first.get()) as u32;
        let range = (place(bounds.0.next().max(first)), place(bounds.1.min(last)));
        let mut candidates = 0;
        for item in &mut explanation.items {
            candidates += count(search.part(), hasher, item, range)?;
        }
        let size = u64::from(range.1 - range.0) + 1;
        explanation.parts += 1;
        if let Some((low, high)) = search.walked {
            explanation.walked_parts += 1;
            candidates = u64::from(high - low) + 1;
        }
        searched += u64::from(candidates > 0);
        read += candidates.min(size);
    }
    for item in &mut explanation.items {
        let total =
            |group: &Vec<ExplainedTerm>| group.iter().map(|term| term.postings).sum::<u64>();
        let groups = item.groups.iter().enumerate();
        item.leads = groups
            .min_by_key(|(_, group)| total(group))
            .map(|(index, _)| index);
    }
    let all = explanation.items.iter().any(|item| item.groups.is_empty());
    explanation.candidates = read;
    explanation.way = match explanation.walked_parts {
        _ if searched == 0 => Access::Nothing,
        _ if all => Access::Scan,
        0 => Access::Index,
        walked if walked == searched => Access::Scan,
        _ => Access::Mixed,
    };
    Ok(explanation)
}

fn explained(term: Term) -> ExplainedTerm {
    ExplainedTerm { term, postings: 0 }
}

/// Adds what a part has of an item's terms; gives the candidates expected
/// there, rounded up, so that what may be there is not said to be nothing.
fn count(
    part: &Part,
    hasher: &TermHasher,
    item: &mut ExplainedItem,
    (low, high): (u32, u32),
) -> Result<u64> {
    let size = u64::from(high - low) + 1;
    let mut expected = size;
    for group in &mut item.groups {
        let mut postings = 0;
        for term in group {
            if let Some(mut list) = List::open(part, key(hasher, &term.term))? {
                let within = list.within(low, high)?;
                term.postings += within;
                postings += within;
            }
        }
        expected = (expected * postings.min(size)).div_ceil(size);
    }
    item.candidates += expected;
    Ok(expected)
}

fn key(hasher: &TermHasher, term: &Term) -> TermKey {
    match term {
        Term::Stream(name) => hasher.stream(name),
        Term::Category(name) => hasher.category(name),
        Term::StreamStart => hasher.marks().stream_start,
        Term::Type(name) => hasher.event_type(name),
        Term::Tag(name) => hasher.tag(name),
    }
}
