//! Floor 8: what commands have in common, whether they are of one aggregate
//! or decisions over many streams.

mod error;
mod recorder;
mod turns;

pub use error::CommandError;
pub(crate) use recorder::Recorder;
pub(crate) use turns::turn;
