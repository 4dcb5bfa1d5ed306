//! The guide: how the parts are used, a page for each.

#[doc = include_str!("../docs/guide/subscriptions.md")]
pub mod subscriptions {}

#[doc = include_str!("../docs/guide/projections.md")]
pub mod projections {}

#[doc = include_str!("../docs/guide/snapshots.md")]
pub mod snapshots {}
