//! The rules of a proof-of-stake header that no beacon chain is needed for (EIP-3675).

use alloy_primitives::U256;
use herald_proto::HeaderFields;
use herald_proto::roots::EMPTY_UNCLES_HASH;
use thiserror::Error;

use super::Fault;

/// A rule of the Merge that a header breaks.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MergeFault {
    /// Difficulty stays 0 once the Merge has come.
    #[error("{found} after the Merge, when it is 0")]
    Difficulty {
        /// The header's.
        found: U256,
    },
    /// Difficulty becomes 0 with the Merge and not before.
    #[error(
        "a block of difficulty 0 before the terminal total difficulty, {needed}: the parent's is {parent}"
    )]
    TooEarly {
        /// The parent's total difficulty.
        parent: U256,
        /// The terminal total difficulty.
        needed: U256,
    },
    /// There are no uncles any more.
    #[error("a block of difficulty 0 has uncles")]
    Uncles,
    /// There is no work to prove.
    #[error("a block of difficulty 0 has a nonce")]
    Nonce,
}

impl Fault for MergeFault {
    fn label(&self) -> &'static str {
        match self {
            Self::Difficulty { .. } => "difficulty",
            Self::TooEarly { .. } | Self::Uncles | Self::Nonce => "merge",
        }
    }
}

/// What a header must look like after the Merge.
pub(super) fn check_merged(header: &HeaderFields) -> Result<(), MergeFault> {
    if !header.difficulty.is_zero() {
        return Err(MergeFault::Difficulty { found: header.difficulty });
    }
    if header.uncles_hash != EMPTY_UNCLES_HASH {
        return Err(MergeFault::Uncles);
    }
    if !header.nonce.is_zero() {
        return Err(MergeFault::Nonce);
    }
    Ok(())
}
