//! A host, a chain and some peers around one fetcher, moved by a sequence of drawn steps.
//!
//! Peers 0 and 1 are honest: they announce and push only valid blocks with their right numbers,
//! and answer every request rightly before time passes. The others do whatever is drawn.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use herald_fetcher::{
    BlockHash, BlockNumber, ChainView, Config, Failure, Fetcher, Input, Outcome, Output, Reason, RequestId,
    Time, Verdict,
};

use crate::toy::{Toy, ToyBody, ToyHeader, hash};

type ToyBlock = herald_fetcher::BlockOf<Toy>;

/// Peers that follow the rules.
const HONEST: u8 = 2;
/// All peers.
const PEERS: u8 = 5;
/// Blocks in the drawn tree.
const BLOCKS: u64 = 96;

/// One drawn step: what, and three numbers that say which.
pub(crate) type Step = (u8, u16, u16, u16);

#[derive(Default)]
pub(crate) struct Chain {
    blocks: BTreeSet<BlockHash>,
    head: BlockNumber,
    finality: Option<u64>,
}

impl ChainView for Chain {
    fn contains(&self, hash: &BlockHash) -> bool {
        self.blocks.contains(hash)
    }
    fn head(&self) -> BlockNumber {
        self.head
    }
    fn finalized(&self) -> BlockNumber {
        self.finality.map_or(0, |depth| self.head.saturating_sub(depth))
    }
}

/// A block of the tree, and whether it keeps the rules (its ancestors included).
struct Planned {
    block: ToyBlock,
    valid: bool,
}

pub(crate) struct World {
    pub(crate) fetcher: Fetcher<Toy>,
    chain: Chain,
    now: Time,
    tree: Vec<Planned>,
    requests: BTreeMap<RequestId, (u8, Vec<BlockHash>, Kind)>,
    verify: Vec<BlockHash>,
    import: Vec<BlockHash>,
    connected: BTreeSet<u8>,
    /// Everything that came out, for the comparison of two runs.
    pub(crate) trace: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Header,
    Bodies,
}

impl World {
    pub(crate) fn new(config: Config, shape: u64, finality: Option<u64>) -> Self {
        let genesis = hash(0);
        Self {
            fetcher: Fetcher::new(config).expect("drawn configurations are valid"),
            chain: Chain { blocks: [genesis].into(), head: 0, finality },
            now: Time::ZERO,
            tree: plant(shape),
            requests: BTreeMap::new(),
            verify: Vec::new(),
            import: Vec::new(),
            connected: BTreeSet::new(),
            trace: Vec::new(),
        }
    }

    /// One step, and then everything that must hold after any.
    pub(crate) fn step(&mut self, (what, a, b, c): Step) {
        match what % 20 {
            0 => self.connect(peer(a)),
            1 if b % 4 == 0 => self.input(Input::PeerGone { peer: peer(a) }),
            1..=4 => self.announce(peer(a), b, c),
            5 | 6 => self.push(peer(a), b, c),
            7 | 8 => self.answer(a, b),
            9 => self.fail(a, b),
            10 => self.verdict(a, b),
            11 => self.imported(a, b),
            12 => self.pass(u64::from(a) % 700),
            13 => self.pass(u64::from(a) % 20),
            14 => self.sync(a, b),
            15 => self.stranger(a, b),
            16 | 17 => self.settle(),
            _ => self.imported(a, b),
        }
        self.answer_honestly();
        self.check();
    }

    /// Lets everything come to its end: the host answers, time passes, nobody else says anything.
    /// Then nothing may be left.
    pub(crate) fn wind_down(&mut self) {
        let config = self.fetcher.config().clone();
        // Each round of host work may start the lives of a few more parents, inside the window.
        let lives = 2 + u32::try_from(config.window_above + config.window_below).expect("small");
        let end = self.now.after((config.lifetime + config.future_max) * lives);
        self.settle();
        while let Some(time) = self.fetcher.poll_timeout() {
            assert!(time <= end, "an alarm at {time:?} lies after the last possible end {end:?}");
            self.now = self.now.max(time);
            self.input(Input::Tick);
            self.settle();
        }
        let status = self.fetcher.status();
        assert_eq!(status.entries, 0, "hashes stuck: {status:?}");
        assert_eq!((status.requests, status.bytes_held), (0, 0));
        for peer in status.peers {
            assert_eq!(
                (peer.announcements, peer.blocks, peer.bytes, peer.requests, peer.deferred),
                (0, 0, 0, 0, 0)
            );
        }
        assert!(self.requests.is_empty(), "a request was neither answered nor cancelled");
    }

