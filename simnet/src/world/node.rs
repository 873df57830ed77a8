//! A node: its gate, at which messages arrive, and the rest of it.

use herald_fetcher::Time;
use smallvec::SmallVec;

use crate::model::block::{BlockId, PeerId};
use crate::model::chain::Chain;

use super::mail::Letter;
use super::range::Catching;

/// What is looked at when a message arrives. One line of memory: most of what arrives needs no more.
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct Gate {
    /// When the downlink has taken in all that has reached it.
    pub(crate) down_free: Time,
    /// Bytes that have come.
    pub(crate) received: u64,
    /// Of those, the bytes of blocks.
    pub(crate) blocks: u64,
    /// What waits to be told to its machine.
    pub(crate) mail: Vec<Letter>,
    /// The block that came last into its chain, or into its import.
    pub(crate) newest: BlockId,
    pub(crate) online: bool,
    /// Whether its machine may hear late that a peer has the newest block.
    pub(crate) resting: bool,
    /// Which of the scenario's adversaries it is.
    pub(crate) hostile: Option<u8>,
}

/// A node, but for its gate and its machine.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) chain: Chain,
    /// The next time at which the machine is woken.
    pub(crate) armed: Time,
    /// When the uplink has sent all that is queued.
    pub(crate) up_free: Time,
    /// When it has sent the small messages among it that overtake.
    pub(crate) up_small_free: Time,
    /// When the import at hand, and all that wait for it, are done.
    pub(crate) import_free: Time,
    /// Bytes that it has sent.
    pub(crate) sent: u64,
    /// Its first link; the others follow.
    pub(crate) first_link: u32,
    /// Its peers in the topology.
    pub(crate) degree: u32,
    /// Raised with each going: what was planned before is void.
    pub(crate) life: u16,
    /// Its region.
    pub(crate) region: u8,
    /// What its machine has with it for import.
    pub(crate) importing: SmallVec<[BlockId; 4]>,
    /// What it does to catch up.
    pub(crate) catching: Option<Box<Catching>>,
}

impl Node {
    /// Its links.
    pub(crate) fn links(&self) -> impl Iterator<Item = PeerId> + use<> {
        (self.first_link..self.first_link + self.degree).map(PeerId)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_is_one_line_of_memory() {
        assert_eq!(size_of::<Gate>(), 64);
    }
}
