//! Why a run ended early.

use serde::de::Error;
use std::fmt;

/// Why a run ended early.
#[derive(Debug)]
pub(in crate::schema_lock) struct Failure {
    pub(in crate::schema_lock) reason: String,
    /// Whether no other value would make a difference.
    pub(in crate::schema_lock) is_final: bool,
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.reason)
    }
}

impl std::error::Error for Failure {}

impl Error for Failure {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Failure {
            reason: message.to_string(),
            is_final: false,
        }
    }
}

pub(super) fn is_final(reason: impl fmt::Display) -> Failure {
    Failure {
        reason: reason.to_string(),
        is_final: true,
    }
}
