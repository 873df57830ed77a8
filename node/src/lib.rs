//! The node.

pub mod chain;
pub mod chainfile;
pub mod cli;
pub mod clock;
pub mod commands;
pub mod engine;
pub mod genesis;
pub mod key;
pub mod network;
pub mod store;
pub mod sync;
#[cfg(test)]
mod testkit;
