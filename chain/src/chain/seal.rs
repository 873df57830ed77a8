//! Making blocks.
//!
//! Nothing is executed yet, so a block sealed here says of execution only what is true of none:
//! it carries its parent's state root, the root of no receipts, an empty bloom, and gas used 0,
//! whatever transactions it carries.

use std::sync::Arc;

use alloy_primitives::{Address, B256, Bloom};
use herald_proto::roots::EMPTY_ROOT;
use herald_proto::{Block, Body, DecodeError, Header, HeaderFields, Transaction};
use thiserror::Error;

use super::{Chain, View, rules};
use crate::engine::{Engine, EngineFault, SealError, SealTurn, Turn, Vote};
use crate::head::Head;
use crate::key::AccountKey;
use crate::store::StoreError;

/// A block that lacks only its seal.
#[derive(Clone, Debug)]
pub struct Unsealed {
    /// The header, with the bytes of the seal reserved.
    pub header: HeaderFields,
    /// The body.
    pub body: Body,
    /// Whose seal it is for.
    pub signer: Address,
    /// Whether it is that signer's turn.
    pub turn: Turn,
    engine: Arc<dyn Engine>,
}

/// No block can be made.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum PrepareError {
    /// The chain is not one that is sealed.
    #[error("this chain's engine, {engine}, seals no blocks; run without --seal-key")]
    NotSealable {
        /// The engine's name.
        engine: &'static str,
    },
    /// The signer may not sign the next block.
    #[error("no block can be sealed: {0}")]
    Signer(EngineFault),
    /// The key is not the one that the block was prepared for.
    #[error("the block was prepared for signer {expected}, and the key is {found}'s")]
    OtherKey {
        /// Whom it was prepared for.
        expected: Address,
        /// The key's address.
        found: Address,
    },
    /// There is no block to seal on.
    #[error("no block can be sealed on {parent}, which is not known here")]
    UnknownParent {
        /// The missing block.
        parent: B256,
    },
    /// A transaction with blobs that cannot be read.
    #[error("a transaction cannot be read: {0}")]
    Transaction(DecodeError),
    /// The store fails.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Chain {
    /// Whether and when `signer` may seal on top of `parent`, a known block.
    ///
    /// # Errors
    /// A chain that is not sealed, an unknown parent, or a store that fails.
    pub fn seal_turn(&self, parent: &Header, signer: Address) -> Result<SealTurn, PrepareError> {
        let view = View::new(&self.0);
        let parent = known(&view, parent)?;
        let now = self.0.options.clock.now_secs();
        let turn = self.0.engine.seal_turn(&parent, signer, now, &view);
        turn.map_err(|error| PrepareError::new(error, self.engine()))
    }

    /// The next block on top of `parent`, a known block, for `signer` to seal at once: its
    /// timestamp is now, or the first that the engine allows if that is later. A vote that would
    /// change nothing, or cannot be cast with this block, is left out.
    ///
    /// # Errors
    /// A signer that may not sign it, a chain that is not sealed, an unknown parent, or a store
    /// that fails.
    pub fn prepare(
        &self,
        parent: &Header,
        signer: Address,
        transactions: Vec<Transaction>,
        vote: Option<Vote>,
    ) -> Result<Unsealed, PrepareError> {
        let view = View::new(&self.0);
        let parent = known(&view, parent)?;
        let mut header = HeaderFields {
            parent_hash: parent.header.hash(),
            beneficiary: signer,
            state_root: parent.header.state_root,
            receipts_root: EMPTY_ROOT,
            logs_bloom: Bloom::ZERO,
            number: parent.header.number.saturating_add(1),
            gas_used: 0,
            timestamp: self.0.options.clock.now_secs(),
            ..HeaderFields::default()
        };
        let engine = Arc::clone(&self.0.engine);
        let turn = engine
            .prepare(&mut header, &parent, signer, vote, &view)
            .map_err(|error| PrepareError::new(error, &*engine))?;
        // By the timestamp, which the engine may have moved.
        rules::fill_fork_fields(&mut header, &parent.header, self.config());
        let body = Body::new(transactions, Vec::new(), header.withdrawals_root.map(|_| Vec::new()));
        let commitment = body.commitment();
        header.uncles_hash = commitment.uncles_hash;
        header.transactions_root = commitment.transactions_root;
        if header.blob_gas_used.is_some() {
            header.blob_gas_used = Some(rules::blob_gas(&body).map_err(PrepareError::Transaction)?);
        }
        Ok(Unsealed { header, body, signer, turn, engine })
    }

    /// Who may seal after a known block, in ascending order; `None` where the engine has no such
    /// list.
    ///
    /// # Errors
    /// A store that fails.
    pub fn sealers(&self, header: &Header) -> Result<Option<Vec<Address>>, StoreError> {
        self.0.engine.sealers(header, &View::new(&self.0))
    }

    /// Who sealed a block; `None` where the engine cannot tell, and for genesis.
    #[must_use]
    pub fn sealer(&self, header: &Header) -> Option<Address> {
        self.0.engine.sealer(header)
    }

    /// Whether a block was sealed in its sealer's turn; `None` where the engine has no turns.
    #[must_use]
    pub fn turn(&self, header: &Header) -> Option<Turn> {
        self.0.engine.turn(header)
    }
}

impl Unsealed {
    /// Seals the block.
    ///
    /// # Errors
    /// The key of another signer, or a header that the engine did not prepare.
    pub fn seal(self, key: &AccountKey) -> Result<Block, PrepareError> {
        if key.address() != self.signer {
            return Err(PrepareError::OtherKey { expected: self.signer, found: key.address() });
        }
        let header = self.engine.seal(self.header, key);
        let header = header.map_err(|error| PrepareError::new(error, &*self.engine))?;
        Ok(Block::new(header, self.body))
    }
}

impl PrepareError {
    fn new(error: SealError, engine: &dyn Engine) -> Self {
        match error {
            SealError::NotSealable => Self::NotSealable { engine: engine.name() },
            SealError::Fault(fault) => Self::Signer(fault),
            SealError::Store(error) => Self::Store(error),
        }
    }
}

fn known(view: &View<'_>, parent: &Header) -> Result<Head, PrepareError> {
    let hash = parent.hash();
    view.located(&hash)?.ok_or(PrepareError::UnknownParent { parent: hash })
}