    pub(crate) fn shut_down(&mut self) {
        self.input(Input::Shutdown);
        assert_eq!(self.fetcher.poll_timeout(), None);
        let status = self.fetcher.status();
        assert_eq!((status.entries, status.requests, status.peers.len()), (0, 0, 0));
        self.announce(0, 1, 1);
        assert!(self.fetcher.poll_output().is_none());
    }

    fn settle(&mut self) {
        loop {
            self.answer_honestly();
            if let Some(hash) = self.verify.pop() {
                let verdict = if self.is_valid(&hash) { Verdict::Valid } else { Verdict::Invalid };
                self.input(Input::Verdict { hash, verdict });
            } else if let Some(hash) = self.import.pop() {
                self.finish_import(hash, Verdict::Valid);
            } else {
                return;
            }
        }
    }

    fn check(&self) {
        self.fetcher.check_invariants().expect("the fetcher is sound");
        let (used, bound) =
            (self.fetcher.memory_bytes(), Fetcher::<Toy>::memory_bound(self.fetcher.config()));
        assert!(used <= bound, "{used} bytes in use, {bound} allowed");
    }

    fn input(&mut self, input: Input<Toy>) {
        match &input {
            Input::PeerGone { peer } => {
                self.connected.remove(peer);
                self.requests.retain(|_, (asked, _, _)| asked != peer);
            }
            Input::PeerConnected { peer } => {
                self.connected.insert(*peer);
            }
            _ => {}
        }
        self.trace.push(format!("{:?} {input:?}", self.now));
        let outcome = self.fetcher.handle(self.now, input, &self.chain);
        if let Outcome::Connection(herald_fetcher::Connection::TooMany) = outcome {
            self.connected
                .retain(|peer| self.fetcher.status().peers.iter().any(|status| status.peer == *peer));
        }
        self.trace.push(format!("{outcome:?}"));
        while let Some(output) = self.fetcher.poll_output() {
            self.trace.push(format!("{output:?}"));
            self.take(output);
        }
    }

    fn take(&mut self, output: Output<Toy>) {
        match output {
            Output::RequestHeader { request, peer, hash } => {
                assert!(self.connected.contains(&peer), "a peer that is gone is asked");
                assert!(self.requests.insert(request, (peer, vec![hash], Kind::Header)).is_none());
            }
            Output::RequestBodies { request, peer, hashes } => {
                assert!(self.connected.contains(&peer), "a peer that is gone is asked");
                assert!(!hashes.is_empty());
                assert!(self.requests.insert(request, (peer, hashes.into(), Kind::Bodies)).is_none());
            }
            Output::Cancel { request, peer } => {
                let open = self.requests.remove(&request);
                assert!(
                    open.is_some_and(|(asked, _, _)| asked == peer),
                    "a request that is not open is cancelled"
                );
            }
            Output::VerifyHeader { header } => {
                assert!(
                    self.chain.contains(&header.parent),
                    "a header is verified before its parent is there"
                );
                assert!(header.number > self.chain.finalized(), "a finalized number is verified");
                self.verify.push(header.hash);
            }
            Output::Import { block } => {
                assert_eq!(
                    block.header.commitment, block.body.commitment,
                    "a body that does not match is imported"
                );
                self.import.push(block.header.hash);
            }
            Output::ImportHeader { header } => self.import.push(header.hash),
            Output::Penalise { peer, reason, .. } => {
                // An honest peer may announce more than we take; that alone is no fault of this test.
                assert!(
                    peer >= HONEST || reason == Reason::Flooding,
                    "honest peer {peer} is blamed for {reason:?}"
                );
            }
            Output::Relay { peers, .. } | Output::Announce { peers, .. } => {
                assert!(!peers.is_empty() && peers.iter().all(|peer| self.connected.contains(peer)));
            }
            Output::OutOfReach { .. } | Output::Event(_) => {}
        }
    }

    fn connect(&mut self, peer: u8) {
        if !self.connected.contains(&peer) {
            self.input(Input::PeerConnected { peer });
        }
    }

    fn announce(&mut self, peer: u8, which: u16, lie: u16) {
        let planned = self.planned(which);
        let (hash, number, valid) = (planned.block.header.hash, planned.block.header.number, planned.valid);
        if peer < HONEST && !valid {
            return;
        }
        let number = match lie % 8 {
            0 if peer >= HONEST => number.wrapping_add(u64::from(lie) + 1),
            1 if peer >= HONEST => u64::MAX,
            _ => number,
        };
        self.input(Input::Announced { peer, hash, number });
    }

