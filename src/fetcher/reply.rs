//! Replies: headers and bodies that were asked for, and those that were not.

use smallvec::SmallVec;

use crate::Time;
use crate::config::{Deadline, Hedge, Mode, ReplyProgress};
use crate::input::ChainView;
use crate::output::{End, Reason, RequestId};
use crate::table::{
    Asked, AskedTurn, Blame, Capacity, Early, EntryId, Held, Origin, PeerSlot, Request, Round, Stage, Wait,
    Whole,
};
use crate::types::{Body, Header, Types};

use super::Fetcher;
use super::admit::{Distance, retained};

/// What a reply with bodies held beyond those that were asked for.
#[derive(Clone, Copy, Debug)]
enum BodiesSent {
    /// So many that this request did not ask for.
    Unasked(usize),
    /// More bodies than were asked for.
    TooMany,
}

/// The bodies of a reply, sorted out.
struct Sorted<B> {
    /// Those that nobody waits for.
    strange: Vec<B>,
    /// How many the request did not ask for; nobody may wait for them, or others may.
    unasked: usize,
}

impl<T: Types> Fetcher<T> {
    /// A reply with headers. What the fetcher did not ask for comes back, for the host's
    /// downloader: all of it where the request is not the fetcher's, not this peer's, or cancelled.
    #[must_use = "headers that are not the fetcher's belong to the host's downloader"]
    pub fn headers(
        &mut self,
        now: Time,
        peer: &T::PeerId,
        request: RequestId,
        mut headers: Vec<T::Header>,
        chain: &impl ChainView,
    ) -> Vec<T::Header> {
        self.set_time(now);
        let Some(open) = self.matching(peer, request, Asked::Header) else {
            self.counters.replies_unmatched += 1;
            return headers;
        };
        let Some(&id) = open.entries.first() else { return headers };
        let slot = open.peer;
        let hash = self.table.entry(id).map(|entry| entry.hash);
        let at = headers.iter().position(|header| Some(header.hash()) == hash);
        let oversized = headers.len() > 1;
        match at {
            Some(at) => {
                self.measure(&open);
                self.table.close_request(request);
                if oversized {
                    self.penalise(slot, Reason::OversizedReply);
                }
                let header = headers.swap_remove(at);
                self.take_header(id, request, slot, header, chain);
            }
            None if oversized => self.fail_request(request, Some(Reason::OversizedReply)),
            None if headers.is_empty() => self.fail_request(request, Some(Reason::EmptyReply)),
            None => self.fail_request(request, Some(Reason::WrongHeader)),
        }
        self.ask_relieved_peers();
        headers
    }

    /// A reply with bodies; as for [`headers`](Self::headers). What comes ahead of its header is kept
    /// until that tells whether it is right.
    #[must_use = "bodies that are not the fetcher's belong to the host's downloader"]
    pub fn bodies(
        &mut self,
        now: Time,
        peer: &T::PeerId,
        request: RequestId,
        bodies: Vec<T::Body>,
        chain: &impl ChainView,
    ) -> Vec<T::Body> {
        self.set_time(now);
        let Some(open) = self.matching(peer, request, Asked::Bodies) else {
            self.counters.replies_unmatched += 1;
            return bodies;
        };
        let slot = open.peer;
        let oversized = bodies.len() > open.wanted as usize;
        if !bodies.is_empty() {
            self.measure(&open);
        }
        let early = open.entries.first().copied().filter(|&id| self.early_request(id) == Some(request));
        let strange = match early {
            Some(_) if oversized => {
                self.fail_request(request, Some(Reason::OversizedReply));
                bodies
            }
            Some(id) => {
                self.take_early_body(id, request, slot, bodies);
                Vec::new()
            }
            None => {
                let Sorted { strange, unasked } = self.take_bodies(request, &open, bodies, chain);
                let sent = if oversized { BodiesSent::TooMany } else { BodiesSent::Unasked(unasked) };
                self.close_body_request(request, &open, sent);
                strange
            }
        };
        self.ask_relieved_peers();
        strange
    }

