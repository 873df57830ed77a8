//! The commands that handle chains, run as a user runs them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout, missing_docs, reason = "tests")]

mod commands;
mod kill;
mod kit;
