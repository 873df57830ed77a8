//! The table: every hash that is followed, and every index over them.
//!
//! An entry is reached by its hash; the indexes by alarm, parent, body, number and peer are derived
//! from its stage. They change only in this module's methods, whatever the stages do, and
//! [`Table::check`] computes them anew and compares.

mod alarms;
mod bytes;
mod check;
mod claims;
mod ids;
mod loads;
mod memory;
mod peer;
mod requests;
mod siblings;
mod stage;

use alloy_primitives::B256;
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use slab::Slab;
use std::collections::BTreeSet;

use core::hash::BuildHasher;

use crate::output::StageName;
use crate::types::{BlockHash, BlockNumber, Header, Types};
use crate::{Config, Time};

use alarms::Alarms;
use bytes::Ledger;
use claims::{Claims, Ends};
use loads::Loads;
use requests::Requests;
use siblings::{Entries, Siblings};

pub(crate) use bytes::Room;
pub use check::InvariantError;
pub(crate) use claims::{Claim, Origin, Standing};
pub(crate) use ids::{ClaimId, EntryId, PeerSlot};
pub(crate) use loads::Load;
pub(crate) use peer::{AnswerTime, Peer, Presence};
pub(crate) use requests::{Asked, Request};
pub(crate) use stage::{Blame, Charge, Charged, Early, Held, QueueWait, Race, Stage, Step, Wait, Whole};

/// One hash that is followed.
pub(crate) struct Entry<T: Types> {
    pub(crate) hash: BlockHash,
    /// When it was first heard of.
    pub(crate) born: Time,
    /// When its waiting ends, whatever it waits for.
    pub(crate) expires: Time,
    claims: Ends,
    stage: Stage<T>,
}

impl<T: Types> Entry<T> {
    pub(crate) fn stage(&self) -> &Stage<T> {
        &self.stage
    }

    pub(crate) fn claim_count(&self) -> u32 {
        self.claims.len()
    }
}

pub(crate) struct Table<T: Types> {
    entries: Slab<Entry<T>>,
    by_hash: HashTable<Indexed>,
    claims: Claims,
    peers: Slab<Peer<T::PeerId>>,
    loads: Loads,
    by_peer_id: HashTable<PeerSlot>,
    requests: Requests,
    alarms: Alarms,
    /// Who waits for a parent.
    by_parent: Siblings<B256>,
    /// Who waits for a body. Several may wait for the same: two blocks can have equal bodies.
    by_body: Siblings<T::Commitment>,
    /// Whom the chain's advance concerns.
    by_number: BTreeSet<(BlockNumber, EntryId)>,
    /// Who waits for a turn with the host.
    ready: BTreeSet<(BlockNumber, EntryId)>,
    /// Peers with a place that got free during this call while entries waited for one.
    freed: Vec<PeerSlot>,
    ledger: Ledger,
    stages: [u32; StageName::ALL.len()],
    /// The most entries since the table was last empty.
    busiest: usize,
    hasher: FixedState,
}

impl<T: Types> Table<T> {
    pub(crate) fn new(config: &Config, hasher: FixedState) -> Self {
        Self {
            entries: Slab::new(),
            by_hash: HashTable::new(),
            claims: Claims::default(),
            peers: Slab::new(),
            loads: Loads::default(),
            by_peer_id: HashTable::new(),
            requests: Requests::default(),
            alarms: Alarms::default(),
            by_parent: Siblings::new(hasher.clone()),
            by_body: Siblings::new(hasher.clone()),
            by_number: BTreeSet::new(),
            ready: BTreeSet::new(),
            freed: Vec::new(),
            ledger: Ledger::new(config),
            stages: [0; StageName::ALL.len()],
            busiest: 0,
            hasher,
        }
    }

    // --- entries

    pub(crate) fn find(&self, hash: &BlockHash) -> Option<EntryId> {
        if self.entries.is_empty() {
            return None;
        }
        let tag = self.tag(hash);
        let same = |id: EntryId| self.entries.get(id.index()).is_some_and(|entry| entry.hash == *hash);
        self.by_hash.find(spread(tag), |at| at.tag == tag && same(at.id)).map(|at| at.id)
    }

