//! Every promise of `EventStore`, seen to be kept by every backend.
#![cfg(feature = "testing")]

use annals::MemoryStore;
use std::sync::Arc;

annals::contract_suite!(memory, Arc::new(MemoryStore::new()));

// The log, once it stands:
// annals::contract_suite!(log, Arc::new(annals::temporary().unwrap()));