    fn push(&mut self, peer: u8, which: u16, how: u16) {
        let planned = self.planned(which);
        if peer < HONEST && !planned.valid {
            return;
        }
        let mut block = planned.block.clone();
        if peer >= HONEST && how.is_multiple_of(5) {
            block.body = ToyBody { commitment: block.body.commitment + 1_000, ..block.body };
        }
        self.input(Input::Pushed { peer, block });
    }

    /// Some request is answered, rightly or not.
    fn answer(&mut self, which: u16, how: u16) {
        let Some((request, peer, hashes, kind)) = self.some_request(which) else { return };
        if how % 16 == 15 {
            // By somebody else: nothing may change.
            let other = (peer + 1) % PEERS;
            let headers = hashes.iter().filter_map(|hash| self.header(hash)).collect();
            return self.input(Input::Headers { peer: other, request, headers });
        }
        self.requests.remove(&request);
        match kind {
            Kind::Header => {
                let mut headers: Vec<ToyHeader> =
                    hashes.iter().filter_map(|hash| self.header(hash)).collect();
                match how % 6 {
                    0 if peer >= HONEST => headers.clear(),
                    1 if peer >= HONEST => headers = vec![self.planned(how).block.header],
                    2 if peer >= HONEST => headers.push(self.planned(how).block.header),
                    _ => {}
                }
                self.input(Input::Headers { peer, request, headers });
            }
            Kind::Bodies => {
                let mut bodies: Vec<ToyBody> = hashes.iter().filter_map(|hash| self.body(hash)).collect();
                match how % 6 {
                    0 if peer >= HONEST => bodies.clear(),
                    1 if peer >= HONEST => bodies = vec![self.planned(how).block.body],
                    2 if peer >= HONEST => bodies.push(self.planned(how).block.body),
                    3 if peer >= HONEST => bodies.reverse(),
                    4 if peer >= HONEST => bodies.truncate(1),
                    _ => {}
                }
                self.input(Input::Bodies { peer, request, bodies });
            }
        }
    }

    fn fail(&mut self, which: u16, how: u16) {
        let Some((request, peer, _, _)) = self.some_request(which).filter(|(_, peer, _, _)| *peer >= HONEST)
        else {
            return;
        };
        let failures = [
            Failure::Refused,
            Failure::TimedOut,
            Failure::Malformed,
            Failure::Oversized,
            Failure::Disconnected,
        ];
        let failure = failures[usize::from(how) % failures.len()];
        self.requests.remove(&request);
        self.input(Input::RequestFailed { peer, request, failure });
    }

    fn answer_honestly(&mut self) {
        while let Some((request, peer, hashes, kind)) =
            self.requests.iter().find(|(_, open)| open.0 < HONEST).map(|(id, o)| (*id, o.0, o.1.clone(), o.2))
        {
            self.requests.remove(&request);
            match kind {
                Kind::Header => {
                    let headers = hashes.iter().filter_map(|hash| self.header(hash)).collect();
                    self.input(Input::Headers { peer, request, headers });
                }
                Kind::Bodies => {
                    let bodies = hashes.iter().filter_map(|hash| self.body(hash)).collect();
                    self.input(Input::Bodies { peer, request, bodies });
                }
            }
        }
    }

    fn verdict(&mut self, which: u16, how: u16) {
        let Some(at) = usize::from(which).checked_rem(self.verify.len()) else { return };
        let hash = self.verify.swap_remove(at);
        let verdict = match (how % 8, self.is_valid(&hash)) {
            (0, _) => Verdict::LocalFault,
            (1, true) => Verdict::Future { wait: Duration::from_millis(u64::from(how)) },
            (_, true) => Verdict::Valid,
            (_, false) => Verdict::Invalid,
        };
        self.input(Input::Verdict { hash, verdict });
    }

    fn imported(&mut self, which: u16, how: u16) {
        let Some(at) = usize::from(which).checked_rem(self.import.len()) else { return };
        let hash = self.import.swap_remove(at);
        let verdict = match how % 16 {
            0 => Verdict::LocalFault,
            // As if the clock had been set back: that, too, is a fault on our side.
            8 => Verdict::Future { wait: Duration::from_millis(u64::from(how)) },
            2 | 6 | 10 => Verdict::Retry { after: Duration::from_millis(u64::from(how / 16)) },
            _ => Verdict::Valid,
        };
        self.finish_import(hash, verdict);
    }

    fn finish_import(&mut self, hash: BlockHash, verdict: Verdict) {
        if verdict == Verdict::Valid {
            self.add_to_chain(hash);
        }
        self.input(Input::Imported { hash, verdict });
        if verdict == Verdict::Valid {
            let number = self.header(&hash).map_or(0, |header| header.number);
            self.input(Input::ChainAdvanced { blocks: vec![(hash, number)] });
        }
    }

