//! A real node around the fetcher: libp2p, a chain on disk, sealing, JSON-RPC, and the commands of
//! the binary `herald`. It uses the public driver only, so it is also the reference for embedding.
//!
//! `node` puts the parts together; `host` is where the fetcher's traits meet chain and network.
//! docs/architecture.md has the rooms and what each may use.

pub mod cli;
pub mod commands;
pub mod devnet;
mod fetcher;
mod files;
pub mod host;
pub mod info;
pub mod logging;
pub mod network;
pub mod node;
mod process;
pub mod rpc;
pub mod sealer;
pub mod sync;
