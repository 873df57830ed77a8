//! What engines say of sealing, whichever they are.

use std::fmt;
use std::time::Duration;

use alloy_primitives::Address;
use serde::{Deserialize, Serialize};

/// Whether and when a signer may seal the next block. Closed on purpose: the sealer obeys each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealTurn {
    /// It is its turn: seal when `at` comes, in seconds since 1970.
    InTurn {
        /// The block's timestamp.
        at: u64,
    },
    /// Another's turn: seal when `at` comes and a random part of `spread` has passed, if there is
    /// still no block.
    OutOfTurn {
        /// The block's timestamp.
        at: u64,
        /// How long signers out of turn spread over.
        spread: Duration,
    },
    /// Not on top of this parent.
    NotNow(NotNow),
}

/// Why a signer does not seal on top of a parent. Closed on purpose, as [`SealTurn`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotNow {
    /// It sealed one of the last blocks, and must let others go first.
    RecentlySigned {
        /// The first block number that it may seal again.
        until: u64,
    },
    /// It has no right to seal on this branch. The operator is warned.
    NotASigner,
    /// Another reason of the engine's, as a clause for the log.
    Because(&'static str),
}

/// Whether a signer seals when its turn is.
///
/// Closed on purpose: it is one or the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// The block is this signer's to make.
    InTurn,
    /// Another's turn.
    OutOfTurn,
}

/// A wish about the set of signers, for engines whose signers vote with their blocks.
///
/// Closed on purpose: EIP-225 fixes what a vote says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vote {
    /// About whom.
    pub subject: Address,
    /// In or out.
    pub kind: VoteKind,
}

/// In or out.
///
/// Closed on purpose: a signer is one or is none, so there is no third vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum VoteKind {
    /// Make it a signer.
    Add,
    /// Let it be one no longer.
    Drop,
}

impl fmt::Display for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InTurn => "in turn",
            Self::OutOfTurn => "out of turn",
        })
    }
}

impl fmt::Display for NotNow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RecentlySigned { until } => write!(f, "sealed recently, and may again from block {until}"),
            Self::NotASigner => f.write_str("not a signer of this chain"),
            Self::Because(reason) => f.write_str(reason),
        }
    }
}
