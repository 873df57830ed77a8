//! What is followed, and every index over it. It is made with the first entry and given back with
//! the last: a quiet fetcher has none.

use alloy_primitives::B256;
use foldhash::fast::FixedState;
use slab::Slab;
use std::collections::BTreeSet;

use crate::Time;
use crate::known::key;
use crate::output::StageName;
use crate::types::{BlockHash, BlockNumber, Types};

use super::alarms::Alarms;
use super::claims::Claims;
use super::list::{Ends, Links};
use super::loads::Loads;
use super::requests::Requests;
use super::siblings::{Entries, Siblings};
use super::small::SmallTable;
use super::{Claim, ClaimId, EntryId, Orphaned, PeerSlot, QueueWait, Stage, Step, Wait};

/// One hash that is followed.
pub(crate) struct Entry<T: Types> {
    pub(crate) hash: BlockHash,
    /// When it was first heard of.
    pub(crate) born: Time,
    /// When its waiting ends, whatever it waits for.
    pub(crate) expires: Time,
    /// How often the host has said that its time has not come.
    pub(crate) early_verdicts: u8,
    pub(super) claims: Ends<ClaimId>,
    /// Its neighbours among those who wait for the same parent or body.
    pub(super) siblings: Links<EntryId>,
    pub(super) stage: Stage<T>,
}

impl<T: Types> Entry<T> {
    pub(crate) fn stage(&self) -> &Stage<T> {
        &self.stage
    }

    pub(crate) fn claim_count(&self) -> u32 {
        self.claims.len()
    }
}

/// The entries, found by their hashes.
pub(super) type ByHash = SmallTable<EntryId, 8>;

/// The stage of an entry between two stages: indexed by nothing.
pub(super) fn neutral<T: Types>() -> Stage<T> {
    Stage::Announced(Wait::Until(Time::ZERO))
}

pub(super) struct Work<T: Types> {
    pub(super) alarms: Alarms,
    pub(super) loads: Loads,
    pub(super) stages: [u32; StageName::ALL.len()],
    pub(super) entries: Slab<Entry<T>>,
    /// Near the head there are one or two.
    pub(super) by_hash: ByHash,
    pub(super) claims: Claims,
    pub(super) requests: Requests,
    /// Who waits for a parent.
    pub(super) by_parent: Siblings<B256>,
    /// Who waits for a body. Several may wait for the same: two blocks can have equal bodies.
    pub(super) by_body: Siblings<T::Commitment>,
    /// Whom the chain's advance concerns.
    pub(super) by_number: BTreeSet<(BlockNumber, EntryId)>,
    /// Who waits for a turn with the host.
    pub(super) ready: BTreeSet<(BlockNumber, EntryId)>,
    /// Peers of which a limit gave way during this call, and for which entries may wait: each once.
    pub(super) relieved_peers: Vec<PeerSlot>,
    /// Entries that want one request more than they have.
    pub(super) wanting: u32,
    /// Orphans whose parent nobody has the allowance for.
    pub(super) barred: u32,
    /// The most entries since there were none.
    pub(super) busiest: usize,
}

impl<T: Types> Work<T> {
    pub(super) fn new() -> Self {
        Self {
            entries: Slab::new(),
            by_hash: ByHash::new(),
            claims: Claims::default(),
            loads: Loads::new(),
            requests: Requests::default(),
            alarms: Alarms::default(),
            by_parent: Siblings::new(),
            by_body: Siblings::new(),
            by_number: BTreeSet::new(),
            ready: BTreeSet::new(),
            relieved_peers: Vec::new(),
            wanting: 0,
            barred: 0,
            stages: [0; StageName::ALL.len()],
            busiest: 0,
        }
    }

    pub(super) fn find(&self, hash: &BlockHash, hasher: &FixedState) -> Option<EntryId> {
        let is = |id: &EntryId| self.entries.get(id.index()).is_some_and(|entry| entry.hash == *hash);
        self.by_hash.find(|| key(hasher, hash), is).copied()
    }

    pub(super) fn holds_only_imports(&self) -> bool {
        let with_host = self.stages.get(StageName::Importing as usize).map_or(0, |&count| count as usize);
        with_host == self.entries.len()
            && self
                .entries
                .iter()
                .all(|(_, entry)| matches!(entry.stage, Stage::Importing { step: Step::Importing(_), .. }))
    }

