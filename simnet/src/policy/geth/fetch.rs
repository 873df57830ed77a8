//! From the announcement to the body: the two timers, the requests and their replies.

use std::collections::{BTreeMap, BTreeSet};

use herald_fetcher::{
    Admission, Block, BlockHash, BlockNumber, BlockOf, Body as _, ChainView as _, End, Failure, Hashes,
    Header as _, Output, Reason, RequestId, StageName, Time, Types as _,
};

use super::traces::{GethAnnouncement, Headed};
use super::{ARRIVE_TIMEOUT, GATHER_SLACK, GethModel, HASH_LIMIT, REPLY_TIMEOUT, in_window};
use crate::model::block::{PeerId, Sim, SimBody, SimHeader};
use crate::model::chain::NodeView;

/// A request that waits for its reply. The reply, or the deadline, ends the wait; the hash itself is
/// followed elsewhere, and may have been forgotten before.
#[derive(Clone, Copy, Debug)]
pub(super) struct PendingRequest {
    pub(super) peer: PeerId,
    pub(super) deadline: Time,
}

impl GethModel {
    pub(super) fn announced(
        &mut self,
        peer: PeerId,
        hash: BlockHash,
        number: BlockNumber,
        chain: &NodeView<'_>,
    ) -> Admission {
        if !self.peers.is_connected(peer) {
            return Admission::UnknownPeer;
        }
        self.peers.mark(peer, &hash);
        // The handler asks the chain before the fetcher hears of it: this does not wake the loop.
        if chain.contains(&hash) {
            return Admission::Known;
        }
        let admission = self.admit_announcement(peer, hash, number, chain);
        self.turn(chain);
        admission
    }

    fn admit_announcement(
        &mut self,
        peer: PeerId,
        hash: BlockHash,
        number: BlockNumber,
        chain: &NodeView<'_>,
    ) -> Admission {
        if self.traces.count_of(peer) >= HASH_LIMIT {
            return Admission::PeerLimit;
        }
        // Number 0 means "unknown", which old protocols allowed and v1.13 does not.
        if number == 0 || !in_window(number, chain.head()) {
            return Admission::TooFar;
        }
        if self.traces.fetching(&hash).is_some() || self.traces.completing.contains_key(&hash) {
            return Admission::Duplicate;
        }
        let announcement = GethAnnouncement { origin: peer, number, at: self.now };
        if self.traces.announce(hash, announcement) {
            self.entered(hash, StageName::Announced, Some(peer));
        }
        if self.traces.announced.len() == 1 {
            self.reschedule_fetch();
        }
        Admission::Accepted
    }

    /// The fetch timer fired: one announcer of each hash that has waited long enough is asked.
    pub(super) fn fetch_due(&mut self, chain: &NodeView<'_>) {
        self.fetch_timer = None;
        let waited = |first: &GethAnnouncement| self.now.since(first.at) > ARRIVE_TIMEOUT - GATHER_SLACK;
        let due: Vec<BlockHash> = self
            .traces
            .announced
            .iter()
            .filter(|(_, announcements)| announcements.first().is_some_and(waited))
            .map(|(&hash, _)| hash)
            .collect();
        let mut asked = BTreeMap::<PeerId, Vec<BlockHash>>::new();
        for hash in due {
            let announcers = self.traces.announced.get(&hash).map_or(0, Vec::len);
            let drawn = self.random_below(announcers);
            let chosen = self.traces.announced.get(&hash).and_then(|list| list.get(drawn)).copied();
            self.traces.forget_hash(&hash);
            match chosen {
                Some(announcement) if !chain.contains(&hash) => {
                    self.traces.fetch(hash, announcement);
                    self.entered(hash, StageName::Fetching, Some(announcement.origin));
                    asked.entry(announcement.origin).or_default().push(hash);
                }
                Some(_) | None => self.ended(hash, End::InChain),
            }
        }
        for (peer, hashes) in asked {
            for hash in hashes {
                if let Some(request) = self.request(peer) {
                    self.outputs.push_back(Output::RequestHeader { request, peer, hash });
                }
            }
        }
        self.reschedule_fetch();
        self.turn(chain);
    }

