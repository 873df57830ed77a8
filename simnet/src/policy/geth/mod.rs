//! go-ethereum's own block fetcher, small: the baseline that herald is held against.
//!
//! It follows the behaviour, not the text, of go-ethereum v1.13 `eth/fetcher/block_fetcher.go` in
//! full-block mode, and as much of `eth/handler.go`, `eth/handler_eth.go`,
//! `eth/protocols/eth/handlers.go` and `eth/protocols/eth/dispatcher.go` as decides who is told of
//! a block and who is dropped. Its faults are part of it.
//!
//! # What is modelled
//! - An announced hash waits 500 ms, counted from its first announcement; whatever is older than
//!   400 ms when the timer fires goes with it. One announcer is drawn and asked, all the others are
//!   forgotten. There are no alternates.
//! - A header waits up to 100 ms for others, then one request asks each peer for all of its bodies,
//!   however many. A header whose commitments say that the body is empty is queued at once.
//! - A hash in fetching is forgotten when its announcement, or later its header, is older than 5 s,
//!   but only when the loop next wakes for something else. One in completing has no deadline: where
//!   the body does not come, it stays for ever, and announcements of it are refused for as long.
//! - The limit of 256 announcements for each peer: the count is lowered when the request goes out,
//!   and lowered again, for nothing, with each later stage that is left. So it covers only hashes
//!   not yet asked for, and not even all of those. A peer that announces a hash twice counts twice.
//! - The limit of 64 blocks for each peer, and the window of 7 below and 32 above the head. A block
//!   that either refuses takes everybody's announcements, headers and requests of its hash with it.
//! - A body is matched by trying all completing hashes of the peer that sent it.
//! - Queued blocks leave in the order of their numbers once these are at most the head's plus one.
//!   A block whose parent is not in the chain at that moment is dropped, not kept. A block that
//!   came into the chain by another way leaves the queue, but not completing.
//! - A verified block goes to the square root of the peers that lack it, an imported one is
//!   announced to all others that do.
//! - Peers are dropped ([`Output::Penalise`], and the host should disconnect at the first) for
//!   another number than announced, for a header that does not verify (whatever the cause), for no
//!   answer within 10 s, and for what cannot be decoded or is too large. Nothing else: an empty or
//!   useless answer costs nothing, nor does a pushed block with a wrong body or one that fails its
//!   import. No hash is remembered as invalid.
//! - What a dropped peer announced and gave stays, and may be asked of nobody.
//! - A block from the near future is imported, unannounced, at the first full five seconds after
//!   its time, as the chain's own list of such blocks does; one more than 30 s ahead is dropped.
//!
//! # What is left out, or differs
//! - The downloader and its `chainSync` loop: a host that syncs does so for all policies alike.
//! - The queue of four outgoing blocks and four announcements for each peer: links are the
//!   simulator's matter.
//! - Go iterates its maps in random order. Here order is by hash, by peer or by arrival, and the
//!   peers that get a whole block are drawn uniformly. Of the 1,024 blocks that a peer is known to
//!   have, the oldest is forgotten for a new one, not a random one.
//! - A reply that is late by more than 10 s, or answers no request, is handed back and counted; a
//!   request to a peer that disconnects ends with the connection.
//! - A peer may come back after it was dropped. In the simulator a drop is for good under every policy:
//!   that costs geth links to honest peers that fell silent, and spares it each attacker's return.
//! - The simulator's range sync also starts from announcements far ahead and from blocks given up,
//!   where geth's knows of heads from greetings and pushes alone: it heals a part of geth's faults.
//! - Geth looks at blocks from the future every five seconds from its own start on, here all nodes do
//!   so together, and of 257 the latest is refused where geth lets the oldest go.
//! - Copies of one header in one reply would lower the sender's count once each.
//! - Light mode, checks for the merge, and the memory of goroutines and channels.

mod fetch;
mod import;
mod peers;
#[cfg(test)]
mod tests;
mod traces;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use herald_fetcher::{
    Admission, BlockHash, Config, Connection, End, Event, Events, Input, Outcome, Output, Presence, Reason,
    RequestId, StageName, Time,
};
use rand_xoshiro::Xoshiro128PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

use self::fetch::PendingRequest;
use self::import::Future;
use self::peers::Peers;
use self::traces::{Traces, map_bytes};
use super::{Holdings, LifetimePromise, Machine, MachineCounters, MemoryUse, OnPenalty};
use crate::model::block::{PeerId, Sim};
use crate::model::chain::NodeView;