    /// Adds an entry, announced with nothing to wait for.
    pub(super) fn insert(
        &mut self,
        hash: BlockHash,
        born: Time,
        expires: Time,
        hasher: &FixedState,
    ) -> EntryId {
        let (claims, siblings) = (Ends::default(), Links::default());
        let entry = Entry { hash, born, expires, early_verdicts: 0, claims, siblings, stage: neutral() };
        if self.entries.capacity() == 0 {
            // Most are alone.
            self.entries.reserve_exact(1);
        }
        let id = EntryId::new(self.entries.insert(entry));
        let hash_of = |id: &EntryId| self.entries.get(id.index()).map_or(0, |entry| key(hasher, &entry.hash));
        self.by_hash.insert(id, hash_of);
        self.busiest = self.busiest.max(self.entries.len());
        self.count(StageName::Announced, 1);
        id
    }

    /// Removes an entry that has neither claims nor a stage.
    pub(super) fn remove(&mut self, id: EntryId, hasher: &FixedState) {
        self.alarms.clear(id);
        let Some(entry) = self.entries.try_remove(id.index()) else { return };
        self.by_hash.remove(|| key(hasher, &entry.hash), |other| *other == id);
        self.count(StageName::Announced, -1);
    }

    /// The indexes that lead to an entry itself.
    pub(super) fn index(&mut self, id: EntryId, stage: &Stage<T>, hasher: &FixedState) {
        let number = stage.watched_number();
        if let Some(number) = number {
            self.by_number.insert((number, id));
        }
        if let (Stage::Queued { wait: QueueWait::Turn, .. }, Some(number)) = (stage, number) {
            self.ready.insert((number, id));
        }
        if let Some(parent) = stage.awaited_parent() {
            self.by_parent.join(parent, id, &mut self.entries, hasher);
        }
        if let Some(body) = stage.awaited_body() {
            self.by_body.join(body, id, &mut self.entries, hasher);
        }
        if let Some(slot) = stage.deferred_by() {
            self.loads.of_mut(slot).deferred += 1;
        }
        if stage.wants_request() {
            self.wanting += 1;
        }
        if stage.orphaned() == Some(Orphaned::NoAllowance) {
            self.barred += 1;
        }
    }

    pub(super) fn unindex(&mut self, id: EntryId, stage: &Stage<T>, hasher: &FixedState) {
        if let Some(number) = stage.watched_number() {
            self.by_number.remove(&(number, id));
            self.ready.remove(&(number, id));
        }
        if let Some(parent) = stage.awaited_parent() {
            self.by_parent.leave(parent, id, &mut self.entries, hasher);
        }
        if let Some(body) = stage.awaited_body() {
            self.by_body.leave(body, id, &mut self.entries, hasher);
        }
        if let Some(slot) = stage.deferred_by() {
            self.loads.of_mut(slot).deferred -= 1;
        }
        if stage.wants_request() {
            self.wanting -= 1;
        }
        if stage.orphaned() == Some(Orphaned::NoAllowance) {
            self.barred -= 1;
        }
    }

    /// A limit of a peer gave way: what waits for it is looked for at the end of this call.
    pub(super) fn relieve(&mut self, slot: PeerSlot) {
        if !self.relieved_peers.contains(&slot) {
            self.relieved_peers.push(slot);
        }
    }

    /// Who waits for this parent.
    pub(super) fn children_of(&self, parent: &B256, hasher: &FixedState) -> Entries {
        self.by_parent.of(parent, &self.entries, hasher)
    }

    pub(super) fn awaiting_body(&self, body: &T::Commitment, hasher: &FixedState) -> Entries {
        self.by_body.of(body, &self.entries, hasher)
    }

    pub(super) fn claims_of(&self, id: EntryId) -> impl Iterator<Item = (ClaimId, &Claim)> + use<'_, T> {
        let ends = self.entries.get(id.index()).map(|entry| entry.claims).unwrap_or_default();
        self.claims.of_entry(ends)
    }

    pub(super) fn claims_by(&self, slot: PeerSlot) -> impl Iterator<Item = (ClaimId, &Claim)> + use<'_, T> {
        self.claims.of_peer(self.loads.of(slot).claims)
    }

    pub(super) fn claim_by(&self, id: EntryId, slot: PeerSlot) -> Option<(ClaimId, &Claim)> {
        // A hash that all announce has many claims, and so has a peer that announces much: seldom both.
        let of_entry = self.entries.get(id.index()).map_or(0, Entry::claim_count);
        if of_entry <= self.loads.of(slot).claims.len() {
            self.claims_of(id).find(|(_, claim)| claim.peer == slot)
        } else {
            self.claims_by(slot).find(|(_, claim)| claim.entry == id)
        }
    }

    pub(super) fn count(&mut self, stage: StageName, change: i32) {
        if let Some(count) = self.stages.get_mut(stage as usize) {
            *count = count.wrapping_add_signed(change);
        }
    }
}
