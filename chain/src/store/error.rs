//! What can go wrong with the store. Never a peer's fault.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use alloy_primitives::B256;
use thiserror::Error;

use super::SCHEMA_VERSION;

/// The store does not open.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum StoreOpenError {
    /// The directory cannot be made or entered.
    #[error("cannot use {} as a data directory: {error}; check the path and its permissions", path.display())]
    Directory {
        /// Where.
        path: PathBuf,
        /// What the system says.
        error: Arc<io::Error>,
    },
    /// There is no store here.
    #[error("{} holds no chain; import one first, or give another --datadir", path.display())]
    Missing {
        /// Where.
        path: PathBuf,
    },
    /// Another process has the store open.
    #[error("{} is in use by another process; stop it, or choose another --datadir", path.display())]
    Locked {
        /// Where.
        path: PathBuf,
    },
    /// The store belongs to another chain.
    #[error(
        "{} holds the chain with genesis {stored}, but the genesis given is {given}; give that \
         chain's genesis, or another --datadir",
        path.display()
    )]
    OtherChain {
        /// Where.
        path: PathBuf,
        /// The genesis it was begun with.
        stored: B256,
        /// The genesis asked for.
        given: B256,
    },
    /// The blocks in the store were checked by another engine.
    #[error(
        "{} holds blocks checked by the engine {stored}, not {given}; use --engine {stored}, or \
         another --datadir",
        path.display()
    )]
    OtherEngine {
        /// Where.
        path: PathBuf,
        /// The engine it was begun with.
        stored: String,
        /// The engine asked for.
        given: String,
    },
    /// The store was written by a build with another layout.
    #[error(
        "{} has store layout {found}, and this build reads {SCHEMA_VERSION}; use the build that \
         wrote it, or another --datadir",
        path.display()
    )]
    OtherSchema {
        /// Where.
        path: PathBuf,
        /// The layout found.
        found: u64,
    },
    /// It is damaged, or its disk fails.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The store fails while it is used.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Something is missing or misshapen that this store always writes.
    #[error("the store is damaged: {what} cannot be read; import the chain into a new --datadir")]
    Damaged {
        /// What.
        what: &'static str,
    },
    /// The database failed. After a failed write it refuses all further ones.
    #[error("the store failed: {error}; check the disk, then start again")]
    Database {
        /// What the database says.
        error: Arc<fjall::Error>,
    },
}

impl StoreOpenError {
    pub(super) fn on_open(path: &Path, error: fjall::Error) -> Self {
        if matches!(error, fjall::Error::Locked) {
            Self::Locked { path: path.into() }
        } else {
            Self::Store(error.into())
        }
    }
}

impl From<fjall::Error> for StoreError {
    fn from(error: fjall::Error) -> Self {
        Self::Database { error: Arc::new(error) }
    }
}
