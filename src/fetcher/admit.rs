//! Admission of announcements and pushed blocks.

use crate::Time;
use crate::bad::KnownFault;
use crate::config::{FetchExpiry, Grace, Mode};
use crate::input::ChainView;
use crate::output::{Admission, End, Reason, StageName};
use crate::table::{
    Blame, Capacity, EntryId, Held, Load, Origin, PeerSlot, QueueWait, Stage, Step, Wait, Whole,
};
use crate::types::{BlockHash, BlockNumber, BlockOf, Body, Header, Types};

use super::Fetcher;

/// A peer that is refused for its limits this often is flooding, each time anew.
const REFUSALS_FOR_FLOODING: u32 = 256;

/// Where a number lies, as seen from the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Distance {
    /// In the window.
    Within,
    /// Above the window by as much again at most.
    Above,
    /// Below the window, or farther above it.
    TooFar,
    /// At or below the finalized block.
    BelowFinality,
}

impl<T: Types> Fetcher<T> {
    /// A peer says that it has a block of this hash and number.
    ///
    /// Nothing is allocated for it, once the table has grown to its working size.
    pub fn announce(
        &mut self,
        now: Time,
        peer: &T::PeerId,
        hash: BlockHash,
        number: BlockNumber,
        chain: &impl ChainView,
    ) -> Admission {
        self.set_time(now);
        let admission = self.admit_announcement(peer, hash, number, chain);
        self.ask_relieved_peers();
        self.count_admission(admission)
    }

    /// A peer has sent a whole block unasked.
    pub fn push(
        &mut self,
        now: Time,
        peer: &T::PeerId,
        block: BlockOf<T>,
        chain: &impl ChainView,
    ) -> Admission {
        self.set_time(now);
        let admission = self.admit_block(peer, block, chain);
        self.ask_relieved_peers();
        self.count_admission(admission)
    }

    pub(super) fn distance(&self, number: BlockNumber, chain: &impl ChainView) -> Distance {
        let head = chain.head();
        let top = head.saturating_add(self.config.window_above);
        if number <= chain.finalized() {
            Distance::BelowFinality
        } else if number.saturating_add(self.config.window_below) < head {
            Distance::TooFar
        } else if number <= top {
            Distance::Within
        } else if number <= top.saturating_add(self.config.window_above) {
            Distance::Above
        } else {
            Distance::TooFar
        }
    }

    fn admit_announcement(
        &mut self,
        peer: &T::PeerId,
        hash: BlockHash,
        number: BlockNumber,
        chain: &impl ChainView,
    ) -> Admission {
        if self.is_stopped() {
            return Admission::Stopped;
        }
        let Some(slot) = self.table.find_peer(peer) else { return Admission::UnknownPeer };
        // First, because this is what a flood costs.
        if self.table.load(slot).announced >= self.config.announcements_per_peer {
            return self.refuse(slot, Admission::PeerLimit);
        }
        // Before what is followed: what is known and followed is being imported, and all others have it.
        if let Some(known) = self.known.find(&hash) {
            self.known.mark(known, slot);
            return Admission::Known;
        }
        if let Some(id) = self.table.find(&hash) {
            return self.admit_alternate(id, (slot, Origin::Announced), number, chain);
        }
        if self.bad.contains(self.now, &hash) {
            return Admission::BadBlock;
        }
        let distance = self.distance(number, chain);
        match distance {
            Distance::Within => {}
            Distance::Above => {
                if self.table.load(slot).deferred >= self.config.deferred_per_peer {
                    return Admission::TooFar;
                }
            }
            Distance::TooFar => return Admission::TooFar,
            Distance::BelowFinality => return Admission::BelowFinality,
        }
        if chain.contains(&hash) {
            return Admission::Known;
        }
        self.follow(hash, number, slot, distance)
    }

