//! The last height that a key has sealed, on disk.
//!
//! The chain alone does not tell: its head may have moved to a lighter-numbered branch without our
//! block, or the store may be a new one.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use alloy_primitives::Address;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::files::replace_file;
use herald_chain::BlockNumHash;

/// The mark of one key.
#[derive(Clone, Debug)]
pub(super) struct SealMark {
    path: PathBuf,
    signer: Address,
    sealed: Option<BlockNumHash>,
}

/// The file's content.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    signer: Address,
    number: u64,
    hash: alloy_primitives::B256,
}

/// The mark cannot be read or written.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum MarkError {
    /// The file system says no.
    #[error("cannot use {}, which keeps the last height sealed: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: Arc<io::Error>,
    },
    /// The content is not what this node writes.
    #[error(
        "{} is damaged ({error}); it keeps this key from sealing one height twice: delete it only \
         if the key has sealed nothing above the chain's head",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: Arc<serde_json::Error>,
    },
}

impl SealMark {
    pub(super) fn open(datadir: &Path, signer: Address) -> Result<Self, MarkError> {
        let path = datadir.join(format!("sealed-{signer:x}.json"));
        let sealed = match std::fs::read(&path) {
            Ok(bytes) => {
                let content: Content = serde_json::from_slice(&bytes)
                    .map_err(|error| MarkError::Damaged { path: path.clone(), error: Arc::new(error) })?;
                Some(BlockNumHash { number: content.number, hash: content.hash })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(MarkError::File { path, error: Arc::new(error) }),
        };
        Ok(Self { path, signer, sealed })
    }

    /// The last height sealed.
    pub(super) fn number(&self) -> Option<u64> {
        self.sealed.map(|block| block.number)
    }

    /// Marks a height, on disk when this returns.
    pub(super) fn set(&mut self, block: BlockNumHash) -> Result<(), MarkError> {
        let content = Content { signer: self.signer, number: block.number, hash: block.hash };
        serde_json::to_vec(&content)
            .map_err(io::Error::from)
            .and_then(|json| replace_file(&self.path, &json))
            .map_err(|error| MarkError::File { path: self.path.clone(), error: Arc::new(error) })?;
        self.sealed = Some(block);
        Ok(())
    }
}
