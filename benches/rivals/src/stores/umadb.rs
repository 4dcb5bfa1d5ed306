use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use anyhow::{Context, Result};
use tokio::sync::{mpsc, oneshot, watch};
use umadb_core::db::UmaDb;
use umadb_core::mvcc::{Mvcc, StorageOptions};
use umadb_core::pager::ReadMethod;
use umadb_core::writer_thread_blocking::writer_thread_blocking;
use umadb_core::writer_thread_request::WriterThreadRequest;
use umadb_dcb::{DcbAppendCondition, DcbEvent, DcbEventStoreSync, DcbQuery, DcbQueryItem};
use uuid::Uuid;

use crate::store::{At, Can, Durability, Event, Placed, Rival, STORE, Store, Sum, payload};

/// As in its server.
const QUEUE: usize = 10_000;
const BATCH_EVENTS: usize = 2_000;
/// Events are read a page of so many at a time: a read gathers all it returns.
const PAGE: u32 = 1_000;
/// As for the others that have a cache of their own: larger than the data.
const CACHE_MB: usize = 1024;

pub fn rival() -> Rival {
    Rival {
        name: "umadb-core",
        package: "umadb-core",
        settings: "`StorageOptions::default()` with `ReadMethod::Mmap` (which its README \
                   names for reads) and a page cache of 1 GiB, and the writer thread that its \
                   server starts, \
                   which commits all that waits in one transaction of two syncs; a stream is a \
                   tag, the check a condition on the tag after the position that the writer has \
                   seen; one event is found by its position; everything is read 1,000 events at \
                   a time; every append is durable",
        source: "https://docs.rs/umadb-core/0.7.8",
        can: Can {
            written: false,
            ..STORE
        },
        open: |path| {
            std::fs::create_dir_all(path)?;
            let mvcc = Arc::new(Mvcc::new(false, options(path))?);
            let (requests, receiver) = mpsc::channel(QUEUE);
            let (head, _) = watch::channel(None);
            let shared = Arc::clone(&mvcc);
            let writer = std::thread::spawn(move || {
                writer_thread_blocking(shared, receiver, head, BATCH_EVENTS);
            });
            Ok(Box::new(Uma {
                db: UmaDb::from_arc(mvcc),
                requests,
                writer,
            }))
        },
    }
}

fn options(path: &Path) -> StorageOptions {
    StorageOptions::default()
        .db_path(path)
        .read_method(ReadMethod::Mmap)
        .page_cache_max_mb(CACHE_MB)
}

struct Uma {
    db: UmaDb,
    requests: mpsc::Sender<WriterThreadRequest>,
    writer: JoinHandle<()>,
}

fn event(stream: &str, version: u64, event: &Event<'_>) -> DcbEvent {
    DcbEvent::new()
        .event_type(event.kind)
        .tags([stream])
        .data(payload(version, event))
        .uuid(Uuid::from_bytes(event.id))
}

fn stream_query(stream: &str) -> DcbQuery {
    DcbQuery::new().item(DcbQueryItem::new().tags([stream]))
}

impl Uma {
    fn submit(&self, events: Vec<DcbEvent>, condition: Option<DcbAppendCondition>) -> Result<u64> {
        let (response_tx, answer) = oneshot::channel();
        let request = WriterThreadRequest::Append {
            events,
            condition,
            tracking_info: None,
            response_tx,
            cancel: None,
        };
        self.requests
            .blocking_send(request)
            .ok()
            .context("the writer thread has ended")?;
        Ok(answer.blocking_recv()??)
    }

    fn read(
        &self,
        query: Option<DcbQuery>,
        from: u64,
        limit: Option<u32>,
        sum: &mut Sum,
    ) -> Result<Option<u64>> {
        let mut last = None;
        for read in self.db.read(query, Some(from), false, limit)? {
            let read = read?;
            let id = read.event.uuid.unwrap_or_default();
            crate::store::touch_payload(
                id.as_bytes(),
                &read.event.event_type,
                &read.event.data,
                sum,
            )?;
            last = Some(read.position);
        }
        Ok(last)
    }
}

impl Store for Uma {
    fn append(&self, at: At<'_>, events: &[Event<'_>], _: Durability) -> Result<u64> {
        let condition = DcbAppendCondition::new(stream_query(at.stream)).after(Some(at.position));
        let events = (at.version + 1..)
            .zip(events)
            .map(|(version, given)| event(at.stream, version, given))
            .collect();
        self.submit(events, Some(condition))
    }

    fn load(&self, events: &[Placed<'_>]) -> Result<()> {
        let events = events
            .iter()
            .map(|placed| event(placed.stream, placed.version, &placed.event))
            .collect();
        self.submit(events, None)?;
        Ok(())
    }

    fn read_stream(&self, stream: &str, _: u32, sum: &mut Sum) -> Result<()> {
        self.read(Some(stream_query(stream)), 1, None, sum)?;
        Ok(())
    }

    fn read_all(&self, sum: &mut Sum) -> Result<()> {
        let mut from = 1;
        while let Some(last) = self.read(None, from, Some(PAGE), sum)? {
            from = last + 1;
        }
        Ok(())
    }

    fn read_one(&self, place: Placed<'_>, sum: &mut Sum) -> Result<()> {
        self.read(None, place.position, Some(1), sum)?;
        Ok(())
    }

    fn flush(&self) -> Result<()> {
        Ok(())
    }

    fn close(self: Box<Self>) -> Result<()> {
        self.requests
            .blocking_send(WriterThreadRequest::Shutdown)
            .ok();
        drop(self.requests);
        self.writer
            .join()
            .ok()
            .context("the writer thread panicked")?;
        Ok(())
    }
}
