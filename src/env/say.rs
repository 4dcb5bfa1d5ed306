//! What the library has to say to people who run it, and that is no error to
//! whoever called: told through `tracing`, if the feature of that name is on.

use std::fmt;

/// Something went wrong and was dealt with.
#[cfg(feature = "tracing")]
pub(crate) fn warn(what: fmt::Arguments<'_>) {
    tracing::warn!(target: "annals", "{what}");
}

/// Something went wrong and was dealt with.
#[cfg(not(feature = "tracing"))]
pub(crate) fn warn(_: fmt::Arguments<'_>) {}

/// Something was found that is of no use, which may be quite in order.
#[cfg(feature = "tracing")]
pub(crate) fn note(what: fmt::Arguments<'_>) {
    tracing::debug!(target: "annals", "{what}");
}

/// Something was found that is of no use, which may be quite in order.
#[cfg(not(feature = "tracing"))]
pub(crate) fn note(_: fmt::Arguments<'_>) {}