    /// Begins to follow a hash that nobody has announced before.
    fn follow(
        &mut self,
        hash: BlockHash,
        number: BlockNumber,
        slot: PeerSlot,
        distance: Distance,
    ) -> Admission {
        let expires = self.now.after(self.config.fetch_life());
        let grace = if distance == Distance::Above { None } else { self.grace(slot) };
        let wait = match distance {
            Distance::Above => Wait::Window { peer: slot, number },
            Distance::Within | Distance::TooFar | Distance::BelowFinality => {
                Wait::Until(grace.unwrap_or(self.now))
            }
        };
        let id = self.table.insert(hash, self.now, expires, Stage::Announced(wait));
        self.table.add_claim(id, slot, number, Origin::Announced);
        self.adopt_children(id, &hash);
        self.tell_entered(id, StageName::Announced, Some(slot));
        if distance == Distance::Above {
            self.rearm(id);
            return Admission::Deferred;
        }
        match grace {
            Some(_) => self.rearm(id),
            None => self.ask_header(id),
        }
        Admission::Accepted
    }

    /// One more peer has a block that is followed already.
    fn admit_alternate(
        &mut self,
        id: EntryId,
        (slot, origin): (PeerSlot, Origin),
        number: BlockNumber,
        chain: &impl ChainView,
    ) -> Admission {
        let Some(entry) = self.table.entry(id) else { return Admission::Duplicate };
        let hash = entry.hash;
        // Pushed again while it is being imported; announced again, it is known before.
        if let Stage::Importing { step: Step::Importing(_) | Step::Waiting(_), .. } = entry.stage() {
            if let Some(known) = self.known.find(&hash) {
                self.known.mark(known, slot);
            }
            return Admission::Known;
        }
        if let Some((claim, earlier)) = self.table.claim_by(id, slot) {
            // Who pushed it, and announces it now, has imported it since.
            if origin == Origin::Announced && !earlier.origin.can_be_asked() {
                self.table.set_announced(claim);
            }
            return Admission::Duplicate;
        }
        let actual = entry.stage().header().map(Header::number);
        if actual.is_some_and(|actual| actual != number) {
            self.penalise(slot, Reason::WrongNumber);
            return Admission::WrongNumber;
        }
        let distance = self.distance(number, chain);
        match distance {
            Distance::Within | Distance::Above => {}
            Distance::TooFar => return Admission::TooFar,
            Distance::BelowFinality => return Admission::BelowFinality,
        }
        self.table.add_claim(id, slot, number, origin);
        self.use_alternate(id, slot, number, distance, chain)
    }

    /// An entry has a new announcer: does that end what it waits for?
    fn use_alternate(
        &mut self,
        id: EntryId,
        slot: PeerSlot,
        number: BlockNumber,
        distance: Distance,
        chain: &impl ChainView,
    ) -> Admission {
        match self.table.stage(id) {
            // All who announced it so far may have lied about its number.
            Some(Stage::Announced(Wait::Window { .. })) if distance == Distance::Within => {
                self.ask_header(id)
            }
            Some(&Stage::Announced(Wait::Window { peer, number: lowest })) => {
                let number = number.min(lowest);
                self.table.set_stage(id, Stage::Announced(Wait::Window { peer, number }));
                return Admission::Deferred;
            }
            Some(&Stage::Announced(Wait::Until(time))) => self.shorten_grace(id, slot, time),
            Some(Stage::Queued { wait: QueueWait::Parent { .. } | QueueWait::Orphan { .. }, .. }) => {
                self.seek_ancestors(id, &[slot], chain)
            }
            Some(
                Stage::Announced(Wait::Capacity { .. })
                | Stage::Fetching { .. }
                | Stage::Fetched { .. }
                | Stage::Completing { .. }
                | Stage::Queued { .. }
                | Stage::Importing { .. },
            )
            | None => self.ask_more(id),
        }
        Admission::Accepted
    }

    /// A hash waits for a push, and one more peer announces it: the wait is over with the shortest of
    /// its announcers'. Who pushes late itself can then delay nothing that others announce too.
    fn shorten_grace(&mut self, id: EntryId, slot: PeerSlot, time: Time) {
        match self.config.grace {
            // From the first announcement on, whoever made it.
            Grace::Fixed { .. } => {}
            Grace::Adaptive { .. } => match self.grace(slot) {
                None => self.ask_header(id),
                Some(own) if own < time => {
                    self.enter(id, Stage::Announced(Wait::Until(own)), Some(slot));
                }
                Some(_) => {}
            },
        }
    }

