//! Who is connected, what each is known to have, and who is told of a block.

use std::collections::{BTreeMap, VecDeque};

use herald_fetcher::{BlockHash, BlockOf, ChainView as _, Header as _, Output};

use super::GethModel;
use super::traces::map_bytes;
use crate::model::block::{PeerId, Sim};
use crate::model::chain::NodeView;

/// Blocks that one peer is known to have.
const KNOWN_BLOCKS_MAX: usize = 1_024;

#[derive(Debug, Default)]
pub(super) struct Peers {
    known: BTreeMap<PeerId, KnownHashes>,
}

/// The last blocks that a peer is known to have, oldest first.
///
/// The first eight bytes of a hash stand for it: there are 25 such lists in each of thousands of
/// nodes, and the simulator's hashes are drawn, not chosen.
#[derive(Debug, Default)]
struct KnownHashes(VecDeque<u64>);

impl KnownHashes {
    fn has(&self, hash: &BlockHash) -> bool {
        self.0.contains(&short(hash))
    }

    fn add(&mut self, hash: &BlockHash) {
        if self.has(hash) {
            return;
        }
        if self.0.len() >= KNOWN_BLOCKS_MAX {
            self.0.pop_front();
        }
        self.0.push_back(short(hash));
    }
}

fn short(hash: &BlockHash) -> u64 {
    hash.0.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

impl Peers {
    /// Says whether the peer is new.
    pub(super) fn connect(&mut self, peer: PeerId) -> bool {
        if self.known.contains_key(&peer) {
            return false;
        }
        self.known.insert(peer, KnownHashes::default());
        true
    }

    pub(super) fn disconnect(&mut self, peer: PeerId) {
        self.known.remove(&peer);
    }

    pub(super) fn is_connected(&self, peer: PeerId) -> bool {
        self.known.contains_key(&peer)
    }

    pub(super) fn mark(&mut self, peer: PeerId, hash: &BlockHash) {
        if let Some(known) = self.known.get_mut(&peer) {
            known.add(hash);
        }
    }

    fn lacking(&self, hash: &BlockHash) -> Vec<PeerId> {
        self.known.iter().filter(|(_, known)| !known.has(hash)).map(|(&peer, _)| peer).collect()
    }

    pub(super) fn allocated_bytes(&self) -> usize {
        let lists: usize = self.known.values().map(|known| known.0.capacity() * size_of::<u64>()).sum();
        map_bytes::<PeerId, KnownHashes>(self.known.len()) + lists
    }
}

impl GethModel {
    /// Sends the whole block to the square root, rounded down, of the peers that lack it.
    pub(super) fn relay(&mut self, block: &BlockOf<Sim>) {
        let mut lacking = self.peers.lacking(&block.header.hash());
        let count = lacking.len().isqrt();
        // The first steps of a Fisher-Yates shuffle draw without replacement.
        for at in 0..count {
            let other = at + self.random_below(lacking.len() - at);
            lacking.swap(at, other);
        }
        lacking.truncate(count);
        let peers = self.told(&block.header.hash(), lacking);
        if !peers.is_empty() {
            self.outputs.push_back(Output::Relay { block: block.clone(), peers });
        }
    }

    /// Announces a block that is in the chain to all peers that lack it.
    pub(super) fn announce(&mut self, block: &BlockOf<Sim>, chain: &NodeView<'_>) {
        let (hash, number) = (block.header.hash(), block.header.number());
        if !chain.contains(&hash) {
            return;
        }
        let lacking = self.peers.lacking(&hash);
        let peers = self.told(&hash, lacking);
        if !peers.is_empty() {
            self.outputs.push_back(Output::Announce { hash, number, peers });
        }
    }

    fn told(&mut self, hash: &BlockHash, peers: Vec<PeerId>) -> Vec<PeerId> {
        for &peer in &peers {
            self.peers.mark(peer, hash);
        }
        peers
    }
}