    pub(crate) fn entry(&self, id: EntryId) -> Option<&Entry<T>> {
        self.entries.get(id.index())
    }

    pub(crate) fn stage(&self, id: EntryId) -> Option<&Stage<T>> {
        self.entry(id).map(|entry| &entry.stage)
    }

    /// Adds an entry. The hash must not be there yet.
    pub(crate) fn insert(&mut self, hash: BlockHash, born: Time, expires: Time, stage: Stage<T>) -> EntryId {
        let entry = Entry { hash, born, expires, claims: Ends::default(), stage: neutral() };
        let id = EntryId::new(self.entries.insert(entry));
        let tag = self.tag(&hash);
        self.by_hash.insert_unique(spread(tag), Indexed { tag, id }, |at| spread(at.tag));
        self.busiest = self.busiest.max(self.entries.len());
        self.count(StageName::Announced, 1);
        self.set_stage(id, stage);
        id
    }

    /// Removes an entry with its claims, its alarm and its charges. Its requests must be closed.
    pub(crate) fn remove(&mut self, id: EntryId) -> Option<Stage<T>> {
        let stage = self.take_stage(id)?;
        while let Some(claim) = self.entry(id).and_then(|entry| entry.claims.first()) {
            self.remove_claim(claim);
        }
        self.alarms.clear(id);
        let entry = self.entries.try_remove(id.index())?;
        let tag = self.tag(&entry.hash);
        if let Ok(found) = self.by_hash.find_entry(spread(tag), |at| at.id == id) {
            found.remove();
        }
        self.count(StageName::Announced, -1);
        if self.entries.is_empty() {
            self.release();
        }
        Some(stage)
    }

    /// Puts an entry into a stage and brings all indexes along.
    pub(crate) fn set_stage(&mut self, id: EntryId, stage: Stage<T>) {
        self.take_stage(id);
        self.count(StageName::Announced, -1);
        self.count(stage.name(), 1);
        if !stage.is_unindexed() {
            self.index(id, &stage);
        }
        if let Some(entry) = self.entries.get_mut(id.index()) {
            entry.stage = stage;
        }
    }

    /// Takes an entry's stage out, and leaves it announced with nothing to wait for.
    pub(crate) fn take_stage(&mut self, id: EntryId) -> Option<Stage<T>> {
        let entry = self.entries.get_mut(id.index())?;
        let stage = core::mem::replace(&mut entry.stage, neutral());
        if !stage.is_unindexed() {
            self.unindex(id, &stage);
        }
        self.count(stage.name(), -1);
        self.count(StageName::Announced, 1);
        Some(stage)
    }

    fn index(&mut self, id: EntryId, stage: &Stage<T>) {
        let number = stage.watched_number();
        if let Some(number) = number {
            self.by_number.insert((number, id));
        }
        if let (Stage::Queued { wait: QueueWait::Turn, .. }, Some(number)) = (stage, number) {
            self.ready.insert((number, id));
        }
        if let Some(parent) = stage.awaited_parent() {
            self.by_parent.join(parent, id);
        }
        if let Some(body) = stage.awaited_body() {
            self.by_body.join(body, id);
        }
        if let Some(slot) = stage.deferred_by() {
            self.load_mut(slot).deferred += 1;
        }
        if let Some(slot) = stage.waits_for_place() {
            self.load_mut(slot).waiting += 1;
        }
        if let Some(charge) = stage.charge() {
            self.charge(charge);
        }
    }

    fn unindex(&mut self, id: EntryId, stage: &Stage<T>) {
        if let Some(number) = stage.watched_number() {
            self.by_number.remove(&(number, id));
            self.ready.remove(&(number, id));
        }
        if let Some(parent) = stage.awaited_parent() {
            self.by_parent.leave(parent, id);
        }
        if let Some(body) = stage.awaited_body() {
            self.by_body.leave(body, id);
        }
        if let Some(slot) = stage.deferred_by() {
            self.load_mut(slot).deferred -= 1;
        }
        if let Some(slot) = stage.waits_for_place() {
            self.load_mut(slot).waiting -= 1;
        }
        if let Some(charge) = stage.charge() {
            self.discharge(charge);
        }
    }

