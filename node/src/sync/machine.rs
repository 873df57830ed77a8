//! Which peer is asked for what next.

use std::collections::BTreeMap;
use std::time::Duration;

use alloy_primitives::{B256, U256};
use herald_proto::{Block, Body, HashOrNumber, Header, HeadersRequest};
use tokio::time::Instant;

use super::check::{BlockBatch, ExpectedParent, SyncFault, follow, starts_another_branch};
use super::{ImportFault, SyncChain, SyncRequestId};
use crate::network::{PeerId, RequestFailure};

/// Headers asked for at once. 192, as geth: some 100 KiB, which no honest peer is slow with.
const HEADERS: u64 = 192;

/// Bodies asked for at once, and blocks imported at once.
const BODIES: usize = 64;

/// Blocks are imported once they take this many bytes, however few they are: together with one
/// answer of the frame limit this bounds what sync holds.
const IMPORT_BYTES: usize = 8 << 20;

/// How often a peer may change its branch within its turn.
const BRANCH_CHANGES: u32 = 3;

/// How long the fetcher has for a block near the head before sync asks for it: header and body, at
/// the fetcher's own deadlines of 5 s, from a first announcer that may fail.
const FETCHER_TIME: Duration = Duration::from_secs(12);

/// How long sync pauses after our own import failed.
const PAUSE: Duration = Duration::from_secs(5);

/// How a peer's head became known.
///
/// Closed on purpose: a head is stated or announced, and an announced one is within the window or
/// beyond it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadNews {
    /// From its Status: nobody will announce it, so sync asks at once.
    Status,
    /// Announced or pushed near our head: the fetcher's, unless it is still unknown after a while.
    Near,
    /// Announced or pushed beyond the fetcher's window: sync asks at once.
    Far,
}

/// What sync wants done.
///
/// Closed on purpose: a host that does not carry out an output leaves sync waiting for an answer.
/// The compiler shows where a new one has to be carried out.
#[derive(Debug)]
#[must_use]
pub enum SyncOutput {
    /// Ask for headers. The answer comes back with the same name.
    RequestHeaders {
        /// Its name.
        request: SyncRequestId,
        /// Whom.
        peer: PeerId,
        /// Which.
        headers: HeadersRequest,
    },
    /// Ask for bodies. The answer comes back with the same name.
    RequestBodies {
        /// Its name.
        request: SyncRequestId,
        /// Whom.
        peer: PeerId,
        /// Of which blocks.
        hashes: Vec<B256>,
    },
    /// Import these, and say what came of it with [`RangeSync::imported`].
    Import(Vec<Block>),
    /// The peer's turn is over, and its head forgotten: disconnect it.
    Drop {
        /// Whom.
        peer: PeerId,
        /// Why.
        fault: SyncFault,
    },
}

/// Range sync as a state machine: no sockets, no clock.
#[derive(Debug)]
pub struct RangeSync {
    peers: BTreeMap<PeerId, PeerHead>,
    next_request: SyncRequestId,
    turn: Option<SyncTurn>,
    /// How often the peer whose turn it is changed its branch.
    branch_changes: u32,
    paused_until: Option<Instant>,
}

/// A peer's head that is not known here, as far as it was when it was heard of.
#[derive(Clone, Copy, Debug)]
struct PeerHead {
    hash: B256,
    total_difficulty: U256,
    due: Instant,
}

/// One peer's turn, from its head's header to the import of its head.
#[derive(Debug)]
struct SyncTurn {
    peer: PeerId,
    request: SyncRequestId,
    stage: SyncStage,
}

/// What a turn waits for. Requests end by their answer or failure, which the network times; an
/// import by its outcome.
#[derive(Debug)]
enum SyncStage {
    /// The header of the peer's head.
    Target(B256),
    /// The header at `at` of the peer's chain, in search of the newest common block.
    Ancestor { target: u64, search: Search },
    /// Headers after the parent.
    Headers { target: u64, parent: ExpectedParent },
    /// Bodies of the batch; `parent` is its last header.
    Bodies { target: u64, parent: ExpectedParent, batch: BlockBatch },
    /// The outcome of an import out of the batch.
    Import { target: u64, parent: ExpectedParent, batch: BlockBatch },
}

