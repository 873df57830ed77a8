//! The node's network as the fetcher's driver sees it.

use alloy_primitives::U256;
use herald_fetcher::driver::Network;
use herald_fetcher::{BlockHash, BlockNumber, Failure, Hashes, PenaltyOutcome, Presence, Reason, RequestId};
use herald_proto::{Block, HashOrNumber, Header, HeadersRequest};
use libp2p::PeerId;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::penalties::Penalties;
use crate::fetcher::NodeTypes;
use crate::network::{DisconnectReason, NetworkHandle, RequestFailure};
use herald_chain::Chain;

/// A network, for the driver.
#[derive(Debug)]
pub(super) struct NetworkHost {
    network: NetworkHandle,
    chain: Chain,
    penalties: Penalties,
    out_of_reach: mpsc::Sender<OutOfReach>,
}

/// A block whose parent the fetcher does not follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OutOfReach {
    pub(super) hash: BlockHash,
    pub(super) peer: PeerId,
}

impl NetworkHost {
    pub(super) fn new(
        network: NetworkHandle,
        chain: Chain,
        penalties: Penalties,
        out_of_reach: mpsc::Sender<OutOfReach>,
    ) -> Self {
        Self { network, chain, penalties, out_of_reach }
    }

    /// Our own total difficulty of a block whose parent is in the chain; what the sender claimed
    /// does not count. From memory, since this is the driver's task: what is relayed was verified
    /// just now, which looked the parent up.
    fn total_difficulty(&self, header: &Header) -> Option<U256> {
        self.chain.recent_total_difficulty(&header.parent_hash)?.checked_add(header.difficulty)
    }
}

impl Network<NodeTypes> for NetworkHost {
    fn request_header(&mut self, request: RequestId, peer: &PeerId, hash: BlockHash) -> Result<(), Failure> {
        let headers = HeadersRequest { start: HashOrNumber::Hash(hash), limit: 1, skip: 0, reverse: false };
        self.network.send_headers_request(request.as_u64(), *peer, headers).map_err(|why| failure(&why))
    }

    fn request_bodies(&mut self, request: RequestId, peer: &PeerId, hashes: Hashes) -> Result<(), Failure> {
        self.network
            .send_bodies_request(request.as_u64(), *peer, hashes.to_vec())
            .map_err(|why| failure(&why))
    }

    fn cancel(&mut self, request: RequestId, peer: &PeerId) {
        self.network.cancel(*peer, request.as_u64());
    }

    fn relay(&mut self, block: Block, peers: Vec<PeerId>) {
        match self.total_difficulty(&block.header) {
            Some(total) => {
                self.network.send_block(&peers, &block, total);
            }
            // Those peers get it announced once it is imported, or not at all.
            None => tracing::debug!(block = %block.hash(), "not relayed: its weight is unknown"),
        }
    }

    fn announce(&mut self, hash: BlockHash, number: BlockNumber, peers: Vec<PeerId>) {
        self.network.announce(&peers, hash, number);
    }

    fn penalise(&mut self, peer: &PeerId, reason: Reason, presence: Presence) {
        match self.penalties.add(*peer, reason, Instant::now()) {
            PenaltyOutcome::Tolerated { score } => {
                tracing::debug!(%peer, ?presence, reason = reason.label(), score, "peer penalised");
            }
            // One that is gone is sent away when it comes again: its judgement is kept until then.
            PenaltyOutcome::Disconnect => {
                self.network.disconnect(*peer, DisconnectReason::Penalised(reason.label()));
            }
        }
    }

    fn out_of_reach(&mut self, hash: BlockHash, _number: BlockNumber, peer: &PeerId) {
        // Full: a sync has been asked for often enough.
        let _ = self.out_of_reach.try_send(OutOfReach { hash, peer: *peer });
    }
}

/// What a failed request means to the fetcher.
pub(super) fn failure(why: &RequestFailure) -> Failure {
    match why {
        RequestFailure::Refused => Failure::Refused,
        RequestFailure::Timeout => Failure::TimedOut,
        RequestFailure::Violation(_) => Failure::Malformed,
        // Ours, or nobody's: another peer is asked.
        RequestFailure::NotConnected
        | RequestFailure::Busy
        | RequestFailure::DuplicateId
        | RequestFailure::BadRequest { .. }
        | RequestFailure::Disconnected => Failure::Disconnected,
    }
}
