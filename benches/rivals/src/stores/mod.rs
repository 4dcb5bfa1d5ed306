//! One file for each store. Where a store is used in two layouts, `Clustered`
//! keeps events under (stream, version), `Positioned` under their position with
//! an index from (stream, version) to it.

mod annals;
mod commitlog;
mod fjall;
mod lmdb;
mod okaywal;
#[cfg(feature = "raft-engine")]
mod raft_engine;
mod redb;
#[cfg(feature = "rocksdb")]
mod rocksdb;
mod seglog;
mod sqlite;
mod tephra;
mod umadb;

use crate::store::Rival;

/// All that were built, in the order of the table.
pub fn all() -> Vec<Rival> {
    let mut rivals = vec![annals::rival(), tephra::rival(), umadb::rival()];
    rivals.extend(lmdb::rivals());
    rivals.extend(redb::rivals());
    rivals.extend(sqlite::rivals());
    rivals.extend(fjall::rivals());
    #[cfg(feature = "rocksdb")]
    rivals.extend(rocksdb::rivals());
    #[cfg(feature = "raft-engine")]
    rivals.push(raft_engine::rival());
    rivals.extend([okaywal::rival(), commitlog::rival(), seglog::rival()]);
    rivals
}