    /// The completion timer fired: all bodies that are missing are asked for.
    pub(super) fn completion_due(&mut self, chain: &NodeView<'_>) {
        self.complete_timer = None;
        let due: Vec<(BlockHash, Headed)> =
            self.traces.fetched.iter().map(|(&hash, headed)| (hash, headed.clone())).collect();
        let mut asked = BTreeMap::<PeerId, Vec<BlockHash>>::new();
        for (hash, headed) in due {
            self.traces.forget_hash(&hash);
            if chain.contains(&hash) {
                self.ended(hash, End::InChain);
                continue;
            }
            asked.entry(headed.origin).or_default().push(hash);
            self.entered(hash, StageName::Completing, Some(headed.origin));
            self.traces.complete(hash, headed);
        }
        for (peer, hashes) in asked {
            if let Some(request) = self.request(peer) {
                let hashes: Hashes = hashes.into_iter().collect();
                self.outputs.push_back(Output::RequestBodies { request, peer, hashes });
            }
        }
        self.turn(chain);
    }

    /// Headers came: those that complete a block are queued, those that need a body gathered, and
    /// those that were not asked for given back.
    pub(super) fn headers(
        &mut self,
        peer: PeerId,
        request: RequestId,
        headers: Vec<SimHeader>,
        chain: &NodeView<'_>,
    ) -> Vec<SimHeader> {
        if !self.take_request(peer, request) {
            return headers;
        }
        let (mut unknown, mut incomplete, mut complete) = (Vec::new(), Vec::new(), Vec::new());
        for header in headers {
            let hash = header.hash();
            let Some(announcement) = self.awaited_header(peer, &hash) else {
                unknown.push(header);
                continue;
            };
            if header.number() != announcement.number {
                self.penalise(peer, Reason::WrongNumber);
                self.traces.forget_hash(&hash);
                self.ended(hash, End::NobodyLeft);
            } else if chain.contains(&hash) {
                self.traces.forget_hash(&hash);
                self.ended(hash, End::InChain);
            } else {
                self.traces.renew_fetching(&hash, self.now);
                let headed = Headed { origin: peer, header: header.clone(), at: self.now };
                match Sim::empty_body(&header) {
                    Some(body) => {
                        self.traces.complete(hash, headed);
                        complete.push(Block { header, body });
                    }
                    None => incomplete.push((hash, headed)),
                }
            }
        }
        for (hash, headed) in incomplete {
            self.traces.gather(hash, headed);
            self.entered(hash, StageName::Fetched, Some(peer));
            if self.traces.fetched.len() == 1 {
                self.reschedule_completion();
            }
        }
        self.enqueue_completed(complete, chain);
        self.turn(chain);
        unknown
    }

    /// The announcement that this header would answer, where it is one that this peer was asked for
    /// and nothing has overtaken it.
    fn awaited_header(&self, peer: PeerId, hash: &BlockHash) -> Option<GethAnnouncement> {
        let overtaken = self.traces.fetched.contains_key(hash)
            || self.traces.completing.contains_key(hash)
            || self.traces.queued(hash).is_some();
        self.traces.fetching(hash).copied().filter(|announcement| announcement.origin == peer && !overtaken)
    }

