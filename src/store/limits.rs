//! Whether an append keeps within a store's limits.

use super::Append;
use crate::error::{ErrorKind, Result};
use crate::types::{Event, Limits};

impl Limits {
    /// Checks that each event of an append, and the append as a whole, is
    /// within these limits. Backends call this in `submit`, after
    /// `Append::validate`.
    ///
    /// # Errors
    /// `TooLarge`: for the first event that is, or else for the append.
    pub fn check(&self, append: &Append) -> Result<()> {
        let mut total = 0;
        for (stream, event) in append.entries() {
            let size = size_of(append.streams()[*stream].name(), event);
            within("event", size, self.event_bytes)?;
            total += size;
        }
        within("append", total, self.append_bytes)
    }
}

fn size_of(stream: &str, event: &Event) -> u64 {
    let tags: usize = event.tags().iter().map(str::len).sum();
    let texts = stream.len() + event.event_type().len() + tags;
    (texts + event.data().len() + event.metadata().len()) as u64
}

fn within(what: &'static str, size: u64, limit: u64) -> Result<()> {
    let limit = limit.min(Limits::MAX_BYTES);
    if size <= limit {
        return Ok(());
    }
    Err(ErrorKind::TooLarge { what, size, limit }.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten bytes in the stream `st`.
    fn ten() -> Event {
        Event::new("T", "data").with_metadata("m").with_tag("ta")
    }

    fn refused(limits: Limits, append: &Append) -> String {
        limits.check(append).unwrap_err().to_string()
    }

    #[test]
    fn every_part_counts_and_the_limit_itself_is_allowed() {
        let append = Append::to("st").event(ten()).event(ten());
        let exact = Limits {
            event_bytes: 10,
            append_bytes: 20,
        };
        assert!(exact.check(&append).is_ok());
        let small_event = Limits {
            event_bytes: 9,
            ..exact
        };
        assert_eq!(
            refused(small_event, &append),
            "the event is 10 bytes large; the limit of this store is 9"
        );
        let small_append = Limits {
            append_bytes: 19,
            ..exact
        };
        assert_eq!(
            refused(small_append, &append),
            "the append is 20 bytes large; the limit of this store is 19"
        );
    }
}
