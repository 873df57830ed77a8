//! What a call can fail with, under JSON-RPC's codes.

use std::path::PathBuf;

use jsonrpsee::types::ErrorObjectOwned;
use jsonrpsee::types::error::{INTERNAL_ERROR_CODE, INVALID_PARAMS_CODE};
use thiserror::Error;

use super::params::ParamsError;
use super::transaction::TransactionError;
use herald_chain::chainfile::ImportFileError;
use herald_chain::store::StoreError;

/// geth's code for a call that was understood and failed.
const FAILED_CODE: i32 = -32000;

#[derive(Debug, Error)]
pub(super) enum CallError {
    #[error(transparent)]
    Params(#[from] ParamsError),
    #[error("parameter 1 (multiaddr) is wrong: {0}")]
    Multiaddr(#[from] libp2p::multiaddr::Error),
    #[error(
        "parameter 1 (multiaddr) must end in /p2p/ and the peer's id, so that nobody else can answer there"
    )]
    NoPeerId,
    #[error("parameter 1 (multiaddr) is this node's own address")]
    OwnAddress,
    #[error("{0} peers are kept already, the most that may be")]
    PeersFull(usize),
    #[error(transparent)]
    Transaction(#[from] TransactionError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Import(#[from] ImportFileError),
    #[error("another import is running; {0} was not read")]
    ImportRunning(PathBuf),
    #[error("the result cannot be written as JSON: {0}")]
    Result(#[from] serde_json::Error),
    #[error("the node is shutting down")]
    ShuttingDown,
}

impl From<CallError> for ErrorObjectOwned {
    fn from(error: CallError) -> Self {
        let code = match &error {
            CallError::Params(_) | CallError::Multiaddr(_) | CallError::NoPeerId | CallError::OwnAddress => {
                INVALID_PARAMS_CODE
            }
            CallError::Store(_) | CallError::Result(_) => INTERNAL_ERROR_CODE,
            CallError::Transaction(_)
            | CallError::PeersFull(_)
            | CallError::Import(_)
            | CallError::ImportRunning(_)
            | CallError::ShuttingDown => FAILED_CODE,
        };
        ErrorObjectOwned::owned(code, error.to_string(), None::<()>)
    }
}
