//! A fetcher on virtual time, and verbs for all that can happen to it.
//!
//! Every verb that gives the fetcher something first demands that all earlier outputs were expected,
//! and every step verifies all indexes and the memory bound. [`with`] demands at its end that
//! nothing is left: no output, no entry, no request, no count, no timer.

use std::collections::VecDeque;
use std::time::Duration;

use herald::{
    Admission, Block, BlockHash, BlockNumber, BodyRequest, ChainView, Config, Connection, Counters, Deadline,
    End, Event, Failure, Fetcher, Hedge, ImportOutcome, Output, PeerStatus, Reason, RequestId, Status, Time,
    Verdict,
};

use crate::toy::{BlockExt, Body, Chain, Header, Peer, Toy};

/// Runs a test with one configuration.
#[track_caller]
pub fn with(config: Config, test: impl FnOnce(&mut Net)) {
    let mut net = Net::new(config);
    test(&mut net);
    net.assert_at_rest();
}

/// Runs a test with our defaults, and again with geth's figures.
#[track_caller]
pub fn with_each(test: impl Fn(&mut Net)) {
    with(Config::default(), &test);
    with(Config::geth(), &test);
}

/// One request at a time, sent at once, with five seconds to answer: for tests of something else.
pub fn plain() -> Config {
    let deadline = Deadline::Fixed(Duration::from_secs(5));
    Config {
        header_deadline: deadline,
        body_deadline: deadline,
        hedge: Hedge::Off,
        body_request: BodyRequest::AfterHeader,
        ..Config::default()
    }
}

/// A request that the fetcher has sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    pub peer: Peer,
    pub request: RequestId,
}

/// Who heard of a block that was imported.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    pub relayed: Vec<Peer>,
    pub announced: Vec<Peer>,
}

pub struct Net {
    pub fetcher: Fetcher<Toy>,
    pub chain: Chain,
    now: Time,
    outputs: VecDeque<Output<Toy>>,
    bound: u64,
    /// How long honest peers take to answer, in milliseconds; see [`Net::serve`].
    pub round_trip_ms: u64,
    pub(crate) under_way: VecDeque<(Time, Output<Toy>)>,
}

/// What happens.
impl Net {
    pub fn new(config: Config) -> Self {
        let bound = Fetcher::<Toy>::memory_bound(&config);
        let fetcher = Fetcher::new(config).expect("the test's configuration is valid");
        Self {
            fetcher,
            chain: Chain::new(),
            now: Time::ZERO,
            outputs: VecDeque::new(),
            bound,
            round_trip_ms: 0,
            under_way: VecDeque::new(),
        }
    }

    pub fn now(&self) -> Time {
        self.now
    }

    /// `ms` milliseconds from now.
    pub fn in_ms(&self, ms: u64) -> Time {
        self.now.after(Duration::from_millis(ms))
    }

    #[track_caller]
    pub fn connect(&mut self, peers: &[Peer]) {
        for &peer in peers {
            assert_eq!(self.step(|net| net.fetcher.peer_connected(net.now, peer)), Connection::Accepted);
        }
    }

    #[track_caller]
    pub fn disconnect(&mut self, peer: Peer) {
        self.step(|net| net.fetcher.peer_gone(net.now, &peer));
    }

    /// An announcement that must be followed.
    #[track_caller]
    pub fn announce(&mut self, peer: Peer, block: &Block<Toy>) {
        assert_eq!(self.announce_as(peer, block.hash(), block.number()), Admission::Accepted);
    }

    #[track_caller]
    pub fn announce_as(&mut self, peer: Peer, hash: BlockHash, number: BlockNumber) -> Admission {
        self.step(|net| net.fetcher.announce(net.now, &peer, hash, number, &net.chain))
    }

    /// An announcement that comes before what the fetcher said was looked at.
    #[track_caller]
    pub fn announce_meanwhile(&mut self, peer: Peer, block: &Block<Toy>) -> Admission {
        let (hash, number) = (block.hash(), block.number());
        self.quiet_step(|net| net.fetcher.announce(net.now, &peer, hash, number, &net.chain))
    }

    /// A flood of announcements, of blocks that there are not: how many are taken. The indexes are
    /// verified once, at the end, and what the fetcher says is not looked at.
    #[track_caller]
    pub fn flood(&mut self, peer: Peer, hashes: impl Iterator<Item = BlockHash>) -> usize {
        self.quiet_step(|net| {
            let announce = |(n, hash)| net.fetcher.announce(net.now, &peer, hash, 1 + n % 32, &net.chain);
            let taken = (0_u64..).zip(hashes).map(announce).filter(|admission| admission.is_taken()).count();
            while net.fetcher.poll_output().is_some() {}
            taken
        })
    }

