//! Missing parents: who is asked for them, and what becomes of a block while nobody can be.

use core::time::Duration;

use smallvec::SmallVec;

use crate::bad::KnownFault;
use crate::input::ChainView;
use crate::output::{End, Output, Reason};
use crate::table::{EntryId, Origin, Orphaned, PeerSlot, QueueWait, Stage, Wait, parent_of};
use crate::types::{BlockHash, BlockNumber, Header, Types};

use super::Fetcher;
use super::admit::Distance;

/// How long an orphan waits before its parent is searched anew, the first time: a host that answers
/// each import with a local fault at once, or a peer that refuses at once, is not asked in a loop.
const PAUSE: Duration = Duration::from_secs(1);

/// The wait doubles with each search, but for this many at most: to 32 s, which leaves a few searches
/// in a default lifetime.
const DOUBLINGS_MAX: u8 = 5;

impl<T: Types> Fetcher<T> {
    /// The parent of a whole block is missing: it is fetched, inside the window, from whoever has the
    /// block.
    pub(super) fn seek_parent(&mut self, child: EntryId, chain: &impl ChainView) {
        let owners = self.owners(child);
        self.seek_ancestors(child, &owners, chain);
    }

    /// These peers have a block that waits for its parent: they have the parent too, and whatever that
    /// waits for in turn. A search that had ended goes on with them.
    pub(super) fn seek_ancestors(&mut self, child: EntryId, owners: &[PeerSlot], chain: &impl ChainView) {
        let mut next = Some(child);
        while let Some(child) = next.take() {
            let Some(header) = self.table.stage(child).and_then(Stage::header) else { return };
            let Some((parent, number)) = parent_of(header) else {
                // Number 0 and not our genesis: no parent can make it right.
                return self.end(child, End::Passed);
            };
            if let Some(fault) = self.bad.fault(self.now, &parent) {
                // It was found so while the child waited for something else.
                return self.refuse_bad(child, KnownFault { reason: Reason::InvalidAncestor, ..fault });
            }
            let Some(id) = self.table.find(&parent) else {
                return match self.distance(number, chain) {
                    Distance::Within => self.follow_parent(child, parent, number, owners),
                    Distance::Above | Distance::TooFar | Distance::BelowFinality => {
                        self.tell_out_of_reach(child);
                    }
                };
            };
            self.await_parent(child);
            self.claim_parent(id, number, owners);
            self.hasten_parent(id, number, chain);
            if self.table.stage(id).and_then(Stage::searches).is_some() {
                next = Some(id);
            }
        }
    }

    /// The pause of an orphan is over.
    pub(super) fn search_again(&mut self, child: EntryId, chain: &impl ChainView) {
        let parent = self.table.stage(child).and_then(Stage::awaited_parent);
        if parent.is_some_and(|parent| chain.contains(&parent)) {
            // The host has it, and has not said so.
            return self.resettle(child, chain);
        }
        self.seek_parent(child, chain);
    }

    /// A peer may announce more again: it is asked for the parents that nobody had an allowance for.
    pub(super) fn seek_barred_parents(&mut self, slot: PeerSlot) {
        if !self.table.has_barred_orphans() {
            return;
        }
        let barred =
            |id: &EntryId| self.table.stage(*id).and_then(Stage::orphaned) == Some(Orphaned::NoAllowance);
        let children: SmallVec<[EntryId; 4]> =
            self.table.claims_by(slot).map(|(_, claim)| claim.entry).filter(barred).collect();
        for child in children {
            // A sibling may have brought the parent along, and the window ends what it passes.
            let stage = self.table.stage(child).filter(|stage| stage.orphaned().is_some());
            if let Some((parent, number)) = stage.and_then(Stage::header).and_then(parent_of) {
                let owners = self.owners(child);
                self.follow_parent(child, parent, number, &owners);
            }
        }
    }

    /// A hash is followed from now on: the blocks that wait for it are orphans no more, and who has one
    /// of them has it too.
    pub(super) fn adopt_children(&mut self, id: EntryId, hash: &BlockHash) {
        for child in self.table.children_of(hash) {
            self.await_parent(child);
            let number = self.table.stage(child).and_then(Stage::header).and_then(parent_of);
            if let Some((_, number)) = number {
                let owners = self.owners(child);
                self.claim_parent(id, number, &owners);
            }
        }
    }

    /// A hash has ended: unless it is in the chain, or will never be, the blocks that wait for it are
    /// orphans.
    pub(super) fn orphan_children(&mut self, hash: &BlockHash, end: End) {
        match end {
            // Its children are handed over, or end with it.
            End::Imported | End::InChain | End::Invalid | End::Shutdown => {}
            End::Passed
            | End::NobodyLeft
            | End::NoCapacity
            | End::Expired
            | End::LocalFault
            | End::TooFarInFuture
            | End::BadBody => {
                for child in self.table.children_of(hash) {
                    self.pause(child, Orphaned::Lost);
                }
            }
        }
    }

