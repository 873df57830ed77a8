//! Answering peers as eth/68 does, from raw bytes: nothing is decoded or encoded again.

use alloy_primitives::B256;
use bytes::Bytes;
use herald_proto::message::{PushOutcome, Reply};
use herald_proto::{ForkId, HashOrNumber, Header, HeadersRequest, Status};

/// How far a walk that skips may follow parents off the canonical chain, in all. As geth: a request must not
/// make us walk a long side branch.
const SIDE_STEPS_MAX: u64 = 100;

/// What the network asks of its host: who we are, and what we serve. Shared by all peers.
///
/// `status` and `check_fork_id` are called on the network's own tasks and must only read memory.
/// The others are called where blocking is allowed.
pub trait Serve: Send + Sync + 'static {
    /// Our Status as of now.
    fn status(&self) -> Status;

    /// Whether a peer with this fork id can be on our chain (EIP-2124), seen from our head.
    ///
    /// Not asked when either side has none.
    fn check_fork_id(&self, theirs: &ForkId) -> ForkFit;

    /// Puts the headers that `request` asks for into `reply`, until it is full.
    fn headers(&self, request: &HeadersRequest, reply: &mut Reply);

    /// Puts those bodies that are known into `reply`, in the order asked for, until it is full.
    fn bodies(&self, hashes: &[B256], reply: &mut Reply);
}

/// Whether a fork id fits.
///
/// Closed on purpose: it is one or the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForkFit {
    /// It can be our chain.
    Fits,
    /// It cannot, or the two have parted.
    Differs,
}

/// What serving reads of a chain. May read a disk.
pub trait ChainReader: Send + Sync + 'static {
    /// The canonical block at this height.
    fn canonical_hash(&self, number: u64) -> Option<B256>;
    /// The number of a known block, canonical or not.
    fn number(&self, hash: &B256) -> Option<u64>;
    /// A known header, as it arrived.
    fn raw_header(&self, hash: &B256) -> Option<Bytes>;
    /// A known body, as `[transactions, uncles]` or `[transactions, uncles, withdrawals]`.
    fn raw_body(&self, hash: &B256) -> Option<Bytes>;
}

/// Puts bodies into `reply`: those known, in order, the unknown left out.
pub fn serve_bodies(chain: &impl ChainReader, hashes: &[B256], reply: &mut Reply) {
    for raw in hashes.iter().filter_map(|hash| chain.raw_body(hash)) {
        match reply.push(&raw) {
            PushOutcome::Added => {}
            PushOutcome::AddedLast | PushOutcome::Refused => return,
        }
    }
}

/// Puts headers into `reply`, walking as eth/68 does: by hash or number, with skip and reverse.
///
/// The walk ends at the chain's ends. An unknown start gives nothing; a step that leaves the range
/// of numbers gives what came before. A start off the canonical chain is followed towards genesis
/// only: what would come after it is not known.
pub fn serve_headers(chain: &impl ChainReader, request: &HeadersRequest, reply: &mut Reply) {
    let mut walk = Walk { chain, side_steps: SIDE_STEPS_MAX };
    let mut at = match request.start {
        HashOrNumber::Hash(hash) => chain.number(&hash).map(|number| ChainPosition { number, hash }),
        HashOrNumber::Number(number) => walk.canonical(number),
    };
    for _ in 0..request.limit {
        let Some(position) = at else { return };
        let Some(raw) = chain.raw_header(&position.hash) else { return };
        match reply.push(&raw) {
            PushOutcome::Added => {}
            PushOutcome::AddedLast | PushOutcome::Refused => return,
        }
        let Some(stride) = request.skip.checked_add(1) else { return };
        at = if request.reverse { walk.back(position, stride) } else { walk.forth(position, stride) };
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ChainPosition {
    number: u64,
    hash: B256,
}

struct Walk<'a, C> {
    chain: &'a C,
    side_steps: u64,
}

impl<C: ChainReader> Walk<'_, C> {
    fn canonical(&self, number: u64) -> Option<ChainPosition> {
        self.chain.canonical_hash(number).map(|hash| ChainPosition { number, hash })
    }

    fn is_canonical(&self, position: ChainPosition) -> bool {
        self.chain.canonical_hash(position.number) == Some(position.hash)
    }

    fn forth(&self, from: ChainPosition, stride: u64) -> Option<ChainPosition> {
        if !self.is_canonical(from) {
            return None;
        }
        self.canonical(from.number.checked_add(stride)?)
    }

    /// On the canonical chain one look-up; off it parent by parent, until it is reached.
    fn back(&mut self, mut from: ChainPosition, stride: u64) -> Option<ChainPosition> {
        let target = from.number.checked_sub(stride)?;
        while from.number > target {
            if self.is_canonical(from) {
                return self.canonical(target);
            }
            // Without skipping, each step is an answer, and answers are limited.
            if stride > 1 {
                self.side_steps = self.side_steps.checked_sub(1)?;
            }
            let raw = self.chain.raw_header(&from.hash)?;
            let hash = Header::decode(&raw).ok()?.fields().parent_hash;
            from = ChainPosition { number: from.number.checked_sub(1)?, hash };
        }
        Some(from)
    }
}
