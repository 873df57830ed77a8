//! JSON-RPC over HTTP and WebSocket on one port.
//!
//! Shapes and codes are those of the Ethereum execution API. Numbers are quantities, hex strings,
//! everywhere.

mod admin;
mod block;
mod error;
mod eth;
mod fetcher;
mod guard;
mod method;
mod net;
mod params;
mod transaction;

use std::io;
use std::net::{SocketAddr, TcpListener};

use jsonrpsee::RpcModule;
use jsonrpsee::core::RegisterMethodError;
use jsonrpsee::server::{BatchRequestConfig, Server, ServerConfig, ServerHandle};
use thiserror::Error;
use tokio::sync::Mutex;

use self::guard::GuardLayer;
use self::method::Method;
use crate::fetcher::{FetcherHandle, StageCounts};
use crate::network::NetworkHandle;
use herald_chain::Chain;

/// Connections at once. A tool needs one or two.
const CONNECTIONS_MAX: u32 = 100;
/// Bytes of a request: no method here takes much.
const REQUEST_BYTES_MAX: u32 = 1 << 20;
/// Bytes of an answer: a block of 10 MiB with its transactions in full takes three times that.
const ANSWER_BYTES_MAX: u32 = 64 << 20;
/// Calls in one batch.
const BATCH_MAX: u32 = 100;

/// Every method, by namespace. docs/rpc.md says what each takes and gives.
const METHODS: &[&[Method]] = &[admin::METHODS, eth::METHODS, fetcher::METHODS, net::METHODS];

/// What the methods work on.
#[derive(Debug)]
pub(crate) struct RpcContext {
    pub(crate) chain: Chain,
    pub(crate) network: NetworkHandle,
    pub(crate) fetcher: FetcherHandle,
    pub(crate) fetcher_config: herald_fetcher::Config,
    pub(crate) stages: StageCounts,
    pub(crate) chain_id: u64,
    pub(crate) network_id: u64,
    /// For the error message only.
    pub(crate) peers_kept_max: usize,
    /// Held by the one import that may run.
    pub(crate) importing: Mutex<()>,
}

/// The server does not start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RpcError {
    /// The socket cannot be used.
    #[error("the JSON-RPC server cannot use its socket: {0}")]
    Socket(#[from] io::Error),
    /// Two methods of one name.
    #[error("the JSON-RPC methods cannot be registered: {0}")]
    Register(#[from] RegisterMethodError),
}

/// A running server.
#[derive(Debug)]
pub(crate) struct RpcServer {
    address: SocketAddr,
    handle: ServerHandle,
}

impl RpcServer {
    /// Answers on `listener` from now on.
    pub(crate) fn start(listener: TcpListener, context: RpcContext) -> Result<Self, RpcError> {
        let address = listener.local_addr()?;
        listener.set_nonblocking(true)?;
        let mut module = RpcModule::new(context);
        for method in METHODS.iter().copied().flatten() {
            method.register(&mut module)?;
        }
        let config = ServerConfig::builder()
            .max_connections(CONNECTIONS_MAX)
            .max_request_body_size(REQUEST_BYTES_MAX)
            .max_response_body_size(ANSWER_BYTES_MAX)
            .set_batch_request_config(BatchRequestConfig::Limit(BATCH_MAX))
            .build();
        let server = Server::builder()
            .set_config(config)
            .set_http_middleware(tower::ServiceBuilder::new().layer(GuardLayer))
            .build_from_tcp(listener)?;
        Ok(Self { address, handle: server.start(module) })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more calls, and returns when those that run have ended.
    pub(crate) async fn stop(self) {
        // An error says that it has stopped already.
        let _ = self.handle.stop();
        self.handle.stopped().await;
    }
}

#[cfg(test)]
mod tests;