    /// Bodies came: each is tried on every hash that waits for a body of this peer.
    pub(super) fn bodies(
        &mut self,
        peer: PeerId,
        request: RequestId,
        bodies: Vec<SimBody>,
        chain: &NodeView<'_>,
    ) -> Vec<SimBody> {
        if !self.take_request(peer, request) {
            return bodies;
        }
        let (mut unknown, mut complete) = (Vec::new(), Vec::new());
        for body in bodies {
            let commitment = body.commitment();
            let fits = |(hash, headed): &(&BlockHash, &Headed)| {
                headed.origin == peer
                    && headed.header.body_commitment() == commitment
                    && self.traces.queued(hash).is_none()
            };
            let matches: Vec<(BlockHash, SimHeader)> = self
                .traces
                .completing
                .iter()
                .filter(fits)
                .map(|(&hash, headed)| (hash, headed.header.clone()))
                .collect();
            for (hash, header) in &matches {
                if chain.contains(hash) {
                    self.traces.forget_hash(hash);
                    self.ended(*hash, End::InChain);
                } else {
                    complete.push(Block { header: header.clone(), body: body.clone() });
                }
            }
            if matches.is_empty() {
                unknown.push(body);
            }
        }
        self.enqueue_completed(complete, chain);
        self.turn(chain);
        unknown
    }

    fn enqueue_completed(&mut self, blocks: Vec<BlockOf<Sim>>, chain: &NodeView<'_>) {
        for block in blocks {
            if let Some(headed) = self.traces.completing.get(&block.header.hash()) {
                // What becomes of it shows in its events; there is no caller to tell.
                let _ = self.enqueue(headed.origin, block, chain);
            }
        }
    }

    pub(super) fn request_failed(&mut self, peer: PeerId, request: RequestId, failure: Failure) {
        match failure {
            // On geth's wire these are silence, and its own timer will say so.
            Failure::Refused | Failure::TimedOut => {}
            Failure::Malformed => {
                if self.take_request(peer, request) {
                    self.penalise(peer, Reason::MalformedReply);
                }
            }
            Failure::Oversized => {
                if self.take_request(peer, request) {
                    self.penalise(peer, Reason::OversizedReply);
                }
            }
            Failure::Disconnected => {
                self.take_request(peer, request);
            }
        }
    }

    /// Drops the peers that have not answered in time. What they were asked for stays where it is.
    pub(super) fn time_out_requests(&mut self) {
        let mut silent = BTreeSet::new();
        while let Some(first) = self.requests.first_entry() {
            if first.get().deadline > self.now {
                break;
            }
            let (request, PendingRequest { peer, .. }) = first.remove_entry();
            self.counters.deadlines_passed += 1;
            self.outputs.push_back(Output::Cancel { request, peer });
            silent.insert(peer);
        }
        // It is dropped once, however much it was asked.
        for peer in silent {
            self.penalise(peer, Reason::Silence);
        }
    }

    /// A new request, unless the peer is gone: then the sending fails, and geth lets it rest.
    fn request(&mut self, peer: PeerId) -> Option<RequestId> {
        if !self.peers.is_connected(peer) {
            return None;
        }
        self.requests_made += 1;
        self.counters.requests += 1;
        let request = RequestId::new(self.requests_made);
        self.requests.insert(request, PendingRequest { peer, deadline: self.now.after(REPLY_TIMEOUT) });
        Some(request)
    }

    /// Whether `peer` was asked this, and has neither answered nor been given up.
    fn take_request(&mut self, peer: PeerId, request: RequestId) -> bool {
        let awaited = self.requests.get(&request).is_some_and(|found| found.peer == peer);
        if awaited {
            self.requests.remove(&request);
        } else {
            self.counters.replies_unmatched += 1;
        }
        awaited
    }

    fn reschedule_fetch(&mut self) {
        let first =
            self.traces.announced.values().filter_map(|list| list.first()).map(|first| first.at).min();
        if let Some(at) = first {
            self.fetch_timer = Some(at.after(ARRIVE_TIMEOUT));
        }
    }

    fn reschedule_completion(&mut self) {
        if let Some(at) = self.traces.fetched.values().map(|headed| headed.at).min() {
            self.complete_timer = Some(at.after(GATHER_SLACK));
        }
    }
}