    #[track_caller]
    pub fn push(&mut self, peer: Peer, block: &Block<Toy>) -> Admission {
        self.step(|net| net.fetcher.push(net.now, &peer, block.clone(), &net.chain))
    }

    /// A reply with one header, that the fetcher must take for its own.
    #[track_caller]
    pub fn deliver_header(&mut self, ask: Ask, block: &Block<Toy>) {
        let back = self.reply_headers(ask, &[block]);
        assert!(back.is_empty(), "the fetcher gave a header back that it had asked for");
    }

    /// A reply with the bodies of these blocks, that the fetcher must take for its own.
    #[track_caller]
    pub fn deliver_body(&mut self, ask: Ask, blocks: &[&Block<Toy>]) {
        let back = self.reply_bodies(ask, blocks);
        assert!(back.is_empty(), "the fetcher gave a body back that it had asked for");
    }

    /// A reply with headers. What comes back is not the fetcher's.
    #[track_caller]
    pub fn reply_headers(&mut self, ask: Ask, blocks: &[&Block<Toy>]) -> Vec<Header> {
        let headers = blocks.iter().map(|block| block.header.clone()).collect();
        self.step(|net| net.fetcher.headers(net.now, &ask.peer, ask.request, headers, &net.chain))
    }

    /// A reply with bodies. What comes back is not the fetcher's.
    #[track_caller]
    pub fn reply_bodies(&mut self, ask: Ask, blocks: &[&Block<Toy>]) -> Vec<Body> {
        let bodies = blocks.iter().map(|block| block.body.clone()).collect();
        self.step(|net| net.fetcher.bodies(net.now, &ask.peer, ask.request, bodies, &net.chain))
    }

    #[track_caller]
    pub fn fail(&mut self, ask: Ask, failure: Failure) {
        self.step(|net| net.fetcher.request_failed(net.now, &ask.peer, ask.request, failure));
    }

    #[track_caller]
    pub fn verdict(&mut self, block: &Block<Toy>, verdict: Verdict) {
        self.step(|net| net.fetcher.verdict(net.now, block.hash(), verdict, &net.chain));
    }

    /// The host has imported a block, or not. Where it has, it says that the chain advanced too.
    #[track_caller]
    pub fn imported(&mut self, block: &Block<Toy>, outcome: ImportOutcome) {
        if outcome == ImportOutcome::Imported {
            self.chain.insert(block);
        }
        self.step(|net| net.fetcher.imported(net.now, block.hash(), outcome, &net.chain));
        if outcome == ImportOutcome::Imported {
            let blocks = [(block.hash(), block.number())];
            self.quiet_step(|net| net.fetcher.chain_advanced(net.now, &blocks, &net.chain));
        }
    }

    /// Blocks came into the chain by another way.
    #[track_caller]
    pub fn advance_chain(&mut self, blocks: &[Block<Toy>]) {
        blocks.iter().for_each(|block| self.chain.insert(block));
        let blocks: Vec<_> = blocks.iter().map(|block| (block.hash(), block.number())).collect();
        self.step(|net| net.fetcher.chain_advanced(net.now, &blocks, &net.chain));
    }

    #[track_caller]
    pub fn seal(&mut self, block: &Block<Toy>) {
        self.chain.insert(block);
        self.step(|net| net.fetcher.sealed(net.now, block.clone(), &net.chain));
    }

    #[track_caller]
    pub fn shutdown(&mut self) {
        self.step(|net| net.fetcher.shutdown(net.now));
    }

    /// Lets time pass, and every timer ring at its very moment.
    #[track_caller]
    pub fn advance(&mut self, ms: u64) {
        self.assert_quiet();
        let end = self.in_ms(ms);
        while self.ring_until(end) {}
        self.now = end;
    }

    /// Lets time pass, and gives all that the fetcher said in it.
    #[track_caller]
    pub fn advance_for_all(&mut self, ms: u64) -> Vec<Output<Toy>> {
        self.advance(ms);
        self.drain()
    }

    /// Lets time pass until a timer makes the fetcher say something; a minute at most.
    #[track_caller]
    pub fn advance_until_output(&mut self) {
        let end = self.in_ms(60_000);
        while self.outputs.is_empty() {
            assert!(self.ring_until(end), "nothing came in a minute");
        }
    }

