//! Asking: whom, for what, and what follows when no answer comes.

use smallvec::{SmallVec, smallvec};

use crate::Time;
use crate::config::{BodyRequest, Deadline, Hedge, Mode, ReplyProgress};
use crate::input::Failure;
use crate::output::{End, Hashes, Output, Reason, RequestId};
use crate::table::{
    Asked, AskedTurn, Early, EntryId, Peer, PeerSlot, Request, Round, RttEstimator, Stage, Standing,
    UNMEASURED, Wait,
};
use crate::types::{BlockHash, Types};

use core::time::Duration;

use super::Fetcher;
use super::choose::Chosen;

/// Whether the first of a round is the first of all.
fn turn(number: u8) -> AskedTurn {
    if number == 0 { AskedTurn::First } else { AskedTurn::Later }
}

/// The time of a request doubles for this many times at most: beyond it outlasts any lifetime.
const DOUBLINGS_MAX: u8 = 8;

impl<T: Types> Fetcher<T> {
    /// A request will get no reply. One that is unknown, or was sent to another peer, is counted
    /// and changes nothing.
    pub fn request_failed(&mut self, now: Time, peer: &T::PeerId, request: RequestId, failure: Failure) {
        self.set_time(now);
        let slot = self.table.find_peer(peer);
        let Some(open) = self.table.request(request).filter(|open| Some(open.peer) == slot) else {
            self.counters.replies_unmatched += 1;
            return;
        };
        let (slot, asked, waited) = (open.peer, open.asked, self.now.since(open.sent));
        let reason = match failure {
            Failure::Refused => Some(Reason::Refusal),
            Failure::TimedOut => {
                self.missed(slot, asked, waited);
                self.silence(request);
                return self.ask_relieved_peers();
            }
            Failure::Malformed => Some(Reason::MalformedReply),
            Failure::Oversized => Some(Reason::OversizedReply),
            Failure::Disconnected => None,
        };
        self.fail_request(request, reason);
        self.ask_relieved_peers();
    }

    /// Asks for an entry's header, and with it for its body where that pays, while nobody is being asked
    /// for the header.
    pub(super) fn ask_header(&mut self, id: EntryId) {
        let number = self.next_round(id);
        let peers = match self.choose(id, Asked::Header, number, 1) {
            Chosen::Peers(peers) => peers,
            Chosen::Busy => {
                self.cancel_requests(id);
                return self.enter(id, Stage::Announced(Wait::Capacity { round: number }), None);
            }
            Chosen::Nobody => return self.end(id, End::NobodyLeft),
        };
        let (Some(&slot), Some(hash)) = (peers.first(), self.table.entry(id).map(|entry| entry.hash)) else {
            return;
        };
        let early = match self.table.take_stage(id) {
            Some(Stage::Fetching { early, .. }) => early,
            Some(
                Stage::Announced(_)
                | Stage::Fetched { .. }
                | Stage::Completing { .. }
                | Stage::Queued { .. }
                | Stage::Importing { .. },
            )
            | None => Early::None,
        };
        let request = self.open(slot, (Asked::Header, turn(number)), smallvec![id]);
        let round = self.begin_round(slot, Asked::Header, number, request);
        self.output_header_request(request, slot, hash);
        let early = self.ask_body_early(id, slot, hash, early);
        self.enter(id, Stage::Fetching { round, early }, Some(slot));
        self.ask_beside(id);
    }

    /// Asks for the body of one entry whose header is here.
    pub(super) fn ask_body(&mut self, id: EntryId) {
        self.ask_bodies(&[id]);
    }

    /// Asks for the bodies of entries whose headers are here, while nobody is being asked for them, with
    /// one request for each peer.
    pub(super) fn ask_bodies(&mut self, ids: &[EntryId]) {
        let mut batches: SmallVec<[(PeerSlot, SmallVec<[EntryId; 2]>); 1]> = SmallVec::new();
        for &id in ids {
            let number = self.next_round(id);
            match self.choose(id, Asked::Bodies, number, 1) {
                Chosen::Peers(peers) => {
                    let Some(&slot) = peers.first() else { continue };
                    let max = self.config.bodies_per_request as usize;
                    match batches.iter_mut().find(|(to, batch)| *to == slot && batch.len() < max) {
                        Some((_, batch)) => batch.push(id),
                        None => batches.push((slot, smallvec![id])),
                    }
                }
                Chosen::Busy => self.wait_for_capacity(id, number),
                Chosen::Nobody => self.end(id, End::NobodyLeft),
            }
        }
        for (slot, batch) in batches {
            if self.is_busy(slot) {
                // Batches before this one have taken what requests it had left; others may have some.
                for id in batch {
                    self.ask_body(id);
                }
            } else {
                self.send_body_request(slot, batch);
            }
        }
    }

