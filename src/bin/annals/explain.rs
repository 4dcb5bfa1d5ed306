//! `annals explain`: how a query would be served.

use crate::args::ExplainArgs;
use crate::{Out, people, reading};
use annals::{EventStore, ExplainedItem, ExplainedTerm, Explanation};
use serde_json::{Value, json};
use std::io::Write;

pub(crate) fn run(args: &ExplainArgs, out: &mut Out) -> anyhow::Result<()> {
    let store = reading::open(&args.store)?;
    let explanation = store.explain(&args.query.query)?;
    if args.json {
        writeln!(out, "{}", object(&explanation))?;
        return Ok(());
    }
    // Names are other people's text: line by line, fit for a terminal.
    for line in explanation.to_string().lines() {
        writeln!(out, "{}", people::shown(line))?;
    }
    Ok(())
}

fn object(explanation: &Explanation) -> Value {
    json!({
        "way": explanation.way.to_string(),
        "why": explanation.why(),
        "after": explanation.after.get(),
        "to": explanation.up_to.get(),
        "events": explanation.events,
        "candidates": explanation.candidates,
        "parts": explanation.parts,
        "walked_parts": explanation.walked_parts,
        "walk_percent": explanation.walk_percent,
        "items": explanation.items.iter().map(item).collect::<Vec<_>>(),
    })
}

fn item(item: &ExplainedItem) -> Value {
    let group = |terms: &Vec<ExplainedTerm>| terms.iter().map(term).collect::<Vec<_>>();
    json!({
        "groups": item.groups.iter().map(group).collect::<Vec<_>>(),
        "leads": item.leads,
        "candidates": item.candidates,
    })
}

fn term(own: &ExplainedTerm) -> Value {
    json!({ "term": own.term.to_string(), "postings": own.postings })
}