/// How long an announced hash waits for a push.
const ARRIVE_TIMEOUT: Duration = Duration::from_millis(500);
/// How much younger an announcement may be to be fetched along, and how long headers are gathered.
const GATHER_SLACK: Duration = Duration::from_millis(100);
/// How old an announcement in fetching may become.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a peer has to answer before it is dropped: twice the above.
const REPLY_TIMEOUT: Duration = Duration::from_secs(10);
/// How far below the head a block is still of use.
const UNCLE_DISTANCE_MAX: u64 = 7;
/// How far above the head a block is still of use.
const QUEUE_DISTANCE_MAX: u64 = 32;
/// Announcements counted for one peer.
const HASH_LIMIT: u32 = 256;
/// Whole blocks queued or importing for one peer.
const BLOCK_LIMIT: u32 = 64;

/// go-ethereum v1.13's block fetcher as a machine. See the [module](self) for what it does.
#[derive(Debug)]
pub struct GethModel {
    now: Time,
    running: bool,
    events: Events,
    rng: Xoshiro128PlusPlus,
    traces: Traces,
    fetch_timer: Option<Time>,
    complete_timer: Option<Time>,
    peers: Peers,
    /// By number, which is by deadline as well.
    requests: BTreeMap<RequestId, PendingRequest>,
    requests_made: u64,
    future: Vec<Future>,
    outputs: VecDeque<Output<Sim>>,
    counters: MachineCounters,
}

impl Machine for GethModel {
    const ON_PENALTY: OnPenalty = OnPenalty::Disconnect;
    /// geth's fetcher breaks these promises, and its model breaks them as it does.
    const LIFETIME_PROMISE: LifetimePromise = LifetimePromise::None;

    /// Takes the seed and whether there are events; every limit and wait is geth's.
    fn new(config: std::sync::Arc<Config>, seed: u64) -> Self {
        Self {
            now: Time::ZERO,
            running: true,
            events: config.events,
            rng: Xoshiro128PlusPlus::seed_from_u64(seed),
            traces: Traces::default(),
            fetch_timer: None,
            complete_timer: None,
            peers: Peers::default(),
            requests: BTreeMap::new(),
            requests_made: 0,
            future: Vec::new(),
            outputs: VecDeque::new(),
            counters: MachineCounters::default(),
        }
    }

    fn handle(&mut self, now: Time, input: Input<Sim>, chain: &NodeView<'_>) -> Outcome<Sim> {
        self.now = self.now.max(now);
        if !self.running {
            return refusal(input);
        }
        match input {
            Input::PeerConnected { peer } => Outcome::Connection(if self.peers.connect(peer) {
                Connection::Accepted
            } else {
                Connection::Duplicate
            }),
            Input::PeerGone { peer } => {
                self.peers.disconnect(peer);
                self.requests.retain(|_, request| request.peer != peer);
                Outcome::Done
            }
            Input::Announced { peer, hash, number } => {
                Outcome::Admission(self.announced(peer, hash, number, chain))
            }
            Input::Pushed { peer, block } => Outcome::Admission(self.pushed(peer, block, chain)),
            Input::Headers { peer, request, headers } => {
                Outcome::Headers(self.headers(peer, request, headers, chain))
            }
            Input::Bodies { peer, request, bodies } => {
                Outcome::Bodies(self.bodies(peer, request, bodies, chain))
            }
            // Geth's time limit is for the whole reply.
            Input::Progress { .. } => Outcome::Done,
            Input::RequestFailed { peer, request, failure } => {
                self.request_failed(peer, request, failure);
                Outcome::Done
            }
            Input::Verdict { hash, verdict } => {
                self.verdict(hash, verdict, chain);
                Outcome::Done
            }
            Input::Imported { hash, verdict } => {
                self.imported(hash, verdict, chain);
                Outcome::Done
            }
            // Geth's loop reads the height when it wakes, and nothing wakes it for this. It remembers no
            // hash as invalid.
            Input::ChainAdvanced { .. } | Input::Forget { .. } => Outcome::Done,
            Input::Sealed { block } => {
                self.relay(&block);
                self.announce(&block, chain);
                Outcome::Done
            }
            Input::Tick => {
                self.tick(chain);
                Outcome::Done
            }
            Input::Shutdown => {
                self.shut_down();
                Outcome::Done
            }
        }
    }

    fn poll_output(&mut self) -> Option<Output<Sim>> {
        self.outputs.pop_front()
    }

    fn poll_timeout(&self) -> Option<Time> {
        let reply = self.requests.values().next().map(|request| request.deadline);
        [self.fetch_timer, self.complete_timer, reply, self.next_future()].into_iter().flatten().min()
    }

    fn memory(&self) -> MemoryUse {
        let own = size_of::<Self>()
            + self.traces.allocated_bytes()
            + self.peers.allocated_bytes()
            + map_bytes::<RequestId, PendingRequest>(self.requests.len())
            + self.future.capacity() * size_of::<Future>();
        MemoryUse { bytes: own as u64 + self.traces.held_bytes() + self.future_bytes(), bound: None }
    }

