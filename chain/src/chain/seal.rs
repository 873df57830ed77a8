//! Making blocks.
//!
//! Nothing is executed yet, so a block sealed here says of execution only what is true of none:
//! it carries its parent's state root, the root of no receipts, an empty bloom, and gas used 0,
//! whatever transactions it carries.

use alloy_primitives::{Address, Bloom};
use herald_proto::roots::EMPTY_ROOT;
use herald_proto::{Block, Body, Header, HeaderFields, Transaction};
use thiserror::Error;

use super::{Chain, View, rules};
use crate::engine::clique::{Clique, CliqueFault, SealTurn, Turn, Vote, sealed};
use crate::genesis::{ChainConfig, Fork};
use crate::key::AccountKey;
use crate::store::StoreError;

/// A block that lacks only its seal.
#[derive(Clone, Debug)]
pub struct Unsealed {
    /// The header, with room for the seal in its extra data.
    pub header: HeaderFields,
    /// The body.
    pub body: Body,
    /// Whose seal it is for.
    pub signer: Address,
    /// Whether it is that signer's turn.
    pub turn: Turn,
}

/// No block can be made.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum PrepareError {
    /// The chain is not one that is sealed.
    #[error("this chain's engine is not Clique, so no blocks can be sealed; run without --seal-key")]
    NotClique,
    /// The next block's fork is one that Clique has not.
    #[error(
        "from Shanghai on (`config.shanghaiTime`) no block is sealed by Clique, and it has come; run without \
         --seal-key"
    )]
    AfterClique,
    /// The signer may not sign the next block.
    #[error("no block can be sealed: {0}")]
    Signer(#[from] CliqueFault),
    /// The key is not the one that the block was prepared for.
    #[error("the block was prepared for signer {expected}, and the key is {found}'s")]
    OtherKey {
        /// Whom it was prepared for.
        expected: Address,
        /// The key's address.
        found: Address,
    },
    /// The store fails.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Chain {
    /// Whether and when `signer` may seal on top of `parent`, a known block.
    ///
    /// # Errors
    /// A chain that is not sealed, or not any more, or a store that fails.
    pub fn seal_turn(&self, parent: &Header, signer: Address) -> Result<SealTurn, PrepareError> {
        let now = self.0.options.clock.now_secs();
        let turn = self.clique()?.seal_turn(parent, signer, now, &View::new(&self.0))?;
        match turn {
            SealTurn::InTurn { at } | SealTurn::OutOfTurn { at, wiggle: _ } => {
                let number = parent.number.saturating_add(1);
                let active = |config: &ChainConfig| config.is_active(Fork::Shanghai, number, at);
                if self.config().is_some_and(active) { Err(PrepareError::AfterClique) } else { Ok(turn) }
            }
            SealTurn::RecentlySigned { until: _ } | SealTurn::NotASigner => Ok(turn),
        }
    }

    /// The next block on top of `parent`, a known block, for `signer` to seal at once: its
    /// timestamp is now, or a period after the parent if that is later. A vote that would change
    /// nothing, or falls on a checkpoint, is left out.
    ///
    /// # Errors
    /// A signer that may not sign it, a chain that is not sealed, or a store that fails.
    pub fn prepare(
        &self,
        parent: &Header,
        signer: Address,
        transactions: Vec<Transaction>,
        vote: Option<Vote>,
    ) -> Result<Unsealed, PrepareError> {
        let clique = self.clique()?;
        let snapshot = clique.snapshot(parent, &View::new(&self.0))?;
        let number = parent.number.saturating_add(1);
        let turn = snapshot.turn(number, signer)?;
        let earliest = parent.timestamp.saturating_add(clique.config().period);
        let timestamp = self.0.options.clock.now_secs().max(earliest);
        let london = self.config().is_some_and(|config| config.is_active(Fork::London, number, timestamp));
        let vote = vote.filter(|vote| !clique.is_checkpoint(number) && snapshot.is_meaningful(*vote));
        let (beneficiary, nonce) = vote.map(|vote| vote.fields()).unwrap_or_default();
        let body = Body::new(transactions, Vec::new(), None);
        let commitment = body.commitment();
        let header = HeaderFields {
            parent_hash: parent.hash(),
            uncles_hash: commitment.uncles_hash,
            beneficiary,
            state_root: parent.state_root,
            transactions_root: commitment.transactions_root,
            receipts_root: EMPTY_ROOT,
            logs_bloom: Bloom::ZERO,
            difficulty: turn.difficulty(),
            number,
            gas_limit: rules::gas_limit_base(parent, london),
            gas_used: 0,
            timestamp,
            extra_data: clique.extra_data(number, &snapshot),
            nonce,
            base_fee: london.then(|| rules::next_base_fee(parent)),
            ..HeaderFields::default()
        };
        Ok(Unsealed { header, body, signer, turn })
    }

    /// Clique's signers in ascending order, as they stand after a known block.
    ///
    /// # Errors
    /// A chain that is not Clique's, or a store that fails.
    pub fn signers(&self, header: &Header) -> Result<Vec<Address>, PrepareError> {
        let snapshot = self.clique()?.snapshot(header, &View::new(&self.0))?;
        Ok(snapshot.signers().copied().collect())
    }

    /// Who sealed a block; `None` when the chain is not Clique's, and for genesis.
    #[must_use]
    pub fn sealer(&self, header: &Header) -> Option<Address> {
        self.0.engine.clique()?.signer(header).ok()
    }

    fn clique(&self) -> Result<&Clique, PrepareError> {
        self.0.engine.clique().ok_or(PrepareError::NotClique)
    }
}

impl Unsealed {
    /// Seals the block.
    ///
    /// # Errors
    /// The key of another signer.
    pub fn seal(self, key: &AccountKey) -> Result<Block, PrepareError> {
        if key.address() != self.signer {
            return Err(PrepareError::OtherKey { expected: self.signer, found: key.address() });
        }
        Ok(Block::new(sealed(self.header, key)?, self.body))
    }
}
