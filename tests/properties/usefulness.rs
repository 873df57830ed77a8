//! A valid block that an honest peer has announced is imported within [`Config::import_bound`], whatever
//! the other peers do: they stay silent, refuse, drip, lie, leave, or give a header and keep the body.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use herald_fetcher::{
    BlockHash, BlockNumber, BoundTerms, ChainView, Config, Fetcher, Hedge, Input, Output, ReplyProgress,
    RequestId, Time, Verdict,
};

use crate::toy::{Toy, ToyBody, ToyHeader, hash};

/// The one who is honest, on a line of so much latency and so many bytes a second.
pub(crate) const HONEST: u8 = 0;
const VERIFICATION: Duration = ms(100);
const IMPORT: Duration = ms(200);
/// When the honest peer announces the block.
const ANNOUNCED: Duration = Duration::from_secs(10);

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// What a peer does when it is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Manner {
    Honest {
        latency_ms: u64,
        rate: u64,
    },
    Silent,
    /// Replies with nothing.
    Empty,
    /// Replies with another block's parts.
    Wrong,
    /// Gives headers at once and never a body.
    HeadersOnly,
    /// Sends a byte now and then.
    Drips,
    /// Leaves at this time instead of answering the first request.
    Leaves,
}

/// A hostile peer: what it does, when it announces, in milliseconds, and which block.
pub(crate) type Hostile = (u8, u64, u8);

#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) hostile: Vec<Hostile>,
    pub(crate) latency_ms: u64,
    /// Of the least rate, in tenths.
    pub(crate) rate_tenths: u64,
    pub(crate) body_kib: u64,
    pub(crate) ancestors: u32,
    pub(crate) progress: bool,
    pub(crate) seed: u64,
}

enum Event {
    Announce { peer: u8, block: u64 },
    Headers { peer: u8, request: RequestId, headers: Vec<ToyHeader> },
    Progress { peer: u8, request: RequestId, bytes: u64 },
    Bodies { peer: u8, request: RequestId, bodies: Vec<ToyBody> },
    Gone { peer: u8 },
    Verified(BlockHash),
    Imported(BlockHash),
}

struct Chain(BTreeSet<BlockHash>, BlockNumber);

impl ChainView for Chain {
    fn contains(&self, hash: &BlockHash) -> bool {
        self.0.contains(hash)
    }
    fn head(&self) -> BlockNumber {
        self.1
    }
    fn finalized(&self) -> BlockNumber {
        0
    }
}

pub(crate) struct Race {
    fetcher: Fetcher<Toy>,
    chain: Chain,
    now: Time,
    events: BTreeMap<(Time, u64), Event>,
    next_event: u64,
    manners: Vec<Manner>,
    tip: u64,
    body_bytes: u64,
    bound: Duration,
}

impl Race {
    pub(crate) fn new(plan: &Plan) -> Self {
        let peers = 1 + plan.hostile.len() as u32;
        let config = Config::default().with(|config| {
            config.peers = peers;
            config.seed = plan.seed;
            // All rounds as long as the longest: the bound is then close to what may happen.
            config.hedge = Hedge::After { min: ms(250), max: ms(250) };
            config.reply_progress =
                if plan.progress { ReplyProgress::Reported } else { ReplyProgress::Unreported };
        });
        let body_bytes = plan.body_kib << 10;
        let rate = config.least_rate * plan.rate_tenths / 10;
        let transfer = Duration::from_micros(body_bytes * 1_000_000 / rate);
        let terms = BoundTerms::default().with(|terms| {
            terms.header_answer = ms(plan.latency_ms);
            terms.body_answer = ms(plan.latency_ms) + transfer;
            terms.missing_ancestors = plan.ancestors;
            (terms.verification, terms.import) = (VERIFICATION, IMPORT);
        });
        let bound = config.import_bound(&terms);
        let mut race = Self {
            fetcher: Fetcher::new(config).expect("valid"),
            chain: Chain([hash(0)].into(), 0),
            now: Time::ZERO,
            events: BTreeMap::new(),
            next_event: 0,
            manners: vec![Manner::Honest { latency_ms: plan.latency_ms, rate }],
            tip: 1 + u64::from(plan.ancestors),
            body_bytes,
            bound,
        };
        race.input(Input::PeerConnected { peer: HONEST });
        race.at(ANNOUNCED, Event::Announce { peer: HONEST, block: race.tip });
        for (peer, &(manner, at_ms, block)) in (1_u8..).zip(&plan.hostile) {
            race.input(Input::PeerConnected { peer });
            let manners = [
                Manner::Silent,
                Manner::Empty,
                Manner::Wrong,
                Manner::HeadersOnly,
                Manner::Drips,
                Manner::Leaves,
            ];
            race.manners.push(manners[usize::from(manner) % manners.len()]);
            let block = 1 + u64::from(block) % race.tip;
            race.at(ms(at_ms), Event::Announce { peer, block });
        }
        race
    }

    /// Runs until the block is imported, and says how long that took since it was announced.
    pub(crate) fn run(&mut self) -> Result<Duration, String> {
        let end = Time::ZERO.after(ANNOUNCED).after(self.bound);
        while !self.chain.contains(&hash(self.tip)) {
            let arrives = self.events.keys().next().copied();
            let rings = self.fetcher.poll_timeout();
            let next = arrives.map(|(time, _)| time).into_iter().chain(rings).min();
            let Some(next) = next.filter(|next| *next <= end) else {
                return Err(format!("not within {:?}: {:?}", self.bound, self.fetcher.status()));
            };
            self.now = self.now.max(next);
            match arrives.filter(|(time, _)| *time <= self.now) {
                Some(key) => {
                    let event = self.events.remove(&key).expect("it was there");
                    self.happen(event);
                }
                None => self.input(Input::Tick),
            }
            if self.next_event.is_multiple_of(4) {
                self.fetcher.check_invariants().map_err(|error| error.to_string())?;
            }
        }
        Ok(self.now.since(Time::ZERO.after(ANNOUNCED)))
    }

