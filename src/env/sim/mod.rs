//! A simulated world: a disk that can lose its power at any moment, calls that
//! fail when told to, a clock, randomness and background work that do the same
//! again for the same seed.
//!
//! # What the disk promises, and what not
//!
//! It grants what a journalling file system on honest hardware grants, and no
//! more. Reads see every write at once. What survives a loss of power is less:
//!
//! - **Data**: a write is kept sector by sector (512 or 4096 bytes). Until the
//!   file is synced each sector is on its own: any of its last four versions
//!   may be there, or what was durable before, or a torn one: the beginning of
//!   a new version and the rest of what was durable. So bytes that were durable
//!   and are written again with the same value stay. A sector of which no byte
//!   was ever durable reads as zeros when it is lost.
//! - **Size**: apart from the data. It may be ahead (what lies between reads as
//!   zeros) or behind (the data is cut off), or anything between.
//! - **Emptying** a file by `Mode::Create` survives or doesn't; if it doesn't,
//!   the file is what it was, and what was written to it since is lost.
//! - **Names**: creating, renaming and removing are durable once the directory
//!   is synced, and not because the file is. Until then each survives or not by
//!   itself, but those that touch the same name survive in their order. A
//!   rename is atomic: one that is lost leaves the old name, and what stood
//!   under the new one.
//! - **A failed sync** leaves the sectors readable, but no longer dirty: later
//!   syncs say yes and do nothing for them. Whether they arrived is open, as if
//!   they had never been synced, until they are written and synced again.
//!   A failed sync of a directory leaves the changes of its names pending:
//!   they are in the file system's journal, so that the next sync counts.
//! - **The board** holds after a loss of power what it held, zeros, or garbage,
//!   and after a kill what it held.
//!
//! # How to use it
//!
//! Run a workload on a [`SimWorld`]; at each [`Boundary`] (see
//! [`SimDisk::on_boundary`]) take a [`CrashPoint`]; make of it as many disks as
//! there are choices of what survived; open the store on each and check it.

// What is `pub` here is public only under the feature `testing`, as
// `annals::testing::sim`.
#![cfg_attr(
    not(feature = "testing"),
    allow(dead_code, unreachable_pub, unused_imports)
)]

mod board;
mod clock;
mod content;
mod counting;
mod crash;
mod damage;
mod disk;
mod faults;
mod file;
mod inode;
mod names;
mod plan;
mod random;
mod record;
mod state;
mod tasks;
#[cfg(test)]
mod tests;
mod world;

pub use clock::SimClock;
pub use counting::CountingFs;
pub use crash::CrashPoint;
pub use disk::{Boundary, SectorSize, SimDisk};
pub use faults::{Fault, FaultRule};
pub use plan::{Choice, CrashPlan, Exhaust, Unit, UnitKind};
pub use random::{Rng, SimRandom};
pub use record::{Call, CallKind, IoCounts, Outcome, PathId};
pub use tasks::{SimTasks, TaskMode};
pub use world::SimWorld;