    /// The peers of a round have taken longer than they should: the next asks more.
    pub(super) fn next_round_of(&mut self, id: EntryId) {
        let Some(asked) = self.table.stage(id).and_then(Stage::asks_for) else { return };
        let wanted = self.round_size(asked, self.next_round(id));
        self.table.change_round(id, |round| round.advance(wanted));
        self.fill_round(id);
    }

    /// Somebody who may be asked has come, or has requests left again: does the entry want that?
    pub(super) fn ask_more(&mut self, id: EntryId) {
        match self.table.stage(id) {
            Some(Stage::Announced(Wait::Capacity { .. })) => self.ask_header(id),
            Some(Stage::Fetched { wait: Wait::Capacity { .. }, .. }) => self.ask_body(id),
            Some(Stage::Fetching { .. } | Stage::Completing { .. }) => self.fill_round(id),
            Some(
                Stage::Announced(Wait::Until(_) | Wait::Window { .. })
                | Stage::Fetched { wait: Wait::Until(_) | Wait::Window { .. }, .. }
                | Stage::Queued { .. }
                | Stage::Importing { .. },
            )
            | None => {}
        }
    }

    /// One peer of a round is asked: asks the others, or, where nobody waits for that one, the next round.
    fn ask_beside(&mut self, id: EntryId) {
        match self.table.stage(id) {
            Some(Stage::Fetching { round, .. } | Stage::Completing { round, .. })
                if round.ends <= self.now =>
            {
                self.next_round_of(id)
            }
            Some(
                Stage::Announced(_)
                | Stage::Fetching { .. }
                | Stage::Fetched { .. }
                | Stage::Completing { .. }
                | Stage::Queued { .. }
                | Stage::Importing { .. },
            )
            | None => self.fill_round(id),
        }
    }

    /// Asks as many more peers as the round of an entry wants, and can find.
    fn fill_round(&mut self, id: EntryId) {
        let (asked, number, wanted) = match self.table.stage(id) {
            Some(Stage::Fetching { round, .. }) => (Asked::Header, round.number, round.wanted),
            Some(Stage::Completing { round, .. }) => (Asked::Bodies, round.number, round.wanted),
            Some(
                Stage::Announced(_) | Stage::Fetched { .. } | Stage::Queued { .. } | Stage::Importing { .. },
            )
            | None => return,
        };
        if wanted > 0
            && let Chosen::Peers(peers) = self.choose(id, asked, number, wanted)
            && let Some(hash) = self.table.entry(id).map(|entry| entry.hash)
        {
            for slot in peers {
                let request = self.open(slot, (asked, AskedTurn::Later), smallvec![id]);
                let ends = self.hedge_time(slot, (asked, AskedTurn::Later));
                self.table.change_round(id, |round| round.add(request, ends));
                self.counters.hedges += 1;
                match asked {
                    Asked::Header => self.output_header_request(request, slot, hash),
                    Asked::Bodies => self.output_body_request(request, slot, hash.into()),
                }
            }
        }
        self.rearm(id);
    }

    /// A round that begins with one request, and asks more as far as it may.
    fn begin_round(&self, slot: PeerSlot, asked: Asked, number: u8, request: RequestId) -> Round {
        let wanted = self.round_size(asked, number) - 1;
        Round::of(number, request, wanted, self.hedge_time(slot, (asked, turn(number))))
    }

    /// Ends a request without a usable answer: its peer has failed for every entry of it, and those
    /// go on with others. The reason is laid on the peer once.
    pub(super) fn fail_request(&mut self, request: RequestId, reason: Option<Reason>) {
        let Some(open) = self.table.close_request(request) else { return };
        let mut failed_anew = false;
        for &id in &open.entries {
            self.forget_request(id, request);
            failed_anew |= self.table.fail_claim(id, open.peer);
        }
        // Header and body asked for together fail together: that is one fault.
        if let Some(reason) = reason
            && failed_anew
        {
            self.penalise(open.peer, reason);
        }
        self.proceed(&open.entries);
    }