/// Where the newest common block can be: `low` is common, `high` is not.
#[derive(Clone, Copy, Debug)]
struct Search {
    low: u64,
    high: u64,
    at: u64,
    /// How far the next step goes back while nothing common was found above `low`.
    stride: u64,
}

type TurnOutcome = Result<Option<SyncOutput>, SyncFault>;

impl RangeSync {
    /// Nothing to do yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            peers: BTreeMap::new(),
            next_request: SyncRequestId::FIRST,
            turn: None,
            branch_changes: 0,
            paused_until: None,
        }
    }

    /// When to call [`tick`](Self::tick) next, if nothing else happens before.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        if self.turn.is_some() {
            return None;
        }
        let due = self.peers.values().map(|head| head.due).min()?;
        Some(self.paused_until.map_or(due, |paused| paused.max(due)))
    }

    /// A peer has a head. The total difficulty is the peer's claim; none in an announcement, which
    /// then counts as no less than ours.
    pub fn on_head(
        &mut self,
        chain: &dyn SyncChain,
        now: Instant,
        peer: PeerId,
        hash: B256,
        total_difficulty: Option<U256>,
        news: HeadNews,
    ) -> Option<SyncOutput> {
        let ours = chain.head().total_difficulty;
        let known = self.peers.get(&peer);
        let total_difficulty =
            total_difficulty.unwrap_or_else(|| known.map_or(ours, |head| head.total_difficulty.max(ours)));
        let due = match news {
            HeadNews::Status | HeadNews::Far => now,
            // A peer that announces one block after the other does not put its time off.
            HeadNews::Near => known.map_or(now + FETCHER_TIME, |head| head.due),
        };
        if !chain.contains(&hash) && total_difficulty >= ours {
            self.peers.insert(peer, PeerHead { hash, total_difficulty, due });
        }
        self.tick(chain, now)
    }

    /// A peer is gone.
    pub fn on_gone(&mut self, chain: &dyn SyncChain, now: Instant, peer: PeerId) -> Option<SyncOutput> {
        self.peers.remove(&peer);
        // An import goes on, and only one may run: its outcome ends the turn.
        self.turn.take_if(|turn| turn.peer == peer && !matches!(turn.stage, SyncStage::Import { .. }));
        self.tick(chain, now)
    }

    /// Time has passed: begins a turn if there is a reason to.
    pub fn tick(&mut self, chain: &dyn SyncChain, now: Instant) -> Option<SyncOutput> {
        if self.turn.is_some() || self.paused_until.is_some_and(|until| until > now) {
            return None;
        }
        self.paused_until = None;
        let ours = chain.head().total_difficulty;
        self.peers.retain(|_, head| head.total_difficulty >= ours && !chain.contains(&head.hash));
        let due = self.peers.iter().filter(|(_, head)| head.due <= now);
        let (peer, head) = due.max_by_key(|(_, head)| head.total_difficulty)?;
        let (peer, hash) = (*peer, head.hash);
        tracing::info!(%peer, block = %hash, "catching up");
        self.branch_changes = 0;
        let headers = headers(HashOrNumber::Hash(hash), 1);
        Some(self.ask_headers(peer, headers, SyncStage::Target(hash)))
    }

    /// Headers came. Those of another request, or from another peer, change nothing.
    pub fn on_headers(
        &mut self,
        chain: &dyn SyncChain,
        now: Instant,
        peer: PeerId,
        request: SyncRequestId,
        answer: Vec<Header>,
    ) -> Option<SyncOutput> {
        let stage = self.answered(peer, request)?;
        let outcome = match stage {
            SyncStage::Target(hash) => self.on_target(chain, peer, hash, &answer),
            SyncStage::Ancestor { target, search } => self.on_probe(chain, peer, target, search, &answer),
            SyncStage::Headers { target, parent } => self.on_batch(chain, peer, target, parent, answer),
            // Not asked for.
            SyncStage::Bodies { .. } | SyncStage::Import { .. } => Err(SyncFault::WrongHeader),
        };
        self.settle(chain, now, peer, outcome)
    }

    /// Bodies came. Those of another request, or from another peer, change nothing.
    pub fn on_bodies(
        &mut self,
        chain: &dyn SyncChain,
        now: Instant,
        peer: PeerId,
        request: SyncRequestId,
        bodies: Vec<Body>,
    ) -> Option<SyncOutput> {
        let outcome = match self.answered(peer, request)? {
            SyncStage::Bodies { target, parent, mut batch } => match batch.fill(bodies) {
                Ok(()) => Ok(Some(self.import_or_ask(peer, target, parent, batch))),
                Err(fault) => Err(fault),
            },
            // Not asked for.
            SyncStage::Target(_)
            | SyncStage::Ancestor { .. }
            | SyncStage::Headers { .. }
            | SyncStage::Import { .. } => Err(SyncFault::WrongBody),
        };
        self.settle(chain, now, peer, outcome)
    }

    /// A request has no answer.
    pub fn on_failed(
        &mut self,
        chain: &dyn SyncChain,
        now: Instant,
        peer: PeerId,
        request: SyncRequestId,
        failure: RequestFailure,
    ) -> Option<SyncOutput> {
        self.answered(peer, request)?;
        self.settle(chain, now, peer, Err(SyncFault::NoAnswer(failure)))
    }

    /// What came of the import.
    pub fn imported(
        &mut self,
        chain: &dyn SyncChain,
        now: Instant,
        result: Result<(), ImportFault>,
    ) -> Option<SyncOutput> {
        let turn = self.turn.take_if(|turn| matches!(turn.stage, SyncStage::Import { .. }));
        let Some(SyncTurn { peer, stage: SyncStage::Import { target, parent, batch }, .. }) = turn else {
            return self.tick(chain, now);
        };
        let outcome = match result {
            Ok(()) if !batch.is_empty() => Ok(Some(self.import_or_ask(peer, target, parent, batch))),
            Ok(()) if parent.number < target => Ok(Some(self.ask_next(peer, target, parent))),
            Ok(()) => Ok(None),
            Err(ImportFault::Invalid { rule, .. }) => Err(SyncFault::InvalidBlock(rule)),
            Err(ImportFault::Local) => {
                self.paused_until = Some(now + PAUSE);
                return None;
            }
        };
        self.settle(chain, now, peer, outcome)
    }

    /// The stage that this answer belongs to. The turn is taken out, and put back by the next
    /// question.
    fn answered(&mut self, peer: PeerId, request: SyncRequestId) -> Option<SyncStage> {
        let turn = self.turn.take_if(|turn| turn.peer == peer && turn.request == request)?;
        Some(turn.stage)
    }

    /// Ends the turn where there is nothing more to ask.
    fn settle(
        &mut self,
        chain: &dyn SyncChain,
        now: Instant,
        peer: PeerId,
        outcome: TurnOutcome,
    ) -> Option<SyncOutput> {
        match outcome {
            Ok(Some(output)) => Some(output),
            Ok(None) => self.tick(chain, now),
            Err(fault) => {
                tracing::debug!(%peer, %fault, "a peer's turn at sync is over");
                self.peers.remove(&peer);
                Some(SyncOutput::Drop { peer, fault })
            }
        }
    }

    fn on_target(
        &mut self,
        chain: &dyn SyncChain,
        peer: PeerId,
        hash: B256,
        answer: &[Header],
    ) -> TurnOutcome {
        let header = answer.first().ok_or(SyncFault::HeadUnknown)?;
        if header.hash() != hash {
            return Err(SyncFault::WrongHeader);
        }
        let target = header.fields().number;
        if target <= chain.finalized() {
            return Err(SyncFault::BelowFinality);
        }
        let parent = ExpectedParent { number: target - 1, hash: header.fields().parent_hash };
        if chain.contains(&parent.hash) {
            return Ok(Some(self.ask_next(peer, target, parent)));
        }
        // Genesis is common, or the peer would not be here.
        let high = target.min(chain.head().number.saturating_add(1));
        let at = high.saturating_sub(1).max(chain.finalized());
        let search = Search { low: 0, high: high.max(at + 1), at, stride: 1 };
        Ok(Some(self.probe(peer, target, search)))
    }

    fn on_probe(
        &mut self,
        chain: &dyn SyncChain,
        peer: PeerId,
        target: u64,
        mut search: Search,
        answer: &[Header],
    ) -> TurnOutcome {
        let header = answer.first().ok_or(SyncFault::Empty)?;
        if header.fields().number != search.at {
            return Err(SyncFault::WrongHeader);
        }
        let common = ExpectedParent { number: search.at, hash: header.hash() };
        if chain.contains(&common.hash) {
            search.low = search.at;
            if search.high - search.low <= 1 {
                return Ok(Some(self.ask_next(peer, target, common)));
            }
            search.at = search.low + (search.high - search.low) / 2;
        } else {
            let floor = chain.finalized();
            if search.at <= floor {
                return Err(SyncFault::BelowFinality);
            }
            search.high = search.at;
            search.at = if search.low == 0 {
                search.stride = search.stride.saturating_mul(2);
                search.high.saturating_sub(search.stride).max(floor)
            } else {
                search.low + (search.high - search.low) / 2
            };
        }
        Ok(Some(self.probe(peer, target, search)))
    }

    fn on_batch(
        &mut self,
        chain: &dyn SyncChain,
        peer: PeerId,
        target: u64,
        parent: ExpectedParent,
        answer: Vec<Header>,
    ) -> TurnOutcome {
        let last = answer.last().ok_or(SyncFault::Empty)?;
        let next = ExpectedParent { number: last.fields().number, hash: last.hash() };
        if starts_another_branch(parent, &answer) && self.branch_changes < BRANCH_CHANGES {
            // An honest peer's reorganisation between two answers looks like this.
            self.branch_changes += 1;
            let search = Search { low: 0, high: parent.number + 1, at: parent.number, stride: 1 };
            return Ok(Some(self.probe(peer, target, search)));
        }
        follow(parent, &answer)?;
        let unknown = answer.into_iter().skip_while(|header| chain.contains(&header.hash()));
        let batch = BlockBatch::new(unknown.collect());
        if batch.is_empty() {
            let more = next.number < target;
            return Ok(more.then(|| self.ask_next(peer, target, next)));
        }
        Ok(Some(self.import_or_ask(peer, target, next, batch)))
    }

    fn probe(&mut self, peer: PeerId, target: u64, search: Search) -> SyncOutput {
        let request = headers(HashOrNumber::Number(search.at), 1);
        self.ask_headers(peer, request, SyncStage::Ancestor { target, search })
    }

    fn ask_next(&mut self, peer: PeerId, target: u64, parent: ExpectedParent) -> SyncOutput {
        let first = parent.number.saturating_add(1);
        let limit = target.saturating_sub(parent.number).clamp(1, HEADERS);
        self.ask_headers(
            peer,
            headers(HashOrNumber::Number(first), limit),
            SyncStage::Headers { target, parent },
        )
    }

    fn ask_headers(&mut self, peer: PeerId, headers: HeadersRequest, stage: SyncStage) -> SyncOutput {
        let request = self.begin(peer, stage);
        SyncOutput::RequestHeaders { request, peer, headers }
    }

    /// Imports what is whole once that is enough, or all that is left; else asks for bodies.
    fn import_or_ask(
        &mut self,
        peer: PeerId,
        target: u64,
        parent: ExpectedParent,
        mut batch: BlockBatch,
    ) -> SyncOutput {
        let blocks = batch.take_whole(BODIES, IMPORT_BYTES);
        if blocks.is_empty() {
            let hashes = batch.missing(BODIES);
            let request = self.begin(peer, SyncStage::Bodies { target, parent, batch });
            return SyncOutput::RequestBodies { request, peer, hashes };
        }
        self.begin(peer, SyncStage::Import { target, parent, batch });
        SyncOutput::Import(blocks)
    }

    fn begin(&mut self, peer: PeerId, stage: SyncStage) -> SyncRequestId {
        let request = self.next_request;
        self.next_request = request.next();
        self.turn = Some(SyncTurn { peer, request, stage });
        request
    }
}

impl Default for RangeSync {
    fn default() -> Self {
        Self::new()
    }
}

fn headers(start: HashOrNumber, limit: u64) -> HeadersRequest {
    HeadersRequest { start, limit, skip: 0, reverse: false }
}
