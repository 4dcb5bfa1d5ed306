//! The guide: how the parts are used, a page for each.
//!
//! | page | what it is about |
//! |---|---|
//! | [`subscriptions`] | being told of events: past and live, cursors, handlers, parked events |
//! | [`projections`] | read models: run, read, rebuild, ask as of a moment |
#![cfg_attr(
    feature = "toolkit",
    doc = "| [`events`] | enums of yours as events; other formats |
| [`aggregates`] | state from events, commands, tests without a store |
| [`decisions`] | rules that reach over many streams |
| [`versioning`] | reading old events as what they mean today; the schema lock |
| [`snapshots`] | sparing long replays |
| [`past`] | as of, history, undo, audit |"
)]
//!
//! Whole programs, a page each, are in the repository's `examples`: `users`,
//! `bank`, `careers`, `versions`, `enrolment`, `user_names`, `invoices`.

#[cfg(feature = "toolkit")]
#[doc = include_str!("../docs/guide/events.md")]
pub mod events {}

#[cfg(feature = "toolkit")]
#[doc = include_str!("../docs/guide/aggregates.md")]
pub mod aggregates {}

#[cfg(feature = "toolkit")]
#[doc = include_str!("../docs/guide/decisions.md")]
pub mod decisions {}

#[cfg(feature = "toolkit")]
#[doc = include_str!("../docs/guide/versioning.md")]
pub mod versioning {}

#[cfg(feature = "toolkit")]
#[doc = include_str!("../docs/guide/past.md")]
pub mod past {}

#[doc = include_str!("../docs/guide/subscriptions.md")]
pub mod subscriptions {}

#[doc = include_str!("../docs/guide/projections.md")]
pub mod projections {}

#[cfg(feature = "toolkit")]
#[doc = include_str!("../docs/guide/snapshots.md")]
pub mod snapshots {}