    /// Rings the next timer, if it is due by `end`.
    #[track_caller]
    pub(crate) fn ring_until(&mut self, end: Time) -> bool {
        let Some(due) = self.fetcher.poll_timeout().filter(|due| *due <= end) else { return false };
        self.now = self.now.max(due);
        self.quiet_step(|net| net.fetcher.tick(net.now, &net.chain));
        let next = self.fetcher.poll_timeout();
        assert!(next.is_none_or(|next| next > self.now), "a timer is still due after it rang");
        true
    }

    /// As the driver calls the fetcher, after all that it said before was expected.
    #[track_caller]
    pub fn step<R>(&mut self, call: impl FnOnce(&mut Self) -> R) -> R {
        self.assert_quiet();
        self.quiet_step(call)
    }

    #[track_caller]
    pub(crate) fn quiet_step<R>(&mut self, call: impl FnOnce(&mut Self) -> R) -> R {
        let result = call(self);
        self.outputs.extend(std::iter::from_fn(|| self.fetcher.poll_output()));
        assert_eq!(self.fetcher.check_invariants(), Ok(()));
        let memory = self.fetcher.memory_bytes();
        assert!(memory <= self.bound, "{memory} bytes are in use, and {} are the bound", self.bound);
        result
    }
}

/// What must follow.
impl Net {
    #[track_caller]
    pub fn expect_header_request(&mut self, block: &Block<Toy>) -> Ask {
        self.expect_header_request_for(block.hash())
    }

    #[track_caller]
    pub fn expect_header_request_to(&mut self, peer: Peer, block: &Block<Toy>) -> Ask {
        let ask = self.expect_header_request(block);
        assert_eq!(ask.peer, peer, "another peer was asked");
        ask
    }

    #[track_caller]
    pub fn expect_header_request_for(&mut self, wanted: BlockHash) -> Ask {
        match self.outputs.pop_front() {
            Some(Output::RequestHeader { request, peer, hash }) if hash == wanted => Ask { peer, request },
            other => panic!("expected a request for the header of {wanted}, found {other:?}"),
        }
    }

    #[track_caller]
    pub fn expect_body_request(&mut self, blocks: &[&Block<Toy>]) -> Ask {
        let wanted: Vec<_> = blocks.iter().map(|block| block.hash()).collect();
        match self.outputs.pop_front() {
            Some(Output::RequestBodies { request, peer, hashes }) if hashes == wanted => {
                Ask { peer, request }
            }
            other => panic!("expected a request for the bodies of {wanted:?}, found {other:?}"),
        }
    }

    #[track_caller]
    pub fn expect_body_request_to(&mut self, peer: Peer, blocks: &[&Block<Toy>]) -> Ask {
        let ask = self.expect_body_request(blocks);
        assert_eq!(ask.peer, peer, "another peer was asked");
        ask
    }

    #[track_caller]
    pub fn expect_cancel(&mut self, ask: Ask) {
        match self.outputs.pop_front() {
            Some(Output::Cancel { request, peer }) if Ask { peer, request } == ask => {}
            other => panic!("expected that {ask:?} is cancelled, found {other:?}"),
        }
    }

    #[track_caller]
    pub fn expect_verify(&mut self, block: &Block<Toy>) {
        match self.outputs.pop_front() {
            Some(Output::VerifyHeader { header }) if header == block.header => {}
            other => panic!("expected that block {} is verified, found {other:?}", block.number()),
        }
    }

    #[track_caller]
    pub fn expect_import(&mut self, block: &Block<Toy>) {
        match self.outputs.pop_front() {
            Some(Output::Import { block: found }) => {
                assert_eq!((&found.header, &found.body), (&block.header, &block.body));
            }
            other => panic!("expected that block {} is imported, found {other:?}", block.number()),
        }
    }

    #[track_caller]
    pub fn expect_header_import(&mut self, block: &Block<Toy>) {
        match self.outputs.pop_front() {
            Some(Output::ImportHeader { header }) if header == block.header => {}
            other => panic!("expected that header {} is imported, found {other:?}", block.number()),
        }
    }

    /// To whom.
    #[track_caller]
    pub fn expect_relay(&mut self, block: &Block<Toy>) -> Vec<Peer> {
        self.take_relay(block).unwrap_or_else(|| panic!("expected a relay, found {:?}", self.outputs.front()))
    }

