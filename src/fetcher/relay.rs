//! Telling others: whole blocks to some, announcements to the rest.

use crate::config::FanOut;
use crate::output::Output;
use crate::table::{PeerSlot, Slots};
use crate::types::{BlockHash, BlockNumber, BlockOf, Types};

use super::Fetcher;

impl<T: Types> Fetcher<T> {
    /// Relays a block to as many peers as configured, drawn among those that lack it.
    pub(super) fn relay(&mut self, hash: BlockHash, block: &BlockOf<T>) {
        let wanted = match self.config.fan_out {
            FanOut::None => return,
            FanOut::SquareRoot => self.table.peer_count().isqrt(),
            FanOut::All => usize::MAX,
        };
        let mut lacking = self.lacking(&hash);
        let count = wanted.min(lacking.len());
        if count < lacking.len() {
            // The first steps of a Fisher-Yates shuffle draw without replacement.
            for at in 0..count {
                let other = at + self.random_below(lacking.len() - at);
                lacking.swap(at, other);
            }
            lacking.truncate(count);
        }
        let peers = self.mark(&hash, &lacking);
        if !peers.is_empty() {
            self.output(Output::Relay { block: block.clone(), peers });
        }
    }

    /// Announces a block to all peers that lack it.
    pub(super) fn announce_to_lacking(&mut self, hash: BlockHash, number: BlockNumber) {
        let lacking = self.lacking(&hash);
        let peers = self.mark(&hash, &lacking);
        if !peers.is_empty() {
            self.output(Output::Announce { hash, number, peers });
        }
    }

    fn lacking(&self, hash: &BlockHash) -> Slots {
        let holders = self.known.find(hash).map(|known| self.known.holders(known));
        self.table.others(holders.unwrap_or_default())
    }

    /// From now on these peers have the block. Their names.
    fn mark(&mut self, hash: &BlockHash, slots: &[PeerSlot]) -> Vec<T::PeerId> {
        if slots.is_empty() {
            return Vec::new();
        }
        if let Some(known) = self.known.find(hash) {
            for &slot in slots {
                self.known.mark(known, slot);
            }
        }
        let mut peers = Vec::with_capacity(slots.len());
        peers.extend(slots.iter().filter_map(|&slot| self.table.name(slot)).cloned());
        peers
    }
}