    /// Changes data of a stage that no index is derived from.
    pub(crate) fn race_mut(&mut self, id: EntryId) -> Option<&mut Race> {
        match &mut self.entries.get_mut(id.index())?.stage {
            Stage::Fetching { race, .. } | Stage::Completing { race, .. } => Some(race),
            Stage::Announced(_) | Stage::Fetched { .. } | Stage::Queued { .. } | Stage::Importing { .. } => {
                None
            }
        }
    }

    /// As [`race_mut`](Self::race_mut), for the body asked for ahead of its header.
    pub(crate) fn forget_early_request(&mut self, id: EntryId) {
        if let Some(Entry { stage: Stage::Fetching { early, .. }, .. }) = self.entries.get_mut(id.index())
            && matches!(early, Early::Asked(_))
        {
            *early = Early::None;
        }
    }

    /// Drops a body that came ahead of its header.
    pub(crate) fn drop_early_body(&mut self, id: EntryId) {
        match self.take_stage(id) {
            Some(Stage::Fetching { race, early: Early::Here(_) }) => {
                self.set_stage(id, Stage::Fetching { race, early: Early::None });
            }
            Some(stage) => self.set_stage(id, stage),
            None => {}
        }
    }

    pub(crate) fn set_step(&mut self, id: EntryId, to: Step) {
        if let Some(Entry { stage: Stage::Importing { step, .. }, .. }) = self.entries.get_mut(id.index()) {
            *step = to;
        }
    }

    /// Takes the time that the host had an entry out of the account of its waiting.
    pub(crate) fn postpone(&mut self, id: EntryId, by: core::time::Duration) {
        if let Some(entry) = self.entries.get_mut(id.index()) {
            entry.born = entry.born.after(by);
            entry.expires = entry.expires.after(by);
        }
    }