    /// A part of a reply has come, `bytes` of it in all. That its first byte came is measured as the
    /// peer's answering time, and its deadline moves by what so many bytes take at
    /// [`Config::least_rate`](crate::Config::least_rate), as far as the largest reply may take: a slow
    /// line is told from one that drips. A request that has ended, or another peer's, is passed over.
    ///
    /// It changes nothing unless the host has set
    /// [`ReplyProgress::Reported`](crate::ReplyProgress::Reported), nor where the deadline is fixed.
    pub fn progress(&mut self, now: Time, peer: &T::PeerId, request: RequestId, bytes: u64) {
        self.set_time(now);
        let slot = self.table.find_peer(peer);
        let Some(open) = self.table.request(request).filter(|open| Some(open.peer) == slot) else { return };
        let deadline = match open.asked {
            Asked::Header => self.config.header_deadline,
            Asked::Bodies => self.config.body_deadline,
        };
        let moves = match (deadline, self.config.reply_progress) {
            (Deadline::Measured { .. }, ReplyProgress::Reported) => bytes > open.received,
            (Deadline::Fixed(_), _) | (Deadline::Measured { .. }, ReplyProgress::Unreported) => false,
        };
        if !moves {
            return;
        }
        let open = open.clone();
        if open.received == 0 {
            self.measure_time(&open);
        }
        let worth = self.config.time_for(bytes.min(self.config.largest_reply));
        self.table.extend_request(request, bytes, worth);
        for id in open.entries {
            self.rearm(id);
        }
    }

    /// What was right of a reply is taken; what is still open of its request was not answered.
    fn close_body_request(&mut self, request: RequestId, before: &Request, sent: BodiesSent) {
        let asked = before.entries.len();
        let left = self.table.request(request).map_or(0, |open| open.entries.len());
        // Blocks that were pushed meanwhile, or ended, left the request; their bodies are no fault.
        let withdrawn = (before.wanted as usize).saturating_sub(asked);
        match (left, sent) {
            (0, BodiesSent::TooMany) => self.penalise(before.peer, Reason::OversizedReply),
            (0, BodiesSent::Unasked(_)) => {}
            (_, BodiesSent::TooMany) => self.fail_request(request, Some(Reason::OversizedReply)),
            (_, BodiesSent::Unasked(count)) if count > withdrawn => {
                self.fail_request(request, Some(Reason::WrongBody))
            }
            (left, BodiesSent::Unasked(count)) if left < asked || count > 0 => self.ask_for_rest(request),
            (_, BodiesSent::Unasked(_)) => self.fail_request(request, Some(Reason::EmptyReply)),
        }
    }

    /// The request in flight that a reply belongs to.
    fn matching(&self, peer: &T::PeerId, request: RequestId, asked: Asked) -> Option<Request> {
        let slot = self.table.find_peer(peer)?;
        self.table.request(request).filter(|open| open.peer == slot && open.asked == asked).cloned()
    }

    fn measure(&mut self, open: &Request) {
        if let Some(peer) = self.table.peer_mut(open.peer) {
            peer.note_answered();
        }
        // Else its first byte was measured.
        if open.received == 0 {
            self.measure_time(open);
        }
    }

    fn measure_time(&mut self, open: &Request) {
        let taken = self.now.since(open.sent);
        if let Some(time) = self.rtt_mut(open.peer, open.asked) {
            time.measure(taken);
        }
    }

