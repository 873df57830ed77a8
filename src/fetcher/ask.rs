//! Asking: whom, for what, and what follows when no answer comes.

use smallvec::{SmallVec, smallvec};

use crate::Time;
use crate::config::{BodyRequest, Choice, Mode};
use crate::input::Failure;
use crate::output::{End, Hashes, Output, Reason, RequestId};
use crate::table::{Asked, Early, EntryId, PeerSlot, Race, RttEstimator, Stage, Standing, Wait};
use crate::types::{BlockHash, Types};

use core::time::Duration;

use super::{Fetcher, random_below};

/// What a peer without a measured answering time is taken for, when the fastest is chosen: faster
/// than a slow one, so that newcomers get a try.
const UNMEASURED: Duration = Duration::from_millis(250);

/// Who can be asked for an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chosen {
    /// This peer.
    Peer(PeerSlot),
    /// This peer, once one of its requests has ended.
    Busy(PeerSlot),
    /// Nobody is left.
    Nobody,
}

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
                Some(Reason::Silence)
            }
            Failure::Malformed => Some(Reason::MalformedReply),
            Failure::Oversized => Some(Reason::OversizedReply),
            Failure::Disconnected => None,
        };
        self.fail_request(request, reason);
        self.ask_relieved_peers();
    }

    /// Asks the next announcer for an entry's header, and with it for its body where that pays.
    pub(super) fn ask_header(&mut self, id: EntryId) {
        match self.choose(id, Asked::Header) {
            Chosen::Peer(slot) => {
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
                let Some(hash) = self.table.entry(id).map(|entry| entry.hash) else { return };
                let request = self.open(slot, Asked::Header, smallvec![id]);
                let hedge_at = self.hedge_time(slot, Asked::Header);
                let race = Race::of(request, hedge_at);
                self.output_header_request(request, slot, hash);
                let early = self.ask_body_early(id, slot, hash, early);
                self.enter(id, Stage::Fetching { race, early }, Some(slot));
            }
            Chosen::Busy(peer) => {
                let retry = self.retry_time();
                self.cancel_requests(id);
                self.enter(id, Stage::Announced(Wait::Busy { peer, retry }), Some(peer));
            }
            Chosen::Nobody => self.end(id, End::NobodyLeft),
        }
    }

    /// Asks for the body of one entry whose header is here.
    pub(super) fn ask_body(&mut self, id: EntryId) {
        self.ask_bodies(&[id]);
    }

    /// Asks for the bodies of entries whose headers are here, with one request for each peer.
    pub(super) fn ask_bodies(&mut self, ids: &[EntryId]) {
        let mut batches: SmallVec<[(PeerSlot, SmallVec<[EntryId; 2]>); 1]> = SmallVec::new();
        for &id in ids {
            match self.choose(id, Asked::Bodies) {
                Chosen::Peer(slot) => {
                    let max = self.config.bodies_per_request as usize;
                    match batches.iter_mut().find(|(to, batch)| *to == slot && batch.len() < max) {
                        Some((_, batch)) => batch.push(id),
                        None => batches.push((slot, smallvec![id])),
                    }
                }
                Chosen::Busy(peer) => self.wait_for_busy_peer(id, peer),
                Chosen::Nobody => self.end(id, End::NobodyLeft),
            }
        }
        for (slot, batch) in batches {
            if self.is_busy(slot) {
                for id in batch {
                    self.wait_for_busy_peer(id, slot);
                }
            } else {
                self.send_body_request(slot, batch);
            }
        }
    }

    /// Asks a second peer for what a first has not answered in its usual time.
    pub(super) fn hedge(&mut self, id: EntryId) {
        let asked = match self.table.stage(id) {
            Some(Stage::Fetching { .. }) => Asked::Header,
            Some(Stage::Completing { .. }) => Asked::Bodies,
            Some(
                Stage::Announced(_) | Stage::Fetched { .. } | Stage::Queued { .. } | Stage::Importing { .. },
            )
            | None => return,
        };
        if let Some(race) = self.table.race_mut(id) {
            race.hedge_at = Time::MAX;
        }
        if let (Chosen::Peer(slot), Some(hash)) =
            (self.choose(id, asked), self.table.entry(id).map(|e| e.hash))
        {
            let request = self.open(slot, asked, smallvec![id]);
            if let Some(race) = self.table.race_mut(id) {
                race.add(request);
            }
            self.counters.hedges += 1;
            match asked {
                Asked::Header => self.output_header_request(request, slot, hash),
                Asked::Bodies => self.output_body_request(request, slot, hash.into()),
            }
        }
        self.rearm(id);
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
            Some(Stage::Fetching { race, .. }) if race.is_empty() => self.ask_header(id),
            Some(Stage::Completing { race, .. }) if race.is_empty() => bodies.push(id),
            Some(
                Stage::Announced(_)
                | Stage::Fetching { .. }
                | Stage::Fetched { .. }
                | Stage::Completing { .. }
                | Stage::Queued { .. }
                | Stage::Importing { .. },
            ) => self.rearm(id),
            None => {}
        }
    }

    /// Asks again for what a reply left out that answered a part: a peer may cut a reply short.
    pub(super) fn ask_for_rest(&mut self, request: RequestId) {
        let Some(open) = self.table.close_request(request) else { return };
        for &id in &open.entries {
            self.forget_request(id, request);
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
            self.ask_unblocked_peer(slot);
            self.seek_barred_parents(slot);
        }
    }

    fn ask_unblocked_peer(&mut self, slot: PeerSlot) {
        while !self.is_busy(slot) && self.table.load(slot).waiting > 0 {
            let waits = |id: &EntryId| self.table.stage(*id).and_then(Stage::awaited_peer) == Some(slot);
            let Some(id) = self.table.claims_by(slot).map(|(_, claim)| claim.entry).find(waits) else {
                return;
            };
            match self.table.stage(id) {
                Some(Stage::Fetched { .. }) => self.ask_body(id),
                _ => self.ask_header(id),
            }
        }
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
        if self.table.leave_request(request, id) == 0
            && let Some(open) = self.table.close_request(request)
        {
            self.overtaken(open.peer, open.asked, self.now.since(open.sent));
            self.cancel(request, open.peer);
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

    /// When a second peer is asked for what `slot` is asked for now.
    pub(super) fn hedge_time(&self, slot: PeerSlot, asked: Asked) -> Time {
        let time = self.rtt(slot, asked).unwrap_or_default();
        time.hedge(self.config.hedge).map_or(Time::MAX, |span| self.now.after(span))
    }

    /// Takes a request out of the data of an entry's stage.
    fn forget_request(&mut self, id: EntryId, request: RequestId) {
        if self.early_request(id) == Some(request) {
            self.table.forget_early_request(id);
        } else if let Some(race) = self.table.race_mut(id) {
            race.remove(request);
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
        let request = self.open(slot, Asked::Bodies, smallvec![id]);
        self.output_body_request(request, slot, hash.into());
        Early::Asked(request)
    }

    fn send_body_request(&mut self, slot: PeerSlot, batch: SmallVec<[EntryId; 2]>) {
        let hashes = batch.iter().filter_map(|&id| self.table.entry(id)).map(|entry| entry.hash).collect();
        let request = self.open(slot, Asked::Bodies, batch.clone());
        let hedge_at = self.hedge_time(slot, Asked::Bodies);
        for id in batch {
            if let Some(Stage::Fetched { header, .. } | Stage::Completing { header, .. }) =
                self.table.take_stage(id)
            {
                let race = Race::of(request, hedge_at);
                self.enter(id, Stage::Completing { header, race }, Some(slot));
            }
        }
        self.output_body_request(request, slot, hashes);
    }

    fn wait_for_busy_peer(&mut self, id: EntryId, peer: PeerSlot) {
        let retry = self.retry_time();
        if let Some(Stage::Fetched { header, .. } | Stage::Completing { header, .. }) =
            self.table.take_stage(id)
        {
            self.enter(id, Stage::Fetched { header, wait: Wait::Busy { peer, retry } }, Some(peer));
        }
    }

    /// When an entry that waits for a busy peer looks for another.
    fn retry_time(&self) -> Time {
        self.now.after(RttEstimator::default().deadline(self.config.header_deadline))
    }

    fn open(&mut self, slot: PeerSlot, asked: Asked, entries: SmallVec<[EntryId; 2]>) -> RequestId {
        let deadline = match asked {
            Asked::Header => self.config.header_deadline,
            Asked::Bodies => self.config.body_deadline,
        };
        let wait = self.rtt(slot, asked).unwrap_or_default().deadline(deadline);
        self.counters.requests += 1;
        self.table.open_request(slot, asked, entries, self.now, self.now.after(wait))
    }

    fn rtt(&self, slot: PeerSlot, asked: Asked) -> Option<RttEstimator> {
        let peer = self.table.peer(slot)?;
        Some(match asked {
            Asked::Header => peer.header_rtt,
            Asked::Bodies => peer.body_rtt,
        })
    }

    /// Whether a peer has as many requests in flight as it may.
    fn is_busy(&self, slot: PeerSlot) -> bool {
        self.table.load(slot).requests >= self.config.requests_per_peer
    }

    /// Picks among the announcers that have not failed and are not being asked already.
    fn choose(&mut self, id: EntryId, asked: Asked) -> Chosen {
        let requests = self.table.stage(id).map(Stage::requests).unwrap_or_default();
        let already: SmallVec<[PeerSlot; 3]> = requests
            .iter()
            .filter_map(|request| self.table.request(*request))
            .filter(|request| request.asked == asked)
            .map(|request| request.peer)
            .collect();
        let eligible = |slot: &PeerSlot| !already.contains(slot);
        let good = self.table.claims_of(id).filter(|(_, claim)| claim.standing == Standing::Good);
        let candidates: SmallVec<[PeerSlot; 8]> =
            good.map(|(_, claim)| claim.peer).filter(eligible).collect();
        let free: SmallVec<[PeerSlot; 8]> =
            candidates.iter().copied().filter(|slot| !self.is_busy(*slot)).collect();
        let picked = match self.config.choice {
            // Whoever delivered the header has the body.
            Choice::Fastest => self.provider(id).filter(|provider| free.contains(provider)).or_else(|| {
                let time = |slot: &PeerSlot| self.rtt(*slot, asked).and_then(|time| time.usual());
                free.iter().copied().min_by_key(|slot| time(slot).unwrap_or(UNMEASURED))
            }),
            Choice::Random if free.is_empty() => None,
            Choice::Random => {
                let at = if free.len() == 1 { 0 } else { random_below(&mut self.random, free.len()) };
                free.get(at).copied()
            }
        };
        match (picked, candidates.first()) {
            (Some(slot), _) => Chosen::Peer(slot),
            (None, Some(slot)) => Chosen::Busy(*slot),
            (None, None) => Chosen::Nobody,
        }
    }

    /// Who delivered the header of an entry that waits for its body.
    fn provider(&self, id: EntryId) -> Option<PeerSlot> {
        match self.table.stage(id)? {
            Stage::Fetched { header, .. } | Stage::Completing { header, .. } => Some(header.peer),
            Stage::Announced(_) | Stage::Fetching { .. } | Stage::Queued { .. } | Stage::Importing { .. } => {
                None
            }
        }
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
