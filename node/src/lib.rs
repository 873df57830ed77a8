//! The node.

pub mod chain;
pub mod chainfile;
pub mod cli;
pub mod clock;
pub mod commands;
pub mod devnet;
pub mod engine;
pub mod genesis;
pub mod host;
pub mod info;
pub mod key;
pub mod logging;
pub mod network;
pub mod node;
mod process;
pub mod rpc;
pub mod sealer;
pub mod sender;
pub mod store;
pub mod sync;
#[cfg(test)]
mod testkit;
