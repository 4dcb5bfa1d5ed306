//! The command line, from outside: the binary is run as a user runs it.

mod append;
mod bad_input;
mod bad_store;
mod export;
mod import;
mod reading;
mod restore;
mod support;
mod tail;
