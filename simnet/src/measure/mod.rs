//! What a run came to: plain records, made by the world and read by reports and verdicts.
//!
//! Nothing here is a wall-clock, CPU or memory figure of the simulator itself, so that all of it can
//! be compared between two runs.

pub mod bound;
mod difference;
pub mod stats;
pub mod summary;
pub mod table;
pub mod verdict;

#[cfg(test)]
pub(crate) mod tests;

use herald_fetcher::{Admission, BlockHash, BlockNumber, End, Reason, Time};
use strum::{IntoStaticStr, VariantArray};

use crate::model::chain::NodeId;
use crate::policy::MachineCounters;
use crate::scenario::{AdversaryKind, Policy};

/// It did not happen.
pub const NEVER: u64 = u64::MAX;

/// One world's run under one policy.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Run {
    /// What ran in the nodes.
    pub policy: Policy,
    /// From which seed.
    pub seed: u64,
    /// The hash over all events, as hexadecimal digits.
    pub trace: String,
    /// How many events there were.
    pub events: u64,
    /// When the run ended.
    pub ended_at: Time,
    /// The measured blocks, in the order of the schedule.
    pub blocks: Vec<BlockRecord>,
    /// Every node.
    pub nodes: Vec<NodeRecord>,
    /// Messages sent, by kind, in the order of [`MessageKind::ALL`].
    pub traffic: [Traffic; MessageKind::ALL.len()],
    /// Penalties given by honest nodes, by reason and by what the penalised node is.
    pub penalties: Vec<PenaltyRecord>,
    /// The fetchers' memory over time.
    pub memory: Vec<MemorySample>,
    /// The heads of honest nodes over time.
    pub heads: Vec<HeadSample>,
    /// Times that an honest node's head went to another branch.
    pub reorganisations: u64,
    /// What became of announcements and pushes, in the order of [`Admission::ALL`], at all nodes.
    pub admissions: [u64; Admission::ALL.len()],
    /// How hashes ended, in the order of [`End::ALL`], at all nodes.
    pub ends: [u64; End::ALL.len()],
    /// What the honest nodes' machines counted, summed.
    pub counters: MachineCounters,
    /// Honest nodes online at the end that did not have the head that most of them had. Where the
    /// scenario has a core, nodes of it without the best head of those connected with them.
    pub astray: u32,
    /// Honest nodes online at the end whose machine still held something.
    pub not_empty: u32,
    /// Broken predicates; the run stops at the first.
    pub violation: Option<BrokenInvariant>,
}

/// One scheduled block.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct BlockRecord {
    /// Its slot in the schedule, warm-up included.
    pub slot: u32,
    /// Its hash; `None` where its sealer was offline and the slot stayed empty.
    pub hash: Option<BlockHash>,
    /// Its distance from genesis.
    pub number: BlockNumber,
    /// Who sealed it.
    pub sealer: NodeId,
    /// The time of its slot.
    pub sealed_at: Time,
    /// Bytes of the whole block.
    pub bytes: u64,
    /// Whether it is in the chain of most honest nodes at the end.
    pub canonical: bool,
    /// For each node, nanoseconds from the seal until it first heard of it, or [`NEVER`].
    pub heard: Vec<u64>,
    /// For each node, nanoseconds until its machine had header and matching body, or [`NEVER`].
    pub whole: Vec<u64>,
    /// For each node, nanoseconds until it was imported, or [`NEVER`]; 0 at its sealer.
    pub imported: Vec<u64>,
}

/// One node.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct NodeRecord {
    /// What it is, if hostile.
    pub hostile: Option<AdversaryKind>,
    /// Index in the scenario's regions.
    pub region: u8,
    /// Its peers in the topology.
    pub degree: u32,
    /// Whether it was online from the first to the last moment. Deliveries count at such nodes only.
    pub online_throughout: bool,
    /// Whether it was online at the end.
    pub online_at_end: bool,
    /// The number of its head at the end.
    pub head_number: BlockNumber,
    /// The hash of its head at the end.
    pub head_hash: BlockHash,
    /// Bytes that it sent.
    pub sent_bytes: u64,
    /// Bytes that it received.
    pub received_bytes: u64,
    /// Bytes of block bodies and pushed blocks that it received, whatever became of them.
    pub block_bytes: u64,
    /// The most memory that its machine was seen to use.
    pub memory_peak: u64,
    /// The most that its machine promises to use.
    pub memory_bound: Option<u64>,
    /// How often it was penalised by honest nodes.
    pub penalised: u32,
}

/// Kinds of messages, for accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
#[non_exhaustive]
pub enum MessageKind {
    /// A hash and its number.
    Announcement,
    /// A whole block, unasked.
    PushedBlock,
    /// A request for a header.
    HeaderRequest,
    /// A request for bodies.
    BodiesRequest,
    /// A header.
    Header,
    /// Bodies.
    Bodies,
    /// The greeting on a new connection, with the head.
    Status,
    /// A request for a range of blocks.
    RangeRequest,
    /// A range of blocks.
    Range,
    /// What is no message.
    Junk,
}

impl MessageKind {
    /// All kinds, in the order of [`Run::traffic`].
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The name in tables and files.
    pub fn label(self) -> &'static str {
        self.into()
    }
}

/// Messages of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Traffic {
    /// How many were sent.
    pub messages: u64,
    /// Bytes on the wire, of those that were lost too.
    pub bytes: u64,
    /// How many of them were lost for good.
    pub lost: u64,
}

/// Penalties of one reason against one kind of node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PenaltyRecord {
    /// What for.
    pub reason: Reason,
    /// What the penalised node is; `None` for an honest one.
    pub hostile: Option<AdversaryKind>,
    /// How often.
    pub count: u64,
    /// How many nodes of that kind were penalised for it.
    pub nodes: u32,
}

/// The machines' memory at one moment, over a sample of the honest nodes.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct MemorySample {
    /// When.
    pub at: Time,
    /// On average.
    pub mean: u64,
    /// The most.
    pub max: u64,
}

/// The heads of honest nodes at one moment.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct HeadSample {
    /// When.
    pub at: Time,
    /// Number and hash of each head, and how many nodes have it; the highest first, most nodes first.
    pub heads: Vec<(BlockNumber, BlockHash, u32)>,
}

/// A predicate that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BrokenInvariant {
    /// When.
    pub at: Time,
    /// Which event it was, counted from 1.
    pub event: u64,
    /// At which node, where at one.
    pub node: Option<NodeId>,
    /// What did not hold.
    pub what: String,
}