    fn machine_counters(&self) -> MachineCounters {
        self.counters
    }

    fn holdings(&self) -> Holdings {
        let mut hashes = self.traces.hashes();
        hashes.extend(self.future.iter().map(Future::hash));
        Holdings {
            entries: hashes.len() as u64,
            requests: self.requests.len() as u64,
            announcements: self.traces.announcements(),
            blocks: self.traces.blocks() + self.future.len() as u64,
            bytes: self.traces.held_bytes() + self.future_bytes(),
        }
    }

    fn check(&self) -> Result<(), String> {
        self.traces.check()
    }
}

impl GethModel {
    /// Lets the timers that are due fire, the earliest first.
    fn tick(&mut self, chain: &NodeView<'_>) {
        self.time_out_requests();
        self.take_up_future(chain);
        let due = |timer: Option<Time>, now: Time| timer.filter(|&at| at <= now);
        let (fetch, complete) = (due(self.fetch_timer, self.now), due(self.complete_timer, self.now));
        let complete_first = match (fetch, complete) {
            (Some(fetch), Some(complete)) => complete < fetch,
            (Some(_), None) | (None, Some(_)) | (None, None) => false,
        };
        if complete_first {
            self.completion_due(chain);
        }
        if fetch.is_some() {
            self.fetch_due(chain);
        }
        if complete.is_some() && !complete_first {
            self.completion_due(chain);
        }
    }

    /// What geth's loop does each time before it waits again: clear out old fetches, then hand over
    /// the blocks that have come within reach.
    fn turn(&mut self, chain: &NodeView<'_>) {
        for hash in self.traces.take_overdue(self.now) {
            self.ended(hash, End::Expired);
        }
        self.hand_over(chain);
    }

    fn shut_down(&mut self) {
        self.running = false;
        let mut hashes = self.traces.hashes();
        hashes.extend(self.future.iter().map(Future::hash));
        self.traces = Traces::default();
        self.future = Vec::new();
        self.requests = BTreeMap::new();
        self.peers = Peers::default();
        self.fetch_timer = None;
        self.complete_timer = None;
        for hash in hashes {
            self.ended(hash, End::Shutdown);
        }
    }

    fn penalise(&mut self, peer: PeerId, reason: Reason) {
        // Geth's dropPeer does nothing for a peer that is gone.
        if self.peers.is_connected(peer) {
            self.outputs.push_back(Output::Penalise { peer, reason, presence: Presence::Connected });
        }
    }

    fn entered(&mut self, hash: BlockHash, stage: StageName, from: Option<PeerId>) {
        match self.events {
            Events::On => self.outputs.push_back(Output::Event(Event::Entered { hash, stage, from })),
            Events::Off => {}
        }
    }

    /// Reports the end of a hash, unless something of it is left: a hash can be in several of geth's
    /// maps at once.
    fn ended(&mut self, hash: BlockHash, end: End) {
        let left = self.traces.is_traced(&hash) || self.future.iter().any(|future| future.hash() == hash);
        match self.events {
            Events::On if !left => self.outputs.push_back(Output::Event(Event::Ended { hash, end })),
            Events::On | Events::Off => {}
        }
    }

    /// A number below `bound`, or 0.
    fn random_below(&mut self, bound: usize) -> usize {
        let product = u64::from(self.rng.next_u32()).saturating_mul(bound as u64);
        usize::try_from(product >> 32).unwrap_or(0)
    }
}

/// The answer of a machine that was shut down.
fn refusal(input: Input<Sim>) -> Outcome<Sim> {
    match input {
        Input::PeerConnected { .. } => Outcome::Connection(Connection::Stopped),
        Input::Announced { .. } | Input::Pushed { .. } => Outcome::Admission(Admission::Stopped),
        Input::Headers { headers, .. } => Outcome::Headers(headers),
        Input::Bodies { bodies, .. } => Outcome::Bodies(bodies),
        Input::PeerGone { .. }
        | Input::Progress { .. }
        | Input::RequestFailed { .. }
        | Input::Verdict { .. }
        | Input::Imported { .. }
        | Input::ChainAdvanced { .. }
        | Input::Sealed { .. }
        | Input::Forget { .. }
        | Input::Tick
        | Input::Shutdown => Outcome::Done,
    }
}

/// Whether a block of this number is of use to a chain of this height.
fn in_window(number: u64, height: u64) -> bool {
    number.saturating_add(UNCLE_DISTANCE_MAX) >= height && number <= height.saturating_add(QUEUE_DISTANCE_MAX)
}
