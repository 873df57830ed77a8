//! What the package does, seen from outside: one behaviour, one module.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "tests")]

mod chain_data;
mod data;
mod eth66;