    /// A block comes into the chain by another way.
    fn sync(&mut self, which: u16, how: u16) {
        let next = self.tree.iter().find(|planned| planned.block.header.number > self.chain.head);
        let planned = next.filter(|_| which.is_multiple_of(2)).unwrap_or_else(|| self.planned(which));
        let (block, valid) = (planned.block.clone(), planned.valid);
        if !valid || !self.chain.contains(&block.header.parent) {
            return;
        }
        self.add_to_chain(block.header.hash);
        if how.is_multiple_of(3) {
            self.input(Input::Sealed { block });
        } else {
            self.input(Input::ChainAdvanced { blocks: vec![(block.header.hash, block.header.number)] });
        }
    }

    /// Answers to questions that were never asked, and a clock that goes back.
    fn stranger(&mut self, which: u16, how: u16) {
        let hash = self.planned(which).block.header.hash;
        let request = RequestId::new(u64::from(how) + 1_000_000);
        match how % 5 {
            0 if !self.verify.contains(&hash) => {
                self.input(Input::Verdict { hash, verdict: Verdict::Invalid })
            }
            1 if !self.import.contains(&hash) => {
                self.input(Input::Imported { hash, verdict: Verdict::Invalid });
            }
            2 => {
                let headers = vec![self.planned(which).block.header];
                self.input(Input::Headers { peer: peer(which), request, headers });
            }
            // How much of a reply has come is said rightly or not, of any request.
            3 => {
                let (request, peer) =
                    self.some_request(which).map_or((request, 0), |(id, peer, ..)| (id, peer));
                self.input(Input::Progress { peer, request, bytes: u64::from(how) << 10 });
            }
            _ => {
                let now = self.now;
                self.now = Time::from_nanos(now.as_nanos() / 2);
                self.input(Input::Tick);
                self.now = now;
            }
        }
    }

    fn pass(&mut self, ms: u64) {
        self.now = self.now.after(Duration::from_millis(ms));
        self.input(Input::Tick);
    }

    fn add_to_chain(&mut self, hash: BlockHash) {
        self.chain.blocks.insert(hash);
        let number = self.header(&hash).map_or(0, |header| header.number);
        self.chain.head = self.chain.head.max(number);
    }

    fn some_request(&self, which: u16) -> Option<(RequestId, u8, Vec<BlockHash>, Kind)> {
        let at = usize::from(which).checked_rem(self.requests.len())?;
        self.requests.iter().nth(at).map(|(id, open)| (*id, open.0, open.1.clone(), open.2))
    }

    fn planned(&self, which: u16) -> &Planned {
        // Mostly near the head, where things happen.
        let near = self.chain.head.saturating_sub(4) + u64::from(which / 4) % 16;
        let at = if which.is_multiple_of(4) { usize::from(which / 4) } else { near as usize };
        &self.tree[at % self.tree.len()]
    }

    fn find(&self, hash: &BlockHash) -> Option<&Planned> {
        self.tree.iter().find(|planned| planned.block.header.hash == *hash)
    }

    fn header(&self, hash: &BlockHash) -> Option<ToyHeader> {
        self.find(hash).map(|planned| planned.block.header)
    }

    fn body(&self, hash: &BlockHash) -> Option<ToyBody> {
        self.find(hash).map(|planned| planned.block.body)
    }

    fn is_valid(&self, hash: &BlockHash) -> bool {
        self.find(hash).is_some_and(|planned| planned.valid)
    }
}

fn peer(n: u16) -> u8 {
    (n % u16::from(PEERS)) as u8
}

/// A tree of blocks on the genesis: forks, equal bodies, empty ones, invalid ones with descendants.
fn plant(shape: u64) -> Vec<Planned> {
    let mut tree: Vec<Planned> = Vec::new();
    let mut state = shape;
    for n in 1..=BLOCKS {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let draw = state >> 33;
        let parent = match draw % 8 {
            _ if tree.is_empty() => None,
            0 => tree.get((draw / 8) as usize % tree.len()),
            _ => tree.last(),
        };
        let (parent, number, valid) =
            parent.map_or((hash(0), 1, true), |p| (p.block.header.hash, p.block.header.number + 1, p.valid));
        let commitment = if draw.is_multiple_of(3) { 0 } else { 1 + draw / 3 % 5 };
        let header = ToyHeader { hash: hash(n), number, parent, commitment };
        let bytes = if commitment == 0 { 0 } else { 2_000 * commitment as usize };
        let block = ToyBlock { header, body: ToyBody { commitment, bytes } };
        tree.push(Planned { block, valid: valid && !draw.is_multiple_of(29) });
    }
    tree
}
