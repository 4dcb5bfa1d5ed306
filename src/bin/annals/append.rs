//! `annals append`: one durable append a line, acknowledged in order.

use crate::Out;
use crate::args::AppendArgs;
use crate::input::Lines;
use crate::parse::{self, Claims};
use annals::{Append, Durability, EventStore, LogStore, Options, Pending};
use anyhow::Context;
use std::io::Write;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread;

/// How many appends are in flight at most.
const MOST: usize = 1024;

/// A line that was submitted, with its place in the input, or what is wrong
/// with it. Nothing follows what is wrong.
type Submitted = anyhow::Result<(String, Pending)>;

/// Lines are read by a thread of their own, so that one is acknowledged as
/// soon as it is durable, whenever the next one comes.
pub(crate) fn run(args: &AppendArgs, out: &mut Out) -> anyhow::Result<()> {
    let mut options = Options::new()
        .durability(Durability::Durable)
        .unique_ids(args.ids.unique_ids);
    if let Some(size) = args.segments.segment_size {
        options = options.segment_size(size);
    }
    let store = Arc::new(options.open(&args.store)?);
    let (sender, receiver) = sync_channel(MOST);
    let submitter = Arc::clone(&store);
    // Never joined: it may stand at a read of stdin that nobody will answer.
    thread::Builder::new()
        .name("lines".into())
        .spawn(move || submit(&submitter, Lines::live(), &sender))?;
    let outcome = acknowledge(&receiver, out);
    let closed = store.close();
    outcome?;
    closed?;
    Ok(())
}

/// Submits line after line until the end, the first bad one, or until nobody
/// acknowledges any longer.
fn submit(store: &LogStore, mut lines: Lines, sender: &SyncSender<Submitted>) {
    loop {
        let append = match next(&mut lines) {
            Ok(Some(append)) => append,
            Ok(None) => return,
            Err(error) => return drop(sender.send(Err(error))),
        };
        let place = lines.place();
        let (pending, refused) = known_at_once(store.submit(append));
        if sender.send(Ok((place, pending))).is_err() || refused {
            return;
        }
    }
}

/// Whether the append was refused, which is known at once of one that can't be
/// recorded: nothing that stands after it is to be taken in.
fn known_at_once(pending: Pending) -> (Pending, bool) {
    if !pending.is_ready() {
        return (pending, false);
    }
    let outcome = pending.wait();
    let refused = outcome.is_err();
    (Pending::ready(outcome), refused)
}

fn next(lines: &mut Lines) -> anyhow::Result<Option<Append>> {
    let Some(text) = lines.next()? else {
        return Ok(None);
    };
    match parse::parse(text, Claims::Ignored) {
        Ok(line) => Ok(Some(line.append)),
        Err(reason) => Err(anyhow::anyhow!("{}: {reason}", lines.place())),
    }
}

/// Writes a line for each append once it is durable. What was written is
/// flushed before anything is waited for.
fn acknowledge(receiver: &Receiver<Submitted>, out: &mut Out) -> anyhow::Result<()> {
    while let Some(submitted) = receive(receiver, out)? {
        let outcome = submitted.and_then(|(place, pending)| {
            if !pending.is_ready() {
                out.flush()?;
            }
            pending.wait().context(place)
        });
        match outcome {
            Ok(appended) => {
                let (first, last) = (appended.first(), appended.last());
                let repeat = match appended.is_repeat() {
                    true => r#","repeat":true"#,
                    false => "",
                };
                writeln!(out, r#"{{"first":{first},"last":{last}{repeat}}}"#)?;
            }
            Err(error) => {
                out.flush()?;
                return Err(error);
            }
        }
    }
    Ok(())
}

fn receive(receiver: &Receiver<Submitted>, out: &mut Out) -> anyhow::Result<Option<Submitted>> {
    match receiver.try_recv() {
        Ok(submitted) => Ok(Some(submitted)),
        Err(TryRecvError::Disconnected) => Ok(None),
        Err(TryRecvError::Empty) => {
            out.flush()?;
            Ok(receiver.recv().ok())
        }
    }
}