    fn admit_block(&mut self, peer: &T::PeerId, block: BlockOf<T>, chain: &impl ChainView) -> Admission {
        if self.is_stopped() {
            return Admission::Stopped;
        }
        let Some(slot) = self.table.find_peer(peer) else { return Admission::UnknownPeer };
        let hash = block.header.hash();
        let entry = self.table.find(&hash);
        // The header alone is named by the hash: a wrong body says nothing about the block.
        if block.header.body_commitment() != block.body.commitment() {
            self.penalise(slot, Reason::WrongBody);
            if let Some(id) = entry {
                self.table.fail_claim(id, slot);
            }
            return Admission::WrongBody;
        }
        if let Some(id) = entry
            && let Some(Stage::Queued { .. } | Stage::Importing { .. }) = self.table.stage(id)
        {
            return self.admit_second_copy(id, slot, block.header.number(), chain);
        }
        if let Some(known) = self.known.find(&hash) {
            self.known.mark(known, slot);
            return Admission::Known;
        }
        if let Some(fault) = self.known_fault(&block.header) {
            self.remember_bad(hash, fault);
            // Whoever relays a block answers for its header, not for what only an import finds.
            if fault.reason != Reason::InvalidBlock {
                self.penalise(slot, fault.reason);
            }
            return Admission::BadBlock;
        }
        self.take_pushed(entry, slot, block, chain)
    }

    /// A block that is whole here already was pushed again: its sender has it, and that is all.
    fn admit_second_copy(
        &mut self,
        id: EntryId,
        slot: PeerSlot,
        number: BlockNumber,
        chain: &impl ChainView,
    ) -> Admission {
        if self.table.load(slot).announced < self.config.announcements_per_peer {
            let _ = self.admit_alternate(id, (slot, Origin::Relayed), number, chain);
        }
        Admission::Duplicate
    }

    fn take_pushed(
        &mut self,
        entry: Option<EntryId>,
        slot: PeerSlot,
        block: BlockOf<T>,
        chain: &impl ChainView,
    ) -> Admission {
        let (hash, number) = (block.header.hash(), block.header.number());
        let distance = self.distance(number, chain);
        let Load { blocks, deferred, .. } = self.table.load(slot);
        // A hash of its own that waits for the window makes way for the block.
        let own = entry.and_then(|id| self.table.stage(id)?.deferred_by()).is_some_and(|by| by == slot);
        let deferred = deferred - u32::from(own);
        match distance {
            Distance::Within => {}
            Distance::Above if deferred < self.config.deferred_per_peer => {}
            Distance::Above | Distance::TooFar => return Admission::TooFar,
            Distance::BelowFinality => return Admission::BelowFinality,
        }
        if blocks >= self.config.blocks_per_peer {
            return self.refuse(slot, Admission::PeerLimit);
        }
        let whole = self.whole(block);
        let bytes = retained(&whole);
        let freed = entry.and_then(|id| self.table.stage(id)?.charge()).filter(|charge| charge.peer == slot);
        match self.table.capacity(slot, bytes, freed.map_or(0, |charge| charge.bytes)) {
            Capacity::Enough => {}
            Capacity::PeerFull => return self.refuse(slot, Admission::PeerLimit),
            Capacity::TotalFull => return Admission::TotalLimit,
        }
        let blame = match entry.and_then(|id| self.table.claim_by(id, slot)) {
            Some(_) => Blame::Provider,
            None => Blame::Relayer,
        };
        let id = match entry {
            Some(id) => {
                self.begin_whole_life(id);
                self.note_push(id);
                self.cancel_requests(id);
                self.table.take_stage(id);
                id
            }
            None if chain.contains(&hash) => return Admission::Known,
            None => {
                let expires = self.now.after(self.config.lifetime);
                self.table.insert(hash, self.now, expires, Stage::Announced(Wait::Until(self.now)))
            }
        };
        if blame == Blame::Relayer {
            self.table.add_claim(id, slot, number, Origin::Pushed);
        }
        if entry.is_none() {
            self.adopt_children(id, &hash);
        }
        self.judge_numbers(id, number);
        self.judge_children(&hash, number);
        self.settle(id, Held { value: whole, peer: slot, bytes, blame }, chain);
        if distance == Distance::Above { Admission::Deferred } else { Admission::Accepted }
    }