    /// Ends a request whose time has run out. Its peer may be slow: it can be asked again, when nobody
    /// else is left. It is blamed once for each entry.
    pub(super) fn silence(&mut self, request: RequestId) {
        let Some(open) = self.table.close_request(request) else { return };
        self.note_overtaken(open.peer, open.turn);
        let mut silent_anew = false;
        for &id in &open.entries {
            self.forget_request(id, request);
            silent_anew |= self.table.mark_silent(id, open.peer, open.asked);
        }
        if silent_anew {
            self.penalise(open.peer, Reason::Silence);
        }
        self.proceed(&open.entries);
    }

    /// Goes on with entries of which a request has ended. What several need of one peer is asked for
    /// together.
    pub(super) fn proceed(&mut self, ids: &[EntryId]) {
        let mut bodies: SmallVec<[EntryId; 2]> = SmallVec::new();
        for &id in ids {
            self.proceed_with(id, &mut bodies);
        }
        if !bodies.is_empty() {
            self.ask_bodies(&bodies);
        }
    }

    fn proceed_with(&mut self, id: EntryId, bodies: &mut SmallVec<[EntryId; 2]>) {
        match self.table.stage(id) {
            Some(Stage::Fetching { round, .. }) if round.is_empty() => self.ask_header(id),
            Some(Stage::Completing { round, .. }) if round.is_empty() => bodies.push(id),
            Some(Stage::Fetching { .. } | Stage::Completing { .. }) => self.fill_round(id),
            Some(
                Stage::Announced(_) | Stage::Fetched { .. } | Stage::Queued { .. } | Stage::Importing { .. },
            ) => self.rearm(id),
            None => {}
        }
    }

    /// Asks again for what a reply left out that answered a part: a peer may cut a reply short.
    pub(super) fn ask_for_rest(&mut self, request: RequestId) {
        let Some(open) = self.table.close_request(request) else { return };
        for &id in &open.entries {
            self.forget_request(id, request);
            self.table.forget_asked(id, open.peer, open.asked);
        }
        // Those that are asked of another peer too go on with that.
        let alone = |id: &EntryId| {
            let race = self.table.stage(*id).map(Stage::requests);
            race.is_some_and(|requests| requests.is_empty())
        };
        let rest: SmallVec<[EntryId; 2]> = open.entries.iter().copied().filter(alone).collect();
        self.ask_bodies(&rest);
    }

    /// Asks the peers of which this call has made a limit give way for what waits for them.
    ///
    /// At the end of each input, when no entry is in the midst of a transition.
    pub(super) fn ask_relieved_peers(&mut self) {
        while let Some(slot) = self.table.next_relieved_peer() {
            self.use_capacity(slot);
            self.seek_barred_parents(slot);
        }
    }

    /// A peer has requests left again: the entries that want one are asked of it.
    fn use_capacity(&mut self, slot: PeerSlot) {
        let mut last = None;
        while self.table.wants_requests() && !self.is_busy(slot) {
            let next = self.first_waiting(slot);
            let Some(id) = next.filter(|_| next != last) else { return };
            self.ask_more(id);
            last = next;
        }
    }

    /// The entry that a peer is to be asked for next: of those that want a request, the first that it
    /// announced; those last for which it let the time run out.
    fn first_waiting(&self, slot: PeerSlot) -> Option<EntryId> {
        let mut again = None;
        let mut waiting = self.table.claims_by(slot).map(|(_, claim)| claim).filter(|claim| {
            let wants = self.table.stage(claim.entry).is_some_and(Stage::wants_request);
            wants && claim.is_askable() && !self.is_asked(claim.entry, slot)
        });
        let new = waiting.find(|claim| {
            again = again.or(Some(claim.entry));
            claim.standing == Standing::Good
        });
        new.map(|claim| claim.entry).or(again)
    }

    /// Whether a peer is being asked for what an entry waits for.
    fn is_asked(&self, id: EntryId, slot: PeerSlot) -> bool {
        let Some(stage) = self.table.stage(id) else { return false };
        let requests = stage.requests();
        let mut open = requests.iter().filter_map(|request| self.table.request(*request));
        open.any(|open| open.peer == slot && Some(open.asked) == stage.asks_for())
    }

