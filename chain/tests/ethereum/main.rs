//! Ethereum's own chains under the engine `ethash`: real blocks, and the tests of all clients. They
//! are read from `../shared/data`, beside the checkout; where that is missing each says so and
//! passes. What they show has a sibling without data in the engine's unit tests.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::wildcard_enum_match_arm,
    missing_docs,
    reason = "tests"
)]

mod cases;
mod exceptions;
mod kit;
mod mainnet;
