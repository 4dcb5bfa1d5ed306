//! Every promise of `EventStore`, seen to be kept by every backend.
#![cfg(feature = "testing")]

use annals::{MemoryStore, Options, Reads};
use std::sync::Arc;

annals::contract_suite!(memory, Arc::new(MemoryStore::new()));
annals::contract_suite!(log, Arc::new(annals::temporary().unwrap()));
annals::contract_suite!(
    log_with_tiny_segments_and_plain_reads,
    Arc::new(
        Options::new()
            .segment_size(1024)
            .checkpoint_events(7)
            .reads(Reads::Plain)
            .temporary()
            .unwrap()
    )
);