    /// Takes back all requests for an entry, and those that are for nothing else are cancelled.
    pub(super) fn cancel_requests(&mut self, id: EntryId) {
        let requests = self.table.stage(id).map(Stage::requests).unwrap_or_default();
        for request in requests {
            self.withdraw(id, request);
        }
    }

    /// Takes back one request for an entry.
    pub(super) fn withdraw(&mut self, id: EntryId, request: RequestId) {
        self.forget_request(id, request);
        if let Some(&Request { peer, asked, .. }) = self.table.request(request) {
            // It had not its time: it is as good as if it had not been asked.
            self.table.forget_asked(id, peer, asked);
        }
        if self.table.leave_request(request, id) == 0
            && let Some(open) = self.table.close_request(request)
        {
            self.overtaken(open.peer, open.asked, self.now.since(open.sent));
            self.cancel(request, open.peer);
        }
    }

    /// Another has answered what this request was for: if that was asked first, it goes on its record.
    pub(super) fn withdraw_overtaken(&mut self, id: EntryId, request: RequestId) {
        if let Some(&Request { peer, turn, .. }) = self.table.request(request) {
            self.note_overtaken(peer, turn);
        }
        self.withdraw(id, request);
    }

    fn note_overtaken(&mut self, slot: PeerSlot, turn: AskedTurn) {
        match turn {
            AskedTurn::First => {
                if let Some(peer) = self.table.peer_mut(slot) {
                    peer.note_overtaken();
                }
            }
            // Whoever was asked later had less time.
            AskedTurn::Later => {}
        }
    }

    /// A request is of no use any more before it was answered. That its peer takes this long at
    /// least is worth knowing where it was thought to be faster.
    fn overtaken(&mut self, slot: PeerSlot, asked: Asked, waited: Duration) {
        if let Some(time) = self.rtt_mut(slot, asked)
            && time.usual().unwrap_or(UNMEASURED) < waited
        {
            time.measure(waited);
        }
    }

    pub(super) fn cancel(&mut self, request: RequestId, slot: PeerSlot) {
        if let Some(peer) = self.table.connected(slot).cloned() {
            self.output(Output::Cancel { request, peer });
        }
    }

    /// A request was not answered: others are asked first from now on.
    pub(super) fn missed(&mut self, slot: PeerSlot, asked: Asked, waited: Duration) {
        if let Some(time) = self.rtt_mut(slot, asked) {
            time.missed(waited);
        }
    }

    pub(super) fn rtt_mut(&mut self, slot: PeerSlot, asked: Asked) -> Option<&mut RttEstimator> {
        let peer = self.table.peer_mut(slot)?;
        Some(match asked {
            Asked::Header => &mut peer.header_rtt,
            Asked::Bodies => &mut peer.body_rtt,
        })
    }

    /// When `slot` should have answered what it is asked for now.
    pub(super) fn hedge_time(&self, slot: PeerSlot, (asked, turn): (Asked, AskedTurn)) -> Time {
        if turn == AskedTurn::First && self.config.hedge != Hedge::Off && self.is_slow(slot) {
            return self.now;
        }
        let time = self.rtt(slot, asked).unwrap_or_default();
        time.hedge(self.config.hedge, UNMEASURED).map_or(Time::MAX, |span| self.now.after(span))
    }

    /// Takes a request out of the data of an entry's stage.
    fn forget_request(&mut self, id: EntryId, request: RequestId) {
        if self.early_request(id) == Some(request) {
            self.table.forget_early_request(id);
        } else {
            self.table.change_round(id, |round| round.remove(request));
        }
    }

    /// Asks for the body ahead of its header, where that pays and the peer is not busy with other requests.
    fn ask_body_early(&mut self, id: EntryId, slot: PeerSlot, hash: BlockHash, early: Early<T>) -> Early<T> {
        let pays = match self.config.body_request {
            BodyRequest::AfterHeader => false,
            BodyRequest::WithHeader => true,
            BodyRequest::Adaptive => self.full_share >= 128,
        };
        let none_yet = matches!(early, Early::None);
        if self.config.mode == Mode::HeadersOnly || !pays || !none_yet || self.is_busy(slot) {
            return early;
        }
        let request = self.open(slot, (Asked::Bodies, AskedTurn::First), smallvec![id]);
        self.output_body_request(request, slot, hash.into());
        Early::Asked(request)
    }