    /// The header of a hash is here: from now on only its lifetime ends it.
    pub(super) fn begin_whole_life(&mut self, id: EntryId) {
        match (self.config.fetch_expiry, self.table.entry(id).map(|entry| entry.born)) {
            (FetchExpiry::After(_), Some(born)) => {
                self.table.set_expiry(id, born.after(self.config.lifetime));
            }
            (FetchExpiry::Lifetime, _) | (_, None) => {}
        }
    }

    /// What is kept of a block.
    fn whole(&self, block: BlockOf<T>) -> Whole<T> {
        match self.config.mode {
            Mode::Full => Whole { header: block.header, body: Some(block.body) },
            Mode::HeadersOnly => Whole { header: block.header, body: None },
        }
    }

    /// The header is here, so everybody's number can be judged: those who claimed another one are
    /// blamed, even if they failed otherwise before, and are not asked for this block again.
    pub(super) fn judge_numbers(&mut self, id: EntryId, number: BlockNumber) {
        let liars: Vec<_> = self
            .table
            .claims_of(id)
            .filter(|(_, claim)| claim.origin == Origin::Announced && claim.number != number)
            .map(|(claim, c)| (claim, c.peer))
            .collect();
        for (claim, slot) in liars {
            self.table.refute_claim(claim, number);
            self.penalise(slot, Reason::WrongNumber);
        }
    }

    /// A parent's number is that of its child less one. A child for which that does not hold is
    /// invalid, whatever else it says.
    pub(super) fn judge_children(&mut self, parent: &BlockHash, number: BlockNumber) {
        for child in self.table.children_of(parent) {
            let header = self.table.stage(child).and_then(Stage::header);
            if header.is_some_and(|header| number.checked_add(1) != Some(header.number())) {
                self.reject(child, Reason::InvalidHeader);
            }
        }
    }

    /// What is known to be wrong with a block, or with its parent.
    pub(super) fn known_fault(&self, header: &T::Header) -> Option<KnownFault> {
        let inherited = |fault| KnownFault { reason: Reason::InvalidAncestor, ..fault };
        let on_bad = || self.bad.fault(self.now, &header.parent_hash()).map(inherited);
        self.bad.fault(self.now, &header.hash()).or_else(on_bad)
    }

    /// A block was pushed that others had announced: the first of them is one whose blocks are
    /// worth a wait.
    fn note_push(&mut self, id: EntryId) {
        let Some(entry) = self.table.entry(id) else { return };
        let delay = self.now.since(entry.born);
        let first = self.table.claims_of(id).next().map(|(_, claim)| claim.peer);
        if let Some(peer) = first.and_then(|slot| self.table.peer_mut(slot)) {
            peer.note_pushed(delay);
        }
    }

    fn refuse(&mut self, slot: PeerSlot, admission: Admission) -> Admission {
        if let Some(peer) = self.table.peer_mut(slot) {
            peer.refused = peer.refused.wrapping_add(1);
            if peer.refused.is_multiple_of(REFUSALS_FOR_FLOODING) {
                self.penalise(slot, Reason::Flooding);
            }
        }
        admission
    }

    /// Drops what an entry holds and asks the next announcer from the start.
    ///
    /// The rounds go on where they were: who was behind many others does not wait for them again.
    pub(super) fn start_over(&mut self, id: EntryId) {
        let round = self.next_round(id);
        self.cancel_requests(id);
        self.table.set_stage(id, Stage::Announced(Wait::Capacity { round }));
        self.ask_header(id);
    }

    /// What `slot` delivered does not fit: others may be within their allowance, or have some of
    /// their own share left.
    pub(super) fn over_capacity(&mut self, id: EntryId, slot: PeerSlot, capacity: Capacity) {
        self.table.fail_claim(id, slot);
        if capacity == Capacity::TotalFull && !self.has_good_claim(id) {
            return self.end(id, End::NoCapacity);
        }
        self.start_over(id);
    }
}

/// The bytes that holding a block takes.
pub(super) fn retained<T: Types>(whole: &Whole<T>) -> u64 {
    let body = whole.body.as_ref().map_or(0, Body::retained_bytes);
    u64::try_from(whole.header.retained_bytes().saturating_add(body)).unwrap_or(u64::MAX)
}
