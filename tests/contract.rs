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
annals::contract_suite!(
    memory_with_unique_ids,
    Arc::new(MemoryStore::new().with_unique_ids(true))
);
annals::contract_suite!(
    log_with_unique_ids,
    Arc::new(Options::new().unique_ids(true).temporary().unwrap())
);
annals::contract_suite!(
    log_with_unique_ids_in_many_small_files,
    Arc::new(
        Options::new()
            .unique_ids(true)
            .segment_size(1024)
            .checkpoint_events(5)
            .temporary()
            .unwrap()
    )
);
annals::contract_suite!(
    log_with_unique_ids_and_plain_reads,
    Arc::new(
        Options::new()
            .unique_ids(true)
            .checkpoint_events(11)
            .reads(Reads::Plain)
            .temporary()
            .unwrap()
    )
);
