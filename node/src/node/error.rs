//! Why a node does not start.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;

use crate::host::HostError;
use crate::network::IdentityError;
use crate::rpc::RpcError;
use crate::sealer::SealerError;
use herald_chain::OpenError;

/// A node that does not start. Each says what to do.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum NodeError {
    /// The data directory cannot be used.
    #[error("cannot use {} for the node's data: {error}; choose another --datadir", path.display())]
    Datadir {
        /// The directory.
        path: PathBuf,
        /// What the system says.
        error: Arc<io::Error>,
    },
    /// The chain does not open.
    #[error(transparent)]
    Chain(#[from] OpenError),
    /// The node's key cannot be had.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The network or the fetcher does not start.
    #[error(transparent)]
    Host(#[from] HostError),
    /// JSON-RPC does not start.
    #[error(transparent)]
    Rpc(#[from] RpcError),
    /// Blocks cannot be sealed.
    #[error(transparent)]
    Sealer(#[from] SealerError),
    /// The runtime ended meanwhile.
    #[error("the node was stopped while it started")]
    Stopped,
}
