//! A real node around the fetcher: libp2p, a chain on disk, sealing, JSON-RPC, and the commands of
//! the binary `herald`. It uses the public driver only, so it is also the reference for embedding.
//!
//! `node` puts the parts together; `host` is where the fetcher's traits meet chain and network.
//! docs/architecture.md says which folder may use which.
//!
//! The package is a binary. Public are the command line, [`node::Node`] for those who run nodes in a
//! process of their own, and what the tests over real sockets drive without a whole node:
//! [`network`] and [`sync`].

pub mod cli;
mod commands;
mod devnet;
mod fetcher;
mod files;
mod host;
mod info;
mod logging;
pub mod network;
pub mod node;
mod process;
mod rpc;
mod sealer;
pub mod sync;