    /// Lets an orphan wait, each time longer, before its parent is searched anew.
    fn pause(&mut self, child: EntryId, cause: Orphaned) {
        let Some(before) = self.table.stage(child).and_then(Stage::searches) else { return };
        let Some(Stage::Queued { block, .. }) = self.table.take_stage(child) else { return };
        let until = self.now.after(PAUSE * (1 << before.min(DOUBLINGS_MAX)));
        let wait = QueueWait::Orphan { searches: before.saturating_add(1), until, cause };
        self.table.set_stage(child, Stage::Queued { block, wait });
        self.rearm(child);
    }

    /// Nobody who has a block has an allowance left for its parent. One that pauses already goes on so.
    fn bar(&mut self, child: EntryId) {
        if self.is_due(child) {
            self.pause(child, Orphaned::NoAllowance);
        }
    }

    /// Whether the pause of an orphan is over, or has not begun.
    fn is_due(&self, child: EntryId) -> bool {
        match self.table.stage(child) {
            Some(Stage::Queued { wait: QueueWait::Orphan { until, .. }, .. }) => *until <= self.now,
            Some(
                Stage::Announced(_)
                | Stage::Fetching { .. }
                | Stage::Fetched { .. }
                | Stage::Completing { .. }
                | Stage::Queued { .. }
                | Stage::Importing { .. },
            )
            | None => false,
        }
    }

    /// The parent of a block is followed.
    fn await_parent(&mut self, child: EntryId) {
        if self.table.stage(child).and_then(Stage::orphaned).is_none() {
            return;
        }
        let Some(searches) = self.table.stage(child).and_then(Stage::searches) else { return };
        if let Some(Stage::Queued { block, .. }) = self.table.take_stage(child) {
            self.table.set_stage(child, Stage::Queued { block, wait: QueueWait::Parent { searches } });
            self.rearm(child);
        }
    }

    /// Only the host can bring the parent of a block. It is told so again after each pause, until the
    /// window has passed the block: it may have been busy, or its sync may have failed.
    fn tell_out_of_reach(&mut self, child: EntryId) {
        if !self.is_due(child) {
            return;
        }
        let Some(Stage::Queued { block, .. }) = self.table.stage(child) else { return };
        let (hash, number) = (block.value.header.hash(), block.value.number());
        if let Some(peer) = self.table.name(block.peer).cloned() {
            self.output(Output::OutOfReach { hash, number, peer });
        }
        self.pause(child, Orphaned::OutOfReach);
    }

    /// A parent that is followed already has got new owners, and a number that its child says: does
    /// that end what it waits for?
    fn hasten_parent(&mut self, id: EntryId, number: BlockNumber, chain: &impl ChainView) {
        match self.table.stage(id) {
            // Those who announced it have lied about its number, or its child does.
            Some(Stage::Announced(Wait::Window { .. })) => {
                if self.distance(number, chain) == Distance::Within {
                    self.ask_header(id);
                }
            }
            Some(
                Stage::Announced(Wait::Until(_) | Wait::Capacity { .. })
                | Stage::Fetching { .. }
                | Stage::Fetched { .. }
                | Stage::Completing { .. }
                | Stage::Queued { .. }
                | Stage::Importing { .. },
            )
            | None => self.ask_more(id),
        }
    }

    /// Begins to follow the parent of a block.
    fn follow_parent(&mut self, child: EntryId, parent: BlockHash, number: BlockNumber, owners: &[PeerSlot]) {
        let max = self.config.announcements_per_peer;
        let allowed =
            |slot: &PeerSlot| self.table.is_connected(*slot) && self.table.load(*slot).announced < max;
        if !owners.iter().any(allowed) {
            return self.bar(child);
        }
        let expires = self.now.after(self.config.lifetime);
        let id = self.table.insert(parent, self.now, expires, Stage::Announced(Wait::Until(self.now)));
        self.claim_parent(id, number, owners);
        self.adopt_children(id, &parent);
        self.counters.parents_sought += 1;
        self.rearm(id);
        self.ask_header(id);
    }

    /// All who have a child have its parent: the provider first.
    fn owners(&self, child: EntryId) -> SmallVec<[PeerSlot; 8]> {
        let provider = self.table.stage(child).and_then(Stage::charge).map(|charge| charge.peer);
        let good = self.table.claims_of(child).filter(|(_, claim)| claim.standing.may_be_asked());
        provider.into_iter().chain(good.map(|(_, claim)| claim.peer)).collect()
    }

    /// Records that these peers have a parent, each within its own allowance.
    fn claim_parent(&mut self, parent: EntryId, number: BlockNumber, owners: &[PeerSlot]) {
        if matches!(self.table.stage(parent), Some(Stage::Importing { .. }) | None) {
            return;
        }
        for &slot in owners {
            let allowed = self.table.is_connected(slot)
                && self.table.load(slot).announced < self.config.announcements_per_peer;
            if allowed && self.table.claim_by(parent, slot).is_none() {
                self.table.add_claim(parent, slot, number, Origin::Child);
            }
        }
    }
}
