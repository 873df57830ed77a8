//! The behaviour of the fetcher, one file for each, on virtual time.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, unreachable_pub, reason = "tests")]

mod harness;
mod honest;
mod toy;

// What geth's own tests cover.
mod concurrent_announcements;
mod empty_block;
mod far_away;
mod finality;
mod gap_filling;
mod import_deduplication;
mod memory_attacks;
mod overlapping_announcements;
mod pending_deduplication;
mod random_arrival;
mod sequential_announcements;
mod wrong_number;
