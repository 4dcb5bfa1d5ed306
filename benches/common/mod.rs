//! What the benches share.
#![allow(dead_code, clippy::unwrap_used)]

pub(crate) mod files;
pub(crate) mod measure;
pub(crate) mod reading;
pub(crate) mod setting;
pub(crate) mod workload;
