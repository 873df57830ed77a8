//! A fetcher on virtual time, and verbs for all that can happen to it.
//!
//! Every verb that gives the fetcher something first demands that all earlier outputs were expected,
//! and every step verifies all indexes and the memory bound. [`with`] demands at its end that
//! nothing is left: no output, no entry, no request, no count, no timer.

use std::collections::VecDeque;
use std::time::Duration;

use herald_fetcher::{
    Admission, BlockHash, BlockNumber, BlockOf, BodyRequest, ChainView, Config, Connection, Counters,
    Deadline, End, Failure, Fetcher, FetcherStatus, Hedge, Output, PeerStatus, RequestId, Time, Verdict,
};

use crate::toy::{Body, Chain, Header, Peer, Toy};

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
    Config::default().with(|config| {
        config.header_deadline = deadline;
        config.body_deadline = deadline;
        config.hedge = Hedge::Off;
        config.body_request = BodyRequest::AfterHeader;
    })
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
    pub(crate) outputs: VecDeque<Output<Toy>>,
    bound: u64,
    /// How long honest peers take to answer, in milliseconds; see [`Net::serve`].
    pub round_trip_ms: u64,
    /// How much longer they take to send bodies.
    pub body_transfer_ms: u64,
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
            body_transfer_ms: 0,
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
    pub fn announce(&mut self, peer: Peer, block: &BlockOf<Toy>) {
        assert_eq!(self.announce_as(peer, block.hash(), block.number()), Admission::Accepted);
    }

    #[track_caller]
    pub fn announce_as(&mut self, peer: Peer, hash: BlockHash, number: BlockNumber) -> Admission {
        self.step(|net| net.fetcher.announce(net.now, &peer, hash, number, &net.chain))
    }

    /// An announcement that comes before what the fetcher said was looked at.
    #[track_caller]
    pub fn announce_meanwhile(&mut self, peer: Peer, block: &BlockOf<Toy>) {
        assert_eq!(self.hear(peer, block), Admission::Accepted);
    }

    /// The same, whatever becomes of it.
    #[track_caller]
    pub fn hear(&mut self, peer: Peer, block: &BlockOf<Toy>) -> Admission {
        let (hash, number) = (block.hash(), block.number());
        self.quiet_step(|net| net.fetcher.announce(net.now, &peer, hash, number, &net.chain))
    }

    /// A push that comes before what the fetcher said was looked at.
    #[track_caller]
    pub fn push_meanwhile(&mut self, peer: Peer, block: &BlockOf<Toy>) -> Admission {
        self.quiet_step(|net| net.fetcher.push(net.now, &peer, block.clone(), &net.chain))
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
    pub fn push(&mut self, peer: Peer, block: &BlockOf<Toy>) -> Admission {
        self.step(|net| net.fetcher.push(net.now, &peer, block.clone(), &net.chain))
    }

    /// A reply with one header, that the fetcher must take for its own.
    #[track_caller]
    pub fn deliver_header(&mut self, ask: Ask, block: &BlockOf<Toy>) {
        let back = self.reply_headers(ask, &[block]);
        assert!(back.is_empty(), "the fetcher gave a header back that it had asked for");
    }

    /// A reply with the bodies of these blocks, that the fetcher must take for its own.
    #[track_caller]
    pub fn deliver_body(&mut self, ask: Ask, blocks: &[&BlockOf<Toy>]) {
        let back = self.reply_bodies(ask, blocks);
        assert!(back.is_empty(), "the fetcher gave a body back that it had asked for");
    }

    /// A reply with headers. What comes back is not the fetcher's.
    #[track_caller]
    pub fn reply_headers(&mut self, ask: Ask, blocks: &[&BlockOf<Toy>]) -> Vec<Header> {
        let headers = blocks.iter().map(|block| block.header.clone()).collect();
        self.step(|net| net.fetcher.headers(net.now, &ask.peer, ask.request, headers, &net.chain))
    }

    /// A reply with bodies. What comes back is not the fetcher's.
    #[track_caller]
    pub fn reply_bodies(&mut self, ask: Ask, blocks: &[&BlockOf<Toy>]) -> Vec<Body> {
        let bodies = blocks.iter().map(|block| block.body.clone()).collect();
        self.step(|net| net.fetcher.bodies(net.now, &ask.peer, ask.request, bodies, &net.chain))
    }

    #[track_caller]
    pub fn fail(&mut self, ask: Ask, failure: Failure) {
        self.step(|net| net.fetcher.request_failed(net.now, &ask.peer, ask.request, failure));
    }

    #[track_caller]
    pub fn verdict(&mut self, block: &BlockOf<Toy>, verdict: Verdict) {
        self.step(|net| net.fetcher.verdict(net.now, block.hash(), verdict, &net.chain));
    }

    /// The host has imported a block, or not. Where it has, it says that the chain advanced too.
    #[track_caller]
    pub fn imported(&mut self, block: &BlockOf<Toy>, outcome: Verdict) {
        if outcome == Verdict::Valid {
            self.chain.insert(block);
        }
        self.step(|net| net.fetcher.imported(net.now, block.hash(), outcome, &net.chain));
        if outcome == Verdict::Valid {
            let blocks = [(block.hash(), block.number())];
            self.quiet_step(|net| net.fetcher.chain_advanced(net.now, &blocks, &net.chain));
        }
    }

    /// Blocks came into the chain by another way.
    #[track_caller]
    pub fn advance_chain(&mut self, blocks: &[BlockOf<Toy>]) {
        blocks.iter().for_each(|block| self.chain.insert(block));
        let blocks: Vec<_> = blocks.iter().map(|block| (block.hash(), block.number())).collect();
        self.step(|net| net.fetcher.chain_advanced(net.now, &blocks, &net.chain));
    }

    #[track_caller]
    pub fn seal(&mut self, block: &BlockOf<Toy>) {
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

/// What can be seen.
impl Net {
    pub fn status(&self) -> FetcherStatus<Peer> {
        self.fetcher.status()
    }

    pub fn counters(&self) -> Counters {
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
}
