//! Records and frames.

use super::mend;
use crate::format::checksum::{self, Place};
use crate::format::frame::{Entry, Frame, FrameBase, FrameHead, encode_head};
use crate::format::record::{self, RecordPlace};
use crate::types::{Event, EventRef, Position, StoreId, Timestamp, Version};

/// Where the frames of this target stand.
pub(super) const OFFSET: u64 = 128;

/// The flag of records and frames that carry extension fields, which nothing
/// writes yet.
const RECORD_EXTENSIONS: u8 = 1 << 6;
const FRAME_EXTENSIONS: u8 = 1 << 1;

pub(super) fn base() -> FrameBase {
    FrameBase {
        place: Place::segment(StoreId::from_bytes([1; 16]), 1),
        epoch: 3,
        base_time: 1_000,
    }
}

/// Takes any bytes for a record, and for a frame, as they are and with
/// checksums made right. Whatever decodes is encoded again, to the same bytes.
pub fn record_decode(bytes: &[u8]) {
    one_record(bytes);
    one_frame(bytes);
    let mut mended = bytes.to_vec();
    mend::frame(&mut mended, &base().place, OFFSET);
    one_frame(&mended);
}

fn one_record(bytes: &[u8]) {
    let place = RecordPlace {
        position: Position::new(9),
        append_first: Position::new(8),
        append_last: Position::new(10),
        version: Version::new(4),
        recorded: Timestamp::UNIX_EPOCH.into(),
    };
    let decoded = record::decode(bytes, place);
    let lent = record::lend(bytes, place, |event| event);
    assert_eq!(lent, decoded.ok(), "what is lent is what it is");
    if let Ok(event) = decoded
        && bytes[0] & RECORD_EXTENSIONS == 0
    {
        assert_eq!(encoded(&event), bytes, "there is one encoding of a record");
    }
}

fn encoded(event: &EventRef<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    record::encode(&mut out, event.stream(), &handed_in(event));
    out
}

/// An event as it was before it was recorded.
pub(super) fn handed_in(event: &EventRef<'_>) -> Event {
    let name = event.event_type().to_owned();
    let mut handed_in = Event::with_id(event.id(), name, event.data().to_vec())
        .with_schema(event.schema())
        .with_metadata(event.metadata().to_vec())
        .with_tags(event.tags().iter().map(str::to_owned));
    if let Some(happened) = event.happened() {
        handed_in = handed_in.with_happened(happened);
    }
    if let Some(id) = event.correlation() {
        handed_in = handed_in.with_correlation(id);
    }
    if let Some(id) = event.causation() {
        handed_in = handed_in.with_causation(id);
    }
    handed_in
}

fn one_frame(bytes: &[u8]) {
    let base = base();
    let Ok(frame) = Frame::open(bytes, &base, OFFSET) else {
        return;
    };
    let head = frame.head();
    assert_eq!(head.length(), bytes.len() as u64);
    assert_eq!(
        head.last().get() - head.first.get() + 1,
        u64::from(head.count)
    );
    assert!(frame.commit().durable < head.first);
    let known = FrameHead::known(bytes, &base, OFFSET, false);
    assert_eq!(known.as_ref(), Some(head), "read again, it says the same");
    let verified = frame.verify().is_ok();
    let mut entries = Vec::new();
    let mut records = Vec::new();
    for (index, record) in frame.records().enumerate() {
        let record = record.expect("the entries were checked when the frame was opened");
        if let Ok(event) = record.decode() {
            let position = head.first.plus(index as u64);
            assert_eq!(event.position(), position);
            // The same record, found by its position.
            let found = frame.record(position, &mut head.start()).unwrap();
            assert_eq!(found.decode().as_ref(), Ok(&event));
        }
        entries.push(record.entry());
        records.extend_from_slice(record.bytes());
    }
    if verified && bytes[8] & FRAME_EXTENSIONS == 0 {
        assert_eq!(again(&base, &frame, &entries, &records), bytes);
    }
}

/// What the encoder makes of what a frame says.
fn again(base: &FrameBase, frame: &Frame<'_>, entries: &[Entry], records: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let commit = frame.commit();
    encode_head(&mut out, base, OFFSET, commit, entries);
    out.extend_from_slice(records);
    out
}

/// A frame of these events of a stream.
pub(super) fn frame_of(events: &[Event]) -> Vec<u8> {
    let (mut records, mut entries) = (Vec::new(), Vec::new());
    for (index, event) in events.iter().enumerate() {
        let start = records.len();
        record::encode(&mut records, "orders/1", event);
        let bytes = &records[start..];
        entries.push(Entry {
            checksum: checksum::plain(bytes),
            length: bytes.len() as u32,
            version: Version::new(index as u64 + 1),
        });
    }
    let commit = crate::format::frame::Commit {
        first: Position::new(5),
        durable: Position::new(2),
        recorded: 5_000,
        epoch: 3 + events.len() as u64 % 2,
    };
    let mut out = Vec::new();
    encode_head(&mut out, &base(), OFFSET, &commit, &entries);
    out.extend_from_slice(&records);
    out
}
