//! Whole nodes: the binary as a user starts it, watched through its JSON-RPC and its log.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    clippy::print_stdout,
    missing_docs,
    unreachable_pub,
    reason = "tests"
)]

mod devnet;
mod follow;
mod hostile;
mod kit;
mod rpc;

#[path = "../support/mod.rs"]
mod support;
