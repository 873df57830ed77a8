//! A node in two parts: what each arriving message asks for, and the rest.

use herald_fetcher::Time;
use smallvec::SmallVec;

use crate::model::block::{BlockIndex, PeerId};
use crate::model::chain::NodeChain;

use super::postponed::PostponedInput;
use super::range::Catching;

/// The receiving side of a node. One cache line, because with thousands of nodes most of what arrives
/// touches nothing else of its receiver.
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct Ingress {
    /// When the downlink will have received all that has reached it.
    pub(crate) down_free: Time,
    /// Bytes received.
    pub(crate) received: u64,
    /// Of those, the bytes of blocks.
    pub(crate) blocks: u64,
    /// Inputs that its machine has not been told yet.
    pub(crate) postponed: Vec<PostponedInput>,
    /// The block that came last into its chain, or went to import last.
    pub(crate) newest: BlockIndex,
    pub(crate) online: bool,
    /// Whether inputs that say that a peer has the newest block may be postponed.
    pub(crate) may_postpone: bool,
    /// Index of its entry in the scenario's adversaries, if it is hostile.
    pub(crate) hostile: Option<u8>,
}

/// A node, without its [`Ingress`] and its machine.
#[derive(Debug)]
pub(crate) struct SimNode {
    pub(crate) chain: NodeChain,
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
    /// Index in the scenario's regions.
    pub(crate) region: u8,
    /// What its machine has with it for import.
    pub(crate) importing: SmallVec<[BlockIndex; 4]>,
    /// What it does to catch up.
    pub(crate) catching: Option<Box<Catching>>,
}

impl SimNode {
    /// Its ends of all its connections.
    pub(crate) fn links(&self) -> impl Iterator<Item = PeerId> + use<> {
        (self.first_link..self.first_link + self.degree).map(PeerId)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ingress_is_one_cache_line() {
        assert_eq!(size_of::<Ingress>(), 64);
    }
}
