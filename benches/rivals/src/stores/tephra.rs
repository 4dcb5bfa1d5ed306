use anyhow::Result;
use tephra::{
    AppendCondition, EventType, Position, Query, QueryItem, ReadHandle, SegmentConfig, SegmentSet,
    Tag, Tags, WriteCoordinator, WriteHandle, WriterConfig,
};

use crate::store::{At, Can, Durability, Event, Placed, Rival, STORE, Store, Sum};

pub fn rival() -> Rival {
    Rival {
        name: "tephra",
        package: "tephra",
        settings: "segments of 256 MiB, `WriterConfig::default()`; a stream is a tag, the check \
                   a condition on the tag after the position that the writer has seen; one event \
                   is found by its position; every append is durable",
        source: "https://docs.rs/tephra/0.4.1",
        can: Can {
            written: false,
            ..STORE
        },
        open: |path| {
            let set = SegmentSet::open(path, SegmentConfig::new(256 << 20))?;
            let (coordinator, handle) = WriteCoordinator::start(set, WriterConfig::default())?;
            let reader = handle.reader();
            Ok(Box::new(Tephra {
                coordinator,
                handle,
                reader,
            }))
        },
    }
}

struct Tephra {
    coordinator: WriteCoordinator,
    handle: WriteHandle,
    reader: ReadHandle,
}

fn stream_query(stream: &str) -> Result<Query> {
    let tags = Tags::new([Tag::new(stream)?])?;
    Ok(Query::item(QueryItem::with_tags(tags)))
}

fn event(stream: &str, version: u64, event: &Event<'_>) -> Result<tephra::Event> {
    let mut payload = Vec::with_capacity(event.data.len() + event.metadata.len() + 26);
    payload.extend_from_slice(&event.id);
    payload.extend_from_slice(&crate::store::payload(version, event));
    let tags = Tags::new([Tag::new(stream)?])?;
    Ok(tephra::Event::new(
        &EventType::new(event.kind)?,
        &tags,
        &payload,
    )?)
}

impl Tephra {
    fn read(&self, query: &Query, after: u64, limit: Option<u64>, sum: &mut Sum) -> Result<()> {
        let mut reads = self.reader.read(query, Position::new(after), limit);
        while let Some(read) = reads.next() {
            let read = read?;
            let (id, rest) = read.event.data().split_at(16);
            crate::store::touch_payload(id, read.event.event_type(), rest, sum)?;
        }
        Ok(())
    }
}

impl Store for Tephra {
    fn append(&self, at: At<'_>, events: &[Event<'_>], _: Durability) -> Result<u64> {
        let condition =
            AppendCondition::new(stream_query(at.stream)?).after(Position::new(at.position));
        let events = (at.version + 1..)
            .zip(events)
            .map(|(version, given)| event(at.stream, version, given))
            .collect::<Result<Vec<_>>>()?;
        let count = events.len() as u64;
        let range = self.handle.append(events, Some(condition))?;
        Ok(range.first.get() + count - 1)
    }

    fn load(&self, events: &[Placed<'_>]) -> Result<()> {
        let events = events
            .iter()
            .map(|placed| event(placed.stream, placed.version, &placed.event))
            .collect::<Result<Vec<_>>>()?;
        self.handle.append(events, None)?;
        Ok(())
    }

    fn read_stream(&self, stream: &str, _: u32, sum: &mut Sum) -> Result<()> {
        self.read(&stream_query(stream)?, 0, None, sum)
    }

    fn read_all(&self, sum: &mut Sum) -> Result<()> {
        self.read(&Query::all(), 0, None, sum)
    }

    fn read_one(&self, place: Placed<'_>, sum: &mut Sum) -> Result<()> {
        self.read(&Query::all(), place.position - 1, Some(1), sum)
    }

    fn flush(&self) -> Result<()> {
        Ok(())
    }

    fn close(self: Box<Self>) -> Result<()> {
        drop((self.handle, self.reader));
        self.coordinator.shutdown();
        Ok(())
    }
}
