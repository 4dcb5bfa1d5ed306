//! What the commands that read have in common.

use crate::people::Shown;
use crate::{Out, line};
use annals::{EventRef, EventStore, LogStore, Options, Query};
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::Path;

/// Opens a store for reading: never makes one, never writes, and a writer may
/// have it open meanwhile.
pub(crate) fn open(path: &Path) -> anyhow::Result<LogStore> {
    Ok(Options::new().open_read_only(path)?)
}

/// Hands each event that a query asks for to `visit`, until that fails.
pub(crate) fn each(
    store: &dyn EventStore,
    query: &Query,
    mut visit: impl FnMut(&EventRef<'_>) -> io::Result<()>,
) -> anyhow::Result<()> {
    let mut outcome = Ok(());
    store.scan(query, &mut |event| {
        outcome = visit(&event);
        match outcome {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    })?;
    Ok(outcome?)
}

/// How events are shown: as the lines of `export`, or for people.
pub(crate) struct Printer<'a> {
    out: &'a mut Out,
    /// For people, unless the lines are asked for.
    shown: Option<Shown>,
}

impl<'a> Printer<'a> {
    pub(crate) fn new(out: &'a mut Out, json: bool, shown: Shown) -> Self {
        Printer {
            out,
            shown: (!json).then_some(shown),
        }
    }

    pub(crate) fn event(&mut self, event: &EventRef<'_>) -> io::Result<()> {
        if let Some(shown) = &mut self.shown {
            return shown.write(self.out, event);
        }
        line::write(self.out, event)?;
        self.out.write_all(b"\n")
    }

    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
