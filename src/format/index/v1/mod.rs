//! What version 1 of index files had otherwise. It is read, and written no more.

pub(super) mod entry;
pub(super) mod list;
