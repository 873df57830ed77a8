//! What a header can break of Clique's rules.

use alloy_primitives::{Address, B64, U256};
use thiserror::Error;

use super::{SEAL_BYTES, VANITY_BYTES, difficulty};
use crate::engine::{Fault, Turn};

/// A rule of EIP-225 that a header breaks.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CliqueFault {
    /// Too short for vanity and seal.
    #[error(
        "extra data has {found} bytes, and {VANITY_BYTES} of vanity and {SEAL_BYTES} of seal belong in it"
    )]
    ExtraDataTooShort {
        /// Its length.
        found: usize,
    },
    /// Between vanity and seal are no whole addresses.
    #[error("{found} bytes between vanity and seal are no whole addresses of 20 bytes")]
    SignersNotWhole {
        /// Bytes between them.
        found: usize,
    },
    /// A genesis lists a signer twice, most likely for another that is missing.
    #[error("signer {signer} is listed twice in the extra data")]
    SignerTwice {
        /// Which.
        signer: Address,
    },
    /// Signers are listed where no checkpoint is.
    #[error("lists signers although it is no checkpoint")]
    SignersOutsideCheckpoint,
    /// A checkpoint lists other signers than those that voting led to, or in another order.
    #[error("the checkpoint lists other signers than the votes have led to")]
    CheckpointSigners,
    /// A checkpoint votes.
    #[error("a checkpoint carries a vote")]
    CheckpointVote,
    /// A nonce that is no vote.
    #[error("nonce {found} is neither all ones nor zero")]
    Nonce {
        /// The nonce.
        found: B64,
    },
    /// The mix hash is not zero.
    #[error("the mix hash is not zero")]
    MixHash,
    /// There are uncles.
    #[error("has uncles, and Clique has none")]
    Uncles,
    /// A difficulty that is neither 1 nor 2.
    #[error("difficulty {found} is neither 1 nor 2")]
    Difficulty {
        /// The difficulty.
        found: U256,
    },
    /// A header of a fork that Clique has not.
    #[error("has fields of Shanghai or later, and Clique ends before")]
    AfterLondon,
    /// The next block's fork is one that Clique has not.
    #[error(
        "from Shanghai on (`config.shanghaiTime`) no block is sealed by Clique, and it has come; run without \
         --seal-key"
    )]
    Ended,
    /// The parent reaches the terminal total difficulty, where a chain that is to merge leaves Clique.
    #[error(
        "the terminal total difficulty, {terminal}, is reached, and Clique ends there; what follows is \
         proof of stake, which --engine trusted takes unchecked"
    )]
    Merged {
        /// The terminal total difficulty.
        terminal: U256,
    },
    /// Too soon after the parent.
    #[error("timestamp {found} is before {earliest}, a period after the parent's")]
    TooEarly {
        /// The header's.
        found: u64,
        /// The first that is allowed.
        earliest: u64,
    },
    /// The seal is no signature.
    #[error("the seal is no signature")]
    BadSeal,
    /// The signer is not in the set.
    #[error("signer {signer} is not authorised")]
    Unauthorised {
        /// Who signed.
        signer: Address,
    },
    /// The signer signed one of the last blocks.
    #[error("signer {signer} signed recently, and may sign again from block {until}")]
    RecentlySigned {
        /// Who signed.
        signer: Address,
        /// The first number it may sign.
        until: u64,
    },
    /// The difficulty belongs to the other turn.
    #[error("difficulty {found}, but its signer is {turn}: {}", difficulty(*turn))]
    WrongTurn {
        /// The header's difficulty.
        found: U256,
        /// The turn that it was.
        turn: Turn,
    },
}

impl Fault for CliqueFault {
    fn label(&self) -> &'static str {
        match self {
            Self::ExtraDataTooShort { .. } => "clique extra data",
            Self::SignersNotWhole { .. }
            | Self::SignerTwice { .. }
            | Self::SignersOutsideCheckpoint
            | Self::CheckpointSigners => "clique signers list",
            Self::CheckpointVote | Self::Nonce { .. } => "clique vote",
            Self::MixHash => "clique mix hash",
            Self::Uncles => "clique uncles",
            Self::Difficulty { .. } => "clique difficulty",
            Self::AfterLondon | Self::Ended | Self::Merged { .. } => "clique fork",
            Self::TooEarly { .. } => "clique period",
            Self::BadSeal => "clique seal",
            Self::Unauthorised { .. } => "clique signer",
            Self::RecentlySigned { .. } => "clique recent signer",
            Self::WrongTurn { .. } => "clique turn",
        }
    }
}
