//! Telling others: whole blocks to some, announcements to the rest.

use crate::config::{Announce, FanOut, Mode};
use crate::known::{Holders, KnownBlocks};
use crate::output::Output;
use crate::table::Named;
use crate::types::{BlockHash, BlockNumber, BlockOf, Types};

use super::{Fetcher, random_below};

impl<T: Types> Fetcher<T> {
    /// Relays a block to as many peers as configured, drawn among those that lack it.
    pub(super) fn relay(&mut self, hash: BlockHash, block: &BlockOf<T>) {
        let mut lacking = self.table.others(holders(&self.known, &hash));
        let wanted = match self.config.fan_out {
            FanOut::None => return,
            FanOut::SquareRoot => self.table.peer_count().isqrt(),
            FanOut::SquareRootOfLacking => lacking.len().isqrt(),
            FanOut::All => usize::MAX,
        };
        let count = wanted.min(lacking.len());
        if count < lacking.len() {
            // The first steps of a Fisher-Yates shuffle draw without replacement.
            for at in 0..count {
                let other = at + random_below(&mut self.random, lacking.len() - at);
                lacking.swap(at, other);
            }
            lacking.truncate(count);
        }
        let peers = mark(&mut self.known, &hash, lacking);
        if !peers.is_empty() {
            self.output(Output::Relay { block: block.clone(), peers });
        }
    }

    /// A block has come into the chain: it is announced, if it can be served.
    pub(super) fn announce_imported(&mut self, hash: BlockHash, number: BlockNumber) {
        match (self.config.announce, self.config.mode) {
            (Announce::All, Mode::Full | Mode::HeadersOnly) | (Announce::Served, Mode::Full) => {
                self.announce_to_lacking(hash, number);
            }
            (Announce::Served, Mode::HeadersOnly) => {}
        }
    }

    /// Announces a block to all peers that lack it.
    pub(super) fn announce_to_lacking(&mut self, hash: BlockHash, number: BlockNumber) {
        let lacking = self.table.others(holders(&self.known, &hash));
        let peers = mark(&mut self.known, &hash, lacking);
        if !peers.is_empty() {
            self.output(Output::Announce { hash, number, peers });
        }
    }
}

/// The peers that are known to have a block.
fn holders<'a>(known: &'a KnownBlocks, hash: &BlockHash) -> Holders<'a> {
    known.find(hash).map(|id| known.holders(id)).unwrap_or_default()
}

/// From now on these peers have the block. Their names.
fn mark<P: Clone>(known: &mut KnownBlocks, hash: &BlockHash, peers: Named<'_, P>) -> Vec<P> {
    if !peers.is_empty()
        && let Some(id) = known.find(hash)
    {
        for (slot, _) in &peers {
            known.mark(id, *slot);
        }
    }
    peers.iter().map(|(_, name)| P::clone(name)).collect()
}
