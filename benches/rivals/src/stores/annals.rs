use std::ops::ControlFlow;

use annals::{Append, EventRef, EventStore, LogStore, Options, Query, Version};
use anyhow::Result;
use uuid::Uuid;

use crate::store::{At, Durability, Event, Placed, Rival, STORE, Store, Sum};

pub fn rival() -> Rival {
    Rival {
        name: "annals",
        package: "annals",
        settings: "as it comes; `scan` lends events without copying them",
        source: "README.md",
        can: STORE,
        open: |path| Ok(Box::new(Annals(Options::new().open(path)?))),
    }
}

struct Annals(LogStore);

fn event(event: &Event<'_>) -> annals::Event {
    annals::Event::with_id(
        Uuid::from_bytes(event.id),
        event.kind.to_owned(),
        event.data.to_vec(),
    )
    .with_metadata(event.metadata.to_vec())
}

fn touch(event: EventRef<'_>, sum: &mut Sum) {
    sum.touch(
        event.version().get(),
        event.id().as_bytes(),
        event.event_type().as_bytes(),
        event.metadata(),
        event.data(),
    );
}

impl Annals {
    fn scan(&self, query: &Query, sum: &mut Sum) -> Result<()> {
        self.0.scan(query, &mut |event| {
            touch(event, sum);
            ControlFlow::Continue(())
        })?;
        Ok(())
    }
}

impl Store for Annals {
    fn append(&self, at: At<'_>, events: &[Event<'_>], durability: Durability) -> Result<u64> {
        let append = Append::to(at.stream.to_owned())
            .expect(Version::new(at.version))
            .events(events.iter().map(event))
            .durability(match durability {
                Durability::Written => annals::Durability::Written,
                Durability::Durable => annals::Durability::Durable,
            });
        Ok(self.0.append(append)?.last().get())
    }

    /// One by one, so that each event has a frame of its own, as it mostly will.
    fn load(&self, events: &[Placed<'_>]) -> Result<()> {
        for placed in events {
            let append = Append::to(placed.stream.to_owned()).event(event(&placed.event));
            self.0
                .append(append.durability(annals::Durability::Written))?;
        }
        Ok(())
    }

    fn read_stream(&self, stream: &str, _: u32, sum: &mut Sum) -> Result<()> {
        self.scan(&Query::stream(stream.to_owned()), sum)
    }

    fn read_all(&self, sum: &mut Sum) -> Result<()> {
        self.scan(&Query::all(), sum)
    }

    fn read_one(&self, place: Placed<'_>, sum: &mut Sum) -> Result<()> {
        let version = Version::new(place.version);
        let query = Query::stream(place.stream.to_owned())
            .from_version(version)
            .to_version(version);
        self.scan(&query, sum)
    }

    fn flush(&self) -> Result<()> {
        self.0.flush()?;
        Ok(())
    }

    fn close(self: Box<Self>) -> Result<()> {
        Ok(self.0.close()?)
    }
}
