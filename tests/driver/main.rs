//! The tokio driver, on paused time, with a chain and a network in memory.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, unreachable_pub, reason = "tests")]
#![allow(clippy::wildcard_enum_match_arm, reason = "a test names the one call that it expects")]

mod arrival;
mod ending;
mod flow;
mod host;
mod log;
mod pressure;
mod seams;
mod shares;
mod sync;
mod watchdog;