    fn at(&mut self, time: Duration, event: Event) {
        self.events.insert((Time::ZERO.after(time), self.next_event), event);
        self.next_event += 1;
    }

    fn in_time(&mut self, wait: Duration, event: Event) {
        self.at(self.now.since(Time::ZERO) + wait, event);
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Announce { peer, block } => {
                self.input(Input::Announced { peer, hash: hash(block), number: block });
            }
            Event::Headers { peer, request, headers } => {
                self.input(Input::Headers { peer, request, headers });
            }
            Event::Progress { peer, request, bytes } => self.input(Input::Progress { peer, request, bytes }),
            Event::Bodies { peer, request, bodies } => self.input(Input::Bodies { peer, request, bodies }),
            Event::Gone { peer } => self.input(Input::PeerGone { peer }),
            Event::Verified(hash) => self.input(Input::Verdict { hash, verdict: Verdict::Valid }),
            Event::Imported(hash) => {
                let number = (1..=self.tip).find(|n| crate::toy::hash(*n) == hash).expect("a block of ours");
                self.chain.0.insert(hash);
                self.chain.1 = self.chain.1.max(number);
                self.input(Input::Imported { hash, verdict: Verdict::Valid });
                self.input(Input::ChainAdvanced { blocks: vec![(hash, number)] });
            }
        }
    }

    fn input(&mut self, input: Input<Toy>) {
        let _ = self.fetcher.handle(self.now, input, &self.chain);
        while let Some(output) = self.fetcher.poll_output() {
            self.take(output);
        }
    }

    fn take(&mut self, output: Output<Toy>) {
        match output {
            Output::RequestHeader { request, peer, hash } => self.header_asked(peer, request, hash),
            Output::RequestBodies { request, peer, hashes } => {
                let numbers = hashes.iter().map(|hash| self.number(hash)).collect();
                self.bodies_asked(peer, request, numbers);
            }
            Output::Cancel { request: cancelled, .. } => self.events.retain(|_, event| match event {
                Event::Headers { request, .. }
                | Event::Progress { request, .. }
                | Event::Bodies { request, .. } => *request != cancelled,
                _ => true,
            }),
            Output::VerifyHeader { header } => self.in_time(VERIFICATION, Event::Verified(header.hash)),
            Output::Import { block } => self.in_time(IMPORT, Event::Imported(block.header.hash)),
            Output::Penalise { peer, reason, .. } => assert_ne!(peer, HONEST, "blamed for {reason:?}"),
            _ => {}
        }
    }

    fn header_asked(&mut self, peer: u8, request: RequestId, hash: BlockHash) {
        let number = self.number(&hash);
        let reply = |headers| Event::Headers { peer, request, headers };
        match self.manners[usize::from(peer)] {
            Manner::Honest { latency_ms, .. } => {
                self.in_time(ms(latency_ms), reply(vec![self.header(number)]));
            }
            Manner::HeadersOnly => self.in_time(ms(1), reply(vec![self.header(number)])),
            Manner::Empty => self.in_time(ms(1), reply(Vec::new())),
            Manner::Wrong => self.in_time(ms(1), reply(vec![self.header(number + 1)])),
            Manner::Leaves => self.in_time(ms(30), Event::Gone { peer }),
            Manner::Drips => self.drip(peer, request),
            Manner::Silent => {}
        }
    }

    fn bodies_asked(&mut self, peer: u8, request: RequestId, numbers: Vec<u64>) {
        let bodies = numbers.iter().map(|number| self.body(*number)).collect();
        let reply = |bodies| Event::Bodies { peer, request, bodies };
        match self.manners[usize::from(peer)] {
            Manner::Honest { latency_ms, rate } => {
                let bytes = self.body_bytes * numbers.len() as u64;
                let whole = bytes * 1_000 / rate;
                for part in (100..whole).step_by(100) {
                    let bytes = rate * part / 1_000;
                    self.in_time(ms(latency_ms + part), Event::Progress { peer, request, bytes });
                }
                self.in_time(ms(latency_ms + whole), reply(bodies));
            }
            Manner::Empty => self.in_time(ms(1), reply(Vec::new())),
            Manner::Wrong => self.in_time(ms(1), reply(vec![ToyBody { commitment: 7_000, bytes: 9 }])),
            Manner::Leaves => self.in_time(ms(30), Event::Gone { peer }),
            Manner::Drips => self.drip(peer, request),
            Manner::Silent | Manner::HeadersOnly => {}
        }
    }

    fn drip(&mut self, peer: u8, request: RequestId) {
        for byte in 1..60 {
            self.in_time(ms(400 * byte), Event::Progress { peer, request, bytes: byte });
        }
    }

    fn number(&self, hash: &BlockHash) -> u64 {
        (1..=self.tip).find(|n| crate::toy::hash(*n) == *hash).expect("only blocks of ours are asked for")
    }

    fn header(&self, number: u64) -> ToyHeader {
        ToyHeader { hash: hash(number), number, parent: hash(number - 1), commitment: number }
    }

    fn body(&self, number: u64) -> ToyBody {
        ToyBody { commitment: number, bytes: self.body_bytes as usize }
    }
}