    /// The header of an entry has come; its hash is right.
    fn take_header(
        &mut self,
        id: EntryId,
        request: RequestId,
        slot: PeerSlot,
        header: T::Header,
        chain: &impl ChainView,
    ) {
        // A slower peer that was asked as well is not waited for.
        let others: Vec<_> = match self.table.stage(id) {
            Some(Stage::Fetching { round, .. }) => round.iter().filter(|other| *other != request).collect(),
            _ => return,
        };
        for other in others {
            self.withdraw_overtaken(id, other);
        }
        self.begin_whole_life(id);
        self.judge_numbers(id, header.number());
        self.judge_children(&header.hash(), header.number());
        match self.distance(header.number(), chain) {
            Distance::Within | Distance::Above => {}
            Distance::TooFar | Distance::BelowFinality => return self.end(id, End::Passed),
        }
        if chain.contains(&header.hash()) {
            self.end(id, End::InChain);
            return self.wake_children(&header.hash(), chain);
        }
        if let Some(fault) = self.known_fault(&header) {
            self.penalise(slot, fault.reason);
            return self.refuse_bad(id, fault);
        }
        if self.config.mode == Mode::HeadersOnly {
            return self.complete(id, (slot, Blame::Provider), header, None, chain);
        }
        if let Some(body) = T::empty_body(&header) {
            self.cancel_requests(id);
            return self.complete(id, (slot, Blame::Provider), header, Some(body), chain);
        }
        self.take_full_header(id, slot, header, chain);
    }

    /// A header whose block is not empty: its body is here, asked for, or to be asked for.
    fn take_full_header(&mut self, id: EntryId, slot: PeerSlot, header: T::Header, chain: &impl ChainView) {
        let Some(Stage::Fetching { early, .. }) = self.table.take_stage(id) else { return };
        let early = match early {
            Early::Here(body) if body.value.commitment() == header.body_commitment() => {
                return self.complete(id, (body.peer, body.blame), header, Some(body.value), chain);
            }
            Early::Here(body) => {
                self.table.fail_claim(id, body.peer);
                self.penalise(body.peer, Reason::WrongBody);
                None
            }
            Early::Asked(request) => Some(request),
            Early::None => None,
        };
        let bytes = u64::try_from(header.retained_bytes()).unwrap_or(u64::MAX);
        let capacity = self.table.capacity(slot, bytes, 0);
        if capacity != Capacity::Enough {
            if let Some(request) = early {
                self.withdraw(id, request);
            }
            return self.over_capacity(id, slot, capacity);
        }
        let header = Held { value: header, peer: slot, bytes, blame: Blame::Provider };
        match early {
            Some(request) => {
                let asked = self.table.request(request).map_or(slot, |open| open.peer);
                // Who was overtaken with the header would keep us waiting for the body as well.
                let overtaken = asked != slot && self.config.hedge != Hedge::Off;
                let ends = if overtaken {
                    self.now
                } else {
                    self.hedge_time(asked, (Asked::Bodies, AskedTurn::First))
                };
                let round = Round::of(0, request, 0, ends);
                self.enter(id, Stage::Completing { header, round }, Some(asked));
            }
            None if self.config.gather.window.is_zero() => {
                self.enter(id, Stage::Fetched { header, wait: Wait::Until(self.now) }, Some(slot));
                self.ask_body(id);
            }
            None => {
                let window = self.config.gather.window;
                let until = self.gathers.join(self.now, window, window);
                self.enter(id, Stage::Fetched { header, wait: Wait::Until(until) }, Some(slot));
            }
        }
    }

    /// The answer to a body request that went out ahead of the header.
    fn take_early_body(&mut self, id: EntryId, request: RequestId, slot: PeerSlot, mut bodies: Vec<T::Body>) {
        let Some(body) = bodies.pop() else {
            return self.fail_request(request, Some(Reason::EmptyReply));
        };
        self.table.close_request(request);
        self.table.forget_early_request(id);
        let bytes = u64::try_from(body.retained_bytes()).unwrap_or(u64::MAX);
        // If it does not fit, it is asked for again when the header is here: nobody is to blame.
        if self.table.capacity(slot, bytes, 0) == Capacity::Enough
            && let Some(Stage::Fetching { round, .. }) = self.table.take_stage(id)
        {
            let early = Early::Here(Held { value: body, peer: slot, bytes, blame: Blame::Provider });
            self.table.set_stage(id, Stage::Fetching { round, early });
        }
        self.proceed(&[id]);
    }

