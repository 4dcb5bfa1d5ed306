//! What the benches share.
#![allow(dead_code)]

pub(crate) mod measure;
pub(crate) mod workload;
