//! A node: its machine, its chain, and when its resources are free.

use herald::Time;
use smallvec::SmallVec;

use crate::model::block::{BlockId, PeerId};
use crate::model::chain::Chain;

use super::range::Catching;

/// A node.
#[derive(Debug)]
pub(crate) struct Node<M> {
    pub(crate) machine: M,
    pub(crate) chain: Chain,
    /// The next time at which the machine is woken.
    pub(crate) armed: Time,
    /// When the uplink has sent all that is queued.
    pub(crate) up_free: Time,
    /// When it has sent the small messages among it that overtake.
    pub(crate) up_small_free: Time,
    /// When the downlink has taken in all that has reached it.
    pub(crate) down_free: Time,
    /// When the import at hand, and all that wait for it, are done.
    pub(crate) import_free: Time,
    /// Its first link; the others follow.
    pub(crate) first_link: u32,
    /// Raised with each going: what was planned before is void.
    pub(crate) life: u16,
    /// Its peers in the topology.
    pub(crate) degree: u32,
    /// Its region.
    pub(crate) region: u8,
    /// Which of the scenario's adversaries it is.
    pub(crate) hostile: Option<u8>,
    pub(crate) online: bool,
    /// What its machine has with it for import.
    pub(crate) importing: SmallVec<[BlockId; 4]>,
    /// What it does to catch up.
    pub(crate) catching: Option<Box<Catching>>,
    pub(crate) account: Account,
}

/// Bytes of one node.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Account {
    pub(crate) sent: u64,
    pub(crate) received: u64,
    pub(crate) blocks: u64,
}

impl<M> Node<M> {
    /// Its links.
    pub(crate) fn links(&self) -> impl Iterator<Item = PeerId> + use<M> {
        (self.first_link..self.first_link + self.degree).map(PeerId)
    }
}