    /// Moves the end of an entry's waiting.
    pub(crate) fn set_expiry(&mut self, id: EntryId, expires: Time) {
        if let Some(entry) = self.entries.get_mut(id.index()) {
            entry.expires = expires;
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn in_stage(&self, stage: StageName) -> u32 {
        self.stages.get(stage as usize).copied().unwrap_or(0)
    }

    /// All entries, in no particular but always the same order; for the shutdown.
    pub(crate) fn entry_ids(&self) -> Vec<EntryId> {
        self.entries.iter().map(|(key, _)| EntryId::new(key)).collect()
    }

    fn tag(&self, hash: &BlockHash) -> u32 {
        (crate::known::key(&self.hasher, hash) >> 32) as u32
    }

    // --- indexes

    pub(crate) fn children_of(&self, parent: &BlockHash) -> Entries {
        self.by_parent.of(parent)
    }

    pub(crate) fn awaiting_body(&self, body: &T::Commitment) -> Entries {
        self.by_body.of(body)
    }

    /// The lowest watched entry.
    pub(crate) fn lowest_watched(&self) -> Option<(BlockNumber, EntryId)> {
        self.by_number.first().copied()
    }

    /// Entries that wait for the window and are numbered `above` at most, lowest first.
    pub(crate) fn deferred_up_to(&self, above: BlockNumber) -> Vec<EntryId> {
        let deferred = |id: &EntryId| self.stage(*id).is_some_and(|stage| stage.deferred_by().is_some());
        self.by_number
            .iter()
            .take_while(|(number, _)| *number <= above)
            .map(|&(_, id)| id)
            .filter(deferred)
            .collect()
    }

    pub(crate) fn next_ready(&self) -> Option<EntryId> {
        self.ready.first().map(|&(_, id)| id)
    }

    /// A peer with a place that got free, and for which an entry waited.
    pub(crate) fn next_freed(&mut self) -> Option<PeerSlot> {
        let freed = self.freed.pop();
        if freed.is_none() && self.freed.capacity() > 0 {
            self.freed = Vec::new();
        }
        freed
    }

    // --- alarms

    pub(crate) fn set_alarm(&mut self, id: EntryId, time: Option<Time>) {
        match time {
            Some(time) => self.alarms.set(id, time),
            None => self.alarms.clear(id),
        }
    }

    pub(crate) fn next_alarm(&self) -> Option<(Time, EntryId)> {
        self.alarms.next()
    }

    // --- claims

    /// Records that a peer has an entry's block.
    pub(crate) fn add_claim(&mut self, id: EntryId, slot: PeerSlot, number: BlockNumber, origin: Origin) {
        let Some(entry) = self.entries.get_mut(id.index()) else { return };
        let load = self.loads.of_mut(slot);
        if origin != Origin::Pushed {
            load.announced += 1;
        }
        self.claims.add((id, &mut entry.claims), (slot, &mut load.claims), number, origin);
    }

    pub(crate) fn remove_claim(&mut self, claim: ClaimId) {
        let Some((entry, slot)) = self.claims.get(claim).map(|claim| (claim.entry, claim.peer)) else {
            return;
        };
        let Some(entry) = self.entries.get_mut(entry.index()) else { return };
        let load = self.loads.of_mut(slot);
        if let Some(claim) = self.claims.remove(claim, &mut entry.claims, &mut load.claims)
            && claim.origin != Origin::Pushed
        {
            load.announced -= 1;
        }
    }

    pub(crate) fn claims_of(&self, id: EntryId) -> impl Iterator<Item = (ClaimId, &Claim)> {
        let ends = self.entry(id).map(|entry| entry.claims).unwrap_or_default();
        self.claims.of_entry(ends)
    }

    pub(crate) fn claims_by(&self, slot: PeerSlot) -> impl Iterator<Item = (ClaimId, &Claim)> {
        self.claims.of_peer(self.load(slot).claims)
    }

    pub(crate) fn claim_by(&self, id: EntryId, slot: PeerSlot) -> Option<(ClaimId, &Claim)> {
        // A hash that all announce has many claims, and a busy peer too: seldom both.
        let of_entry = self.entry(id).map_or(0, Entry::claim_count);
        if of_entry <= self.load(slot).claims.len() {
            self.claims_of(id).find(|(_, claim)| claim.peer == slot)
        } else {
            self.claims_by(slot).find(|(_, claim)| claim.entry == id)
        }
    }

    /// Marks that a peer failed for an entry. Whether that is new.
    pub(crate) fn fail_claim(&mut self, id: EntryId, slot: PeerSlot) -> bool {
        let Some(claim) = self.claim_by(id, slot).map(|(claim, _)| claim) else { return false };
        let Some(claim) = self.claims.get_mut(claim) else { return false };
        core::mem::replace(&mut claim.standing, Standing::Failed) == Standing::Good
    }

    /// Marks that a claim's number was wrong, and puts the right one there: a lie is found once.
    pub(crate) fn refute_claim(&mut self, claim: ClaimId, number: BlockNumber) {
        if let Some(claim) = self.claims.get_mut(claim) {
            (claim.standing, claim.number) = (Standing::Failed, number);
        }
    }

    // --- peers

    pub(crate) fn find_peer(&self, id: &T::PeerId) -> Option<PeerSlot> {
        let key = self.hasher.hash_one(id);
        self.by_peer_id
            .find(key, |slot| self.peers.get(slot.index()).is_some_and(|peer| peer.id == *id))
            .copied()
    }

    pub(crate) fn peer(&self, slot: PeerSlot) -> Option<&Peer<T::PeerId>> {
        self.peers.get(slot.index())
    }

    pub(crate) fn peer_mut(&mut self, slot: PeerSlot) -> Option<&mut Peer<T::PeerId>> {
        self.peers.get_mut(slot.index())
    }

    /// What is in work for a peer.
    pub(crate) fn load(&self, slot: PeerSlot) -> Load {
        self.loads.of(slot)
    }

    fn load_mut(&mut self, slot: PeerSlot) -> &mut Load {
        self.loads.of_mut(slot)
    }

    pub(crate) fn hasher(&self) -> &FixedState {
        &self.hasher
    }

    pub(crate) fn add_peer(&mut self, id: T::PeerId) -> PeerSlot {
        let key = self.hasher.hash_one(&id);
        // By an eighth rather than by doubling: places are few, large, and idle for most of the time.
        if self.peers.len() == self.peers.capacity() {
            self.peers.reserve_exact(4.max(self.peers.len() / 8));
        }
        let slot = PeerSlot::new(self.peers.insert(Peer::new(id)));
        let (peers, hasher) = (&self.peers, &self.hasher);
        self.by_peer_id.insert_unique(key, slot, |slot| {
            peers.get(slot.index()).map_or(0, |peer| hasher.hash_one(&peer.id))
        });
        slot
    }

    /// Takes a peer's name away. Its place is freed at once, or with the last block charged to it.
    pub(crate) fn retire_peer(&mut self, slot: PeerSlot) {
        let Some(peer) = self.peers.get_mut(slot.index()) else { return };
        peer.presence = Presence::Gone;
        let key = self.hasher.hash_one(&peer.id);
        if let Ok(found) = self.by_peer_id.find_entry(key, |other| *other == slot) {
            found.remove();
        }
        self.free_place(slot);
    }

    /// Connected peers, in the order of their places.
    pub(crate) fn peers(&self) -> impl Iterator<Item = (PeerSlot, &Peer<T::PeerId>)> {
        let here = |(_, peer): &(usize, &Peer<T::PeerId>)| peer.presence == Presence::Here;
        self.peers.iter().filter(here).map(|(key, peer)| (PeerSlot::new(key), peer))
    }

    pub(crate) fn peer_count(&self) -> usize {
        self.by_peer_id.len()
    }

    pub(crate) fn place_count(&self) -> usize {
        self.peers.len()
    }

    fn free_place(&mut self, slot: PeerSlot) {
        let gone = self.peer(slot).is_some_and(|peer| peer.presence == Presence::Gone);
        let load = self.load(slot);
        if gone && load.bytes == 0 && load.blocks == 0 && load.claims.len() == 0 {
            self.peers.try_remove(slot.index());
        }
    }

    // --- bytes

    /// Whether `bytes` more fit into a peer's allowance and the total, with `freed` of its bytes
    /// given back first.
    pub(crate) fn room(&self, slot: PeerSlot, bytes: u64, freed: u64) -> Room {
        self.ledger.room(self.load(slot).bytes, bytes, freed)
    }

    pub(crate) fn bytes_held(&self) -> u64 {
        self.ledger.total()
    }

    fn charge(&mut self, charge: Charge) {
        let load = self.loads.of_mut(charge.peer);
        self.ledger.add(&mut load.bytes, charge.bytes);
        if charge.what == Charged::Block {
            load.blocks += 1;
        }
    }

    fn discharge(&mut self, charge: Charge) {
        let load = self.loads.of_mut(charge.peer);
        self.ledger.take(&mut load.bytes, charge.bytes);
        if charge.what == Charged::Block {
            load.blocks -= 1;
        }
        self.free_place(charge.peer);
    }

    /// Moves what an entry holds to another peer's account, whose fault it is then not.
    pub(crate) fn recharge(&mut self, id: EntryId, to: PeerSlot) {
        if let Some(mut stage) = self.take_stage(id) {
            stage.recharge(to);
            self.set_stage(id, stage);
        }
    }

    // --- memory

    fn count(&mut self, stage: StageName, change: i32) {
        if let Some(count) = self.stages.get_mut(stage as usize) {
            *count = count.wrapping_add_signed(change);
        }
    }
}

/// The stage of an entry between two stages: indexed by nothing.
fn neutral<T: Types>() -> Stage<T> {
    Stage::Announced(Wait::Until(Time::ZERO))
}

/// An entry in the index by hash, with a part of its hash's hash: the index grows without a look at
/// the entries.
#[derive(Clone, Copy, Debug)]
struct Indexed {
    tag: u32,
    id: EntryId,
}

/// A tag as wide as the hash table wants it, which looks at both ends.
fn spread(tag: u32) -> u64 {
    u64::from(tag) << 32 | u64::from(tag)
}

impl<T: Types> core::fmt::Debug for Table<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Table")
            .field("entries", &self.entries.len())
            .field("peers", &self.by_peer_id.len())
            .field("stages", &self.stages)
            .finish_non_exhaustive()
    }
}

/// The lowest number that has a parent which could be fetched.
pub(crate) fn parent_of<H: Header>(header: &H) -> Option<(BlockHash, BlockNumber)> {
    header.number().checked_sub(1).map(|number| (header.parent_hash(), number))
}
