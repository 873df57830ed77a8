//! The table: every hash that is followed, and every index over them.
//!
//! An entry is reached by its hash; the indexes by alarm, parent, body, number and peer are derived
//! from its stage. They change only in this module's methods, whatever the stages do, and
//! [`Table::check`] computes them anew and compares.

mod alarms;
mod bytes;
mod check;
mod claims;
mod list;
mod loads;
mod memory;
mod names;
mod peer;
mod requests;
mod round;
mod siblings;
mod small;
mod stage;
mod work;

use foldhash::fast::FixedState;
use slab::Slab;

use crate::known::Holders;
use crate::output::{Presence, StageName};
use crate::types::{BlockHash, BlockNumber, Header, Types};
use crate::{Config, Time};

use bytes::Ledger;
use names::Names;
use siblings::Entries;
use work::{Work, neutral};

pub(crate) use crate::ids::{ClaimId, EntryId, PeerSlot};
pub(crate) use bytes::Capacity;
pub use check::InvariantError;
pub(crate) use claims::{Claim, Origin, Standing};
pub(crate) use loads::Load;
pub(crate) use names::Named;
pub(crate) use peer::{Peer, RttEstimator, UNMEASURED};
pub(crate) use requests::{Asked, AskedTurn, Request};
pub(crate) use round::Round;
pub(crate) use stage::{Blame, Charge, Charged, Early, Held, Orphaned, QueueWait, Stage, Step, Wait, Whole};
pub(crate) use work::Entry;

/// Who has let the time run out this often for one part of one block is not asked again: with the time
/// doubled each time, the last request outlasts a default lifetime, and a host that reports time-outs at
/// once is not asked in a loop.
const ASKED_MAX: u8 = 8;

pub(crate) struct Table<T: Types> {
    names: Names<T::PeerId>,
    /// None at rest.
    work: Option<Box<Work<T>>>,
    peers: Slab<Peer<T::PeerId>>,
    ledger: Ledger,
    /// The last serial number given to a request.
    serial: u32,
    /// [`Config::announcements_per_peer`].
    announcements_max: u32,
    hasher: FixedState,
}

impl<T: Types> Table<T> {
    pub(crate) fn new(config: &Config, hasher: FixedState) -> Self {
        Self {
            peers: Slab::new(),
            names: Names::new(),
            work: None,
            ledger: Ledger::new(config),
            serial: 0,
            announcements_max: config.announcements_per_peer,
            hasher,
        }
    }

    // --- entries

    pub(crate) fn find(&self, hash: &BlockHash) -> Option<EntryId> {
        self.work.as_ref()?.find(hash, &self.hasher)
    }

    pub(crate) fn entry(&self, id: EntryId) -> Option<&Entry<T>> {
        self.work.as_ref()?.entries.get(id.index())
    }

    fn entry_mut(&mut self, id: EntryId) -> Option<&mut Entry<T>> {
        self.work.as_mut()?.entries.get_mut(id.index())
    }

    pub(crate) fn stage(&self, id: EntryId) -> Option<&Stage<T>> {
        self.entry(id).map(|entry| &entry.stage)
    }

    /// Adds an entry. The hash must not be there yet.
    pub(crate) fn insert(&mut self, hash: BlockHash, born: Time, expires: Time, stage: Stage<T>) -> EntryId {
        let work = self.work.get_or_insert_with(|| Box::new(Work::new()));
        let id = work.insert(hash, born, expires, &self.hasher);
        self.set_stage(id, stage);
        id
    }

    /// Removes an entry with its claims, its alarm and its charges. Its requests must be closed.
    pub(crate) fn remove(&mut self, id: EntryId) -> Option<Stage<T>> {
        let stage = self.take_stage(id)?;
        while let Some(claim) = self.entry(id).and_then(|entry| entry.claims.first()) {
            self.remove_claim(claim);
        }
        let work = self.work.as_mut()?;
        work.remove(id, &self.hasher);
        if work.entries.is_empty() {
            self.release();
        }
        Some(stage)
    }

