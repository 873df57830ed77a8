//! Range sync: catching up with a peer whose head is not known here, whatever the distance and the
//! branch. The fetcher does the rest.
//!
//! - `machine` decides: a state machine without sockets and clocks.
//! - `task` runs it on a real chain and a real network.
//!
//! ```text
//! a head that is unknown here, of no less difficulty
//!   -> its header -> the common ancestor -> headers -> bodies -> import -> (more headers) -> done
//! ```
//!
//! One peer at a time. A peer that lies or stalls is dropped, and the next best takes over where
//! the chain stands by then.

mod check;
mod machine;
mod request;
mod task;

use alloy_primitives::{B256, U256};
use herald_proto::Block;

pub use check::SyncFault;
pub use machine::{HeadNews, RangeSync, SyncOutput};
pub use request::SyncRequestId;
pub use task::{SyncClosed, SyncHandle, spawn};

/// The chain's head, as sync compares it with those of peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyncHead {
    /// Its number.
    pub number: u64,
    /// The total difficulty up to and with it.
    pub total_difficulty: U256,
}

/// What sync needs of a chain.
pub trait SyncChain: Send + Sync + 'static {
    /// Whether a block is known, canonical or not. Called often: must be fast.
    fn contains(&self, hash: &B256) -> bool;
    /// The head of the canonical chain, from memory.
    fn head(&self) -> SyncHead;
    /// The number of the newest block that no reorganisation may undo.
    fn finalized(&self) -> u64;
    /// Checks and stores blocks that follow each other; called where blocking is allowed.
    ///
    /// # Errors
    /// At the first block that is not imported; those before it are.
    fn import(&self, blocks: Vec<Block>) -> Result<(), ImportFault>;
}

/// Why an import stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImportFault {
    /// A block breaks a rule; the label names it.
    #[error("block {number} breaks a rule: {rule}")]
    Invalid {
        /// The block's number.
        number: u64,
        /// The label of the rule.
        rule: &'static str,
    },
    /// Our own trouble, such as a full disk. Nobody is to blame.
    #[error("the import failed here")]
    Local,
}
