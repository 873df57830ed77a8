//! What a header can break of Ethash's rules.

use alloy_primitives::U256;
use thiserror::Error;

use crate::engine::Fault;

/// A rule of proof of work that a header breaks.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EthashFault {
    /// Difficulty follows from the parent and the time since.
    #[error("{found}, and {expected} follows from the parent")]
    Difficulty {
        /// The header's.
        found: U256,
        /// The right one.
        expected: U256,
    },
    /// This chain supports the DAO fork (EIP-779).
    #[error("block {number} is one of the ten that say `dao-hard-fork`, and does not")]
    DaoExtraDataMissing {
        /// The block's number.
        number: u64,
    },
    /// This chain refuses the DAO fork.
    #[error("block {number} says `dao-hard-fork`, and this chain does not support that fork")]
    DaoExtraDataPresent {
        /// The block's number.
        number: u64,
    },
}

impl Fault for EthashFault {
    fn label(&self) -> &'static str {
        match self {
            Self::Difficulty { .. } => "difficulty",
            Self::DaoExtraDataMissing { .. } | Self::DaoExtraDataPresent { .. } => "dao extra data",
        }
    }
}
