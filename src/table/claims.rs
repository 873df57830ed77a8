//! Claims: who says that it has which block.
//!
//! Each claim is a link in two lists, that of its entry and that of its peer, so that adding one
//! and taking one out cost the same however many there are, and neither a peer's leaving nor a
//! block's end looks at anything else.

use slab::Slab;

use crate::types::BlockNumber;

use super::list::{Ends, Links};
use super::{Asked, ClaimId, EntryId, PeerSlot};

/// One peer's word that it has one block.
#[derive(Debug)]
pub(crate) struct Claim {
    pub(crate) entry: EntryId,
    pub(crate) peer: PeerSlot,
    /// The number that the peer claims.
    pub(crate) number: BlockNumber,
    pub(crate) origin: Origin,
    pub(crate) standing: Standing,
    header_asked: u8,
    body_asked: u8,
    in_entry: Links<ClaimId>,
    in_peer: Links<ClaimId>,
}

impl Claim {
    /// Whether its peer may be asked for the entry.
    pub(crate) fn is_askable(&self) -> bool {
        self.standing.may_be_asked() && self.origin.can_be_asked()
    }
}

/// How a claim came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The peer announced the hash.
    Announced,
    /// The peer delivered, or announced, a child of the block. The number follows from the child's.
    Child,
    /// The peer pushed the block, and it is held for it. Counts against its blocks, not its
    /// announcements. As [`Relayed`](Self::Relayed) otherwise.
    Pushed,
    /// The peer pushed the block when it was whole here. Honest peers do so before they import, and
    /// cannot serve it before they have: such a peer is not asked for it. It can be charged for it,
    /// and has its parent.
    Relayed,
}

impl Origin {
    /// Whether the peer says that it can serve the block.
    pub(crate) fn can_be_asked(self) -> bool {
        match self {
            Self::Announced | Self::Child => true,
            Self::Pushed | Self::Relayed => false,
        }
    }
}

/// Whether a peer may still be asked for an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It may.
    Good,
    /// It may, but let the time of a request run out: after those that were not asked yet, and with
    /// twice the time. It was blamed for that once.
    Silent,
    /// It proved not to have it, and is never asked again for that entry.
    Failed,
}

impl Standing {
    pub(crate) fn may_be_asked(self) -> bool {
        match self {
            Self::Good | Self::Silent => true,
            Self::Failed => false,
        }
    }
}

impl Claim {
    /// How often the peer was asked for this part of the block.
    pub(crate) fn times_asked(&self, asked: Asked) -> u8 {
        match asked {
            Asked::Header => self.header_asked,
            Asked::Bodies => self.body_asked,
        }
    }

