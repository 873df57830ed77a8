//! What the node serves to its peers.

use alloy_primitives::B256;
use bytes::Bytes;
use herald_proto::message::{ETH_VERSION, Reply};
use herald_proto::{ForkFilter, ForkId, HeadersRequest, Status};

use crate::network::{ChainReader, ForkFit, Serve, serve_bodies, serve_headers};
use herald_chain::Chain;
use herald_chain::store::StoreError;

/// Serves from the chain.
#[derive(Clone, Debug)]
pub(crate) struct ChainServer {
    chain: Readable,
    network_id: u64,
    forks: ForkFilter,
}

impl ChainServer {
    pub(crate) fn new(chain: Chain, network_id: u64) -> Self {
        let forks = chain.config().map_or_else(ForkFilter::none, |config| {
            ForkFilter::new(
                chain.genesis_hash(),
                chain.genesis().header().timestamp,
                config.block_forks().iter().copied(),
                config.time_forks().iter().copied(),
            )
        });
        Self { chain: Readable(chain), network_id, forks }
    }
}

impl Serve for ChainServer {
    fn status(&self) -> Status {
        let head = self.chain.0.head();
        Status {
            version: ETH_VERSION,
            network_id: self.network_id,
            total_difficulty: head.total_difficulty,
            head: head.header.hash(),
            genesis: self.chain.0.genesis_hash(),
            fork_id: self.forks.current(head.header.number, head.header.timestamp),
        }
    }

    fn check_fork_id(&self, theirs: &ForkId) -> ForkFit {
        let head = self.chain.0.head().header;
        match self.forks.check(*theirs, head.number, head.timestamp) {
            Ok(()) => ForkFit::Fits,
            Err(error) => {
                tracing::debug!(%error, "fork id refused");
                ForkFit::Differs
            }
        }
    }

    fn headers(&self, request: &HeadersRequest, reply: &mut Reply) {
        serve_headers(&self.chain, request, reply);
    }

    fn bodies(&self, hashes: &[B256], reply: &mut Reply) {
        serve_bodies(&self.chain, hashes, reply);
    }
}

/// A chain of which what cannot be read is not there: peers ask others then.
#[derive(Clone, Debug)]
struct Readable(Chain);

impl ChainReader for Readable {
    fn canonical_hash(&self, number: u64) -> Option<B256> {
        readable(self.0.canonical_hash(number))
    }

    fn number(&self, hash: &B256) -> Option<u64> {
        readable(self.0.header(hash)).map(|header| header.number)
    }

    fn raw_header(&self, hash: &B256) -> Option<Bytes> {
        readable(self.0.raw_header(hash))
    }

    fn raw_body(&self, hash: &B256) -> Option<Bytes> {
        readable(self.0.raw_body(hash))
    }
}

fn readable<T>(read: Result<Option<T>, StoreError>) -> Option<T> {
    read.unwrap_or_else(|error| {
        tracing::warn!(%error, "the chain cannot be read for a peer");
        None
    })
}