    fn send_body_request(&mut self, slot: PeerSlot, batch: SmallVec<[EntryId; 2]>) {
        let hashes = batch.iter().filter_map(|&id| self.table.entry(id)).map(|entry| entry.hash).collect();
        let first = batch.iter().all(|&id| self.next_round(id) == 0);
        let asked = (Asked::Bodies, if first { AskedTurn::First } else { AskedTurn::Later });
        let request = self.open(slot, asked, batch.clone());
        for &id in &batch {
            let number = self.next_round(id);
            let round = self.begin_round(slot, Asked::Bodies, number, request);
            if let Some(Stage::Fetched { header, .. } | Stage::Completing { header, .. }) =
                self.table.take_stage(id)
            {
                self.enter(id, Stage::Completing { header, round }, Some(slot));
            }
        }
        self.output_body_request(request, slot, hashes);
        for id in batch {
            self.ask_beside(id);
        }
    }

    fn wait_for_capacity(&mut self, id: EntryId, round: u8) {
        if let Some(Stage::Fetched { header, .. } | Stage::Completing { header, .. }) =
            self.table.take_stage(id)
        {
            self.enter(id, Stage::Fetched { header, wait: Wait::Capacity { round } }, None);
        }
    }

    fn open(
        &mut self,
        slot: PeerSlot,
        (asked, turn): (Asked, AskedTurn),
        entries: SmallVec<[EntryId; 2]>,
    ) -> RequestId {
        let deadline = match asked {
            Asked::Header => self.config.header_deadline,
            Asked::Bodies => self.config.body_deadline,
        };
        // Who was asked for it before and let the time run out is given twice as much.
        let before = entries.iter().map(|&id| self.table.count_asked(id, slot, asked)).max().unwrap_or(0);
        let wait = self.rtt(slot, asked).unwrap_or_default().deadline(deadline);
        let wait =
            wait.saturating_mul(1 << before.min(DOUBLINGS_MAX)).saturating_add(self.unseen_time(asked));
        self.counters.requests += 1;
        self.table.open_request(slot, (asked, turn), entries, self.now, self.now.after(wait))
    }

    /// What a reply may take beyond its first byte where the host does not say how much has come.
    fn unseen_time(&self, asked: Asked) -> Duration {
        match (asked, self.config.body_deadline, self.config.reply_progress) {
            (Asked::Bodies, Deadline::Measured { .. }, ReplyProgress::Unreported) => {
                self.config.time_for(self.config.largest_reply)
            }
            // A header is one packet.
            (Asked::Header, Deadline::Measured { .. } | Deadline::Fixed(_), _)
            | (Asked::Bodies, Deadline::Fixed(_), _)
            | (Asked::Bodies, Deadline::Measured { .. }, ReplyProgress::Reported) => Duration::ZERO,
        }
    }

    pub(super) fn rtt(&self, slot: PeerSlot, asked: Asked) -> Option<RttEstimator> {
        let peer = self.table.peer(slot)?;
        Some(match asked {
            Asked::Header => peer.header_rtt,
            Asked::Bodies => peer.body_rtt,
        })
    }

    /// Whether others mostly answer before a peer.
    pub(super) fn is_slow(&self, slot: PeerSlot) -> bool {
        self.table.peer(slot).is_some_and(Peer::is_slow)
    }

    /// Whether a peer has as many requests in flight as it may.
    pub(super) fn is_busy(&self, slot: PeerSlot) -> bool {
        self.table.load(slot).requests >= self.config.requests_per_peer
    }

    fn output_header_request(&mut self, request: RequestId, slot: PeerSlot, hash: BlockHash) {
        if let Some(peer) = self.table.name(slot).cloned() {
            self.output(Output::RequestHeader { request, peer, hash });
        }
    }

    fn output_body_request(&mut self, request: RequestId, slot: PeerSlot, hashes: Hashes) {
        if let Some(peer) = self.table.name(slot).cloned() {
            self.output(Output::RequestBodies { request, peer, hashes });
        }
    }
}
