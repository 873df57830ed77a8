//! The behaviour of the fetcher, one file for each, on virtual time.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::wildcard_enum_match_arm, reason = "tests")]
#![allow(missing_docs, unreachable_pub, missing_debug_implementations, reason = "tests")]

mod expect;
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

// The faults that geth has, and we must not.
mod body_never_comes;
mod counters_at_rest;
mod dishonest_announcer;
mod identical_bodies;
mod idle_expiry;
mod limits_spare_others;
mod peer_leaves;
mod silent_peer;
mod stray_replies;
mod wrong_body;
mod zero_latency;

// What else must hold.
mod adaptive_grace;
mod bad_replies;
mod batches;
mod busy_peers;
mod chain_advanced;
mod deferred;
mod determinism;
mod early_body;
mod events;
mod extremes;
mod first_and_silent;
mod future_blocks;
mod headers_only;
mod hedging;
mod invalid_blocks;
mod local_faults;
mod lost_parents;
mod missing_parents;
mod propagation;
#[cfg(feature = "serde")]
mod recorded_inputs;
mod rounds;
mod shares;
mod shutdown;
mod slow_lines;
mod time;

// What a review of the fetcher among hostile peers found.
mod cheap_lies;
mod false_verdicts;
mod geths_expiry;
mod gone_before_the_verdict;
mod host_without_a_clock;
mod only_relayed;