    /// Gives bodies to all entries that wait for them, whichever request asked for those.
    fn take_bodies(
        &mut self,
        request: RequestId,
        open: &Request,
        bodies: Vec<T::Body>,
        chain: &impl ChainView,
    ) -> Sorted<T::Body> {
        let awaited = |id: &EntryId| self.table.stage(*id).and_then(Stage::awaited_body);
        let asked: SmallVec<[T::Commitment; 1]> = open.entries.iter().filter_map(awaited).collect();
        let mut served: SmallVec<[T::Commitment; 1]> = SmallVec::new();
        let mut sorted = Sorted { strange: Vec::new(), unasked: 0 };
        for body in bodies {
            let commitment = body.commitment();
            // What another request asked for is of use, and no answer to this one.
            sorted.unasked += usize::from(!asked.contains(&commitment));
            let waiting = self.table.awaiting_body(&commitment);
            if waiting.is_empty() {
                // A second copy, for a second block with the same body, is right and not needed.
                if !served.contains(&commitment) {
                    sorted.strange.push(body);
                }
                continue;
            }
            for id in waiting {
                // What becomes of one may end another, and begin the search for a parent with its id.
                if self.table.stage(id).and_then(Stage::awaited_body).as_ref() == Some(&commitment) {
                    self.take_body(id, request, open.peer, body.clone(), chain);
                }
            }
            served.push(commitment);
        }
        sorted
    }

    /// The body of an entry has come.
    fn take_body(
        &mut self,
        id: EntryId,
        request: RequestId,
        slot: PeerSlot,
        body: T::Body,
        chain: &impl ChainView,
    ) {
        self.cancel_answered(id, request);
        let Some(Stage::Fetched { header, .. } | Stage::Completing { header, .. }) =
            self.table.take_stage(id)
        else {
            return;
        };
        // Another block's announcer may have delivered it: then it is held for whoever the header is held
        // for, who may have taken that over from one that left.
        let claims = self.table.claim_by(id, slot).is_some();
        let holder = if claims { (slot, Blame::Provider) } else { (header.peer, header.blame) };
        self.complete(id, holder, header.value, Some(body), chain);
    }

    /// Takes an entry out of its requests. The one that is being answered ends without a word.
    fn cancel_answered(&mut self, id: EntryId, answered: RequestId) {
        let requests = self.table.stage(id).map(Stage::requests).unwrap_or_default();
        for request in requests {
            if request == answered {
                self.table.change_round(id, |round| round.remove(request));
                if self.table.leave_request(request, id) == 0 {
                    self.table.close_request(request);
                }
            } else {
                self.withdraw_overtaken(id, request);
            }
        }
    }

    /// A block is whole, fetched piece by piece.
    fn complete(
        &mut self,
        id: EntryId,
        (slot, blame): (PeerSlot, Blame),
        header: T::Header,
        body: Option<T::Body>,
        chain: &impl ChainView,
    ) {
        self.table.take_stage(id);
        let whole = Whole { header, body };
        let bytes = retained(&whole);
        let full = self.table.load(slot).blocks >= self.config.blocks_per_peer;
        let capacity = if full { Capacity::PeerFull } else { self.table.capacity(slot, bytes, 0) };
        if capacity != Capacity::Enough {
            return self.over_capacity(id, slot, capacity);
        }
        let first = self.table.claims_of(id).find(|(_, claim)| claim.origin == Origin::Announced);
        if let Some(first) = first.map(|(_, claim)| claim.peer)
            && let Some(peer) = self.table.peer_mut(first)
        {
            peer.note_fetched();
        }
        self.settle(id, Held { value: whole, peer: slot, bytes, blame }, chain);
    }
}