    pub(crate) fn times_asked_mut(&mut self, asked: Asked) -> &mut u8 {
        match asked {
            Asked::Header => &mut self.header_asked,
            Asked::Bodies => &mut self.body_asked,
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Claims {
    slab: Slab<Claim>,
}

impl Claims {
    pub(crate) fn get(&self, id: ClaimId) -> Option<&Claim> {
        self.slab.get(id.index())
    }

    pub(crate) fn get_mut(&mut self, id: ClaimId) -> Option<&mut Claim> {
        self.slab.get_mut(id.index())
    }

    pub(crate) fn len(&self) -> usize {
        self.slab.len()
    }

    pub(crate) fn allocated_bytes(&self) -> usize {
        self.slab.capacity() * size_of::<slab_entry::Sized<Claim>>()
    }

    /// Adds a claim at the end of both lists.
    pub(crate) fn add(
        &mut self,
        (entry, of_entry): (EntryId, &mut Ends<ClaimId>),
        (peer, of_peer): (PeerSlot, &mut Ends<ClaimId>),
        number: BlockNumber,
        origin: Origin,
    ) -> ClaimId {
        let (in_entry, in_peer) = (Links::default(), Links::default());
        let standing = Standing::Good;
        let (header_asked, body_asked) = (0, 0);
        let claim =
            Claim { entry, peer, number, origin, standing, header_asked, body_asked, in_entry, in_peer };
        if self.slab.capacity() == 0 {
            // More than four of some dozens of peers mostly announce a block before it is here.
            self.slab.reserve_exact(8);
        }
        let id = ClaimId::new(self.slab.insert(claim));
        of_entry.append(id, &mut self.slab, in_entry_mut);
        of_peer.append(id, &mut self.slab, in_peer_mut);
        id
    }

    /// Takes a claim out of both lists.
    pub(crate) fn remove(
        &mut self,
        id: ClaimId,
        of_entry: &mut Ends<ClaimId>,
        of_peer: &mut Ends<ClaimId>,
    ) -> Option<Claim> {
        let claim = self.slab.try_remove(id.index())?;
        of_entry.unlink(claim.in_entry, &mut self.slab, in_entry_mut);
        of_peer.unlink(claim.in_peer, &mut self.slab, in_peer_mut);
        Some(claim)
    }

    /// The claims of an entry, oldest first.
    pub(crate) fn of_entry(&self, ends: Ends<ClaimId>) -> impl Iterator<Item = (ClaimId, &Claim)> {
        self.walk(ends, |claim| &claim.in_entry)
    }

    /// The claims of a peer, oldest first.
    pub(crate) fn of_peer(&self, ends: Ends<ClaimId>) -> impl Iterator<Item = (ClaimId, &Claim)> {
        self.walk(ends, |claim| &claim.in_peer)
    }

    fn walk(
        &self,
        ends: Ends<ClaimId>,
        links: impl Fn(&Claim) -> &Links<ClaimId>,
    ) -> impl Iterator<Item = (ClaimId, &Claim)> {
        let ids = ends.iter(move |id| self.get(id).map(&links));
        ids.filter_map(|id| Some((id, self.get(id)?)))
    }
}

fn in_entry_mut(claims: &mut Slab<Claim>, id: ClaimId) -> Option<&mut Links<ClaimId>> {
    claims.get_mut(id.index()).map(|claim| &mut claim.in_entry)
}

fn in_peer_mut(claims: &mut Slab<Claim>, id: ClaimId) -> Option<&mut Links<ClaimId>> {
    claims.get_mut(id.index()).map(|claim| &mut claim.in_peer)
}

/// The memory that a slab takes for each of its items: the item, or a link of its free list.
pub(crate) mod slab_entry {
    /// As large as an entry of a slab of `T`.
    pub(crate) enum Sized<T> {
        #[expect(dead_code, reason = "only its size is asked for")]
        Vacant(usize),
        #[expect(dead_code, reason = "only its size is asked for")]
        Occupied(T),
    }
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Against two vectors for each list: the same claims in the same order.
        #[test]
        fn lists_agree_with_vectors(operations in prop::collection::vec((0..5_usize, 0..5_usize, any::<bool>()), 0..200)) {
            let mut claims = Claims::default();
            let (mut entries, mut peers) = ([Ends::default(); 5], [Ends::default(); 5]);
            let mut model: Vec<(usize, usize, ClaimId)> = Vec::new();
            for (entry, peer, add) in operations {
                let at = model.iter().position(|&(e, p, _)| (e, p) == (entry, peer));
                match (add, at) {
                    (true, None) => {
                        let of_entry = (EntryId::new(entry), &mut entries[entry]);
                        let of_peer = (PeerSlot::new(peer), &mut peers[peer]);
                        let id = claims.add(of_entry, of_peer, 7, Origin::Announced);
                        model.push((entry, peer, id));
                    }
                    (false, Some(at)) => {
                        let (_, _, id) = model.remove(at);
                        prop_assert!(claims.remove(id, &mut entries[entry], &mut peers[peer]).is_some());
                    }
                    (true, Some(_)) | (false, None) => {}
                }
                for side in 0..5 {
                    let of_entry: Vec<_> = claims.of_entry(entries[side]).map(|(id, _)| id).collect();
                    let expected: Vec<_> = model.iter().filter(|m| m.0 == side).map(|m| m.2).collect();
                    prop_assert_eq!(entries[side].len() as usize, expected.len());
                    prop_assert_eq!(of_entry, expected);
                    let of_peer: Vec<_> = claims.of_peer(peers[side]).map(|(id, _)| id).collect();
                    let expected: Vec<_> = model.iter().filter(|m| m.1 == side).map(|m| m.2).collect();
                    prop_assert_eq!(of_peer, expected);
                }
                prop_assert_eq!(claims.len(), model.len());
            }
        }
    }
}
