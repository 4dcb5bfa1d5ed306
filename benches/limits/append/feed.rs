//! Appends of the workload, one after the other.

use super::common::workload::{Choice, Workload};
use annals::Append;

/// Makes appends of so many events, each to one stream.
#[derive(Debug)]
pub(crate) struct Feed {
    workload: Workload,
    batch: usize,
}

impl Feed {
    pub(crate) fn new(seed: u64, streams: u64, batch: usize) -> Self {
        let choice = Choice::Zipf(streams.max(1));
        Feed {
            workload: Workload::with_choice(u64::MAX, choice, seed),
            batch,
        }
    }

    pub(crate) fn next(&mut self) -> Append {
        let mut append: Option<Append> = None;
        for _ in 0..self.batch {
            let Some(given) = self.workload.next() else {
                continue;
            };
            let event = given.event();
            append = Some(match append {
                Some(append) => append.event(event),
                None => Append::to(given.stream_name()).event(event),
            });
        }
        append.unwrap()
    }
}