    /// Puts an entry into a stage and brings all indexes along.
    pub(crate) fn set_stage(&mut self, id: EntryId, stage: Stage<T>) {
        self.take_stage(id);
        let Some(work) = self.work.as_mut() else { return };
        work.count(StageName::Announced, -1);
        work.count(stage.name(), 1);
        let charge = stage.charge();
        if !stage.is_unindexed() {
            work.index(id, &stage, &self.hasher);
        }
        if let Some(entry) = work.entries.get_mut(id.index()) {
            entry.stage = stage;
        }
        if let Some(charge) = charge {
            self.charge(charge);
        }
    }

    /// Takes an entry's stage out, and leaves it announced with nothing to wait for.
    pub(crate) fn take_stage(&mut self, id: EntryId) -> Option<Stage<T>> {
        let work = self.work.as_mut()?;
        let entry = work.entries.get_mut(id.index())?;
        let stage = core::mem::replace(&mut entry.stage, neutral());
        if !stage.is_unindexed() {
            work.unindex(id, &stage, &self.hasher);
        }
        work.count(stage.name(), -1);
        work.count(StageName::Announced, 1);
        if let Some(charge) = stage.charge() {
            self.discharge(charge);
        }
        Some(stage)
    }

    /// Changes the round of an entry that is asked for, and nothing else of its stage.
    pub(crate) fn change_round(&mut self, id: EntryId, change: impl FnOnce(&mut Round)) {
        let Some(work) = self.work.as_mut() else { return };
        let round = match work.entries.get_mut(id.index()).map(|entry| &mut entry.stage) {
            Some(Stage::Fetching { round, .. } | Stage::Completing { round, .. }) => round,
            Some(
                Stage::Announced(_) | Stage::Fetched { .. } | Stage::Queued { .. } | Stage::Importing { .. },
            )
            | None => return,
        };
        let before = round.wanted > 0;
        change(round);
        match (before, round.wanted > 0) {
            (false, true) => work.wanting += 1,
            (true, false) => work.wanting -= 1,
            (false, false) | (true, true) => {}
        }
    }

    /// Whether an entry wants one request more than it has.
    pub(crate) fn wants_requests(&self) -> bool {
        self.work.as_ref().is_some_and(|work| work.wanting > 0)
    }

    /// Changes data of a stage that no index is derived from: the body asked for ahead of its header.
    pub(crate) fn forget_early_request(&mut self, id: EntryId) {
        if let Some(Entry { stage: Stage::Fetching { early, .. }, .. }) = self.entry_mut(id)
            && matches!(early, Early::Asked(_))
        {
            *early = Early::None;
        }
    }

    /// Drops a body that came ahead of its header.
    pub(crate) fn drop_early_body(&mut self, id: EntryId) {
        match self.take_stage(id) {
            Some(Stage::Fetching { round, early: Early::Here(_) }) => {
                self.set_stage(id, Stage::Fetching { round, early: Early::None });
            }
            Some(stage) => self.set_stage(id, stage),
            None => {}
        }
    }

    pub(crate) fn set_step(&mut self, id: EntryId, to: Step) {
        if let Some(Entry { stage: Stage::Importing { step, .. }, .. }) = self.entry_mut(id) {
            *step = to;
        }
    }

    /// Takes the time that the host had an entry out of the account of its waiting.
    pub(crate) fn postpone(&mut self, id: EntryId, by: core::time::Duration) {
        if let Some(entry) = self.entry_mut(id) {
            entry.born = entry.born.after(by);
            entry.expires = entry.expires.after(by);
        }
    }

    /// Moves the end of an entry's waiting.
    pub(crate) fn set_expiry(&mut self, id: EntryId, expires: Time) {
        if let Some(entry) = self.entry_mut(id) {
            entry.expires = expires;
        }
    }

