//! The network over real loopback sockets.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    missing_docs,
    unreachable_pub,
    reason = "tests"
)]

mod catching_up;
mod honest;
mod hostile;
mod range_sync;
mod serving;

#[path = "../support/mod.rs"]
mod support;
