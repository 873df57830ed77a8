//! What the package does, seen from outside: one behaviour, one module.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs,
    reason = "tests; what is skipped is said aloud"
)]

mod chain_data;
mod corpus;
mod data;
mod differential;
mod eth66;
mod fork_ids;
mod limits;
mod mutation;
mod rlp_rules;
mod samples;
mod values;
