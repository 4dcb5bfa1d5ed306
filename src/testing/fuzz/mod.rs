//! What the fuzz targets in `fuzz/` call: one function for each, that takes
//! any bytes and panics where a promise is broken.
//!
//! Bytes that a checksum covers would hardly ever verify, so most of these
//! mend checksums first: what is tried is what lies behind them. The committed
//! corpus is made by `seeds`; see `tests/fuzz_corpus.rs`.

mod beside;
mod ids;
mod index;
mod index_alone;
mod mend;
mod operations;
mod record;
mod seeds;
mod segment;
mod store;
mod tools;

pub use beside::{cursor_decode, snapshot_decode};
pub use ids::ids_decode;
pub use index::index_decode;
pub use index_alone::index_alone;
pub use operations::operations;
pub use record::record_decode;
pub use seeds::seeds;
pub use segment::segment_recover;
pub use store::store_open;

/// What a target does with bytes.
pub type Target = fn(&[u8]);

/// The targets: name and function.
pub const TARGETS: [(&str, Target); 9] = [
    ("record_decode", record_decode),
    ("segment_recover", segment_recover),
    ("index_decode", index_decode),
    ("index_alone", index_alone),
    ("ids_decode", ids_decode),
    ("store_open", store_open),
    ("snapshot_decode", snapshot_decode),
    ("cursor_decode", cursor_decode),
    ("operations", operations),
];