    /// To whom.
    #[track_caller]
    pub fn expect_announce(&mut self, block: &Block<Toy>) -> Vec<Peer> {
        let announced = self.take_announce(block);
        announced.unwrap_or_else(|| panic!("expected an announcement, found {:?}", self.outputs.front()))
    }

    #[track_caller]
    pub fn expect_penalty(&mut self, culprit: Peer, what_for: Reason) {
        match self.outputs.pop_front() {
            Some(Output::Penalise { peer, reason }) if (peer, reason) == (culprit, what_for) => {}
            other => panic!("expected {what_for:?} laid on {culprit:?}, found {other:?}"),
        }
    }

    #[track_caller]
    pub fn expect_out_of_reach(&mut self, giver: Peer, block: &Block<Toy>) {
        match self.outputs.pop_front() {
            Some(Output::OutOfReach { hash, number, peer })
                if (hash, number, peer) == (block.hash(), block.number(), giver) => {}
            other => panic!("expected that block {} is out of reach, found {other:?}", block.number()),
        }
    }

    #[track_caller]
    pub fn expect_event(&mut self, expected: &Event<Peer>) {
        match self.outputs.pop_front() {
            Some(Output::Event(event)) if event == *expected => {}
            other => panic!("expected {expected:?}, found {other:?}"),
        }
    }

    /// All that the fetcher said, for a test that counts rather than expects.
    pub fn drain(&mut self) -> Vec<Output<Toy>> {
        self.outputs.drain(..).collect()
    }

    /// Puts back what [`drain`](Self::drain) took, to be expected one by one.
    pub fn put_back(&mut self, outputs: Vec<Output<Toy>>) {
        self.outputs.extend(outputs);
    }

    /// Nothing more than what was expected already.
    #[track_caller]
    pub fn assert_quiet(&self) {
        assert!(self.outputs.is_empty(), "unexpected: {:#?}", self.outputs);
    }

    /// Nothing is held, asked, counted or waited for.
    #[track_caller]
    pub fn assert_at_rest(&self) {
        self.assert_quiet();
        assert!(self.under_way.is_empty(), "answers are still under way");
        let status = self.status();
        assert_eq!((status.entries, status.requests, status.bytes_held), (0, 0, 0), "{status:#?}");
        assert_eq!(status.next_timeout, None);
        assert_eq!(status.stages, [0; 6]);
        for peer in status.peers {
            let PeerStatus { announcements, blocks, bytes, requests, deferred, .. } = peer;
            assert_eq!((announcements, blocks, bytes, requests, deferred), (0, 0, 0, 0, 0), "{peer:?}");
        }
    }
}

/// What can be seen.
impl Net {
    pub fn status(&self) -> Status<Peer> {
        self.fetcher.status()
    }

    pub fn counters(&self) -> &Counters {
        self.fetcher.counters()
    }

    pub fn ends(&self, end: End) -> u64 {
        self.counters().ends(end)
    }

    #[track_caller]
    pub fn peer(&self, peer: Peer) -> PeerStatus<Peer> {
        let found = self.status().peers.into_iter().find(|status| status.peer == peer);
        found.expect("the peer is connected")
    }

    pub fn head(&self) -> BlockNumber {
        self.chain.head()
    }

    /// Moves the clock without ringing anything.
    pub(crate) fn set_now(&mut self, now: Time) {
        self.now = now;
    }

    pub(crate) fn next_output(&mut self) -> Option<Output<Toy>> {
        self.outputs.pop_front()
    }

    pub(crate) fn take_body_request(&mut self, block: &Block<Toy>) -> Option<Ask> {
        let asked = matches!(self.outputs.front(), Some(Output::RequestBodies { .. }));
        asked.then(|| self.expect_body_request(&[block]))
    }

    pub(crate) fn take_relay(&mut self, block: &Block<Toy>) -> Option<Vec<Peer>> {
        let next = self.outputs.pop_front_if(
            |output| matches!(output, Output::Relay { block: relayed, .. } if relayed.hash() == block.hash()),
        )?;
        if let Output::Relay { peers, .. } = next { Some(peers) } else { None }
    }

    pub(crate) fn take_announce(&mut self, block: &Block<Toy>) -> Option<Vec<Peer>> {
        let next = self.outputs.pop_front_if(
            |output| matches!(output, Output::Announce { hash, .. } if *hash == block.hash()),
        )?;
        if let Output::Announce { peers, .. } = next { Some(peers) } else { None }
    }
}
