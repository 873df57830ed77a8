//! What is simulated: blocks, chains, links and topologies. No fetcher, no events.

pub mod block;
pub mod chain;
pub mod schedule;
pub mod topology;
