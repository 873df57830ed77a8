//! The network over real loopback sockets.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    missing_docs,
    unreachable_pub,
    reason = "tests"
)]

mod honest;

#[path = "../support/mod.rs"]
mod support;
