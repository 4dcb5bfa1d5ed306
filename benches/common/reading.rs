//! Reads that touch every byte that they are lent.

use annals::{EventRef, EventStore, Query};
use std::hint::black_box;
use std::ops::ControlFlow;

/// Touches every byte, eight at a time.
pub(crate) fn sum(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let words = words.iter().map(|word| u64::from_le_bytes(*word));
    let rest = rest.iter().map(|byte| u64::from(*byte));
    words.fold(0, u64::wrapping_add).wrapping_add(rest.sum())
}

/// Touches every byte that an event lends.
pub(crate) fn touch(event: &EventRef<'_>) -> u64 {
    sum(event.data())
        .wrapping_add(sum(event.metadata()))
        .wrapping_add(sum(event.stream().as_bytes()))
        .wrapping_add(sum(event.event_type().as_bytes()))
        .wrapping_add(sum(event.id().as_bytes()))
}

/// Reads lent events; says how many.
pub(crate) fn scan(store: &dyn EventStore, query: &Query) -> u64 {
    let (mut count, mut total) = (0, 0u64);
    store
        .scan(query, &mut |event| {
            count += 1;
            total = total.wrapping_add(touch(&event));
            ControlFlow::Continue(())
        })
        .unwrap();
    black_box(total);
    count
}

/// Reads owned events; says how many.
pub(crate) fn read(store: &dyn EventStore, query: &Query) -> u64 {
    let (mut count, mut total) = (0, 0u64);
    for event in store.read(query) {
        count += 1;
        total = total.wrapping_add(touch(&event.unwrap().as_ref()));
    }
    black_box(total);
    count
}
