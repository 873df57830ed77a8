//! Where and how a chain file is damaged.

use std::fmt;
use std::io;
use std::sync::Arc;

use alloy_primitives::B256;
use herald_proto::DecodeError;
use thiserror::Error;

use super::BLOCK_MAX_BYTES;

/// A chain file that cannot be read beyond a point.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub struct ChainFileError {
    /// The index of the block that cannot be read, from 0.
    pub index: u64,
    /// Where its first byte is; in a gzip file, in what is unpacked.
    pub offset: u64,
    /// Number and hash, if its header can be read.
    pub block: Option<(u64, B256)>,
    /// What is wrong.
    pub damage: Damage,
}

/// What is wrong with a chain file.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum Damage {
    /// The system cannot read it, or gzip is broken.
    #[error("read: {0}")]
    Io(Arc<io::Error>),
    /// No block begins here.
    #[error("encoding: a block is an RLP list, and none begins with {first:#04x}")]
    NotAList {
        /// The byte that is there.
        first: u8,
    },
    /// A block of absurd size.
    #[error("encoding: the block has {size} bytes, over the limit of {BLOCK_MAX_BYTES}")]
    TooLarge {
        /// Bytes that its prefix announces.
        size: u64,
    },
    /// The file ends within a block.
    #[error("encoding: the file ends after {available} of the block's {needed} bytes")]
    Truncated {
        /// Bytes that its prefix announces.
        needed: u64,
        /// Bytes that are there.
        available: u64,
    },
    /// The bytes are no block.
    #[error("encoding: {0}")]
    Encoding(Arc<DecodeError>),
}

impl fmt::Display for ChainFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { index, offset, block, damage } = self;
        write!(f, "block index {index}, byte offset {offset}")?;
        match block {
            Some((number, hash)) => write!(f, ", number {number}, hash {hash}: {damage}"),
            None => write!(f, ", number and hash unreadable: {damage}"),
        }
    }
}

impl From<io::Error> for Damage {
    fn from(error: io::Error) -> Self {
        Self::Io(Arc::new(error))
    }
}
