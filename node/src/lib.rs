//! A real node around the fetcher: libp2p, a chain on disk, sealing, JSON-RPC, and the commands of
//! the binary `herald`. It uses the public driver only, so it is also the reference for embedding.
//!
//! `node` puts the parts together; `host` is where the fetcher's traits meet chain and network.
//! docs/architecture.md has the rooms and what each may use.

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