    /// The host says of an entry that its time has not come.
    pub(crate) fn note_early_verdict(&mut self, id: EntryId) {
        if let Some(entry) = self.entry_mut(id) {
            entry.early_verdicts = entry.early_verdicts.saturating_add(1);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.work.as_ref().map_or(0, |work| work.entries.len())
    }

    pub(crate) fn in_stage(&self, stage: StageName) -> u32 {
        self.work.as_ref().and_then(|work| work.stages.get(stage as usize).copied()).unwrap_or(0)
    }

    /// Whether all entries are being imported, their headers verified.
    pub(crate) fn holds_only_imports(&self) -> bool {
        self.work.as_ref().is_none_or(|work| work.holds_only_imports())
    }

    /// All entries, in no particular but always the same order; for the shutdown.
    pub(crate) fn entry_ids(&self) -> Vec<EntryId> {
        let entries = self.work.iter().flat_map(|work| &work.entries);
        entries.map(|(key, _)| EntryId::new(key)).collect()
    }

    // --- indexes

    pub(crate) fn children_of(&self, parent: &BlockHash) -> Entries {
        self.work.as_ref().map(|work| work.children_of(parent, &self.hasher)).unwrap_or_default()
    }

    pub(crate) fn awaiting_body(&self, body: &T::Commitment) -> Entries {
        self.work.as_ref().map(|work| work.awaiting_body(body, &self.hasher)).unwrap_or_default()
    }

    /// The lowest watched entry.
    pub(crate) fn lowest_watched(&self) -> Option<(BlockNumber, EntryId)> {
        self.work.as_ref()?.by_number.first().copied()
    }

    /// Entries that wait for the window and are numbered `above` at most, lowest first.
    pub(crate) fn deferred_up_to(&self, above: BlockNumber) -> Vec<EntryId> {
        let deferred = |id: &EntryId| self.stage(*id).is_some_and(|stage| stage.deferred_by().is_some());
        let watched = self.work.iter().flat_map(|work| &work.by_number);
        watched.take_while(|(number, _)| *number <= above).map(|&(_, id)| id).filter(deferred).collect()
    }

    pub(crate) fn next_ready(&self) -> Option<EntryId> {
        self.work.as_ref()?.ready.first().map(|&(_, id)| id)
    }

    /// Whether a block waits for a parent that nobody had the allowance for.
    pub(crate) fn has_barred_orphans(&self) -> bool {
        self.work.as_ref().is_some_and(|work| work.barred > 0)
    }

    /// A peer of which a limit gave way, and for which an entry may wait.
    pub(crate) fn next_relieved_peer(&mut self) -> Option<PeerSlot> {
        self.work.as_mut()?.relieved_peers.pop()
    }

    /// Whether a limit of a peer gave way during this call, and what waits for that was not looked at.
    pub(crate) fn is_relieved(&self, slot: PeerSlot) -> bool {
        self.work.as_ref().is_some_and(|work| work.relieved_peers.contains(&slot))
    }

    // --- alarms

    pub(crate) fn set_alarm(&mut self, id: EntryId, time: Option<Time>) {
        let Some(work) = self.work.as_mut() else { return };
        match time {
            Some(time) => work.alarms.set(id, time),
            None => work.alarms.clear(id),
        }
    }

    pub(crate) fn next_alarm(&self) -> Option<(Time, EntryId)> {
        self.work.as_ref()?.alarms.next()
    }

    // --- claims

    /// Records that a peer has an entry's block.
    pub(crate) fn add_claim(&mut self, id: EntryId, slot: PeerSlot, number: BlockNumber, origin: Origin) {
        let Some(work) = self.work.as_mut() else { return };
        let Some(entry) = work.entries.get_mut(id.index()) else { return };
        let load = work.loads.of_mut(slot);
        if origin != Origin::Pushed {
            load.announced += 1;
        }
        work.claims.add((id, &mut entry.claims), (slot, &mut load.claims), number, origin);
    }

    /// A peer that pushed a block has announced it. The caller has seen to its allowance.
    pub(crate) fn set_announced(&mut self, claim: ClaimId) {
        let Some(work) = self.work.as_mut() else { return };
        let Some(claim) = work.claims.get_mut(claim) else { return };
        if claim.origin == Origin::Pushed {
            work.loads.of_mut(claim.peer).announced += 1;
        }
        claim.origin = Origin::Announced;
    }

    pub(crate) fn remove_claim(&mut self, claim: ClaimId) {
        let Some(work) = self.work.as_mut() else { return };
        let Some((entry, slot)) = work.claims.get(claim).map(|claim| (claim.entry, claim.peer)) else {
            return;
        };
        let Some(entry) = work.entries.get_mut(entry.index()) else { return };
        let load = work.loads.of_mut(slot);
        if let Some(claim) = work.claims.remove(claim, &mut entry.claims, &mut load.claims)
            && claim.origin != Origin::Pushed
        {
            load.announced -= 1;
            if work.barred > 0 && load.announced + 1 >= self.announcements_max {
                work.relieve(slot);
            }
        }
    }

    pub(crate) fn claims_of(&self, id: EntryId) -> impl Iterator<Item = (ClaimId, &Claim)> {
        self.work.iter().flat_map(move |work| work.claims_of(id))
    }

    pub(crate) fn claims_by(&self, slot: PeerSlot) -> impl Iterator<Item = (ClaimId, &Claim)> {
        self.work.iter().flat_map(move |work| work.claims_by(slot))
    }

    pub(crate) fn claim_by(&self, id: EntryId, slot: PeerSlot) -> Option<(ClaimId, &Claim)> {
        self.work.as_ref()?.claim_by(id, slot)
    }

    fn claim_mut(&mut self, claim: ClaimId) -> Option<&mut Claim> {
        self.work.as_mut()?.claims.get_mut(claim)
    }

    /// Marks that a peer failed for an entry. Whether it was good until now.
    pub(crate) fn fail_claim(&mut self, id: EntryId, slot: PeerSlot) -> bool {
        self.lower_claim(id, slot, Standing::Failed)
    }

    /// Marks that a peer let the time of a request for an entry run out. Whether it was good until now.
    pub(crate) fn mark_silent(&mut self, id: EntryId, slot: PeerSlot, asked: Asked) -> bool {
        let times = self.claim_by(id, slot).map_or(0, |(_, claim)| claim.times_asked(asked));
        let standing = if times >= ASKED_MAX { Standing::Failed } else { Standing::Silent };
        self.lower_claim(id, slot, standing)
    }

    fn lower_claim(&mut self, id: EntryId, slot: PeerSlot, to: Standing) -> bool {
        let Some(claim) = self.claim_by(id, slot).map(|(claim, _)| claim) else { return false };
        let Some(claim) = self.claim_mut(claim) else { return false };
        let before = claim.standing;
        if before != Standing::Failed {
            claim.standing = to;
        }
        before == Standing::Good
    }

    /// Counts a request to a peer for an entry. How often it was asked for the same before.
    pub(crate) fn count_asked(&mut self, id: EntryId, slot: PeerSlot, asked: Asked) -> u8 {
        let claim = self.claim_by(id, slot).map(|(claim, _)| claim);
        let Some(claim) = claim.and_then(|claim| self.claim_mut(claim)) else { return 0 };
        let times = claim.times_asked_mut(asked);
        let before = *times;
        *times = before.saturating_add(1);
        before
    }

    /// A peer has answered a part of what it was asked for: for the rest it is as good as before.
    pub(crate) fn forget_asked(&mut self, id: EntryId, slot: PeerSlot, asked: Asked) {
        let claim = self.claim_by(id, slot).map(|(claim, _)| claim);
        if let Some(claim) = claim.and_then(|claim| self.claim_mut(claim)) {
            *claim.times_asked_mut(asked) = 0;
        }
    }

    /// Marks that a claim's number was wrong, and puts the right one there: a lie is found once.
    pub(crate) fn refute_claim(&mut self, claim: ClaimId, number: BlockNumber) {
        if let Some(claim) = self.claim_mut(claim) {
            (claim.standing, claim.number) = (Standing::Failed, number);
        }
    }

    // --- peers

    pub(crate) fn find_peer(&self, id: &T::PeerId) -> Option<PeerSlot> {
        self.names.find(id, &self.hasher)
    }

    pub(crate) fn peer(&self, slot: PeerSlot) -> Option<&Peer<T::PeerId>> {
        self.peers.get(slot.index())
    }

    pub(crate) fn peer_mut(&mut self, slot: PeerSlot) -> Option<&mut Peer<T::PeerId>> {
        self.peers.get_mut(slot.index())
    }

    /// What is in flight for a peer.
    pub(crate) fn load(&self, slot: PeerSlot) -> Load {
        self.work.as_ref().map(|work| work.loads.of(slot)).unwrap_or_default()
    }

    pub(crate) fn hasher(&self) -> &FixedState {
        &self.hasher
    }

    pub(crate) fn add_peer(&mut self, id: T::PeerId) -> PeerSlot {
        // By little rather than by doubling: peers are few, and seldom come.
        if self.peers.len() == self.peers.capacity() {
            self.peers.reserve_exact(1.max(self.peers.len() / 32));
        }
        let slot = PeerSlot::new(self.peers.insert(Peer::new(id.clone())));
        self.names.insert(id, slot, &self.hasher);
        slot
    }

    /// Takes a peer's name away. Its slot is freed at once, or with the last block charged to it.
    pub(crate) fn retire_peer(&mut self, slot: PeerSlot) {
        let Some(peer) = self.peers.get_mut(slot.index()) else { return };
        peer.presence = Presence::Gone;
        self.names.remove(&peer.id, &self.hasher);
        self.free_slot(slot);
    }

    /// Connected peers, in the order of their slots.
    pub(crate) fn peers(&self) -> impl Iterator<Item = (PeerSlot, &Peer<T::PeerId>)> {
        let here = |(_, peer): &(usize, &Peer<T::PeerId>)| peer.presence == Presence::Connected;
        self.peers.iter().filter(here).map(|(key, peer)| (PeerSlot::new(key), peer))
    }

    /// Connected peers that are not among the `holders`, in the order of their slots.
    pub(crate) fn others(&self, holders: Holders<'_>) -> Named<'_, T::PeerId> {
        self.names.others(holders)
    }

    /// The name of the peer that has a slot, be it gone.
    pub(crate) fn name(&self, slot: PeerSlot) -> Option<&T::PeerId> {
        self.peer(slot).map(|peer| &peer.id)
    }

    /// A peer's name while it is connected.
    pub(crate) fn connected(&self, slot: PeerSlot) -> Option<&T::PeerId> {
        self.peer(slot).filter(|peer| peer.presence == Presence::Connected).map(|peer| &peer.id)
    }

    pub(crate) fn is_connected(&self, slot: PeerSlot) -> bool {
        self.connected(slot).is_some()
    }

    pub(crate) fn peer_count(&self) -> usize {
        self.names.len()
    }

    pub(crate) fn slot_count(&self) -> usize {
        self.peers.len()
    }

    fn free_slot(&mut self, slot: PeerSlot) {
        let gone = self.peer(slot).is_some_and(|peer| peer.presence == Presence::Gone);
        let load = self.load(slot);
        if gone && load.bytes == 0 && load.blocks == 0 && load.claims.len() == 0 {
            self.peers.try_remove(slot.index());
        }
    }

    // --- bytes

    /// Whether `bytes` more fit into a peer's allowance and the total, with `freed` of its bytes
    /// given back first.
    pub(crate) fn capacity(&self, slot: PeerSlot, bytes: u64, freed: u64) -> Capacity {
        self.ledger.capacity(self.load(slot).bytes, bytes, freed)
    }

    pub(crate) fn bytes_held(&self) -> u64 {
        self.ledger.total()
    }

    fn charge(&mut self, charge: Charge) {
        let Some(work) = self.work.as_mut() else { return };
        let load = work.loads.of_mut(charge.peer);
        self.ledger.add(&mut load.bytes, charge.bytes);
        if charge.what == Charged::Block {
            load.blocks += 1;
        }
    }

    fn discharge(&mut self, charge: Charge) {
        let Some(work) = self.work.as_mut() else { return };
        let load = work.loads.of_mut(charge.peer);
        self.ledger.take(&mut load.bytes, charge.bytes);
        if charge.what == Charged::Block {
            load.blocks -= 1;
        }
        self.free_slot(charge.peer);
    }

    /// Moves what an entry holds to another peer's account, whose fault it is then not.
    pub(crate) fn recharge(&mut self, id: EntryId, to: PeerSlot) {
        if let Some(mut stage) = self.take_stage(id) {
            stage.recharge(to);
            self.set_stage(id, stage);
        }
    }
}

impl<T: Types> core::fmt::Debug for Table<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Table")
            .field("entries", &self.len())
            .field("peers", &self.names.len())
            .finish_non_exhaustive()
    }
}

/// The lowest number that has a parent which could be fetched.
pub(crate) fn parent_of<H: Header>(header: &H) -> Option<(BlockHash, BlockNumber)> {
    header.number().checked_sub(1).map(|number| (header.parent_hash(), number))
}
