//! A frame of one event, read again: most of what is read.
//!
//! All of it is inlined at any price, into the two loops that lend such events:
//! an event is then put together where it is lent, once. By itself the compiler
//! moves it from function to function, which takes a third more instructions.

#![allow(clippy::inline_always)]

use super::frame::{FIXED, FrameBase, peek_len};
use super::record::{self, RecordPlace};
use super::varint;
use crate::types::{EventRef, Micros, Position, Version};

/// A frame of one event, verified before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lone<'a> {
    record: &'a [u8],
    place: RecordPlace,
    length: usize,
}

impl<'a> Lone<'a> {
    /// The frame that these bytes begin with, which has verified before, with its
    /// record. Nothing is checked again but what decoding rests on. `None`: the
    /// frame holds more than one event, or is of a rare kind, or is not as it was.
    /// `Frame::open` and `FrameHead::known` tell.
    ///
    /// It takes in one go what they take step by step and keep, so that nothing is
    /// kept for an event that is lent and passed.
    #[inline(always)]
    pub(crate) fn known(bytes: &'a [u8], base: &FrameBase) -> Option<Self> {
        let length = peek_len(bytes, bytes.len() as u64)?;
        let frame = bytes.get(..length)?;
        let [flags, head_length] = *frame.get(FIXED - 1..)?.first_chunk()?;
        if flags != 0 {
            return None;
        }
        let mut at = FIXED + 1;
        let first = Position::new(varint::quick(frame, &mut at)?);
        varint::skip(frame, &mut at).ok()?;
        let since = varint::quick(frame, &mut at)?;
        // One event; behind that its checksum.
        if *frame.get(at)? != 1 {
            return None;
        }
        at += 1 + 4;
        let version = Version::new(varint::quick_of_any_length(frame, &mut at)?);
        // So the length of the head was a single byte, too.
        if at != usize::from(head_length) {
            return None;
        }
        let place = RecordPlace {
            position: first,
            append_first: first,
            append_last: first,
            version,
            recorded: Micros::new(base.base_time.wrapping_add(since.cast_signed()))?,
        };
        Some(Lone {
            record: frame.get(at..)?,
            place,
            length,
        })
    }

    /// The position of the event.
    #[inline(always)]
    pub(crate) fn position(&self) -> Position {
        self.place.position
    }

    /// The length of the frame.
    #[inline(always)]
    pub(crate) fn length(&self) -> u64 {
        self.length as u64
    }

    /// Lends the event, if its record can be decoded.
    #[inline(always)]
    pub(crate) fn lend<T>(&self, take: impl FnOnce(EventRef<'a>) -> T) -> Option<T> {
        record::lend(self.record, self.place, take)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::checksum::{self, Place};
    use crate::format::frame::{Commit, Entry, Frame, encode_head};
    use crate::types::{Event, StoreId, Timestamp};
    use uuid::Uuid;

    fn base() -> FrameBase {
        FrameBase {
            place: Place::segment(StoreId::from_bytes([1; 16]), 1),
            epoch: 3,
            base_time: -9,
        }
    }

    fn frame(first: u64, version: u64, epoch: u64, events: &[(&str, Event)]) -> Vec<u8> {
        let (mut records, mut entries) = (Vec::new(), Vec::new());
        for (stream, event) in events {
            let start = records.len();
            record::encode(&mut records, stream, event);
            entries.push(Entry {
                checksum: checksum::plain(&records[start..]),
                length: (records.len() - start) as u32,
                version: Version::new(version),
            });
        }
        let commit = Commit {
            first: Position::new(first),
            durable: Position::new(first / 2),
            recorded: 1 << 40 | first.cast_signed(),
            epoch,
        };
        let mut out = Vec::new();
        encode_head(&mut out, &base(), 128, &commit, &entries);
        out.extend_from_slice(&records);
        out
    }

    /// What the careful way makes of the first record.
    fn careful(bytes: &[u8]) -> EventRef<'_> {
        let frame = Frame::open(bytes, &base(), 128).unwrap();
        frame.verify().unwrap();
        frame.records().next().unwrap().unwrap().decode().unwrap()
    }

    fn events() -> Vec<(String, Event)> {
        let mut events = Vec::new();
        for length in [1, 3, 4, 7, 8, 9, 15, 16, 17, 40, 127, 128, 1000] {
            for name in ["x".repeat(length), "ü".repeat(length)] {
                let event = Event::with_id(Uuid::from_u128(7), name.clone(), name.clone());
                events.push((name.clone(), event.clone()));
                events.push((name.clone(), event.clone().with_metadata(name.clone())));
                let rare = event.with_tags(["a", "b"]).with_schema(4);
                events.push((name, rare.with_happened(Timestamp::MIN)));
            }
        }
        let empty = Event::with_id(Uuid::nil(), "T", "");
        events.push(("s".to_owned(), empty));
        events
    }

    #[test]
    fn a_frame_of_one_event_is_lent_as_it_was_recorded() {
        for (stream, event) in events() {
            for number in [1, 127, 128, 16_384, 1 << 21, 1 << 50] {
                let mut bytes = frame(number, number, 3, &[(&stream, event.clone())]);
                let length = bytes.len();
                // More follows, whatever that is.
                bytes.resize(length + 20, 0xff);
                let lone = Lone::known(&bytes, &base()).unwrap();
                assert_eq!(lone.length(), length as u64);
                assert_eq!(lone.position(), Position::new(number));
                let same = lone.lend(|event| event == careful(&bytes[..length]));
                assert_eq!(same, Some(true), "{stream} {number}");
            }
        }
    }

    #[test]
    fn other_frames_are_left_to_the_careful_way() {
        let one = Event::with_id(Uuid::nil(), "T", "data");
        let several = frame(5, 1, 3, &[("s", one.clone()), ("s", one.clone())]);
        assert!(Lone::known(&several, &base()).is_none());
        let later = frame(5, 1, 4, &[("s", one.clone())]);
        assert!(Lone::known(&later, &base()).is_none());
        let good = frame(5, 1, 3, &[("s", one)]);
        for length in 0..good.len() {
            assert!(Lone::known(&good[..length], &base()).is_none());
        }
    }

    #[test]
    fn nothing_that_changed_since_makes_it_panic() {
        for (stream, event) in events().into_iter().take(12) {
            let good = frame(300, 200, 3, &[(&stream, event)]);
            for bit in 0..good.len() * 8 {
                let mut bad = good.clone();
                bad[bit / 8] ^= 1 << (bit % 8);
                if let Some(lone) = Lone::known(&bad, &base()) {
                    lone.lend(|event| assert!(event.stream().len() < 300));
                }
            }
        }
    }
}
