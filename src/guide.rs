//! The guide: how the parts are used, a page for each.

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

#[doc = include_str!("../docs/guide/snapshots.md")]
pub mod snapshots {}
