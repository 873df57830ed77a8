//! The chain as a block of a batch sees it: what is in the store, and what comes before it in the
//! batch.

use alloy_primitives::map::B256Map;
use alloy_primitives::{B256, U256};
use bytes::Bytes;
use herald_proto::roots::EMPTY_UNCLES_HASH;
use herald_proto::{Block, Body, Header};

use super::Inner;
use crate::engine::Ancestry;
use crate::head::Head;
use crate::store::{Commit, NewBlock, StoreError};

/// A block that is checked but not yet on disk.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) block: Block,
    pub(super) total_difficulty: U256,
    pub(super) engine_state: Option<Vec<u8>>,
    /// The body's encoding, made once.
    body: Vec<u8>,
}

/// Store and batch seen as one.
#[derive(Debug)]
pub(super) struct View<'a> {
    chain: &'a Inner,
    pending: Vec<Pending>,
    by_hash: B256Map<usize>,
}

impl<'a> View<'a> {
    pub(super) fn new(chain: &'a Inner) -> Self {
        Self { chain, pending: Vec::new(), by_hash: B256Map::default() }
    }

    pub(super) fn chain(&self) -> &'a Inner {
        self.chain
    }

    pub(super) fn pending(&self) -> &[Pending] {
        &self.pending
    }

    pub(super) fn push(&mut self, block: Block, total_difficulty: U256, engine_state: Option<Vec<u8>>) {
        self.by_hash.insert(block.hash(), self.pending.len());
        let body = block.body.encode();
        self.pending.push(Pending { block, total_difficulty, engine_state, body });
    }

    pub(super) fn contains(&self, hash: &B256) -> Result<bool, StoreError> {
        Ok(self.by_hash.contains_key(hash) || self.chain.contains(hash)?)
    }

    pub(super) fn header(&self, hash: &B256) -> Result<Option<Header>, StoreError> {
        match self.find(hash) {
            Some(pending) => Ok(Some(pending.block.header.clone())),
            None => self.chain.header(hash),
        }
    }

    /// Header and total difficulty.
    pub(super) fn located(&self, hash: &B256) -> Result<Option<Head>, StoreError> {
        match self.find(hash) {
            Some(pending) => Ok(Some(Head {
                header: pending.block.header.clone(),
                total_difficulty: pending.total_difficulty,
            })),
            None => self.chain.located(hash),
        }
    }

    /// Hashes of the uncles that a known block names.
    pub(super) fn uncles(&self, header: &Header) -> Result<Vec<B256>, StoreError> {
        if header.uncles_hash == EMPTY_UNCLES_HASH {
            return Ok(Vec::new());
        }
        let body = match self.find(&header.hash()) {
            Some(pending) => Some(pending.block.body.clone()),
            None => self.chain.body(header.number, &header.hash())?,
        };
        let body: Body = body.ok_or(StoreError::Damaged { what: "a body" })?;
        Ok(body.uncles().iter().map(Header::hash).collect())
    }

    /// Everything that is pending, as the store takes it.
    pub(super) fn commit(&self) -> Commit<'_> {
        let blocks = self.pending.iter().map(|pending| NewBlock {
            number: pending.block.number(),
            hash: pending.block.hash(),
            total_difficulty: pending.total_difficulty,
            header: pending.block.header.raw(),
            body: &pending.body,
            engine_state: pending.engine_state.as_deref(),
        });
        Commit { blocks: blocks.collect(), canonical: Vec::new(), head: None }
    }

    fn find(&self, hash: &B256) -> Option<&Pending> {
        self.by_hash.get(hash).and_then(|index| self.pending.get(*index))
    }
}

impl Ancestry for View<'_> {
    fn header(&self, hash: &B256) -> Result<Option<Header>, StoreError> {
        View::header(self, hash)
    }

    fn engine_state(&self, hash: &B256) -> Result<Option<Bytes>, StoreError> {
        match self.find(hash) {
            Some(pending) => Ok(pending.engine_state.clone().map(Bytes::from)),
            None => self.chain.store.engine_state(hash),
        }
    }
}
