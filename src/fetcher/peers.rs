//! Peers come and go, and so does the host.

use std::collections::VecDeque;

use crate::Time;
use crate::bad::BadBlocks;
use crate::output::{Connection, End};
use crate::table::{Capacity, EntryId, PeerSlot, Stage, Wait};
use crate::types::Types;

use super::{Fetcher, Running};

impl<T: Types> Fetcher<T> {
    /// A peer is there.
    pub fn peer_connected(&mut self, now: Time, peer: T::PeerId) -> Connection {
        self.set_time(now);
        if self.is_stopped() {
            return Connection::Stopped;
        }
        if self.table.find_peer(&peer).is_some() {
            return Connection::Duplicate;
        }
        let full = self.table.peer_count() >= self.config.peers as usize
            || self.table.slot_count() >= self.config.peer_slots() as usize;
        if full {
            return Connection::TooMany;
        }
        self.table.add_peer(peer);
        Connection::Accepted
    }

    /// A peer is gone. What it announced alone is forgotten, what it was asked is asked of others,
    /// and what it delivered is kept only where another has the block too.
    pub fn peer_gone(&mut self, now: Time, peer: &T::PeerId) {
        self.set_time(now);
        let Some(slot) = self.table.find_peer(peer) else { return };
        let claims: Vec<_> = self.table.claims_by(slot).map(|(id, claim)| (id, claim.entry)).collect();
        // First all of it is taken back, so that nothing is asked of the peer while it leaves.
        for &(claim, entry) in &claims {
            self.drop_requests(entry, slot);
            self.table.remove_claim(claim);
        }
        let mut bodies = Vec::new();
        for (_, entry) in claims {
            self.go_on_without(entry, slot, &mut bodies);
        }
        self.proceed(&bodies);
        self.ask_relieved_peers();
        self.known.forget_peer(slot);
        self.table.retire_peer(slot);
    }

    /// Releases everything. The fetcher is empty and silent from now on.
    pub fn shutdown(&mut self, now: Time) {
        self.set_time(now);
        self.running = Running::Stopped;
        for id in self.table.entry_ids() {
            self.end(id, End::Shutdown);
        }
        let slots: Vec<_> = self.table.peers().map(|(slot, _)| slot).collect();
        for slot in slots {
            self.table.retire_peer(slot);
        }
        self.known.clear();
        self.bad = BadBlocks::default();
        self.ask_relieved_peers();
        self.outputs = VecDeque::new();
    }

    /// An entry has lost one of those who have its block. One that needs nothing but another request
    /// goes to the `rest`.
    fn go_on_without(&mut self, id: EntryId, slot: PeerSlot, rest: &mut Vec<EntryId>) {
        let Some(stage) = self.table.stage(id) else { return };
        if matches!(stage, Stage::Importing { .. }) {
            // With the host: it ends by the host's answer, charged to the slot until then.
            return;
        }
        if stage.charge().is_some_and(|charge| charge.peer == slot) {
            if matches!(stage, Stage::Fetching { .. }) {
                // No header says that the body is right: nobody else is charged for it. The header may
                // be on its way from another.
                self.table.drop_early_body(id);
            } else if !self.find_new_holder(id) {
                return self.start_over(id);
            }
        }
        match self.table.stage(id) {
            Some(Stage::Announced(Wait::Window { peer, .. })) if *peer == slot => self.find_new_deferrer(id),
            Some(Stage::Announced(_)) if !self.has_good_claim(id) => self.end(id, End::NobodyLeft),
            Some(Stage::Fetched { wait: Wait::Capacity { .. }, .. }) if !self.has_good_claim(id) => {
                self.end(id, End::NobodyLeft)
            }
            _ => rest.push(id),
        }
    }

    /// Ends the requests for an entry to a peer that is gone: there is nobody to cancel them with, or
    /// to blame.
    fn drop_requests(&mut self, id: EntryId, slot: PeerSlot) {
        for request in self.table.stage(id).map(Stage::requests).unwrap_or_default() {
            if self.table.request(request).is_some_and(|open| open.peer == slot) {
                self.drop_request(request);
            }
        }
    }

    fn drop_request(&mut self, request: crate::RequestId) {
        let Some(open) = self.table.close_request(request) else { return };
        for id in open.entries {
            if self.early_request(id) == Some(request) {
                self.table.forget_early_request(id);
            } else {
                self.table.change_round(id, |round| round.remove(request));
            }
        }
    }

    /// Moves what an entry holds to the account of another peer that has the block, without blame.
    pub(super) fn find_new_holder(&mut self, id: EntryId) -> bool {
        let Some(charge) = self.table.stage(id).and_then(Stage::charge) else { return true };
        let fits = |slot: &PeerSlot| {
            let load = self.table.load(*slot);
            let blocks = load.blocks < self.config.blocks_per_peer;
            let deferred = self.table.stage(id).and_then(Stage::deferred_by).is_none()
                || load.deferred < self.config.deferred_per_peer;
            // What is moved stands in the total already: asking for capacity again only errs on the
            // side of refusing.
            blocks && deferred && self.table.capacity(*slot, charge.bytes, 0) == Capacity::Enough
        };
        let holder = self.good_claimers(id).filter(|slot| *slot != charge.peer).find(fits);
        match holder {
            Some(slot) => {
                self.table.recharge(id, slot);
                true
            }
            None => false,
        }
    }

    /// A deferred hash goes to the allowance of another announcer, or ends.
    fn find_new_deferrer(&mut self, id: EntryId) {
        let max = self.config.deferred_per_peer;
        let free = |slot: &PeerSlot| self.table.load(*slot).deferred < max;
        let peer = self.good_claimers(id).find(free);
        let good = self.table.claims_of(id).filter(|(_, claim)| claim.standing.may_be_asked());
        let lowest = good.map(|(_, claim)| claim.number).min();
        match peer.zip(lowest) {
            Some((peer, number)) => {
                self.enter(id, Stage::Announced(Wait::Window { peer, number }), Some(peer))
            }
            None => self.end(id, End::NobodyLeft),
        }
    }

    fn good_claimers(&self, id: EntryId) -> impl Iterator<Item = PeerSlot> {
        self.table
            .claims_of(id)
            .filter(|(_, claim)| claim.standing.may_be_asked())
            .map(|(_, claim)| claim.peer)
    }

    pub(super) fn has_good_claim(&self, id: EntryId) -> bool {
        self.good_claimers(id).next().is_some()
    }
}
