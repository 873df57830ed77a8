//! Chains in memory, served as a node serves them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use alloy_primitives::{B256, Bytes as AlloyBytes, U256};
use bytes::Bytes;
use herald_node::network::{ChainReader, ForkFit, Serve, serve_bodies, serve_headers};
use herald_proto::message::{ETH_VERSION, Reply};
use herald_proto::{Block, Body, ForkId, Header, HeaderFields, HeadersRequest, Status};

/// A block on top of `parent`; `salt` tells branches apart.
pub fn child(parent: &Header, salt: u64) -> Block {
    child_with(parent, salt, Body::new(vec![], vec![], None))
}

/// A block with a body that must be asked for.
pub fn full_child(parent: &Header, salt: u64) -> Block {
    let uncle = Header::new(HeaderFields { number: parent.number, ..HeaderFields::default() });
    child_with(parent, salt, Body::new(vec![], vec![uncle.unwrap()], None))
}

/// A chain whose blocks from number 1 on all have something in their bodies.
pub fn full_chain(length: u64, salt: u64) -> Vec<Block> {
    extend(chain(0, salt), length, salt, full_child)
}

/// `blocks` and `length` more.
pub fn extend(
    mut blocks: Vec<Block>,
    length: u64,
    salt: u64,
    child: impl Fn(&Header, u64) -> Block,
) -> Vec<Block> {
    for _ in 0..length {
        let next = child(&blocks.last().unwrap().header, salt);
        blocks.push(next);
    }
    blocks
}

fn child_with(parent: &Header, salt: u64, body: Body) -> Block {
    let header = Header::new(HeaderFields {
        parent_hash: parent.hash(),
        number: parent.fields().number + 1,
        difficulty: U256::from(1),
        extra_data: AlloyBytes::from(salt.to_be_bytes().to_vec()),
        uncles_hash: body.commitment().uncles_hash,
        transactions_root: body.commitment().transactions_root,
        ..HeaderFields::default()
    });
    Block::new(header.unwrap(), body)
}

/// Genesis and `length` blocks on it.
pub fn chain(length: u64, salt: u64) -> Vec<Block> {
    let header = Header::new(HeaderFields { difficulty: U256::from(1), ..HeaderFields::default() });
    let genesis = Block::new(header.unwrap(), Body::new(vec![], vec![], None));
    extend(vec![genesis], length, salt, child)
}

/// A canonical chain that can grow.
#[derive(Debug)]
pub struct MemoryChain {
    pub network_id: u64,
    blocks: Mutex<Vec<Block>>,
    by_hash: Mutex<BTreeMap<B256, u64>>,
}

impl MemoryChain {
    pub fn new(blocks: Vec<Block>) -> Arc<Self> {
        Self::of_network(blocks, 1337)
    }

    pub fn of_network(blocks: Vec<Block>, network_id: u64) -> Arc<Self> {
        let by_hash = blocks.iter().map(|block| (block.hash(), block.number())).collect();
        Arc::new(Self { network_id, blocks: Mutex::new(blocks), by_hash: Mutex::new(by_hash) })
    }

    pub fn block(&self, number: u64) -> Option<Block> {
        self.blocks.lock().unwrap().get(number as usize).cloned()
    }
}

impl ChainReader for MemoryChain {
    fn canonical_hash(&self, number: u64) -> Option<B256> {
        self.block(number).map(|block| block.hash())
    }

    fn number(&self, hash: &B256) -> Option<u64> {
        self.by_hash.lock().unwrap().get(hash).copied()
    }

    fn raw_header(&self, hash: &B256) -> Option<Bytes> {
        let block = self.block(ChainReader::number(self, hash)?)?;
        Some(Bytes::copy_from_slice(block.header.raw()))
    }

    fn raw_body(&self, hash: &B256) -> Option<Bytes> {
        Some(self.block(ChainReader::number(self, hash)?)?.body.encode().into())
    }
}

impl Serve for MemoryChain {
    fn status(&self) -> Status {
        let blocks = self.blocks.lock().unwrap();
        let head = blocks.last().unwrap();
        Status {
            version: ETH_VERSION,
            network_id: self.network_id,
            total_difficulty: U256::from(blocks.len()),
            head: head.hash(),
            genesis: blocks.first().unwrap().hash(),
            fork_id: ForkId::NONE,
        }
    }

    fn check_fork_id(&self, _: &ForkId) -> ForkFit {
        ForkFit::Fits
    }

    fn headers(&self, request: &HeadersRequest, reply: &mut Reply) {
        serve_headers(self, request, reply);
    }

    fn bodies(&self, hashes: &[B256], reply: &mut Reply) {
        serve_bodies(self, hashes, reply);
    }
}
